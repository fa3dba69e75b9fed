"""A generated corpus to measure redaction by: secrets of a hundred kinds in commands, requests, error messages, log
lines and paths, and harmless lines that use the same words.

How it is held out: nothing here is imported from the code under test, and the lines were written down after the rules,
with other programs, options and phrasings than the rules' tables and examples. Each of the three lists was measured
before any rule was changed for it: 96.5 % of the secrets in `KINDS` were found, then 95.5 % of those in `LATER`, then
91.6 % of those in `SHORT`, with 0.4 % false alarms. What was missed was mended as a kind, and the lines stayed as they
were. A new list of this sort is what shows how the rules do on what they have not seen.

Placeholders: `{p}` a password that needs no quoting, `{q}` one that stands in quotes, `{l}` one of letters only, `{t}`
a drawn token, `{h}` hexadecimal, `{b}` base64, `{u}` a user, `{m}` a machine, `{w}` an ordinary word, `{n}` a number.
"""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable, Iterator

_WORDS = (
    "harbor lantern velvet copper meadow falcon ginger pepper saddle walnut orchid tundra canyon ember quartz maple "
    "raven summit tulip bishop cactus dahlia fjord garnet"
).split()
_USERS = "grace linus margaret ken barbara dennis radia edsger alan frances".split()
_MACHINES = "db7 build-3 mail.lab.test vault.lab.test nas edge-12 10.20.30.40 cache.internal".split()

KINDS: dict[str, list[str]] = {
    "variable before a command": [
        "RCLONE_CONFIG_PASS={p} rclone lsd box:",
        "OS_PASSWORD={p} openstack server list",
        "SMTP_PASS='{q}' ./mailer --dry",
        "REDISCLI_AUTH={p} redis-cli ping",
        "DJANGO_DB_PASSWORD={p} ./manage.py check",
        "TF_VAR_db_password={p} tofu plan",
    ],
    "exported token": [
        "export CLOUDFLARE_API_TOKEN={t}",
        "export SONAR_TOKEN={h}",
        "export DD_API_KEY={h}",
        "export PACKAGIST_TOKEN='{t}'",
        "set -gx LINODE_CLI_TOKEN {h}",
        'declare -x HCLOUD_TOKEN="{t}"',
        "export ROLLBAR_ACCESS_TOKEN={h};make",
    ],
    "container environment": [
        "docker run -d -e MARIADB_ROOT_PASSWORD={p} mariadb:11",
        "podman run --env=RABBITMQ_DEFAULT_PASS={p} rabbitmq:3",
        "docker service create --env MINIO_ROOT_PASSWORD={p} minio/minio",
        "nerdctl run -e 'KEYCLOAK_PASSWORD={q}' kc",
        "docker compose run -e PGADMIN_DEFAULT_PASSWORD={p} web",
        "apptainer exec --env DBPASS={p} img.sif ls",
    ],
    "cluster secret": [
        "kubectl create secret generic {w} --from-literal=smtp={p}",
        "oc create secret generic {w} --from-literal={w}={t}",
        "kubectl -n prod create secret generic {w} --from-literal=user={u} --from-literal=pw={p}",
        "kubectl set env deploy/{w} ADMIN_PASSWORD={p}",
    ],
    "password option, apart": [
        "pt-table-checksum --user {u} --password {p} h={m}",
        "barman-cli --password {p} backup",
        "sqlfluff-db --db-password {p}",
        "jenkins-job --password {p} update .",
        "cadaver-sync --username {u} --password '{q}' {m}",
        "tabcmd login -s {m} -u {u} --password {p}",
        "imapsync --host1 {m} --user1 {u} --password1 {p}",
        "offlineimap --pass {p}",
        "ocrmypdf-sign --keystore-pass {p} a.pdf",
    ],
    "password option, attached": [
        "pgbackup --password={p} {m}",
        "duplicity --ftp-password={p} a b",
        "fetchmail --passwd='{q}'",
        "mongoplayback --password={l} x",
        "weblogic-deploy -adminPassword={p} app.war",
        "wp user create {u} --user_pass={p}",
        "drush sql-sync --target-db-pw={p}",
    ],
    "key option": [
        "datadog-ci junit upload --api-key {h}",
        "ghost-cli export --admin-key={t}",
        "algolia import --api-key={h}",
        "posthog-cli --token {t} sourcemaps",
        "rasa-x --rasa-token {t}",
        "logtail --source-token={t} -f log",
        "flagsmith get --environment-key {t}",
        "expo publish --access-token={t}",
    ],
    "user and password in one word": [
        "es-backup -u elastic:{p} {m}",
        "nexus-cli --user admin:{p} list",
        "gobuster dir --user {u}:{p} -w x",
        "curl -ksu {u}:{p} https://{m}/",
        "curl -fsSLu '{u}:{q}' https://{m}/x.tgz",
        "curl --proxy-user={u}:{p} {m}",
        "http --auth {u}:{p} {m}/api",
    ],
    "password in an address": [
        "alembic -x url=postgresql+psycopg://{u}:{p}@{m}/app upgrade head",
        "celery -b amqps://{u}:{p}@{m}:5671/v worker",
        "duplicity /srv sftp://{u}:{p}@{m}/back",
        "ffplay rtsp://{u}:{p}@{m}:554/1",
        "restic -r rest:https://{u}:{p}@{m}/ check",
        "mosquitto_sub -L mqtt://{u}:{p}@{m}/t",
        "psql 'postgres://{u}:{p}@{m}:5432/app'",
        "rsync rsync://{u}:{p}@{m}/mod .",
        "export BROKER_URL=redis://:{p}@{m}:6379/0",
    ],
    "token in a remote": [
        "git clone https://{u}:{t}@git.lab.test/x.git",
        "git push https://gitlab-ci-token:{t}@git.lab.test/x.git HEAD",
        "pip install git+https://{t}@git.lab.test/x.git",
        "git remote add m https://x-token-auth:{t}@bb.lab.test/x",
        "go env -w GOPROXY=https://{u}:{t}@proxy.lab.test",
        "cargo add --git https://{u}:{p}@git.lab.test/c.git",
    ],
    "authorization header": [
        "curl https://{m}/v2 -H 'Authorization: Bearer {t}'",
        "http {m} 'Authorization:Bearer {t}'",
        "wget --header 'Authorization: token {h}' {m}",
        'grpcurl -H "authorization: Bearer {t}" {m}:443 list',
        "websocat -H='Authorization: Bearer {t}' wss://{m}",
        "oha -H 'Authorization: Basic {b}' http://{m}",
        "curl -H 'Proxy-Authorization: Basic {b}' {m}",
    ],
    "header of a vendor": [
        "curl -H 'X-Vault-Token: {t}' {m}",
        "curl -H 'X-Auth-Key: {h}' {m}",
        "hurl --header 'X-Figma-Token: {t}' a.hurl",
        "curl -H 'DD-API-KEY: {h}' {m}",
        "curl -H 'Ocp-Apim-Subscription-Key: {h}' {m}",
        "curl -H 'X-Redmine-API-Key: {h}' {m}",
        "ab -H 'X-Shopify-Access-Token: {t}' http://{m}/",
        "curl --header 'Job-Token: {t}' {m}",
    ],
    "cookie": [
        "curl -H 'Cookie: PHPSESSID={h}' {m}",
        'sqlmap -u {m} --cookie="session={t}"',
        "curl -b 'sessionid={h}' {m}",
        "wget --header='Cookie: auth_token={t}; lang=en' {m}",
    ],
    "query of an address": [
        "curl '{m}/maps?key={t}&q=x'",
        "xh '{m}/v1?access_token={t}'",
        "wget 'https://{m}/dl?token={h}'",
        "open 'https://{m}/cb?client_secret={t}'",
        "curl 'https://{m}/feed?private_token={t}'",
    ],
    "JSON body": [
        """curl -d '{{"login":"{u}","password":"{q}"}}' {m}""",
        """http {m} <<< '{{"apiKey": "{t}"}}'""",
        """aws lambda invoke --payload '{{"dbPassword":"{q}"}}' out""",
        """curl -d "{{\\"passwd\\": \\"{p}\\"}}" {m}""",
        """mosquitto_pub -m '{{"client_secret":"{t}"}}' -t x""",
        """echo '{{"user":"{u}","pwd":"{q}"}}' > login.json""",
    ],
    "form body": [
        "curl -d 'user={u}&passwd={p}' {m}",
        "curl --data-urlencode 'password={q}' {m}",
        "http -f {m} password={p} user={u}",
        "curl -F 'client_secret={t}' {m}",
        "wget --post-data='log={u}&pwd={p}' {m}",
        "curl -d grant_type=password -d username={u} -d password={p} {m}",
    ],
    "XML": [
        "curl -d '<login><user>{u}</user><password>{q}</password></login>' {m}",
        'echo \'<add key="ApiKey" value="{t}"/>\' >> app.config',
        "<server><id>nexus</id><username>{u}</username><password>{p}</password></server>",
        "<Passphrase>{q}</Passphrase>",
    ],
    "here-document": [
        "cat > conf.yml <<EOF\ndatabase:\n  user: {u}\n  password: {p}\nEOF",
        "cat >> .env << 'END'\nMAIL_PASSWORD={p}\nEND",
        "tee creds.ini <<X\n[main]\ntoken = {t}\nX",
        'kubectl apply -f - <<EOF\nstringData:\n  password: "{q}"\nEOF',
    ],
    "a line put into a settings file": [
        "echo 'spring.mail.password={p}' >> application.properties",
        "sed -i 's/^token=.*/token={t}/' app.conf",
        "printf 'API_KEY={h}\\n' >> .env",
        "echo 'export NPM_TOKEN={t}' >> ~/.bashrc",
        "crudini --set a.conf db password {p}",
        "echo \"password = '{q}'\" | tee -a x.toml",
        "git config --global github.token {t}",
        "snap set nextcloud db.password={p}",
    ],
    "SQL": [
        "psql -c \"CREATE ROLE {u} LOGIN PASSWORD '{q}'\"",
        "mysql -e \"CREATE USER '{u}'@'%' IDENTIFIED BY '{q}'\"",
        "ALTER USER {u} WITH ENCRYPTED PASSWORD '{q}';",
        "SET PASSWORD FOR '{u}'@'localhost' = '{q}';",
        "CREATE LOGIN {u} WITH PASSWORD = '{q}';",
        "mysql -e \"ALTER USER {u} IDENTIFIED WITH mysql_native_password BY '{q}'\"",
        "GRANT ALL ON *.* TO '{u}'@'%' IDENTIFIED BY '{q}'",
        "clickhouse-client -q \"CREATE USER {u} IDENTIFIED BY '{q}'\"",
    ],
    "password for sudo": [
        "echo {p} | sudo -S apt upgrade",
        "echo '{q}' | sudo --stdin reboot",
        "printf '%s\\n' '{q}' | sudo -kS whoami",
        "sudo -S ls <<< '{q}'",
        "sudo -S -p '' id <<EOF\n{q}\nEOF",
        "yes '{q}' | sudo -S true",
        "echo {l} | sudo -S -v",
        "cat <<< {p} | sudo -S dmesg",
        "echo {p} | /usr/bin/sudo -S id",
        "(echo {p}; cat) | sudo -S tee /etc/x",
    ],
    "password of an account": [
        "echo '{u}:{q}' | chpasswd",
        "printf '{u}:{p}\\n' | sudo chpasswd",
        "echo {p} | passwd --stdin {u}",
        "(echo {p}; echo {p}) | smbpasswd -s -a {u}",
        "echo -e '{p}\\n{p}' | passwd {u}",
        "sudo chpasswd <<< '{u}:{q}'",
        "usermod -p $(openssl passwd -6 {p}) {u}",
        "mkpasswd -m sha-512 {p}",
        "dscl . -passwd /Users/{u} {p}",
        "net user {u} {p} /add",
    ],
    "secret through a pipe": [
        "echo {t} | glab auth login --stdin",
        "echo {t} | docker login ghcr.io -u {u} --password-stdin",
        "printf {p} | helm registry login {m} -u {u} --password-stdin",
        "echo -n '{q}' | kubeseal-wrap --password-stdin",
        "echo {t} | gh auth login --with-token",
        "echo {p} | openconnect {m} --passwd-on-stdin",
        "echo '{q}' | cryptsetup open /dev/sdb1 d -",
        "echo {p} | kinit {u}",
        "echo {p} | gpg --batch --passphrase-fd 0 -d f",
        "pass insert -e {w} <<< {p}",
        "echo -n {p} | secret-tool store --label=x a b",
        "echo {t} | wrangler secret put KEY",
        "echo {p} | circleci context store-secret github org ctx VAR --password-stdin",
        "restore --passphrase-fd 3 3<<< '{q}'",
    ],
    "archive": [
        "zip -rqP {p} out.zip d",
        "zip -eP {p} a.zip f",
        "unzip -qoP {p} a.zip",
        "7z x -p{p} a.7z",
        "7zz a -mhe=on -p'{q}' a.7z d",
        "rar a -hp{p} a.rar d",
        "unrar e -p{p} a.rar",
        "zip --password {p} a.zip f",
        "unzip -P '{q}' a.zip -d d",
    ],
    "openssl": [
        "openssl enc -d -aes-256-cbc -in a -k {p}",
        "openssl aes-256-cbc -salt -pass pass:{p} -in a",
        "openssl pkcs12 -in a.p12 -nodes -passin 'pass:{q}'",
        "openssl genrsa -aes256 -passout pass:{l} 2048",
        "openssl passwd -6 -salt ab {p}",
        "openssl rsa -passin=pass:{p} -in k",
    ],
    "key file": [
        "ssh-keygen -q -t ed25519 -N '{q}' -f k",
        "ssh-keygen -pf k -P {p} -N {p}",
        "ssh-keygen -t rsa -qN '{q}' -f k",
        "keytool -import -storepass {p} -file c",
        "apksigner sign --ks a.jks --ks-pass pass:{p} a.apk",
        "gpg --pinentry-mode loopback --passphrase '{q}' -s f",
        "puttygen k --new-passphrase <(echo {p})",
    ],
    "directory service": [
        "ldapsearch -xD cn=x -w {p} -b dc=x",
        "ldapmodify -xw {p} -f a.ldif",
        "ldapwhoami -x -w'{q}'",
        "kadmin -w {p} -q listprincs",
        "net ads join -U {u}%{p}",
        "realm-join --user-password={p}",
    ],
    "file share": [
        "smbclient //{m}/s -U {u}%{p}",
        "mount -t cifs //{m}/s /m -o user={u},pass={p}",
        "mount.cifs //{m}/s /m -o username={u},password={p},vers=3",
        "lftp -u {u},{p} {m}",
        "lftp -e 'open -u {u},{p} {m}; ls'",
        "rpcclient -U '{u}%{q}' {m}",
        "sshpass -p {p} rsync -a d {m}:",
        "sshpass -p'{q}' scp f {m}:",
        "SSHPASS='{q}' sshpass -e sftp {m}",
    ],
    "Windows": [
        "net use X: \\\\{m}\\s {p} /user:{u}",
        "net use \\\\{m}\\s /user:lab\\{u} {p}",
        "cmdkey /generic:{m} /user:{u} /pass:{p}",
        "schtasks /create /tn x /ru {u} /rp {p}",
        "setx VAULT_TOKEN {t} /m",
        'set "DB_PASSWORD={p}"',
        "psexec \\\\{m} -u {u} -p {p} ipconfig",
        "wmic /node:{m} /user:{u} /password:{p} os get name",
        "xfreerdp /v:{m} /u:{u} /p:'{q}'",
        "plink -ssh {u}@{m} -pw {p} ls",
        "net.exe user {u} {p}",
        "sc config svc obj= {u} password= {p}",
    ],
    "PowerShell": [
        "$pw = ConvertTo-SecureString '{q}' -AsPlainText -Force",
        '$s = ConvertTo-SecureString -AsPlainText "{q}" -Force',
        "$env:GITHUB_TOKEN = '{t}'",
        'New-LocalUser {u} -Password (ConvertTo-SecureString "{q}" -AsPlainText -Force)',
        "$c = New-Object System.Net.NetworkCredential('{u}', '{q}')",
        "Connect-Thing -ApiKey {t}",
        "Set-Item env:AZURE_CLIENT_SECRET '{t}'",
        "Invoke-Sqlcmd -Username sa -Password '{q}'",
        "Register-Task -User {u} -Password {p}",
    ],
    "store of secrets": [
        "aws secretsmanager put-secret-value --secret-id x --secret-string '{q}'",
        "aws ssm put-parameter --name /x/db --type SecureString --value {p}",
        "az keyvault secret set --vault-name v --name x --value '{q}'",
        "printf {p} | gcloud secrets versions add x --data-file=-",
        "vault kv put kv/x value={p}",
        "vault kv put -mount=kv x api={t}",
        "gh secret set DEPLOY --body {t}",
        "gh secret set DEPLOY -b '{q}'",
        "doppler secrets set STRIPE={t}",
        "fly secrets set SMTP={p}",
        "heroku config:set MAIL_PASS={p} -a x",
        "security add-generic-password -s x -a {u} -w '{q}'",
        "bw login {u}@lab.test {p}",
        "pulumi config set --secret dbpw {p}",
        "op item edit x password={p}",
        "chamber write svc key {p}",
        "supabase secrets set KEY={t}",
        "credhub set -n /x -t password -w {p}",
        "keyring set svc {u} <<< '{q}'",
        'wrangler secret:bulk <<< \'{{"apiKey":"{t}"}}\'',
    ],
    "infrastructure": [
        "terraform apply -var='admin_password={q}'",
        "tofu plan -var api_token={t}",
        "ansible-playbook x.yml -e vault_pass={p}",
        "ansible -m ping all -e \"ansible_ssh_pass='{q}'\"",
        "helm install x . --set auth.password={p}",
        "helm upgrade x . --set-string smtp.password='{q}'",
        "packer build -var 'ssh_password={q}' x",
        "nomad run -var token={t} x",
        "pulumi up -c db:password={p}",
        "vagrant up --password={p}",
        "aws rds create-db-instance --master-user-password {p}",
        "aws cognito-idp admin-set-user-password --username {u} --password {p}",
    ],
    "program property": [
        "java -Djavax.net.ssl.keyStorePassword={p} -jar a.jar",
        "mvn -Dgpg.passphrase='{q}' deploy",
        "gradle -PsigningPassword={p} b",
        "sbt -Dbintray.pass={p}",
        "./gradlew -Papi.token={t}",
        "spark-shell --conf spark.db.password={p}",
        "flink run -Dsasl.password={p} a.jar",
        "kafka-console-consumer --consumer-property sasl.password={p}",
    ],
    "JWT": ["jwt decode {jwt}", "curl -H 'X-Id: {jwt}' {m}", "invalid token {jwt}", "kubectl --token={jwt} get po"],
    "private key": ["echo '{pem}' > k", "{pem}", "error: cannot parse {pem}"],
    "wireless": [
        "nmcli dev wifi connect lab password {p}",
        "nmcli c modify lab wifi-sec.psk '{q}'",
        "wpa_passphrase lab {p}",
        'network={{\n  ssid="lab"\n  psk="{q}"\n}}',
        "iwctl --passphrase '{q}' station wlan0 connect lab",
        "netsh wlan set hostednetwork mode=allow ssid=lab key={p}",
        "networksetup -setairportnetwork en0 lab {p}",
    ],
    "data base shell": [
        "redis-cli -h {m} AUTH {p}",
        "redis-cli auth {u} {p}",
        "redis-cli config set masterauth {p}",
        "redis-cli -a{p} info",
        "mongosh --eval \"db.auth('{u}', '{q}')\"",
        "mongo {m} -u {u} -p'{q}'",
        "mysql -h{m} -u{u} -p{p} shop",
        "mysqldump -BNp{p} x",
        "sqlcmd -S {m} -U sa -P '{q}'",
        "sqlplus {u}/{p}@//{m}/x",
        "influx -username {u} -password {p}",
        "cqlsh -u {u} -p {p}",
        "docker exec db mysqladmin -p'{q}' ping",
        "isql dsn {u} {p}",
    ],
    "expect": [
        'expect -c \'spawn ssh {m}; expect "assword:"; send "{p}\\r"; interact\'',
        'expect "Password: " {{ send "{q}\\r" }}',
    ],
    "request": [
        "the password for {m} is {p}, log in and look",
        "my password is {p}",
        "log in as {u} with password {p} and list the files",
        "use pw {p} for the share",
        "connect to {m} (user {u}, password: {p})",
        "here is the api key: {t}",
        "set the root password to {p}",
        'the wifi passphrase is "{q}"',
        "use the token {t} to push",
        "password={p} please connect",
        "credentials: {u} / password {p}",
        "it asks for a password, it's {p}",
        "my PIN is {n4}, unlock it",
        "try passwort {p}",
        "pw: {p}",
        "the db password is {l}.",
        "user is {u} and the password is {p}",
    ],
    "request in other languages": [
        "das Passwort ist {p}",
        "mein Passwort lautet {p}",
        "Kennwort: {p}",
        "mi contraseña es {p}",
        "la contraseña: {p}",
        "le mot de passe est {p}",
        "mot de passe : {p}",
        "a senha é {p}",
        "la password è {p}",
        "пароль {p}",
        "мой пароль: {p}",
        "hasło to {p}",
        "wachtwoord: {p}",
        "şifre: {p}",
        "parola este {p}",
        "密码是{p}",
        "パスワードは{p}です",
        "비밀번호는 {p}",
        "mật khẩu là {p}",
        "lösenord: {p}",
        "heslo je {p}",
    ],
    "error with a password": [
        "Access denied for user '{u}' with password '{q}'",
        "login failed: username={u} password={p}",
        "ERROR: bad credentials (user {u}, passwd {p})",
        'FATAL: password "{q}" rejected for {u}',
        "could not connect to postgresql://{u}:{p}@{m}/x: timeout",
        "fatal: unable to access 'https://{u}:{t}@{m}/x.git/': 403",
        "curl: (67) Access denied for {u}:{p}@{m}",
    ],
    "error with a key": [
        "Incorrect API key provided: {t}",
        "invalid api_key '{t}'",
        "401 Unauthorized: token {t} is expired",
        "AuthError: Bearer {t} not accepted",
        "InvalidSignature: secret={t}",
        'error: token="{t}" has no scope repo',
    ],
    "call in a traceback": [
        "connect(host='{m}', user='{u}', password='{q}')",
        '  File "a.py", line 3, in <module>\n    c = Client(api_key="{t}")',
        "TypeError: login(username='{u}', passwd='{q}')",
        "{{'user': '{u}', 'password': '{q}'}}",
        "Config(db_password='{q}', debug=True)",
        'Settings {{ token: "{t}", port: 1 }}',
    ],
    "log line": [
        "2026-01-05 INFO login user={u} password={p} ok",
        '{{"level":"debug","passwd":"{q}"}}',
        "DEBUG > Authorization: Bearer {t}",
        "[auth] token: {t}",
        "env: SECRET_KEY={t} PORT=8000",
        "req GET /v1?api_key={t} 200",
    ],
    "path": [
        "/var/spool/password={p}/x.log",
        "ls /tmp/backup-ghp_{a36}.tar",
        "C:\\secrets\\sk_live_{a24}.txt",
        "cat /srv/tokens/xoxb-{n}{n}-{a24}",
        "rm 'notes password={p}.txt'",
        "/data/token={t}/part-0.parquet",
    ],
    "connection string": [
        "Server={m};Database=x;User Id={u};Password={p};",
        "dotnet ef dbcontext scaffold 'Server={m};Uid={u};Pwd={q}' X",
        "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={b}{b}==",
        "psql 'host={m} user={u} password={p}'",
        "Endpoint=sb://x/;SharedAccessKeyName=k;SharedAccessKey={b}{b}=",
        "jdbc:mysql://{m}/x?user={u}&password={p}",
    ],
    "file of credentials": [
        "{m}:5432:app:{u}:{p} >> ~/.pgpass",
        "machine {m} login {u} password {p}",
        "//npm.lab.test/:_authToken={t}",
        "aws_secret_access_key = {s40}",
        "https://{u}:{t}@git.lab.test",
        "password={p}\nusername={u}",
        "echo '{m}:*:app:{u}:{q}' >> .pgpass",
        "echo {p} > vault_password.txt",
        "echo '{u}:{p}' >> ~/.smbcredentials",
    ],
    "hash of a password": [
        "{u}:$6$abcdefgh${a36}{a36}:19000::",
        "usermod -p '$2b$12${a36}{a24}' {u}",
        "userPassword: {{SSHA}}{b}",
        "htpasswd entry {u}:$apr1$abcdefgh${a24}",
    ],
    "webhook": [
        "curl -d x https://hooks.slack.com/services/T01AB/B02CD/{a24}",
        "https://discord.com/api/webhooks/1234567890/{a36}",
        "curl https://x.webhook.office.com/webhookb2/{hex32}@x/IncomingWebhook/{hex32}/y",
    ],
    "signed address": [
        "azcopy cp 'https://a.blob.core.windows.net/c?sv=2023&sig={b}{b}' .",
        "curl 'https://s3/x?X-Amz-Signature={h}{h}'",
    ],
    "one-time code": ["npm publish --otp={n6}", "gem push --otp {n6} x.gem", "OTP: {n6}", "sim unlock pin={n4}"],
    "inside another shell": [
        "ssh {m} 'PGPASSWORD={q} psql -h db'",
        'bash -lc "mysql -u{u} -p{p} x"',
        "kubectl exec p -- sh -c 'redis-cli -a {q} ping'",
        'docker exec c bash -c "echo {p} | sudo -S id"',
        'sudo sh -c "echo {u}:{p} | chpasswd"',
        "tmux send-keys 'curl -su {u}:{q} {m}' Enter",
        "su - {u} -c 'export API_TOKEN={t}; run'",
        'watch "mongo -u {u} -p {p} --eval x"',
        "ssh {m} \"docker exec d sh -c 'mysql -p{p} x'\"",
    ],
    "program text": [
        "python -c \"import smtplib; s.login('{u}', password='{q}')\"",
        "node -e \"new X({{apiKey: '{t}'}})\"",
        'ruby -e \'ENV["API_TOKEN"]="{t}"\'',
        "php -r '$password = \"{q}\";'",
        "perl -e '$passwd=\"{q}\"'",
        "const SECRET_KEY = '{t}';",
        'private static final String PASSWORD = "{q}";',
        'password := "{q}"',
        'let db_password: &str = "{q}";',
    ],
}

_HEX, _UP, _LOW = "0123456789abcdef", string.ascii_uppercase, string.ascii_letters + string.digits
VENDORS: dict[str, tuple[str, str, int]] = {
    "1": ("ghp_", _LOW, 36),
    "2": ("gho_", _LOW, 36),
    "3": ("github_pat_", _LOW, 70),
    "4": ("glpat-", _LOW, 20),
    "5": ("sk-ant-api03-", _LOW, 60),
    "6": ("sk-proj-", _LOW, 48),
    "7": ("AKIA", _UP + "234567", 16),
    "8": ("ASIA", _UP + "234567", 16),
    "9": ("AIzaSy", _LOW, 33),
    "10": ("xoxp-", "0123456789", 24),
    "11": ("hf_", _LOW, 34),
    "12": ("npm_", _LOW, 36),
    "13": ("pypi-AgEIcHlwaS5vcmc", _LOW, 70),
    "14": ("sk_live_", _LOW, 24),
    "15": ("rk_test_", _LOW, 24),
    "16": ("SG.", _LOW, 60),
    "17": ("dop_v1_", _HEX, 64),
    "18": ("shpat_", _HEX, 32),
    "19": ("hvs.", _LOW, 90),
    "20": ("glsa_", _LOW, 40),
    "21": ("lin_api_", _LOW, 40),
    "22": ("ntn_", _LOW, 46),
    "23": ("PMAK-", _HEX, 58),
    "24": ("dckr_pat_", _LOW, 27),
    "25": ("pul-", _HEX, 40),
    "26": ("rubygems_", _HEX, 48),
    "27": ("sntrys_", _LOW, 80),
    "28": ("NRAK-", _UP, 27),
    "29": ("dapi", _HEX, 32),
    "30": ("tskey-auth-", _LOW, 30),
    "31": ("gsk_", _LOW, 52),
    "32": ("r8_", _LOW, 37),
    "33": ("ATATT3", _LOW, 180),
    "34": ("figd_", _LOW, 40),
    "35": ("whsec_", _LOW, 32),
    "36": ("pscale_tkn_", _LOW, 43),
    "37": ("fo1_", _LOW, 43),
    "38": ("sqp_", _HEX, 40),
    "39": ("LTAI", _LOW, 20),
    "40": ("ya29.", _LOW, 60),
    "41": ("GOCSPX-", _LOW, 28),
    "42": ("nvapi-", _LOW, 60),
    "43": ("pplx-", _LOW, 48),
    "44": ("sbp_", _HEX, 40),
    "45": ("vcp_", _LOW, 40),
}
BARE = (
    "cargo login {v}",
    "echo {v}",
    "{v}",
    "use {v} for it",
    "error: key {v} was revoked",
    "./run.sh {v} prod",
    "# {v}",
    'x = "{v}"',
    "mv {v}.txt y",
)


LATER: list[str] = [
    "PGPASSWORD={p} pg_restore -d app x.dump",
    "ETCDCTL_PASSWORD={p} etcdctl get a",
    "MINIO_SECRET_KEY={t} mc ls x",
    "KAGGLE_KEY={h} kaggle d list",
    "export TWILIO_AUTH_TOKEN={h}",
    "export ALGOLIA_ADMIN_KEY={h}",
    "setenv PGPASSWORD {p}",
    "export GRADLE_PUBLISH_SECRET='{t}'",
    "docker build --build-arg DB_PASS={p} .",
    "docker run -eMYSQL_PASSWORD={p} x",
    "lxc config set c environment.API_TOKEN {t}",
    "kubectl create secret docker-registry r --docker-server={m} --docker-password={p}",
    "k create secret generic a --from-literal password='{q}'",
    "logcli --username x --password '{q}' query",
    "msfvenom-push --password={p}",
    "borgmatic --override encryption_passphrase={p}",
    "pgloader --pass {p} x",
    "unison-ssh -password {p}",
    "svnadmin-load --password '{q}' r",
    "phpmyadmin-cli --db-pass={p}",
    "cloudflared tunnel run --token {t}",
    "gitlab-runner register -r {t} -u {m}",
    "curl -sku {u}:{p} {m}",
    "curl -Lu{u}:{p} {m}",
    "curl -X POST -u '{u}:{q}' -d x {m}",
    "mlflow-cli -u {u}:{p} ls",
    "couchdb-dump --user {u}:{p}",
    "sqlalchemy-gen mssql+pyodbc://sa:{p}@{m}/x",
    "telnet-proxy socks5://{u}:{p}@{m}:1080",
    "mutt -f imaps://{u}:{p}@{m}/INBOX",
    "svn co https://{u}:{p}@{m}/r",
    "redis-cli -u redis://default:{p}@{m}",
    "npm i git+https://{t}:x-oauth-basic@git.lab.test/a.git",
    "curl {m} -H 'authorization: ApiKey {t}'",
    'curl -H "X-API-KEY:{t}" {m}',
    "aria2c --header='Authorization: Bearer {t}' {m}",
    "curl -H 'Api-Token: {t}' {m}",
    "curl --cookie 'access_token={t}' {m}",
    "curl '{m}/?apikey={h}'",
    "curl '{m}/hook?secret={t}&x=1'",
    """curl --json '{{"secret_key":"{t}"}}' {m}""",
    """http POST {m} <<'E'\n{{"password": "{q}"}}\nE""",
    "curl -d 'pass={p}&user={u}' {m}",
    "<property name='password' value='{q}'/>",
    "<connectionString>Data Source=x;Password={p};</connectionString>",
    "cat <<EOF > ~/.my.cnf\n[client]\npassword={p}\nEOF",
    'echo "api_token: {t}" > c.yml',
    "yq -i '.db.password = \"{q}\"' v.yml",
    "augtool set /files/x/password {p}",
    "ALTER ROLE {u} PASSWORD '{q}'",
    "CREATE USER {u} PASSWORD '{q}';",
    "EXEC sp_addlogin '{u}', '{q}'",
    "echo -n '{q}' | sudo -S -k id",
    "sudo -S sh -c id <<'X'\n{p}\nX",
    'echo "{p}" | doas -S id',
    "echo root:{p} | docker exec -i c chpasswd",
    "printf '{p}\\n{p}\\n' | sudo smbpasswd -s -a {u}",
    "adduser --password {p} {u}",
    "echo {p} | crane auth login {m} -u {u} --password-stdin",
    "echo {t} | vault login -",
    "echo {p} | gopass insert -f x",
    "printf '%s' {t} | podman secret create s -",
    "zip -9jP {p} a.zip b",
    "7za e -p{p} a.7z",
    "unrar t -p{p} a.rar",
    "openssl cms -decrypt -passin pass:{p}",
    "openssl ec -passout=pass:{p} -in k",
    "ssh-keygen -o -a 64 -N {p} -f k",
    "ldapdelete -xD x -w '{q}' y",
    "ldapsearch -H ldaps://{m} -xWw {p}",
    "smbget -U {u}%{p} smb://{m}/s",
    "mount -o user={u},password={p} -t cifs //{m}/s m",
    "sshpass -p{p} ssh-copy-id {m}",
    "net use * \\\\{m}\\c$ /user:{u} {p}",
    "cmdkey /add:{m} /user:{u} /pass:'{q}'",
    "psexec.exe \\\\{m} -u {u} -p {p} cmd",
    "$password = '{q}'",
    "ConvertTo-SecureString -Force -AsPlainText '{q}'",
    "[Net.NetworkCredential]::new('{u}','{q}')",
    "aws secretsmanager update-secret --secret-id a --secret-string={p}",
    "az webapp config appsettings set --settings DB_PASSWORD={p}",
    "vault write auth/userpass/users/{u} password={p}",
    "glab variable set TOKEN -v {t}",
    "firebase functions:config:set mail.password={p}",
    "terraform import -var 'token={t}' a b",
    "ansible-playbook a.yml --extra-vars 'ansible_become_password={p}'",
    "helm install a b --set mysql.rootPassword={p}",
    "java -Dldap.bind.password={p} -jar a",
    "mvn -Ddb.password={p} x",
    "nmcli con add type wifi 802-11-wireless-security.psk {p}",
    "redis-cli --user {u} --pass {p} ping",
    "mongosh -u {u} -p {p} {m}",
    'psql "password={p} host={m}"',
    "mariadb -u{u} -p'{q}' x",
    "sqlcmd -U sa -P{p} -Q x",
    "please use password {p} for {m}",
    "the admin password on {m} is {p}",
    "my new password is {p}!",
    "here's the token: {t}",
    "the secret key is {t}",
    "sign in with {u}/{p}",
    "pass: {p}",
    "password for {u}: {p}",
    "passphrase: {p}",
    "change the mysql password to {p}",
    "Mein Kennwort ist {p}",
    "contraseña: {p}",
    "mot de passe: {p}",
    "senha: {p}",
    "la mia password è {p}",
    "пароль от базы: {p}",
    "hasło: {p}",
    "口令：{p}",
    "パスワード: {p}",
    "비밀번호: {p}",
    "şifrem {p}",
    "login failed for {u}: wrong password '{q}'",
    "auth error: password={p} user={u}",
    "could not read from https://{u}:{p}@{m}/r",
    "Bad credentials: token {t}",
    "invalid x-api-key: {t}",
    "ValueError: bad api_key={t}",
    'psycopg2.connect("dbname=x password={p}")',
    "Client(token='{t}', timeout=3)",
    '{{"auth_token": "{t}"}}',
    "level=info msg=login password={p}",
    "/backups/db-password={p}.sql",
    "/home/x/keys/{t}/id",
    "export SECRET={t}; ./x",
    "jdbc:postgresql://{m}/x?user={u}&password={p}",
    "amqp://{u}:{p}@{m}",
    "{m}:3306:*:{u}:{p} > ~/.pgpass",
    "echo 'machine {m} login {u} password {p}' >> ~/.netrc",
    "[default]\naws_secret_access_key={s40}",
    "gpg --batch --yes --passphrase {p} -d a",
    "restic --password-command 'printf {p}' ls",
    "htpasswd -cb f {u} {p}",
    "rabbitmqctl change_password {u} {p}",
    "snmpget -v3 -u {u} -A {p} {m}",
    "ipmitool -H {m} -U {u} -P {p} power on",
    "tailscale up --authkey tskey-auth-{a24}",
    "wandb login {hex40}",
    "ngrok config add-authtoken {t}",
    "doctl auth init -t {t}",
    "snyk auth {uuid}",
    "heroku authorizations:create -t {t}",
    "bash -c 'export DB_PASSWORD={p}; run'",
    'ssh {m} "mysql -u{u} -p{p} -e x"',
    "su -c 'echo {p} | passwd --stdin {u}'",
    "docker exec c mongo -u {u} -p {p}",
    'pass = "{q}"',
    'var apiKey = "{t}";',
    "DB_PASSWORD: '{q}'",
    "password: {p}",
]
"""Other programs and phrasings, written last."""


SHORT: list[str] = [
    "curl -k -su ada:{x} https://x",
    "curl -nsu 'ada:{x}' https://x",
    'curl --basic -u "ada:{x}" x',
    'curl --user "{x}:" x',
    "wget --http-user=a --http-password {x} u",
    "sshpass -vp {x} ssh h",
    "mysqladmin -u root password {x}",
    'mysql -u root --password="{x}"',
    "mysqldump -p{x} --all-databases",
    "mongo -uada -p{x} db",
    'mongosh "mongodb://ada:{x}@h/db"',
    "redis-cli -u redis://:{x}@h:6379",
    "redis-cli ACL SETUSER ada on '>{x}' ~* +@all",
    "redis-cli ACL SETUSER ada >{x}",
    'redis-cli -h h <<< "AUTH {x}"',
    'echo "AUTH {x}" | redis-cli',
    'echo -e "AUTH {x}\\nPING" | nc h 6379',
    'psql "postgresql://h/db?user=ada&password={x}"',
    'PGPASSWORD="{x}" pg_dump db',
    "influx auth create -p {x}",
    "clickhouse-client --password {x}",
    "cockroach sql --url 'postgresql://ada:{x}@h/db'",
    "cypher-shell -u neo4j -p {x}",
    'neo4j-admin set-initial-password "{x}"',
    "openssl passwd {x}",
    "openssl passwd -apr1 {x}",
    "openssl enc -aes-256-cbc -pass pass:{x}",
    'openssl enc -aes-256-cbc -pass "pass:{x}" -in f',
    "htpasswd -nbB ada {x}",
    "htpasswd -b -c f ada {x}",
    "echo ada:{x} | chpasswd",
    "printf '{x}\\n' | sudo -S id",
    'printf "{x}" | sudo --stdin id',
    "sudo --stdin id <<< {x}",
    "sudo -S -u bob id <<EOF\n{x}\nEOF",
    "su - root <<< {x}",
    "su root << EOF\n{x}\nEOF",
    "echo {x} | su -c id",
    "{{ echo {x}; echo {x}; }} | passwd ada",
    "passwd ada <<EOF\n{x}\n{x}\nEOF",
    "expect -c 'spawn su; send \"{x}\\r\"'",
    "net user administrator {x}",
    "net user ada {x} /add /domain",
    "net use Z: \\\\h\\s /user:ada {x}",
    "net use Z: \\\\h\\s {x}",
    'cmdkey /generic:h /user:a /pass:"{x}"',
    '$cred = ConvertTo-SecureString "{x}" -AsPlainText -Force',
    "ConvertTo-SecureString {x} -AsPlainText -Force",
    "$p = '{x}' | ConvertTo-SecureString -AsPlainText -Force",
    "Set-LocalUser -Name ada -Password (ConvertTo-SecureString '{x}' -AsPlainText -Force)",
    "[System.Environment]::SetEnvironmentVariable('DB_PASSWORD','{x}')",
    "runas /user:a /password:{x} cmd",
    "dsmod user x -pwd {x}",
    'az keyvault secret set -n x --vault-name v --value "{x}"',
    "az ad sp create-for-rbac --password {x}",
    "az sql server create -u a -p {x}",
    "az vm create --admin-password {x}",
    'aws secretsmanager create-secret --name x --secret-string \'{{"password":"{x}"}}\'',
    "aws ssm put-parameter --type SecureString --name x --value {x}",
    "aws iam create-login-profile --user-name a --password {x}",
    "aws configure set aws_secret_access_key {x}",
    "gcloud sql users create ada --password={x}",
    "gcloud secrets versions add x --data-file=- <<< {x}",
    "echo -n {x} | gcloud secrets create x --data-file=-",
    "vault write secret/x value={x}",
    "vault login -method=userpass username=ada password={x}",
    "vault login {x}",
    "doppler secrets set DB_PASS {x}",
    'gh secret set DB --body "{x}"',
    "gh secret set DB <<< {x}",
    "echo {x} | gh secret set DB",
    "heroku config:add DB_PASSWORD={x}",
    "vercel env add X production <<< {x}",
    "echo {x} | vercel env add SECRET production",
    "netlify env:set API_SECRET {x}",
    "wrangler secret put X <<< {x}",
    "fly secrets set A={x}",
    "railway variables set DB_PASSWORD={x}",
    "op item create --category=password 'password={x}'",
    "pass insert -m x <<< {x}",
    "echo {x} | pass insert -e x",
    "security add-internet-password -a a -s s -w {x}",
    "security unlock-keychain -p {x} login.keychain",
    "secret-tool store --label=x a b <<< {x}",
    "bw unlock {x}",
    "lpass login --trust a@b.c <<< {x}",
    "docker login -u ada -p {x}",
    "docker login -u ada --password-stdin <<< {x}",
    "echo {x} | docker login --username ada --password-stdin r",
    "docker secret create x - <<< {x}",
    "echo {x} | docker secret create x -",
    "podman login -u ada -p{x} r",
    "helm registry login -u a -p {x} r",
    "oras login -u a -p {x} r",
    "kubectl create secret generic s --from-literal=password={x}",
    "kubectl create secret generic s --from-literal='pw={x}'",
    "kubectl config set-credentials a --password={x}",
    "npm config set //r/:_password {x}",
    "npm set //r.test/:_authToken={x}",
    "yarn config set npmAuthToken {x}",
    "pip config set global.index-url https://a:{x}@r/simple",
    "poetry config http-basic.r ada {x}",
    "poetry config pypi-token.pypi {x}",
    "bundle config gems.test ada:{x}",
    "composer config -g http-basic.r ada {x}",
    "cargo login {x}",
    "gem sources --add https://ada:{x}@r",
    "nuget sources add -Name n -Source s -UserName a -Password {x}",
    "dotnet nuget push x -k {x}",
    "mvn deploy -Dpassword={x}",
    "gradle publish -Ppassword={x}",
    "gpg --passphrase {x} -c f",
    "gpg --batch --passphrase '{x}' -d f",
    "echo {x} | gpg --passphrase-fd 0 -d f",
    "ssh-keygen -p -P {x} -N '' -f k",
    'ssh-keygen -t rsa -N "{x}"',
    "keytool -genkeypair -storepass {x}",
    "zip -er -P {x} a.zip d",
    "zip -jrP {x} a.zip d",
    "zip --password={x} a.zip f",
    "7z a -p{x} a.7z d",
    '7z a -p"{x}" a.7z d',
    "unrar x -p{x} a.rar",
    "rar a -hp{x} a.rar d",
    "qpdf --encrypt {x} {x} 256 -- a b",
    "pdftk a.pdf output b.pdf user_pw {x}",
    "cryptsetup luksOpen /dev/x n <<< '{x}'",
    "echo {x} | cryptsetup luksOpen /dev/x n -",
    "nmcli dev wifi connect ssid password {x}",
    "wpa_passphrase ssid {x}",
    "wpa_passphrase ssid <<< {x}",
    "iwconfig wlan0 key s:{x}",
    "lftp -u ada,{x} h",
    "lftp ftp://ada:{x}@h",
    "ncftpput -u ada -p {x} h . f",
    "ftp -n h <<EOF\nuser ada {x}\nEOF",
    "smbclient //h/s {x} -U ada",
    "smbclient -U ada%{x} //h/s",
    "mount.cifs //h/s /m -o user=a,pass={x}",
    "xfreerdp /v:h /u:a /p:{x}",
    "rdesktop -u a -p {x} h",
    "sqlcmd -S h -U sa -P {x}",
    "isql -v dsn ada {x}",
    "sqlplus ada/{x}@db",
    "bcp t out f -U sa -P {x}",
    "ldapsearch -D x -w {x}",
    "ldapsearch -xWD x -w {x}",
    "ansible-playbook x -e 'ansible_become_password={x}'",
    "ansible-vault encrypt_string {x} --name x",
    "terraform apply -var password={x}",
    "psexec \\\\h -u a -p {x} cmd",
    "winrs -r:h -u:a -p:{x} cmd",
    "wmic /user:a /password:{x} os",
    "schtasks /create /u a /p {x}",
    "svn co --username a --password {x} u",
    "rclone config create r ftp pass {x}",
    "rclone obscure {x}",
    'restic -r x --password-command "echo {x}" b',
    "snmpwalk -v3 -a SHA -A {x} h",
    "ipmitool -U a -P {x} h",
    "twine upload -u a -p {x} d/*",
    "swaks --auth-password {x}",
    "sendemail -xp {x}",
    "msmtp --passwordeval 'echo {x}'",
    "git clone https://ada:{x}@h/r",
    "git config user.password {x}",
    'echo "https://ada:{x}@github.com" > ~/.git-credentials',
    'echo "machine h login a password {x}" > .netrc',
    "echo 'db:5432:*:ada:{x}' >> ~/.pgpass",
    "echo '{x}' > /run/secrets/db_password",
    'echo "password={x}" > /etc/cifs.cred',
    "the root password is {x}",
    "password is {x} for the db",
    "my pw is {x}",
    "use the password {x}",
    "password: {x}, user: ada",
    "user ada pw {x}",
    "pwd is {x}",
    "log in with ada/{x}",
    "credentials are ada:{x}",
    "login ada:{x}",
    "the passphrase: {x}",
    "Das Passwort ist {x}",
    "Passwort={x}",
    "Mein Passwort: {x}",
    "mot de passe {x}",
    "mdp: {x}",
    "le mdp est {x}",
    "contraseña {x}",
    "la clave es {x}",
    "clave: {x}",
    "senha {x}",
    "minha senha é {x}",
    "пароль {x}",
    "пароль от сервера {x}",
    "hasło: {x}",
    "parola: {x}",
    "la password è {x}",
    "wachtwoord is {x}",
    "lösenordet är {x}",
    "şifre {x}",
    "şifrem: {x}",
    "密码：{x}",
    "密码是 {x}",
    "パスワード：{x}",
    "비밀번호: {x}",
    "heslo: {x}",
    "salasana: {x}",
    "adgangskode: {x}",
    "jelszó: {x}",
    "API_TOKEN=abc1.def2.{x}",
    "export TOKEN=eyab.cd12.{x}34",
    "token=abc.{x}9.def123",
    "X_TOKEN='a1b2.c3d4.{x}'",
]
"""The kinds that leaked once, each in the spellings that people use; `{x}` is one password."""

HARMLESS = """
git log --oneline -{n} -- src/{w}/password.py
git commit -m "Fix {w} password reset"
git commit -m "feat(auth): add token refresh for {w}"
git checkout -b fix/{w}-secret-scan
git show {hex40}
git rev-parse {hex7}
git clone git@git.lab.test:{u}/{w}.git
git push origin {w}-keys
git config --global credential.helper cache
git log --author={u} --grep='api key'
git diff HEAD~{n} -- {w}/tokens.go
git stash pop stash@{{1}}
docker run -p {n}:80 {w}:latest
docker run --env-file {w}.env {w}
docker pull {w}@sha256:{hex64}
docker exec -it {w} mysql -u root -p
docker compose run -e DB_PASSWORD web
docker login ghcr.io -u {u}
docker secret ls
docker login --password-stdin < token.txt
kubectl get secret {w}-token -o yaml
kubectl delete secret {w}
kubectl create secret generic {w} --from-file=key.pem
kubectl describe sa {w}
mysql -u {u} -p {w}
mysql -h {m} -P {n} -u {u} -p
mysqldump -p --all-databases
psql -U {u} -W {w}
psql -h {m} -p 5432 {w}
redis-cli -h {m} -p 6379 get token:{n}
redis-cli config get requirepass
mongosh {m}/{w}
sqlite3 {w}.db 'select token, count(*) from t'
ssh -p {n} {u}@{m}
scp -P {n} {w}.txt {m}:
ssh-keygen -t ed25519 -f {w}
ssh-keygen -lf ~/.ssh/{w}.pub
ssh-copy-id {u}@{m}
sshpass -f pw.txt ssh {m}
sshpass -p "$SSH_PW" ssh {m}
sshpass -e sftp {m}
ssh-add -l
ssh-add ~/.ssh/{w}
curl -su "$USER:$TOKEN" {m}
curl -u {u} https://{m}/{w}
curl -fsSL https://{m}/{w}.key
curl -H 'Authorization: Bearer '"$TOKEN" {m}
curl -H "X-Api-Key: ${{KEY}}" {m}
curl -sS '{m}/tokens?limit={n}'
curl -H 'Accept: text/{w}' {m}
curl -X DELETE {m}/keys/{n}
curl -K {w}.curlrc {m}
wget --user={u} --ask-password {m}/{w}
http -a "$AUTH" {m}
wget -P {w} https://{m}/a.tgz
http {m}/session user={u}
sudo -S true < /dev/null
sudo -u {u} -s
sudo passwd -u {u}
echo {w} | sudo tee /etc/{w}
echo "{w} {n}" | sort
su - {u}
sudo -k
echo "Enter password for {w}:"
read -rs -p "Token: " TOKEN
echo $PASSWORD | wc -c
printf '%s\\n' "$SECRET" | base64
echo hello | sudo -n cat
export TOKEN=$(cat {w}.txt)
export PASSWORD="$(op read op://{w}/db)"
unset API_KEY
export SSH_AUTH_SOCK=/run/{w}.sock
export KEY_FILE=/etc/{w}.pem
export XAUTHORITY=/home/x/.Xauthority
export AUTH_BACKEND=ldap
export TOKENIZERS_PARALLELISM=true
export MAX_TOKENS={n}
PASSWORD_STORE_DIR=/srv/{w} pass ls
openssl x509 -in {w}.crt -text
openssl rand -base64 {n}
openssl req -new -key {w}.key -out {w}.csr
openssl dgst -sha256 {w}.tar
openssl s_client -connect {m}:443
openssl passwd -6
gpg --recv-keys {HEX16}
gpg --armor --export {u}
gpg -d {w}.gpg
age -d -i key.txt {w}.age
minisign -Vm {w} -P RWQ
zip -r {w}.zip {w}
unzip -o {w}.zip -d {w}
unzip -p {w}.zip a.txt
7z x {w}.7z -o{w}
tar -xpf {w}.tar
rar a -ep1 {w}.rar d
aws secretsmanager list-secrets
aws ssm get-parameter --name /{w}/db --with-decryption
aws iam list-access-keys --user-name {u}
aws s3 cp {w}.key s3://{w}/
az keyvault secret list --vault-name {w}
gcloud secrets versions access latest --secret={w}
vault kv get kv/{w}
vault token lookup
op item list
gh secret list -R {u}/{w}
gh secret set TOKEN < {w}.txt
gh auth status
heroku config:get API_KEY
doppler run -- {w}
fly secrets list
terraform output -json {w}_password
terraform apply -var-file={w}.tfvars
ansible-playbook {w}.yml --ask-vault-pass
ansible-vault edit {w}.yml
helm template {w} --set replicas={n}
helm upgrade {w} . --set image.tag=v{n}.1.2
pulumi config get dbPassword
packer validate {w}.pkr.hcl
java -Djava.security.egd=file:/dev/urandom -jar {w}.jar
mvn -Dtest=PasswordTest test
gradle test --tests TokenSpec
./gradlew -PskipTests {w}
npm token list
npm i passport jsonwebtoken@9.0.{n}
npm run auth:{w}
pip install keyring=={n}.1
cargo add secrecy
go test -run TestToken ./{w}/...
pytest -k 'secret or token' {w}
python -c "import getpass; getpass.getpass('Password: ')"
python -m tokenize {w}.py
python train.py --max-tokens {n} --pad-token '<pad>'
node --max-old-space-size={n} {w}.js
find . -name '*secret*' -newer {w}
grep -rn 'password' {w}/
grep -i "token" {w}.log
rg -l 'API_KEY'
awk -F= '/^token/{{print $2}}' {w}.ini
sed -n '/key:/p' {w}.yml
grep -c 'PASSWORD=' {w}.env
sed -i 's/token: .*/token: XXX/' {w}.yml
ls -l ~/.ssh ~/.netrc
cat /etc/passwd | cut -d: -f1
chmod 600 {w}.pem
cat {w}/token.txt
jq '.token' {w}.json
net user
net use
net user {u} /delete
cmdkey /list
runas /user:{u} cmd
set PATH=%PATH%;C:\\{w}
Get-Secret -Name {w}
$t = $env:TOKEN
Read-Host -AsSecureString 'Password'
nmcli dev wifi list
nmcli -f NAME con show
iwctl station wlan0 scan
wpa_cli status
lftp {m}
smbclient -L {m} -U {u}
mount -t nfs {m}:/{w} /mnt
ipfs pin add Qm{b58_44}
cast balance 0x{hex40}
solana transfer {b58_44} {n}
bitcoin-cli getreceivedbyaddress 1{b58_33}
nix-store -q /nix/store/{low32}-{w}-{n}.1
show me where the password is stored
reset the {w} password
why is my token invalid
list all api keys older than {n} days
rotate the secrets of {w}
what is a bearer token
the password field is empty on the login page
explain public key cryptography
how many tokens does {w} use
the key is in the {w} folder
find the passport scans of {u}
add a password strength check to {w}
the session expired after {n} minutes
write a test for token refresh
is the secret santa list done
sort the keys of the dictionary
change the password policy to {n} characters
which processes use the auth service
my password is wrong, how do I reset it
the token is expired
use pass for the {w} branch
press any key to continue
the api key is missing
set the session timeout to {n}
passwords are hashed with bcrypt
ssh without a password to {m}
das Passwort ist falsch
wo liegt der Schlüssel
la contraseña es incorrecta
le mot de passe est vide
esqueci a senha
пароль неверный
密码错误
ERROR 1045 (28000): Access denied for user '{u}'@'{m}' (using password: YES)
Permission denied (publickey,password).
fatal: Authentication failed for 'https://{m}/{w}.git/'
sudo: a password is required
sudo: {n} incorrect password attempts
KeyError: 'password'
{w}.go:{n}: undefined: token
invalid token at line {n}
Error: missing required option --token
SyntaxError: Unexpected token '<', "<!DOCTYPE" is not valid JSON
JWT expired at 2026-01-0{d}T09:00:00Z
401 Unauthorized: token expired
warning: unused variable: `key`
TypeError: unhashable key: 'dict'
psycopg2.OperationalError: FATAL: password authentication failed for user "{u}"
Host key verification failed.
error: secret "{w}" not found
permission denied: /etc/{w}/key.pem
request {uuid} failed
build {hex40} passed
session {uuid} closed
layer sha256:{hex64} exists
etag "{hex32}"
trace {hex32} span {hex16}
password = form.password
token = request.headers['Authorization']
self.api_key = api_key
if password == confirm:
def check_password(self, password: str) -> bool:
const token = await getToken();
private String password;
password: z.string().min({n})
key = lambda row: row[{d}]
for key, value in tokens.items():
SECRET_KEY = os.environ["SECRET_KEY"]
type Token struct {{ Kind int }}
/etc/ssl/private/{w}.key
/var/lib/{w}/tokens/{uuid}.json
C:\\Users\\Public\\{w}\\password-policy.pdf
./src/auth/session_token.rs
s3://{w}/keys/2026-01-0{d}/part-{n}.parquet
node_modules/{w}-auth/index.js
/srv/{w}/releases/20260105T0900{d}0Z/app
~/.claude/projects/x/{uuid}.jsonl
/proc/{n}/status
build/{w}-{n}.{d}.0-py3-none-any.whl
/tmp/pytest-of-x/pytest-{n}/test_password0
"""


def with_secrets(per_template: int, seed: int) -> Iterator[tuple[str, str, list[str]]]:
    """(kind, line, the secrets in it)"""
    draw = random.Random(seed)
    for kind, templates in KINDS.items():
        for template in templates:
            for _ in range(per_template):
                line, secrets = _filled(template, draw)
                yield kind, line, secrets
    for prefix, alphabet, length in VENDORS.values():
        for template in draw.sample(BARE, 4):
            key = prefix + "".join(draw.choices(alphabet, k=length))
            yield f"bare key {prefix}", template.format(v=key), [key[len(prefix) :]]


def written_later(per_template: int, seed: int) -> Iterator[tuple[str, list[str]]]:
    draw = random.Random(seed)
    for template in [*LATER, *SHORT]:
        for _ in range(per_template):
            yield _filled(template, draw)


def harmless(per_template: int, seed: int) -> Iterator[str]:
    draw = random.Random(seed)
    for template in HARMLESS.strip().splitlines():
        for _ in range(per_template):
            yield _filled(template, draw)[0]


def _filled(template: str, draw: random.Random) -> tuple[str, list[str]]:
    values = {name: make(draw) for name, make in _VALUES.items()}
    secrets = {name: value for name, value in values.items() if name in _SECRET and f"{{{name}}}" in template}
    private = [line for name, value in secrets.items() for line in _parts(name, value)]
    return template.format(**values), private


def _parts(name: str, value: str) -> list[str]:
    if name == "pem":
        return [line for line in value.splitlines() if "-----" not in line]
    return value.split(".")[1:] if name == "jwt" else [value]


def _run(alphabet: str, length: int) -> Callable[[random.Random], str]:
    return lambda draw: "".join(draw.choices(alphabet, k=length))


def _typed(signs: str) -> Callable[[random.Random], str]:
    def make(draw: random.Random) -> str:
        first, second = draw.sample(_WORDS, 2)
        number, sign = draw.randint(1, 9999), draw.choice(signs)
        return draw.choice(
            [f"{first}{number}", f"{first.title()}{sign}{number}", f"{first}{sign}{second}{number}",
             f"{first.title()}{second.title()}{number}", first[:3] + str(number) + second[:4].upper(),
             f"{first.replace('e', '3').replace('a', '4')}{sign}{number}",
             "".join(draw.choices(_LOW, k=11)) + str(number)]
        )  # fmt: skip

    return make


def _token(draw: random.Random) -> str:
    length = draw.choice([24, 32, 40, 43])
    return "".join(draw.choices(_LOW, k=length - 3)) + draw.choice(_UP) + str(draw.randint(10, 99))


def _basic(draw: random.Random) -> str:
    return base64.b64encode(f"{draw.choice(_USERS)}:{_typed('!')(draw)}xx1".encode()).decode().rstrip("=")


def _pem(draw: random.Random) -> str:
    body = "\n".join("".join(draw.choices(_LOW + "+/", k=64)) for _ in range(4))
    kind = draw.choice(["RSA ", "EC ", "", "OPENSSH "])
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"


def _jwt(draw: random.Random) -> str:
    body = (
        base64.urlsafe_b64encode(f'{{"sub":"{draw.choice(_USERS)}{draw.randint(1, 99)}"}}'.encode())
        .decode()
        .rstrip("=")
    )
    return f"eyJhbGciOiJIUzI1NiJ9.{body}.{''.join(draw.choices(_LOW + '_-', k=43))}"


_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES: dict[str, Callable[[random.Random], str]] = {
    "x": lambda draw: draw.choice(_WORDS) + str(draw.randint(1, 999)) + draw.choice(["Xy", "q", "Z9"]),
    "p": _typed("-_.@%+"), "q": _typed("-_.@!#$%&*+?"), "l": lambda draw: "".join(draw.sample(_WORDS, 2)), "t": _token,
    "h": _run(_HEX, 32), "b": _basic, "pem": _pem, "jwt": _jwt, "a36": _run(_LOW, 36), "a24": _run(_LOW, 24),
    "s40": _run(_LOW + "/+", 40), "hex32": _run(_HEX, 32), "n4": lambda draw: str(draw.randint(1000, 9999)),
    "n6": lambda draw: str(draw.randint(100_000, 999_999)),
    "u": lambda draw: draw.choice(_USERS), "m": lambda draw: draw.choice(_MACHINES),
    "w": lambda draw: draw.choice(_WORDS),
    "n": lambda draw: str(draw.randint(10, 9000)), "d": lambda draw: str(draw.randint(1, 9)),
    "hex40": _run(_HEX, 40), "hex7": _run(_HEX, 7), "hex64": _run(_HEX, 64), "hex16": _run(_HEX, 16),
    "HEX16": _run(_HEX.upper(), 16), "b58_44": _run(_BASE58, 44), "b58_33": _run(_BASE58, 33),
    "low32": _run(string.ascii_lowercase + string.digits, 32),
    "uuid": lambda draw: "-".join("".join(draw.choices(_HEX, k=k)) for k in (8, 4, 4, 4, 12)),
}  # fmt: skip
_SECRET = ("x", "p", "q", "l", "t", "h", "b", "pem", "jwt", "a36", "a24", "s40", "hex32", "hex40", "uuid", "n4", "n6")
