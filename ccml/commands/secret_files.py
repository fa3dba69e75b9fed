"""Which files hold secrets. Reading one shows its secret, so a command that does is never `safe`."""

from __future__ import annotations

import re
from typing import Final

_FOLDERS: Final = (
    ".ssh .gnupg .aws .kube .docker .azure .password-store .config/gh .config/gcloud .config/op .config/hub "
    ".config/rclone .config/doctl .config/containers .terraform.d .vault .oci .minikube .m2 .cargo/credentials "
    "/etc/ssl/private /etc/wireguard /etc/openvpn /etc/sudoers.d /etc/NetworkManager/system-connections "
    "/run/secrets /var/run/secrets keyrings .mozilla .thunderbird .electrum .bitcoin"
).split()
_NAMES: Final = (
    "id_rsa id_dsa id_ecdsa id_ed25519 .netrc _netrc .pgpass .my.cnf .mylogin.cnf .npmrc .yarnrc.yml .pypirc .envrc "
    ".git-credentials .htpasswd .boto .s3cfg .vault-token .gem/credentials .docker/config.json .dockercfg .esmtprc "
    "shadow shadow- gshadow gshadow- sudoers .bash_history .zsh_history .python_history .psql_history .mysql_history "
    ".node_repl_history .sqlite_history .rediscli_history .viminfo wp-config.php local.settings.json "
    "terraform.tfstate terraform.tfstate.backup auth.json kubeconfig admin.conf master.key "
    "application_default_credentials.json "
    "hosts.yml rclone.conf .terraformrc settings-security.xml wallet.dat krb5.keytab passwords.txt password.txt"
).split()
_ENDINGS: Final = "pem key p12 pfx p8 kdbx kdb jks keystore ppk asc gpg tfstate tfvars ovpn keytab env pgpass".split()

_SECRET: Final = re.compile(
    r"(?i)(?:^|[/\\=:,@])(?:" + "|".join(map(re.escape, (f.lstrip("/") for f in _FOLDERS))) + r")(?:[/\\]|$)"
    r"|(?:^|[/\\=:,@])(?:" + "|".join(map(re.escape, _NAMES)) + r")$"
    r"|\.(?:" + "|".join(_ENDINGS) + r")$"
    r"|\.env(?:\.[\w.-]{1,40})?$"
    r"|credentials?(?:\.\w{1,8})?$|credentials[/\\]"
    r"|secrets?(?:[.\\/-]|$)"
    r"|service[-_]?account[\w-]{0,40}\.json$"
    r"|^/proc/[^/]{1,20}/(?:environ|mem|maps)|^/dev/(?!null$|stdin$|stdout$|stderr$|zero$)"
)
_PROGRAM_ENV: Final = frozenset({"env", "/usr/bin/env"})


def is_secret_path(word: str) -> bool:
    """A word of a command that may name a file of secrets, or an option that ends with one (`--file=.env`)."""
    return word not in _PROGRAM_ENV and _SECRET.search(word[-400:]) is not None
