"""Which words of which programs are secret. Data only; `shell_secrets` reads it."""

from __future__ import annotations

from typing import Final

OPTIONS: Final[dict[str, str]] = {
    # Data bases.
    "mysql mysqldump mysqladmin mysqlimport mysqlshow mysqlcheck mysqlbinlog mysqlpump mysql_upgrade mysqlslap mycli "
    "mariadb mariadb-dump mariadb-admin mariadb-import mariadb-check mariadb-show mariadb-backup xtrabackup mysqlsh "
    "mysqld_safe mysql_secure_installation mysql_config_editor innobackupex mydumper myloader": "-p* takes=hPuDSeOtyi",
    "mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat mongotop mongofiles cqlsh nodetool beeline "
    "snowsql hdbsql vsql nzsql gpload clickhouse-client clickhouse-local monetdb cockroach iris ysqlsh ycqlsh": "-p",
    "sqlcmd bcp osql isql-fb isql-v sqsh tsql fisql defncopy iisql go-sqlcmd mssql-cli": "-P",
    "vsql exaplus nzload": "-w -p -P -pw",
    "redis-cli redis-benchmark valkey-cli keydb-cli iredis": "-a --pass auth>last requirepass+ masterauth+ "
    "setuser>sigil",
    "sqlplus sqlldr expdp impdp rman exp imp tnsping sqlcl": "@1/",
    "isql iusql": "@3",
    "influx influxd influxdb": "-password!",
    "influx|auth influx|user influx|setup": "-p --password",
    "influx|config": "-t",
    "db2": "using+",
    "cypher-shell": "-p",
    "gfsh": "--password",
    "couchbase-cli cbq cbbackupmgr cbc": "-p",
    "arangosh arangodump arangorestore": "--server.password",
    "neo4j-admin": "set-initial-password+",
    # The web.
    "curl curlie": "-u: -U: --user: --proxy-user: --pass --proxy-pass --oauth2-bearer --tlspassword -E: --cert: "
    "-b=* --cookie=* takes=AbcCdDeFhHKmoPQrtTwxXyYz",
    "http https xh xhs httpie": "-a: --auth:",
    "wget wget2 aria2c axel lwp-request": "--http-passwd --http-password --ftp-password --ftp-passwd --rpc-secret "
    "--proxy-password",
    "ab siege": "-A: -P:",
    "lynx links elinks w3m": "-auth:",
    "youtube-dl yt-dlp gallery-dl streamlink": "-p --video-password --ap-password",
    "htpasswd nghttpasswd": "-b>last takes=C",
    "mosquitto_passwd": "-b>last",
    "caddy|hash-password": "-p --plaintext",
    "swaks sendemail sendmail mutt msmtp": "-ap -xp --auth-password -au!",
    "lftp open": "-u,",
    "kadmin kadmin.local": "-w",
    "ncftp ncftpput ncftpget ncftpls tnftp": "-p",
    "rclone|obscure": "@1",
    "rclone|create rclone|update rclone|password": "pass+ password+ secret_access_key+ token+ client_secret+",
    # Logging in somewhere.
    "docker|login podman|login buildah|login nerdctl|login helm|login|registry oras|login cf|login cf|auth az|login "
    "oc|login "
    "ibmcloud|login bx|login crane|login regctl|login skopeo|login img|login helm|login kubelogin argocd|login "
    "tsh|login "
    "jf|login snap|login singularity|login apptainer|login balena|login expo|login eas|login": "-p --password",
    "cf|auth": "@2",
    "skopeo buildah podman crictl": "--creds: --src-creds: --dest-creds: --auth:",
    "vault|login ngrok|authtoken ngrok|add-authtoken bw|unlock cargo|login snyk|auth sentry|login heroku|auth "
    "flyctl|auth "
    "glab|auth wandb|login clearml|init tailscale|up comet|login neptune|login roboflow|login": "@1?",
    "bw|login": "@2",
    "lpass|login rbw": "@2?",
    "az|sql az|mysql az|postgres az|mariadb": "-p",
    "az|login": "-p --password --service-principal-password",
    "doctl|init flyctl fly gitlab-runner": "-t -r --access-token --registration-token",
    "hub ghorg codecov coveralls": "-t",
    "huggingface-cli|login hf|auth|login": "--token",
    "aws|set": "aws_secret_access_key+ aws_session_token+",
    "mc|set mc|add mcli|set": "@4",
    "s3cmd": "--secret_key --access_key",
    "rdesktop": "-p",
    "xfreerdp wlfreerdp xfreerdp3 sdl-freerdp freerdp wmic schtasks cmdkey mstsc signtool winrs net1 dism "
    "psexec64": "/p:* /pass:* "
    "/password:* /rp+ /p+ /gp:* -p:* /rp:*",
    "plink pscp psftp putty pageant kitty winscp winscp.com": "-pw -passphrase /password=*",
    "sshpass": "-p",
    "evil-winrm psexec paexec wmiexec smbexec secretsdump winrm": "-p -H",
    "crackmapexec cme netexec nxc smbmap bloodhound-python enum4linux-ng kerbrute": "-p -H",
    "hydra medusa ncrack patator": "-p",
    "smbclient rpcclient smbget smbcacls winexe pth-winexe net smbtree smbcquotas nmblookup": "-U% --user%",
    "impacket-psexec impacket-smbexec impacket-wmiexec impacket-secretsdump psexec.py wmiexec.py secretsdump.py "
    "smbexec.py getuserspns.py gettgt.py": "@1:",
    "smbclient": "@2?",
    "smbpasswd": "-a>last",
    "ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami ldapcompare ldapmodrdn ldapexop": "-w "
    "takes=abcdDeEfFhHlLoOpPsSTUXYyz",
    "ldappasswd": "-w -s -a takes=DhHpU",
    "snmpwalk snmpget snmpset snmpbulkwalk snmptrap snmpgetnext": "-A -X",
    "ipmitool ipmi-sensors racadm": "-P -p",
    "rabbitmqadmin": "-p --password",
    "mosquitto_pub mosquitto_sub mosquitto_rr mqttx": "-P --pw -pw",
    "rabbitmqctl|add_user rabbitmqctl|change_password rabbitmqctl|authenticate_user wpa_passphrase": "@2",
    # Archives, keys and disks.
    "zip zipcloak": "-P takes=bnOtTsxi",
    "unzip zipinfo funzip": "-P takes=dx",
    "7z 7za 7zr 7zz 7zip p7zip": "-p*",
    "rar unrar": "-p* -hp*",
    "arj": "-g*",
    "dar": "-K -J",
    "openssl": "-k! -K! -pass! -passin! -passout! -password! -psk! -srppass! pass:*",
    "openssl|passwd": "last",
    "mkpasswd": "last",
    "ssh-keygen": "-N -P takes=abCDEfFIJKlmMnOrRsStTVwWYzZ",
    "gpg gpg2": "--passphrase",
    "keytool jarsigner apksigner": "-storepass -keypass -srcstorepass -deststorepass -srckeypass -destkeypass -new "
    "pass:* "
    "--ks-pass --key-pass",
    "certutil pk12util certreq": "-p -W -K",
    "pdftk": "input_pw+ user_pw+ owner_pw+",
    "pdftotext pdfinfo pdftoppm pdfimages pdftocairo pdfunite": "-upw -opw",
    "qpdf": "--encrypt+ --encrypt+2 --user-password --owner-password",
    "mutool": "-p",
    "steghide airdecap-ng outguess stegcracker": "-p",
    "exiftool": "-password",
    "cryptsetup veracrypt truecrypt": "-p --password",
    "hdiutil diskutil": "-passphrase -stdinpass!",
    "manage-bde bdecmd": "-pw -rp -recoverypassword",
    # The system's users.
    "useradd usermod groupmod adduser": "-p takes=bcdefgGkKRsuZ",
    "dscl": "-passwd+2 -authonly+2 -P",
    "sysadminctl": "-newPassword -oldPassword -adminPassword -password",
    "security": "-w -p -P",
    "networksetup": "-setairportnetwork+3",
    "fdesetup": "-password",
    "chntpw samba-tool": "--newpassword --adminpass",
    "samba-tool|create samba-tool|add": "@2?",
    "slappasswd": "-s",
    "ccrypt ccencrypt ccdecrypt": "-K",
    "mcrypt mdecrypt": "-k",
    "aescrypt": "-p",
    "vsce ovsx": "-p --pat",
    "fab": "-p",
    "dsconf dsidm dsctl": "-w",
    "getcert ipa-getcert": "-p -P",
    "knife": "-P",
    "sqlline": "-p",
    "tmate": "-k",
    "transmission-remote": "-n: --auth:",
    "radtest": "@2",
    "mullvad|login": "@1",
    "deluge-console|connect": "@3",
    "vmrun": "-gp -vp",
    "sipsak": "-a",
    "b2|authorize-account b2|authorize_account": "@2",
    "create_ap": "@4",
    "virsh|set-user-password": "@3",
    "ykman|add": "@2?",
    "net|add": "@2?",
    "bitsadmin|/setcredentials": "last",
    "prefect|login": "-k --key",
    "drone|add drone|update": "--data",
    "ecryptfs-wrap-passphrase ecryptfs-rewrap-passphrase ecryptfs-add-passphrase": "@2",
    "drush|user:password drush|upwd": "@2",
    "consul|set-agent-token": "@2",
    "vault|unseal bao|unseal": "@1",
    "gem|push": "--key -k",
    "kaggle|set": "-v",
    "net|user": "@2nt",
    "net|use": "share",
    "rasdial": "@3",
    "dsadd dsmod": "-pwd",
    "runas": "/pass:*",
    "sc|config sc|create sc.exe|config": "password=+",
    "netsh": "key=* keymaterial=*",
    "convertto-securestring": "-string @1",
    "new-localuser set-localuser new-aduser set-adaccountpassword connect-azaccount connect-vcserver": "-password "
    "-accountpassword "
    "-newpassword",
    # Wireless networks.
    "nmcli": "password+ wifi-sec.psk+ 802-11-wireless-security.psk+ psk+ wep-key0+ ipsec-secret+",
    "iwconfig": "key+",
    "iw": "key+",
    "wpa_cli": "psk+ password+ wep_key0+",
    "iwctl": "--passphrase",
    # Stores of secrets.
    "aws|secretsmanager": "--secret-string --secret-binary",
    "aws|put-parameter": "--value",
    "aws|cognito-idp": "--password --temporary-password --proposed-password --previous-password",
    "aws|rds aws|redshift aws|docdb aws|neptune": "--master-user-password",
    "aws|iam": "--password --old-password --new-password",
    "az|keyvault": "--value",
    "az|appconfig": "--value",
    "az": "--admin-password -P --client-secret --account-key --sas-token --sas --vm-password "
    "--docker-registry-server-password",
    "gcloud": "--root-password --password",
    "gh|secret gh|variable glab|variable": "-b --body -v --value",
    "credhub": "-w -z -v",
    "conjur": "-v --value",
    "chamber|write": "@3",
    "teller|put doppler|set supabase|secrets|set fly|secrets flyctl|secrets convex|set modal|create infisical|set "
    "dotenv|set "
    "dotenvx|set phase|set": "secret=*",
    "vault|put vault|write vault|patch bao|put": "secret=*",
    "kubectl|secret oc|secret k|secret microk8s|secret kubeseal": "--from-literal=* --docker-password",
    "copilot|secret": "--values=*",
    "eas|secret:create netlify|env:set": "--value @2?",
    "netlify|set": "@2?",
    "op|create op|edit": "secret=*",
    "op": "--password",
    "circleci travis|encrypt": "@1?",
    "ansible-vault|encrypt_string": "@1?",
    "pulumi|set": "--secret+2",
    "confluent|api-key": "--secret --api-secret",
    "keyring|set": "@3",
    "java": "-auth:",
    "jenkins-cli jenkins-cli.jar": "-auth:",
    # Packages.
    "twine flit": "-p",
    "poetry|config": "@2tok @3tok",
    "bundle|set bundle|config": "@2:",
    "composer|config": "@3tok",
    "npm|set yarn|set pnpm|set": "@2tok",
    "dotnet|source nuget nuget|add": "-p --password -apikey",
    "dotnet|push": "-k --api-key",
    "nuget|setapikey nuget|push": "-apikey @1?",
    "mvn": "--encrypt-password --encrypt-master-password -emp -ep",
    "git|config": "@2tok",
    "svn svnsync git-svn": "--password",
    "p4": "-P",
    "x11vnc": "-passwd",
    "vncviewer": "-passwd! -passwordfile!",
    "tightvncserver x0vncserver": "-passwd",
    "gsettings|set": "@3tok",
    "zabbix_sender": "--tls-psk",
    "nomad": "-token",
}  # fmt: skip
"""Program, or `program|sub-command|…` → the words that are secret:

`-p`        the word after it, or what is attached to it (`-pX`, `--pass=X`, `-vpX`, `-vp X`)
`-p*`       only what is attached: `mysql -p shop` names a data base
`-u:`       its value is `user:password`; what follows the colon (or `%`, `,`, `/`)
`-k!`       the word after it only: `openssl -key` is another option
`word+`     the word after the bare `word`; `word+2` the second
`word>last` the last word, where `word` is there (in a group of letters for `-b`)
`@2`        the second word that is no option; `@1?` only if it looks drawn or typed as a password, and `@2tok` only
            if the word before it is a name of a secret; `@2nt` is no `/option`
`last`      the last word that is no option
`share`     the word behind a `\\\\server\\share`
`x>sigil`   behind `x`, every word with a `>` before it
`x=*`       what is attached to `--from-literal=name=`; `secret=*`: every `name=value`, but for names of other things
`takes=…`   short options with a value of their own: `-o` in `-opX` has the value `pX`
"""

READS_PASSWORD: Final[dict[str, str]] = {
    "sudo doas": r"-[A-Za-z]*S[A-Za-z]*|--stdin",
    "su sux passwd chpasswd chgpasswd yppasswd kpasswd kinit vncpasswd cryptsetup zuluCrypt-cli wpa_passphrase "
    "mkpasswd "
    "grub-mkpasswd-pbkdf2 grub2-mkpasswd-pbkdf2 htdigest ssh-askpass askpass sshpass veracrypt ecryptfs-add-passphrase "
    "fscrypt gocryptfs encfs cryfs bcrypt pdbedit chntpw systemd-creds systemd-tty-ask-password-agent "
    "mysql_config_editor login adduser": "",
    "convertto-securestring": "",
    "smbpasswd": r"-\w*s\w*",
    "htpasswd": r"-\w*i\w*",
    "openssl": r"passwd|stdin|fd:0",
    "pass gopass": r"insert",
    "secret-tool": r"store",
    "keyring": r"set",
    "vault bao": r"-|.*=-",
    "docker podman": r"secret|--password-stdin",
    "kubectl oc": r".*=/dev/stdin",
    "gh glab": r"--with-token|secret|--stdin",
    "gcloud": r"secrets|--data-file=-",
    "vercel netlify": r"env",
    "wrangler npx": r"secret|secret:put|versions",
    "heroku fly flyctl supabase": r"secrets",
    "gpg gpg2": r"--passphrase-fd.*",
    "age rage": r"-p|--passphrase",
    "az aws": r".*/dev/stdin",
    "ansible-vault": r"--stdin-name.*|encrypt_string",
    "rclone": r"obscure",
    "cryptsetup-reencrypt": r"load-key",
    "chamber": r"-",
    "bw rbw": r"unlock|login",
    "cf": r"auth",
    "snap charmcraft": r"login",
    "npm": r"login|adduser",
    "security": r"-i",
    "mosquitto_passwd": "",
    "docker-credential-osxkeychain docker-credential-pass docker-credential-secretservice git-credential": "",
    "git": r"credential|credential-store|credential-cache",
    "sshfs": r"password_stdin|.*[,=]password_stdin.*",
    "zfs": r"load-key|.*keyformat=passphrase.*",
    "kibana-keystore elasticsearch-keystore logstash-keystore": r"--stdin|-x|-xf",
    "realm adcli": r"join|.*stdin-password",
    "net": r"join",
    "pub": r"token",
    "anydesk": r"--set-password",
    "createuser initdb": r"--pwprompt|-\w*[PW]\w*",
    "ipa": r"--password",
}
"""Programs → pattern of a word that says that they read a secret from standard input; empty: they always do."""

STDIN_OPTION: Final = (
    r"--[\w-]*(?:pass\w*|token|secret|key|pwd|credential)s?-?(?:on-|from-|file-)?(?:stdin|fd)(?:=.*)?|--with-token"
    r"|--passphrase-fd.*|-pass(?:in|out)?=?stdin|--passwd-on-stdin|--pinentry-mode|--stdinpass|-stdinpass"
)
"""A word that says so of any program."""

WRITERS: Final = frozenset("echo printf print yes write-output write-host echo.exe".split())
"""Programs that write their words to standard output."""

WRAPPERS: Final = frozenset(
    "sudo doas env time nohup nice ionice command exec builtin xargs stdbuf setsid timeout strace then do else if "
    "while until "
    "! { docker podman kubectl ssh npx pnpx yarn bunx uvx pipx runuser chroot unbuffer".split()
)
"""Words in front of the program that runs."""

FILES_OF_SECRETS: Final = (
    r"(?i)(?:^|[/\\._-])(?:pgpass|netrc|_netrc|my\.cnf|smbcredentials|cifs-?credentials|vault[-_.]?pass\w*|htpasswd|"
    r"git-credentials)"
    r"(?:\.\w+)?$|(?:passw(?:or)?d|passphrase|passwort|\bpwd?|\bpass)(?:\.(?:txt|file|secret|conf|cfg|key))?$"
)
"""Files that hold passwords: what is written into them is one."""

NOT_SECRET_NAMES: Final = frozenset(
    "user username login name email mail host hostname server url uri port db database ttl max_ttl default_ttl policy "
    "policies type category title vault path role description lang env region version enabled engine schema "
    "notes".split()
)
"""Names that stand in a store of secrets beside a secret."""
