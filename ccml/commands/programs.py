"""Tables of programs: their family, whether they have sub-commands, and the kinds of their options' values and words.

`parse` and the intent rules read them. An unknown program has the family `other` and no sub-commands, and the kinds of
its words follow from their form alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

FAMILIES: Final = (
    "files", "text", "search", "git", "process", "network", "packages", "python",
    "containers", "system", "archive", "shell", "other",
)  # fmt: skip

_FAMILY_PROGRAMS: Final[dict[str, str]] = {
    "files": "ls ll la dir cd pwd cp mv rm mkdir rmdir touch ln stat file du df tree chmod chown chgrp basename "
    "dirname "
    "realpath readlink install rsync dd truncate shred mktemp pushd popd exa eza lsattr chattr umask split trash open "
    "xdg-open LS MultiEdit Write Edit Read NotebookEdit NotebookRead vidir rename mmv lsd nautilus code ncdu",
    "text": "cat bat head tail less more nl tac wc sort uniq cut tr sed awk gawk mawk paste join comm diff cmp patch "
    "column fold fmt expand rev jq yq xxd od hexdump strings tee printf echo vim vi nvim nano emacs ed iconv md5sum "
    "sha1sum sha256sum sha512sum cksum base64 dos2unix shuf seq csvcut xmllint gedit colordiff pr expr bc",
    "search": "grep egrep fgrep rg ag ack find fd fdfind locate updatedb mlocate plocate which whereis type apropos "
    "Grep Glob WebSearch fzf",
    "git": "git gh glab svn hg tig lazygit git-lfs pre-commit",
    "process": "ps top htop btop kill pkill killall pgrep pidof nice renice jobs fg bg wait strace lsof fuser watch "
    "timeout time free vmstat uptime nohup disown glances pstree atop ltrace gdb screen tmux KillShell BashOutput",
    "network": "curl wget ping ssh scp sftp ftp nc ncat netcat telnet nmap dig nslookup host whois ip ifconfig netstat "
    "ss route traceroute tracepath mtr tcpdump tshark wireshark arp iptables nft ufw nmcli iw iwconfig ethtool openssl "
    "http xh aria2c socat rclone hydra medusa sqlmap nikto gobuster dirb msfconsole metasploit smbclient enum4linux "
    "WebFetch ssh-keygen ssh-copy-id ssh-add hping3 masscan arp-scan netdiscover john hashcat searchsploit "
    "whatweb wpscan",
    "packages": "apt apt-get apt-cache aptitude dpkg yum dnf rpm pacman yay zypper apk brew port snap flatpak pip pip3 "
    "pipx uv conda mamba poetry pdm npm npx yarn pnpm bun gem bundle cargo rustup go composer nix nix-env winget choco "
    "scoop emerge npm-check",
    "python": "python python2 python3 ipython jupyter pytest py.test tox nox ruff mypy black isort flake8 pylint "
    "pyright coverage django-admin manage.py flask uvicorn gunicorn celery streamlit python3.9 python3.10 python3.11 "
    "python3.12 python3.13 virtualenv pyenv unittest",
    "containers": "docker docker-compose podman podman-compose kubectl k9s helm minikube kind k3s buildah "
    "skopeo nerdctl "
    "ctr crictl oc vagrant terraform ansible ansible-playbook lxc virsh kustomize",
    "system": "sudo su doas systemctl service journalctl dmesg uname hostname hostnamectl whoami id who w last users "
    "groups useradd usermod userdel adduser deluser passwd groupadd mount umount lsblk blkid fdisk parted mkfs fsck "
    "crontab at date cal timedatectl locale sysctl modprobe lsmod lspci lsusb lscpu lshw dmidecode reboot shutdown "
    "poweroff halt init swapon swapoff launchctl defaults sw_vers nvidia-smi sensors loginctl getent arch nproc "
    "iostat sar env printenv findmnt logger chroot visudo update-alternatives ulimit",
    "archive": "tar zip unzip gzip gunzip zcat bzip2 bunzip2 xz unxz zstd unzstd 7z 7za rar unrar cpio ar lz4 "
    "pigz zgrep "
    "zless zipinfo jar",
    "shell": "bash sh zsh fish dash ksh export set unset alias unalias source . eval exec exit history clear "
    "reset true "
    "false test [ read let local declare readonly shift trap return break continue xargs parallel sleep yes help man "
    "info tldr which command builtin hash fc bind stty tput script logout msf",
}

FAMILY: Final[dict[str, str]] = {
    program: family for family, programs in reversed(_FAMILY_PROGRAMS.items()) for program in programs.split()
} | dict.fromkeys("make cmake ninja gcc g++ clang cc rustc javac java mvn gradle node deno tsc ts-node ruby perl php "
                  "lua Rscript julia dotnet bazel meson jest vitest mocha webpack vite eslint prettier rspec phpunit "
                  "psql mysql sqlite3 redis-cli mongo mongosh TodoWrite Task".split(), "other")  # fmt: skip

WITH_SUBCOMMANDS: Final = frozenset(
    "git gh glab svn hg apt apt-get apt-cache aptitude yum dnf pacman zypper apk brew port snap flatpak pip "
    "pip3 pipx uv "
    "conda mamba poetry pdm npm yarn pnpm bun gem bundle cargo rustup go composer winget choco scoop docker "
    "docker-compose podman podman-compose kubectl helm minikube kind buildah skopeo oc vagrant terraform systemctl "
    "launchctl nmcli ip ufw openssl aws gcloud az heroku flyctl vercel netlify dotnet jupyter flask celery ruff "
    "pre-commit virsh lxc timedatectl hostnamectl loginctl rclone restic borg vault consul nomad doctl stripe firebase "
    "ng nx turbo deno mvn gradle ./gradlew tmux".split()
)

# What an option's value is, by program. `literal` values are closed choices and stay in the template (`find -type f`,
# `curl -X POST`): replacing them would give different commands one template.
_OPTION_VALUES: Final[dict[str, str]] = {
    "*": "--file=path --output=path --directory=path --config=path --port=number",
    "find": "-name=pattern -iname=pattern -path=pattern -ipath=pattern -wholename=pattern -regex=pattern "
    "-iregex=pattern "
    "-newer=path -user=name -group=name -size=number -mtime=number -atime=number -ctime=number -mmin=number "
    "-amin=number -cmin=number -maxdepth=number -mindepth=number -perm=number -printf=text -samefile=path -inum=number "
    "-lname=pattern -fprint=path -type=literal -regextype=literal -links=number -uid=number -newermt=text",
    "grep egrep fgrep zgrep": "-e=pattern -f=path --include=pattern --exclude=pattern --exclude-dir=pattern -A=number "
    "-B=number -C=number -m=number --max-count=number",
    "rg ag": "-e=pattern -g=pattern --glob=pattern -f=path -A=number -B=number -C=number -t=literal "
    "--type=literal -m=number",
    "sed": "-e=text -f=path",
    "awk gawk mawk": "-F=text -f=path -v=assignment",
    "cut": "-d=text -f=number -c=number -b=number",
    "head tail": "-n=number -c=number",
    "sort": "-t=text -k=number -o=path -S=number",
    "ls tree du df": "-L=number --max-depth=number -d=number --sort=literal -I=pattern -P=pattern",
    "git": "-m=text --message=text -C=path --author=text --grep=pattern -S=pattern -G=pattern -b=name -n=number "
    "--since=text "
    "--until=text --format=text --pretty=text -L=text",
    "tar": "-f=path -C=path --exclude=pattern -T=path",
    "zip unzip": "-d=path -x=pattern -P=text",
    "ssh scp sftp": "-i=path -l=name -F=path -o=assignment -L=text -R=text -D=number -J=host -p=number -P=number",
    "rsync": "-e=text --exclude=pattern --include=pattern",
    "curl": "-o=path -H=text --header=text -d=text --data=text --data-binary=text -X=literal --request=literal -u=text "
    "-b=text -F=text -A=text -T=path --max-time=number -m=number -w=text -x=url",
    "wget": "-O=path -P=path",
    "docker podman": "-v=path --volume=path --name=name -e=assignment -w=path -f=path --network=name -p=number -t=name "
    "--tail=number --format=text -u=name",
    "kubectl": "-n=name --namespace=name -f=path -l=text -o=literal --tail=number -c=name",
    "python python3": "-c=text -m=literal",
    "bash sh zsh perl ruby node su": "-c=text -e=text",
    "pytest": "-k=pattern -m=text -n=number --maxfail=number --tb=literal -p=name",
    "pip pip3": "-r=path --requirement=path -e=path -i=url --index-url=url -t=path",
    "npm yarn pnpm": "--prefix=path -w=name",
    "make": "-C=path -f=path -j=number",
    "useradd usermod": "-s=path -d=path -G=name -g=name",
    "gcc g++ clang": "-o=path -I=path -L=path",
    "nmap": "-p=number -oN=path -oX=path -oG=path -oA=path -iL=path --script=name",
    "hydra medusa ncrack": "-l=name -L=path -P=path -p=text -t=number -s=number --user=name --pass=text",
    "journalctl": "-u=name -n=number --since=text --until=text -p=literal",
    "systemctl": "--type=literal --state=literal",
    "ps": "-o=literal -u=name -p=number --sort=literal -C=name",
    "top": "-n=number -d=number -p=number -u=name -o=literal",
    "kill pkill killall": "-s=literal",
    "ping": "-c=number -i=number -W=number -s=number -I=name",
    "lsof": "-i=name -p=number -u=name",
    "xargs": "",
    "mount": "-t=literal -o=text",
    "chmod chown": "--reference=path",
    "fcrackzip": "-p=path -l=number -c=literal",
    "john": "--format=literal --wordlist=path",
}
OPTION_VALUES: Final[dict[str, dict[str, str]]] = {
    program: {option: kind for option, _, kind in (entry.rpartition("=") for entry in values.split())}
    for programs, values in _OPTION_VALUES.items()
    for program in programs.split()
}

# Where an option of a sub-command is not what it is elsewhere: its kind, or nothing where it takes no value there
# (`docker logs -f web` follows, `docker compose -f file` names a file).
_SUBCOMMAND_VALUES: Final[dict[str, str]] = {
    "docker+logs docker+rm docker+rmi podman+logs podman+rm podman+rmi docker+compose+logs docker+compose+rm "
    "docker-compose+logs docker-compose+rm": "-f=",
    "docker+ps docker+images podman+ps podman+images": "-f=text",
    "kubectl+logs kubectl+exec": "-f= -p=",
    "git+clone git+fetch git+pull": "--depth=number -j=number --branch=name -o=name -b=name",
    "git+push git+rm git+clean git+add git+commit": "-n=",
}
SUBCOMMAND_VALUES: Final[dict[str, dict[str, str]]] = {
    name.replace("+", " "): {option: kind for option, _, kind in (entry.rpartition("=") for entry in values.split())}
    for names, values in _SUBCOMMAND_VALUES.items()
    for name in names.split()
}
GLOBAL_ANYWHERE: Final = frozenset("aws gcloud az kubectl oc helm gh heroku flyctl fly doctl".split())
"""Programs that take their global options behind a sub-command too."""

# Options that stand before the sub-command, with the kinds of their values: `aws --profile work s3 ls`.
_GLOBAL_VALUES: Final[dict[str, str]] = {
    "git": "-c=assignment -C=path --git-dir=path --work-tree=path --namespace=name --exec-path=path",
    "docker podman nerdctl": "--context=name -c=name --config=path -H=url --host=url -l=name --log-level=name",
    "docker-compose": "-f=path --file=path -p=name --project-name=name --env-file=path --profile=name "
    "--project-directory=path",
    "docker+compose podman+compose": "-f=path --file=path -p=name --project-name=name --env-file=path --profile=name "
    "--project-directory=path",
    "kubectl oc": "-n=name --namespace=name --context=name --cluster=name --kubeconfig=path --user=name -s=url "
    "--server=url --as=name",
    "helm": "-n=name --namespace=name --kube-context=name --kubeconfig=path",
    "aws": "--profile=name --region=name --output=literal --endpoint-url=url --query=text --ca-bundle=path",
    "gcloud": "--project=name --account=name --configuration=name --format=literal",
    "az": "--subscription=name -o=literal --output=literal --query=text",
    "gh": "-R=name --repo=name",
    "redis-cli": "-h=host -p=number -n=number -a=text -u=url -s=path --user=name --pass=text",
    "heroku flyctl fly": "-a=name --app=name -r=name --remote=name",
    "doctl": "--context=name -t=text --access-token=text -c=path --config=path -o=literal",
    "systemctl loginctl": "-H=host -M=name -t=literal -p=name -n=number --root=path --state=literal --type=literal",
    "npm": "--prefix=path -w=name --workspace=name",
    "pnpm": "-C=path --dir=path --filter=name -F=name",
    "yarn bun": "--cwd=path",
    "pip pip3": "--proxy=url --log=path --python=path",
    "poetry": "-C=path --directory=path -P=path --project=path",
    "uv": "--directory=path --project=path --config-file=path",
    "cargo": "--manifest-path=path --config=path -Z=name -C=path --color=literal",
    "go": "-C=path",
    "apt apt-get": "-o=assignment -c=path -t=name",
    "dnf yum": "-c=path --enablerepo=name --disablerepo=name",
    "tmux": "-L=name -S=path -f=path",
    "ip": "-n=name -netns=name",
    "nmcli": "-f=name -m=literal",
    "virsh": "-c=url --connect=url",
    "rclone": "--config=path",
    "restic borg": "-r=path --repo=path -p=path --password-file=path --repository-file=path",
    "vault consul nomad": "-address=url -namespace=name -token=text",
    "hg": "-R=path --cwd=path --config=assignment",
    "vercel": "-A=path --cwd=path -t=text --token=text -S=name --scope=name",
    "firebase": "-P=name --project=name -c=path --config=path",
    "stripe supabase wrangler": "--config=path -c=path --workdir=path",
    "mvn": "-f=path -pl=name -P=name -s=path",
    "gradle ./gradlew": "-p=path -b=path",
    "dotnet": "",
}
GLOBAL_VALUES: Final[dict[str, dict[str, str]]] = {
    program.replace("+", " "): {option: kind for option, _, kind in (entry.rpartition("=") for entry in values.split())}
    for programs, values in _GLOBAL_VALUES.items()
    for program in programs.split()
}

# The kinds of a program's plain words, in order; the last one holds for all further words.
_OPERANDS: Final[dict[str, str]] = {
    "ls ll dir cat bat head tail less more nl tac wc rm rmdir mkdir touch cp mv ln stat file du df tree vim vi "
    "nvim nano emacs "
    "cd pushd source . open xdg-open diff cmp sort uniq cut md5sum sha256sum unzip gzip gunzip zcat zip python "
    "python2 python3 bash sh zsh node ruby perl php pytest basename dirname realpath readlink shred truncate "
    "tee rsync code "
    "black isort flake8 ruff mypy gcc g++ clang paste join comm strings xxd rustc javac ncdu Read Write Edit MultiEdit "
    "LS find install column fcrackzip od hexdump scp tar 7z patch lsattr gedit john umount": "path",
    "grep egrep fgrep rg ag ack zgrep Grep fd fdfind locate Glob": "pattern path",
    "sed awk gawk mawk jq yq perl": "text path",
    "tr echo printf wall alias logger notify-send expr": "text",
    "chmod": "mode path",
    "chown chgrp": "name path",
    "kill": "number",
    "sleep seq": "number",
    "pkill killall pgrep pidof which whereis type man tldr apropos info id su passwd useradd userdel usermod "
    "adduser groups "
    "help hash unset apt apt-get apt-cache aptitude yum dnf pacman zypper apk brew snap pip pip3 pipx uv conda "
    "npm yarn pnpm "
    "gem cargo poetry dpkg docker podman kubectl helm npx tmux systemctl git go rustup screen jobs fg bg "
    "crontab umask": "name",
    "service": "name literal",
    "make": "literal",
    "ssh": "host text",
    "ping nmap dig nslookup host whois traceroute mtr telnet nc ncat netcat ftp sftp hydra medusa nikto enum4linux "
    "ssh-copy-id connect": "host number",
    "http.server": "number",
    "curl wget http xh WebFetch": "url",
    "set setg use show": "literal text",
    "ip": "literal name",
    "export": "assignment",
}
OPERANDS: Final[dict[str, tuple[str, ...]]] = {
    program: tuple(kinds.split()) for programs, kinds in _OPERANDS.items() for program in programs.split()
}

# Sub-commands that have sub-commands of their own: `docker compose up`, `git stash pop`.
NESTED_SUBCOMMANDS: Final = frozenset(
    "compose image container network volume system builder context stash remote submodule worktree bisect config cache "
    "pr issue repo run auth release workflow tool python env venv addr route link rule neigh s3 ec2 iam lambda "
    "ecs eks sts "
    "rollout top create get-credentials bucket secret".split()
)

_PATH_TO_A_VERB: Final = frozenset("gcloud az oci doctl".split())
"""Their sub-command ends with a verb: `gcloud compute instances delete`, `az group list`."""
_VERBS: Final = frozenset(
    "list show describe get create delete update add remove set start stop restart run deploy describe resize "
    "reset attach detach purge enable disable ssh scp login logout info version import export connect".split()
)


def deepest_subcommand(program: str, path: Sequence[str]) -> int:
    """How many words the sub-command that begins with `path` may have."""
    if not path:
        return 1
    if program == "aws":
        return 2
    if program in _PATH_TO_A_VERB:
        return len(path) if path[-1].partition("-")[0] in _VERBS else 4
    runs_tasks = program in ("npm", "yarn", "pnpm", "bun")
    return 2 if len(path) == 1 and path[0] in NESTED_SUBCOMMANDS and not runs_tasks else 1


# `npm run build`, `make test`: these names of tasks mean the same in every project, so a template keeps them.
TASKS: Final = frozenset(
    "test tests build install clean all lint dev start stop check run docs format fmt help watch serve deploy release "
    "compile coverage typecheck package dist up down restart status update upgrade logs e2e unit integration "
    "setup ui".split()
)

GIT_PATHS: Final = frozenset(
    {"add", "rm", "mv", "restore", "blame", "diff", "clone", "show", "log", "apply", "ls-files", "grep"}
)


def family(program: str) -> str:
    """The family of a program, one of `FAMILIES`."""
    return FAMILY.get(program.rpartition("/")[2], "other") if program else "other"
