"""Rows of the table of losses (see `loss_table`): clouds, clusters, images, packages, permissions."""

from __future__ import annotations

from typing import Final

ROWS: Final[dict[str, str]] = {
    # clouds, clusters, images: what their verbs do not show
    "destroys_resources": r"""
terraform apply + -destroy
terraform apply ~ --?replace=.*
tofu apply ~ --?replace=.*
terraform state ~ rm|push
terraform workspace ~ delete
terraform force-unlock
tofu apply + -destroy
tofu state ~ rm
terragrunt ~ destroy
terragrunt run-all ~ destroy
aws s3 ~ rm|rb
aws s3 sync + --delete
aws s3 mv + --recursive
gsutil ~ rm|rb
gsutil rsync + -d
gcloud storage ~ rm|delete
s3cmd ~ del|rb|rm
s3cmd sync + --delete-removed
s5cmd ~ rm|rb
azcopy ~ remove|rm
azcopy sync + --delete-destination
rclone ~ purge|delete|deletefile|rmdir|rmdirs|sync
b2 ~ delete.*|rm
docker compose down + -v --volumes --rmi
docker-compose down + -v --volumes --rmi
podman-compose down + -v --volumes
docker swarm leave + -f --force
docker system ~ prune
podman system ~ prune|reset
kubectl replace + --force
kubectl apply + --prune
kubectl drain
kubectl scale ~ --replicas=0
oc scale ~ --replicas=0
docker service scale ~ \S+=0
docker-compose scale ~ \S+=0
docker compose scale ~ \S+=0
heroku ps:scale ~ \S+=0
aws autoscaling ~ --(?:desired-capacity|min-size|max-size)=0
aws ecs update-service ~ --desired-count=0
aws s3api put-bucket-lifecycle-configuration ~ (?s).*Expiration.*
aws route53 change-resource-record-sets ~ (?s).*DELETE.*
aws kms ~ schedule-key-deletion|disable-key
aws ec2 ~ release-.*|revoke-.*|disassociate-.*
aws organizations ~ close-account|leave-organization|remove-.*
aws dynamodb batch-write-item ~ (?s).*DeleteRequest.*
gcloud storage ~ --delete.*
podman kube ~ down
render ~ delete
fly scale count ~ 0
flyctl scale count ~ 0
gcloud ~ --(?:size|num-nodes|min-instances|max-instances)=0
az ~ --(?:instance-count|capacity|node-count)=0
kubectl taint ~ .*NoExecute.*
oc delete
kubeadm ~ reset
k3s-uninstall.sh
k3s-agent-uninstall.sh
rke2-uninstall.sh
helm ~ uninstall|delete|del|un
vagrant ~ destroy
virsh ~ destroy|undefine|vol-delete|vol-wipe|pool-delete|snapshot-delete|net-destroy|reset
VBoxManage ~ unregistervm|closemedium
lxc ~ delete
incus ~ delete
multipass ~ delete|purge
qm ~ destroy
pct ~ destroy
nomad job stop + -purge --purge
nomad system gc
vault ~ delete|destroy
vault secrets ~ disable
vault kv ~ delete|destroy|metadata
vault operator ~ seal|step-down
vault lease ~ revoke
vault token ~ revoke
vault auth ~ disable
consul kv ~ delete
consul ~ leave|force-leave
restic ~ forget|prune
borg ~ delete|prune|recreate
duplicity ~ remove-.*|cleanup
rdiff-backup + --remove-older-than
kopia snapshot ~ delete|expire
tarsnap + -d --nuke
proxmox-backup-client ~ prune|forget
velero ~ delete
pulumi ~ destroy|down|dn|cancel
pulumi stack ~ rm
pulumi state ~ delete
cdk ~ destroy|gc
sam ~ delete
serverless ~ remove
sls ~ remove
sst ~ remove
amplify ~ delete
eb ~ terminate
copilot ~ delete
heroku ~ .*:(?:destroy|reset|delete|remove)
heroku pg:reset
flyctl ~ destroy
fly ~ destroy
vercel ~ rm|remove
netlify ~ .*:delete
firebase ~ .*:(?:delete|disable|remove)
wrangler ~ delete
railway ~ down|delete
gh repo ~ delete|archive
gh ~ delete
gh api + -X --method ~ DELETE
gh api ~ DELETE
glab ~ delete
gcloud ~ delete
doctl ~ delete|rm|d
hcloud ~ delete
linode-cli ~ delete|rm|.*-delete
openstack ~ delete|purge
ibmcloud ~ .*-delete|.*-rm|rm|delete|cancel
oci ~ delete|terminate|purge
scw ~ delete|terminate
civo ~ delete|remove|rm
exo ~ delete|rm
eksctl ~ delete
kops ~ delete
kind ~ delete
k3d ~ delete
minikube ~ delete
argocd ~ delete|terminate-op
argo ~ delete|terminate
flux ~ delete|uninstall
istioctl ~ uninstall|purge
linkerd ~ uninstall
skaffold ~ delete
tilt ~ down
okteto ~ destroy
devspace ~ purge
garden ~ delete
juju ~ destroy-.*|remove-.*|kill-controller
packer ~ .*-force
databricks ~ delete|permanent-delete|rm|.*-delete
snow ~ drop
confluent ~ delete
ccloud ~ delete
atlas ~ delete|terminate
mongocli ~ delete|terminate
stripe ~ delete|cancel
supabase ~ delete
neonctl ~ delete
pscale ~ delete
turso ~ destroy|delete
upstash ~ delete
algolia ~ delete|clear
sentry-cli ~ delete
launchdarkly ~ delete
auth0 ~ delete
okta ~ delete
twilio ~ .*:remove|.*:delete
curl ~ -XDELETE|-XPURGE|--request=(?i:DELETE|PURGE)|.*/_delete_by_query.*
curl + -X --request ~ (?i)DELETE|PURGE
wget ~ --method=(?i:DELETE)
http ~ DELETE
https ~ DELETE
xh ~ (?i)DELETE
hdfs dfs ~ -rm|-rmr|-rmdir|-expunge
hadoop fs ~ -rm|-rmr|-rmdir|-expunge
hbase ~ drop|truncate
""",
    "removes_packages": r"""
apt ~ remove|purge|autoremove|autopurge
apt-get ~ remove|purge|autoremove|autopurge
aptitude ~ remove|purge
yum ~ remove|erase|autoremove
dnf ~ remove|erase|autoremove
zypper ~ remove|rm
apk ~ del
snap ~ remove
flatpak ~ uninstall|remove
brew ~ uninstall|remove|rm|zap
port ~ uninstall
pacman + -R -Rs -Rns -Rsc -Rdd -Rnsc --remove
yay + -R -Rs -Rns --remove
paru + -R -Rs -Rns --remove
dpkg + -r -P --remove --purge
rpm + -e --erase
pkg ~ delete|remove|autoremove
emerge + -C --unmerge --depclean
xbps-remove
eopkg ~ remove
nix-env + -e --uninstall
nix-collect-garbage + -d --delete-old --delete-older-than
opkg ~ remove
swupd ~ bundle-remove
winget ~ uninstall|remove
choco ~ uninstall
scoop ~ uninstall
msiexec ~ (?i)/x.*
rpm-ostree ~ uninstall|reset|cleanup
conda env ~ remove
conda remove + --all
mamba remove + --all
mamba env ~ remove
""",
    "opens_permissions": r"""
setenforce ~ 0|Permissive
ufw ~ disable|reset
aa-teardown
aa-disable
systemctl disable ~ (?:firewalld|ufw|apparmor|auditd|fail2ban)(?:\.service)?
systemctl stop ~ (?:firewalld|ufw|apparmor|auditd|fail2ban)(?:\.service)?
xhost ~ \+
spctl ~ --master-disable
spctl + --master-disable --global-disable
gsutil iam ~ .*allUsers.*
gsutil acl ~ .*public-read.*|.*AllUsers.*
aws s3api put-bucket-acl ~ public-read.*
aws s3api delete-public-access-block
chattr ~ -i
""",
}
