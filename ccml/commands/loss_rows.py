"""Rows of the table of losses (see `loss_table`): work, files, disks, machines, databases."""

from __future__ import annotations

from typing import Final

ROWS: Final[dict[str, str]] = {
    # work that is not committed, or commits that nothing else names
    "discards_history": r"""
git reset + --hard --merge
git clean + -f --force -c
git push + -f --force --force-with-lease --force-if-includes --delete -d --mirror --prune
git push ~ (?:\+|:.).*
git checkout + -f --force -B -- --ours --theirs
git checkout ~ \.|:/|\*
git switch + -f --force --discard-changes -C --force-create
git restore
git branch + -D -f --force
git tag + -d --delete -f --force
git stash ~ drop|clear
git reflog ~ expire|delete
git update-ref + -d --stdin
git filter-branch
git filter-repo
git gc + --prune
git prune
git worktree remove + -f --force
git rm + -r -f --force
git submodule deinit + -f --force --all
git read-tree + --reset -u
git checkout-index + -f --force
git replace + -d --delete
git notes ~ remove|prune
git symbolic-ref + -d --delete
git remote ~ remove|rm
git lfs prune + --force
git svn reset
git am + --abort
git annex drop + --force
bfg
git-filter-repo
hg strip
hg purge
hg update + -C --clean
hg revert + --all -a
hg rollback
svn revert + -R --recursive --depth
svn delete
svn cleanup + --remove-unversioned --remove-ignored
svn rm
jj abandon
p4 obliterate
p4 revert
fossil purge
""",
    # files, disks, machines
    "destroys": r"""
shred
wipe
srm
scrub
mkswap
mke2fs
newfs
wipefs + -a --all -o --offset
sfdisk
gdisk
cgdisk
cfdisk
fdisk
sgdisk
parted
partx + -d --delete
dd ~ of=(?!/dev/(?:null|stdout|stderr)$).*
truncate
fallocate + -p -z -c --punch-hole --zero-range --collapse-range
blkdiscard
badblocks + -w -n
debugfs + -w
hdparm + --security-erase --security-erase-enhanced --trim-sector-ranges --fwdownload --write-sector
hdparm + --make-bad-sector --repair-sector
nvme format
nvme sanitize
cryptsetup ~ erase|luksErase|luksFormat|luksKillSlot|luksRemoveKey
lvremove
vgremove
pvremove
lvreduce
mdadm + --zero-superblock --stop -S --remove
zfs destroy
zfs rollback + -r -R -f
zpool destroy
zpool labelclear
btrfs subvolume delete
btrfs device remove
resize2fs + -M
diskutil ~ erase\w*|partitionDisk|zeroDisk|secureErase|randomDisk|apfs
shutdown
reboot
halt
poweroff
telinit
init ~ [0-6sS]
systemctl ~ poweroff|reboot|halt|kexec|rescue|emergency|mask|isolate|soft-reboot
loginctl ~ poweroff|reboot|halt|terminate-.*|kill-.*
userdel
groupdel
deluser
delgroup
atrm
crontab + -r
iptables + -F --flush -X --delete-chain -D --delete -P --policy
ip6tables + -F --flush -X --delete-chain -D --delete -P --policy
iptables-restore
nft ~ flush|delete|destroy
ip ~ flush|del|delete
rmmod
modprobe + -r --remove
swapoff
format ~ [A-Za-z]:
diskpart
killall5
journalctl + --vacuum-size --vacuum-time --vacuum-files
trash-empty
trash-rm
gio trash + --empty
nmcli connection ~ del|delete
nmcli con ~ del|delete
nmcli c ~ del|delete
nmcli device ~ del|delete
fastboot flashing ~ (?:un)?lock
zip + -m -rm --move --delete -d
tar + --remove-files --delete --recursive-unlink
7z ~ d
7z + -sdel
7za ~ d
rar ~ d
unrar ~ d
rimraf
del-cli
launchctl ~ reboot
nwipe
ipcrm
scrontab + -r
htpasswd + -D
ykman ~ reset
route ~ flush
microk8s ~ reset
pm ~ clear|uninstall
kompose ~ down
factory-reset
tmutil ~ delete\w*|disable
nvram + -c -d
dscl ~ -?delete
defaults ~ delete
security ~ delete-.*
csrutil ~ disable
systemsetup ~ -setstartupdisk
pwpolicy ~ -clearaccountpolicies
gpg + --delete-key --delete-secret-key --delete-secret-keys --delete-secret-and-public-key --delete-keys
keytool + -delete
certutil ~ -delstore|-D
ldapdelete
kadmin ~ delprinc
samba-tool ~ delete
smbpasswd + -x
pdbedit + -x
ipa ~ .*-del
rabbitmqctl ~ reset|force_reset|delete_\w+|purge_queue|stop_app
kafka-topics + --delete
kafka-topics.sh + --delete
kafka-consumer-groups + --delete --reset-offsets
kafka-consumer-groups.sh + --delete --reset-offsets
kafka-delete-records
kafka-delete-records.sh
npm unpublish
pnpm unpublish
yarn npm unpublish
gem yank
cargo yank
history + -c -d
salt ~ .*(?:state\.sls_remove|system\.(?:shutdown|reboot|halt)|file\.remove|pkg\.(?:remove|purge))
ansible ~ .*state=absent.*
kexec
efibootmgr + -B -b --delete-bootnum
grub-install
bootctl ~ remove
update-rc.d ~ remove
fdupes + -d --delete -N
rdfind + -deleteduplicates
jdupes + -d -N --delete
bleachbit + -c --clean
rsync + --delete --del --delete-before --delete-during --delete-after --delete-excluded --remove-source-files
rsync ~ --delete.*
robocopy ~ (?i)/(?:mir|purge)
syncthing ~ reset.*
""",
    "drops_data": r"""
dropdb
dropuser
pg_dropcluster
pg_resetwal
pg_restore + -c --clean
mongorestore + --drop
mysqladmin ~ drop|shutdown|flush-.*
mysqlimport + -d --delete
sqlite-utils drop-table
sqlite-utils drop-view
prisma migrate reset
prisma db push + --force-reset --accept-data-loss
alembic downgrade
flask db downgrade
flask drop-db
knex migrate:rollback
knex migrate:down
sequelize db:drop
sequelize db:migrate:undo
sequelize db:migrate:undo:all
sequelize-cli db:drop
sequelize-cli db:migrate:undo:all
typeorm schema:drop
typeorm migration:revert
mikro-orm schema:drop
drizzle-kit drop
flyway clean
cake migrations ~ rollback
gradlew ~ flyway(?:Clean|Undo)
gradle ~ flyway(?:Clean|Undo)
mvn ~ flyway:(?:clean|undo)
flyway undo
liquibase ~ drop-?all|dropAll|rollback.*
goose ~ down.*|reset
dbmate ~ drop|down|rollback
migrate ~ drop|down
atlas schema clean
diesel database ~ reset|drop
diesel migration ~ revert|redo
sqlx database ~ reset|drop
sqlx migrate revert
sea-orm-cli migrate ~ fresh|refresh|reset|down
supabase db reset
hasura migrate apply + --down
hasura metadata clear
ecto.drop
dotnet ef database drop
dotnet ef database update ~ 0
django-admin ~ flush|reset_db
django-admin migrate ~ zero
rails ~ db:schema:load
rake ~ db:schema:load
wp db ~ reset|drop|clean
wp site ~ empty|delete
wp ~ delete
drush ~ sql-drop|sql:drop|site-install|si|pm-uninstall|entity:delete
redis-cli ~ (?i)flushall|flushdb|del|unlink|shutdown|debug
etcdctl ~ del|rm|rmdir
nodetool ~ decommission|removenode|assassinate|clearsnapshot|garbagecollect
couchbase-cli ~ bucket-delete|bucket-flush
influxd ~ .*delete.*
mc ~ rb|rm
neo4j-admin database ~ delete
neo4j-admin ~ .*--force.*
dbt run + --full-refresh
dbt seed + --full-refresh
airflow db ~ reset|clean|downgrade
superset db ~ downgrade
odoo-bin db ~ drop
bench ~ drop-site|reinstall
cypher-shell ~ (?i).*detach\s+delete.*
""",
}
