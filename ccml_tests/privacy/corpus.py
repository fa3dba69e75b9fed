"""Command lines with and without secrets, to measure redaction by.

`{p}` is a password (quoted for the shell where it has to be), `{t}` a drawn token, `{h}` a drawn hexadecimal key. The
families in `HELD_OUT_*` were written down before the rules were tried on them, and no rule names their programs: they
show what the general rules find of programs that nobody thought of.
"""

from __future__ import annotations

import random
import shlex
import string
from collections.abc import Iterator

PASSWORDS = (
    "hunter2", "s3cr3t", "Tr0ub4dor&3", "correcthorse", "P@ssw0rd123", "qwerty12345", "letmein1", "Winter2024!",
    "x9#kLm2$vQ", "aaaaaa7", "dragonfly88", "iloveyou22", "Zx!81mmQ", "opensesame99", "rosebud-77", "m0nkey_business",
)  # fmt: skip

WITH_SECRET = """
mysql -u root -p{p} shop
mysql -uroot -p{p} -h db.internal -e 'show tables'
mysqldump --single-transaction -u backup -p{p} shop > shop.sql
mysqladmin -u root -p{p} status
mariadb -u app --password={p} app
docker exec -it db mysql -uroot -p{p}
sshpass -p {p} ssh ada@10.0.0.7 uptime
sshpass -p {p} scp build.tar.gz deploy@10.0.0.7:/srv
curl -u ada:{p} https://api.example.test/v1/jobs
curl -s --user ada:{p} -X POST https://api.example.test/v1/jobs
curl -H 'Authorization: Bearer {t}' https://api.example.test/me
curl -H "Authorization: Basic {t}==" https://api.example.test/me
curl -H "Authorization: token {h}" https://api.example.test/repos
curl -H 'X-Api-Key: {t}' https://api.example.test/me
curl --header 'PRIVATE-TOKEN: {t}' https://git.example.test/api/v4/projects
curl -b 'session={h}' -H 'Cookie: sid={h}' https://app.example.test
curl -x http://proxy:3128 -U ada:{p} https://example.test
curl 'https://api.example.test/search?api_key={h}&q=cats'
curl 'https://api.example.test/v2?q=1&access_token={t}'
curl -d '{"user":"ada","password":"{q}"}' https://app.example.test/login
curl -X POST -d 'username=ada&password={q}' https://app.example.test/login
wget --user=ada --password={p} https://files.example.test/a.zip
wget --header="Authorization: Bearer {t}" https://files.example.test/a.zip
http -a ada:{p} GET https://api.example.test
docker login -u ada -p {p} registry.example.test
docker login --username ada --password {p}
echo {p} | docker login -u ada --password-stdin
docker run -e POSTGRES_PASSWORD={p} -d postgres:16
docker run --env MYSQL_ROOT_PASSWORD={p} -p 3306:3306 mysql
podman login -u ada -p {p} quay.example.test
redis-cli -h cache -a {p} info
redis-cli --pass {p} ping
zip -r -P {p} out.zip reports/
unzip -P {p} out.zip -d reports
7z a -p{p} out.7z reports/
openssl enc -aes-256-cbc -k {p} -in a.txt -out a.enc
openssl rsa -in key.pem -passin pass:{p} -out plain.pem
openssl pkcs12 -export -passout pass:{p} -in c.pem -out c.p12
ldapsearch -x -D cn=admin,dc=example -w {p} -b dc=example
ldapadd -x -D cn=admin -w {p} -f new.ldif
htpasswd -b /etc/nginx/.htpasswd ada {p}
htpasswd -nb ada {p}
echo {p} | sudo -S apt-get update
echo {p} | sudo -kS systemctl restart nginx
printf '%s\\n' {p} | sudo -S true
sudo -S id <<< {p}
echo ada:{p} | sudo chpasswd
export GITHUB_TOKEN={t}
export DB_PASSWORD={p}
export AWS_SECRET_ACCESS_KEY={s}
AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLQ aws s3 ls
PGPASSWORD={p} psql -h db -U app app
MYSQL_PWD={p} mysql -u root
psql postgres://app:{u}@db.internal:5432/app
psql "postgresql://app:{u}@db.internal/app?sslmode=require"
mongosh mongodb://root:{u}@mongo:27017/admin
mongo -u root -p {p} --authenticationDatabase admin
git clone https://ada:{u}@git.example.test/ada/app.git
git clone https://oauth2:{t}@git.example.test/ada/app.git
git remote set-url origin https://{t}@git.example.test/ada/app.git
git clone https://ghp_{a36}@github.com/ada/app.git
gh auth login --with-token <<< ghp_{a36}
echo ghp_{a36} | gh auth login --with-token
pip install --index-url https://ada:{u}@pypi.example.test/simple app
twine upload -u __token__ -p pypi-AgEIcHlwaS5vcmcC{a36}{a36}{a36} dist/*
npm config set //registry.npmjs.org/:_authToken npm_{a36}
npm publish --registry https://ada:{u}@npm.example.test
aws configure set aws_secret_access_key {s}
ssh-keygen -t ed25519 -N {p} -f id_work
smbclient //nas/share -U ada%{p}
mount -t cifs -o username=ada,password={p} //nas/share /mnt
lftp -u ada,{p} sftp://files.example.test
xfreerdp /u:ada /p:{p} /v:10.0.0.9
kubectl create secret generic db --from-literal=password={p}
helm upgrade app ./chart --set db.password={p}
vault login {vt}
ansible-playbook site.yml -e "ansible_become_pass={p}"
sqlcmd -S db -U sa -P {p} -Q 'select 1'
sqlplus app/{u}@orcl
rabbitmqctl add_user ada {p}
keytool -list -keystore a.jks -storepass {p}
nmcli dev wifi connect home password {p}
wpa_passphrase home {p}
gpg --batch --passphrase {p} -c notes.txt
bash -c "mysql -u root -p{q} shop"
ssh db1 'mysqldump -u root -p{q} shop'
python deploy.py --api-key {t}
./deploy.sh --token={t} --env prod
python -c "client = Client(api_key='{t}')"
echo "ANTHROPIC_API_KEY=sk-ant-api03-{a36}{a36}" >> .env
export OPENAI_API_KEY=sk-proj-{a36}
curl https://api.stripe.test/v1/charges -u sk_live_{a24}:
curl -X POST https://hooks.slack.com/services/T0AB12CD3/B0EF45GH6/{a24}
slack chat send --token xoxb-123456789012-{a24}
export HF_TOKEN=hf_{a36}
echo "machine git.example.test login ada password {q}" >> ~/.netrc
mysql -e "CREATE USER 'app'@'%' IDENTIFIED BY '{q}'"
psql -c "ALTER USER app WITH PASSWORD '{q}'"
net use Z: \\\\nas\\share /user:ada --password={p}
az login --service-principal -u app -p {p} --tenant t1
export JWT=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.{a36}
argocd login cd.example.test --username admin --password {p}
terraform apply -var 'db_password={q}' -auto-approve
vault kv put secret/app db_password={p}
consul kv get -token={t} app/config
sentry-cli --auth-token {t} releases list
snowsql -a acct -u ada --private-key-passphrase {p}
RESTIC_PASSWORD={p} restic -r /srv/backup snapshots
BORG_PASSPHRASE={p} borg list /srv/borg
flask run --secret-key={t}
heroku config:set SECRET_KEY_BASE={h} -a shop
fly secrets set DATABASE_URL=postgres://app:{u}@db/app
celery -A app -b redis://:{u}@cache:6379/0 worker
rsync --password-file=<(echo {p}) a rsync://nas/b
composer config http-basic.repo.example.test --auth-token {t}
gcloud sql users set-password app --instance main --password={p}
ansible all -m ping --extra-vars "ansible_password={p}"
jq -n --arg password {p} '{$password}'
node server.js --jwt-secret {t}
spark-submit --conf spark.redis.auth.password={p} job.py
java -Dspring.datasource.password={p} -jar app.jar
java -Djavax.net.ssl.trustStorePassword={p} -jar app.jar
mvn deploy -Drepo.password={p}
gradle publish -PmavenPassword={p}
dotnet user-secrets set ConnectionStrings:Password={p} --project web
sqlcmd -Q "Server=db;Database=x;User Id=sa;Password={q};"
kcat -X sasl.username=ada -X sasl.password={p} -b broker:9092 -L
logstash -e 'output { elasticsearch { user => "ada" password => "{q}" } }'
npx wrangler deploy --api-token {t}
export STRIPE_SECRET=sk_test_{a24}
git -c http.extraHeader="Authorization: Bearer {t}" fetch
ssh ci@build 'export NPM_TOKEN={t}; npm publish'
neo4j-admin dbms set-initial-password {p}
etcdctl --user root:{u} get /config
influx setup --username ada --password {p} --org lab
cypher-shell -u neo4j --password {p}
rclone copy a remote:b --sftp-pass {p}
nats pub orders hello --user app --password {p}
mongoimport --uri mongodb://app:{u}@db/app --collection x
pg_dump "host=db user=app password={q} dbname=app"
curl -sS -H "X-Auth-Token: {t}" https://cloud.example.test/servers
curl -H "apikey: {t}" https://project.example.test/rest/v1
curl -F token={t} -F file=@a.txt https://upload.example.test
aws s3 presign s3://b/k --secret-access-key {s}
DATABASE_URL=mysql://app:{u}@db/app ./manage.py migrate
echo "DB_PASS={q}" > .env
sed -i 's/^DB_PASSWORD=.*/DB_PASSWORD={q}/' .env
openconnect --user=ada --passwd-on-stdin vpn.example.test <<< {p}
echo {p} | openconnect --passwd-on-stdin vpn.example.test
echo {p} | gpg --batch --passphrase-fd 0 -d a.gpg
ALGOLIA_API_KEY={h} node index.js
export SENDGRID_KEY=SG.{a24}.{a36}
export CI_JOB_TOKEN={t} && make release
cmd /c "set DB_PASSWORD={q}&& run.bat"
$env:API_TOKEN = "{t}"
setx AZURE_CLIENT_SECRET {t}
git push https://{t}:x-oauth-basic@github.com/ada/app.git
docker build --build-arg NPM_TOKEN={t} -t app .
kubectl create secret docker-registry reg --docker-username=ada --docker-password={p}
kubectl config set-credentials ada --token={t}
pulumi config set --secret dbPassword {p}
"""

HELD_OUT_WITH_SECRET = """
sonar-scanner -Dsonar.host.url=https://q.example.test -Dsonar.token={t}
snyk auth --token {t}
codecov upload -t {h}
newman run api.json --env-var "apiKey={t}"
ffmpeg -i in.mp4 -f flv rtmp://ada:{u}@live.example.test/app
svn checkout --username ada --password {p} https://svn.example.test/app
hg clone https://ada:{u}@hg.example.test/app
cargo login {t}
gem push --key work --otp 123456 app.gem --api-key {t}
bundle config set --global gems.example.test ada:{u}
mvn -Dgpg.passphrase={p} verify
jarsigner -storepass {p} app.jar work
adb shell "export API_KEY={t}; ./run"
nomad job run -var "db_password={q}" app.hcl
boundary authenticate password -login-name ada -password {p}
scp -o "ProxyCommand=sshpass -p {q} ssh -W %h:%p jump" a b:/tmp
crontab -l | sed "s/SLACK_TOKEN=.*/SLACK_TOKEN={t}/" | crontab -
systemctl set-environment SMTP_PASSWORD={p}
tee .env <<< "JWT_SECRET={t}"
python manage.py shell -c "User.objects.create_superuser('ada', 'a@b.example', password='{q}')"
rails runner "ENV['STRIPE_SECRET_KEY']='sk_live_{a24}'"
iex -S mix run --erl "-setcookie {t}"
doppler run --token dp.st.{a36}{a24} -- make
az storage blob list --account-name a --account-key {s}==
bq query --service_account_credential_secret {t} 'select 1'
"""

HARMLESS = """
ls -la /var/log
cd ../src && git status
git log --oneline --author=ada -n 20
git checkout 3f2b9c1e8d7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c
git commit -m "rotate the api token before release"
git commit -m 'fix password reset: token expires too early'
git diff HEAD~3 -- src/auth/token.py
git push origin feature/secret-store
git remote -v
git clone https://github.com/psf/requests.git
git clone git@github.com:ada/app.git
git config --global credential.helper store
mysql -u root -p
mysql -u root -p shop < dump.sql
mysqldump -u backup -p --single-transaction shop
mysqladmin ping -h localhost -P 3306
psql -h localhost -p 5432 -U app app
psql postgres://db.internal:5432/app
redis-cli -h cache -p 6379 info
ssh -p 2222 -i ~/.ssh/id_ed25519 deploy@10.0.0.7
sshpass -e ssh deploy@10.0.0.7
sshpass -p "$PASS" ssh deploy@10.0.0.7
scp -P 2222 a.txt deploy@10.0.0.7:/tmp/
curl -s https://api.example.test/v1/status
curl -u "$USER:$PASSWORD" https://api.example.test
curl -H "Authorization: Bearer $TOKEN" https://api.example.test
curl -H "Authorization: Bearer ${GITHUB_TOKEN}" https://api.github.com/user
curl -H 'Accept: application/json' -H 'Content-Type: application/json' https://x.example.test
curl -o key.asc https://download.example.test/key.asc
curl 'https://api.example.test/search?page=2&sort=key'
wget -qO- https://example.test/keys.txt
docker run -p 8080:80 --name web nginx:1.27
docker run -e POSTGRES_PASSWORD -d postgres
docker run --env-file .env app
docker login registry.example.test
docker pull nginx@sha256:0d17b565c37bcbd895e9d92315a05c1c3c9a29f762b011a10c54a66cd53c9b31
docker compose up -d --build
docker ps -a --format '{{.Names}}'
cat token.txt
cat secrets.yaml | head -20
grep -rn password src/
grep -rn "api_key" --include='*.py' .
grep -E 'token=[a-z]+' access.log
grep -c "PASSWORD=" .env.example
rg -n "SECRET_KEY" config/
sed -i 's/password=.*/password=REDACTED/' notes.txt
awk -F: '{print $1}' /etc/passwd
find . -name '*.key' -o -name '*.pem'
find / -name authorized_keys 2>/dev/null
passwd ada
sudo passwd -l ada
sudo -s
sudo -u postgres psql
echo $GITHUB_TOKEN
echo "enter your password:"
echo hello | sudo tee /etc/motd
read -s -p "Password: " PASSWORD
read -rsp 'API token: ' API_TOKEN
export PATH=$PATH:/opt/bin
export TOKEN=$(cat token.txt)
export PASSWORD="$(pass show work/db)"
export AWS_PROFILE=work AWS_REGION=eu-central-1
export TOKENIZERS_PARALLELISM=false
export KEYBOARD=us EDITOR=vim
PWD=/srv/app make
OLDPWD=/tmp cd -
unset PASSWORD
kubectl get secrets -n prod
kubectl create secret generic db --from-file=password.txt
kubectl describe secret db-token
helm upgrade app ./chart --set image.tag=1.2.3 --set replicas=3
terraform plan -var-file=prod.tfvars
vault kv get secret/app
vault login -method=oidc
aws s3 cp s3://bucket/key.txt .
aws secretsmanager get-secret-value --secret-id prod/db
aws sts get-session-token --duration-seconds 3600
gcloud auth print-access-token
gh auth status
gh secret list
gh secret set API_TOKEN < token.txt
pip install tokenizers==0.21.0 keyring
pip install passlib bcrypt
npm install jsonwebtoken --save-exact
npm token list
npm run test -- --testNamePattern 'auth token'
pytest tests/test_password.py -k 'token and not secret' -x
pytest tests/auth/test_tokens.py::test_expiry
python manage.py changepassword ada
python train.py --max-tokens 4096 --tokenizer bert-base --pad-token '[PAD]'
python -c "import secrets; print(secrets.token_hex(16))"
python -c "password = input('Password: ')"
python -m http.server 8000
openssl rand -hex 32
openssl x509 -in cert.pem -noout -text
openssl req -new -key server.key -out server.csr
openssl genrsa -out key.pem 4096
ssh-keygen -t ed25519 -C work -f id_work
ssh-keygen -lf ~/.ssh/id_ed25519.pub
ssh-add ~/.ssh/id_ed25519
gpg --list-secret-keys --keyid-format long
gpg --import key.asc
htpasswd -c .htpasswd ada
htpasswd .htpasswd ada
ldapsearch -x -W -D cn=admin -b dc=example '(uid=ada)'
zip -r out.zip reports/
unzip -l out.zip
tar -czpf out.tgz reports/
7z x out.7z -oout
rsync -avzP src/ nas:/backup/
cp -p a.txt b.txt
mkdir -p secrets/tokens
rm -f .netrc
touch auth.py token.py
chmod 600 ~/.ssh/id_rsa
ls ~/.aws/credentials
nmap -p 1-1000 10.0.0.0/24
nc -vz db 5432
hydra -L users.txt -P words.txt ssh://10.0.0.7
john --wordlist=words.txt hashes.txt
smbclient -L //nas -N
lsof -i :8080
ps aux --sort=-%cpu | head
kill -9 4242
tail -f /var/log/auth.log
journalctl -u sshd --since '1 hour ago'
systemctl status ssh-agent
make deploy ENV=prod VERSION=1.4.2
cargo build --release --features auth
go test ./internal/token/...
sha256sum -c SHA256SUMS
echo 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08  a.txt | sha256sum -c
uuidgen
echo 123e4567-e89b-12d3-a456-426614174000
tmux new -s keyboard
man 5 passwd
history | grep docker
xxd -l 64 key.bin
jq '.token | length' auth.json
yq '.spec.template' deploy.yaml
base64 -d payload.b64 > payload.bin
sqlite3 app.db 'select id, token_count from usage'
mysql -e 'select user, authentication_string is null from mysql.user'
set RHOSTS 10.0.0.5
set PASS_FILE /usr/share/wordlists/words.txt
sudo apt install -y pass keychain
code --goto src/auth/session.ts:42
argocd app sync shop
terraform apply -auto-approve
consul kv get app/config
sentry-cli releases list
restic -r /srv/backup snapshots
borg list /srv/borg::monday
flask run --debug --port 5001
heroku logs --tail -a shop
celery -A app worker --loglevel=info
rsync --password-file=/etc/rsync.pw a rsync://nas/b
gcloud sql users list --instance main
ansible all -m ping --ask-pass
node server.js --port 3000 --session-timeout 30
spark-submit --conf spark.executor.memory=4g job.py
java -Xmx2g -Dserver.port=8081 -jar app.jar
mvn -q -DskipTests package
gradle test --tests '*TokenTest'
dotnet user-secrets list
kcat -b broker:9092 -t events -o beginning -p 3
npx wrangler tail
git -c core.pager=cat log -3
cosign verify --key cosign.pub app:1.2
ffmpeg -i in.mp4 -pass 1 -f null /dev/null
secret-tool search service mail
xclip -selection clipboard < pass.txt
uvicorn app:api --ssl-keyfile key.pem --ssl-certfile cert.pem
bundle exec rails credentials:edit
mosquitto_sub -t 'home/#' -p 1883
screen -S auth -dm ./run.sh
pdftk in.pdf cat 1-3 output out.pdf
rake secret
iptables -L -n
pass show work/mail
bw list items --search mail
op item get database
neo4j-admin dbms info
etcdctl get /config --prefix
influx bucket list
rclone copy a remote:b --progress
nats pub orders hello
pg_dump -h db -U app -W app
curl -F file=@a.txt https://upload.example.test
aws s3 presign s3://b/k --expires-in 600
./manage.py migrate --database default
echo "DB_PASS=" > .env
sed -n '/DB_PASSWORD/p' .env
openconnect --user=ada vpn.example.test
gpg --batch -d a.gpg
node index.js --key-field id
make release TOKEN_FILE=/run/secrets/token
docker build --secret id=npm,src=.npmrc -t app .
kubectl config view --minify
pulumi config get dbPassword
git log -S 'password' --pickaxe-regex
tcpdump -i eth0 port 443 -w auth.pcap
perl -pe 's/secret/public/g' notes.txt
diff -u old/token.py new/token.py
ssh -o PasswordAuthentication=no deploy@10.0.0.7
ssh -o PubkeyAuthentication=yes -i key.pem deploy@10.0.0.7
scp key.pub deploy@10.0.0.7:.ssh/authorized_keys
ls -l /run/secrets
ruby -e 'puts ENV["SECRET_TOKEN"]'
python -c "import os; print(os.environ['API_KEY'])"
npm config get //registry.npmjs.org/:_authToken
test -n "$PASSWORD" || exit 1
"""

HELD_OUT_HARMLESS = """
sonar-scanner -Dsonar.projectKey=shop
snyk test --all-projects
codecov upload --file coverage.xml
newman run api.json -e local.json
ffmpeg -i in.mp4 -c:v libx264 out.mkv
svn checkout https://svn.example.test/app
hg pull -u
cargo publish --dry-run
gem push app.gem --key work
bundle config list
mvn -Dgpg.skip=true verify
jarsigner -verify app.jar
adb shell getprop ro.build.version.sdk
nomad job status app
boundary authenticate password -login-name ada
systemctl show-environment
tee .env < env.template
python manage.py createsuperuser --username ada
rails credentials:show
az storage account keys list --account-name a
gpg --edit-key 0xA1B2C3D4E5F60718
git tag -s v1.2.3 -m 'release with new token format'
docker inspect 4c01db0b339c
kubectl rollout restart deploy/auth-token-service
psql -c "select password_hash is not null from users"
terraform import aws_secretsmanager_secret.db arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbCdEf
curl -sSf https://example.test/.well-known/jwks.json -o keys.json
npx create-next-app@latest shop
ansible-vault view group_vars/all/vault.yml
pwgen -s 24 1
"""


def drawn(rng: random.Random, alphabet: str, length: int) -> str:
    """Letters and digits mixed, as a generator of keys would."""
    return "".join(rng.choice(alphabet) for _ in range(length - 2)) + rng.choice("0123456789") + rng.choice("abcdef")


def secret_lines(templates: str, *, per_template: int, seed: int) -> Iterator[tuple[str, str]]:
    """(line, what must not survive in it)."""
    rng = random.Random(seed)
    alphanumeric = string.ascii_letters + string.digits
    for template in templates.strip().splitlines():
        for _ in range(per_template):
            password = rng.choice(PASSWORDS)
            plain = rng.choice([p for p in PASSWORDS if p.replace("-", "").replace("_", "").isalnum()])
            values = {
                "{p}": shlex.quote(password),
                "{q}": plain,
                "{u}": plain,
                "{t}": drawn(rng, alphanumeric, rng.randint(20, 40)),
                "{h}": drawn(rng, "0123456789abcdef", 40),
                "{s}": drawn(rng, alphanumeric + "/+", 40),
                "{vt}": "hvs." + drawn(rng, alphanumeric, 24),
                "{a24}": drawn(rng, alphanumeric, 24),
                "{a36}": drawn(rng, alphanumeric, 36),
            }
            line, secrets = template, []
            for mark, value in values.items():
                if mark in line:
                    line = line.replace(mark, value)
                    secrets.append(password if mark == "{p}" else value)
            yield line, secrets[0] if secrets else "AKIAIOSFODNN7EXAMPLQ"


def harmless_lines(lines: str) -> list[str]:
    return lines.strip().splitlines()
