"""The intents and the tables of rules about them. `rules` reads them from the top; the first match decides."""

from __future__ import annotations

from typing import Final

INTENTS: Final[tuple[str, ...]] = (
    "find_files", "search_text", "inspect_file", "edit_file", "move_or_copy", "delete", "disk_usage", "system_status",
    "processes", "network", "packages", "version_control", "run_tests", "build", "run_program", "archive",
    "permissions", "containers", "services", "help",
)  # fmt: skip

OUT_OF_SCOPE: Final = "out_of_scope"

# (intent, programs, sub-commands for which the rule holds; empty = any).
COMMAND_RULES: Final[tuple[tuple[str, str, str], ...]] = (
    ("help", "man help info tldr apropos whatis", ""),
    ("run_tests", "pytest py.test tox nox jest vitest mocha rspec phpunit ctest unittest", ""),
    ("run_tests", "python python3 uv poetry coverage npm yarn pnpm bun cargo go make mvn gradle dotnet npx deno node",
     "test tests pytest unittest check-test jest vitest mocha nextest t tox nox"),
    ("build", "npm yarn pnpm bun cargo go dotnet poetry uv docker-compose mvn gradle bazel",
     "build compile package webpack vite tsc bundle assemble"),
    ("build", "make cmake ninja gcc g++ clang cc rustc javac tsc webpack vite meson bazel msbuild ant", ""),
    ("packages", "apt apt-get apt-cache aptitude dpkg yum dnf rpm pacman yay zypper apk brew port "
     "snap flatpak pip pip3 pipx conda mamba gem bundle composer winget choco scoop nix-env rustup", ""),
    ("packages", "npm yarn pnpm bun cargo go poetry uv pdm python python3",
     "install i add remove uninstall update upgrade ci list ls outdated sync lock get mod pip init audit search"),
    ("containers", "docker docker-compose podman podman-compose kubectl helm minikube kind k9s nerdctl crictl vagrant "
     "lxc virsh", ""),
    ("services", "systemctl service journalctl launchctl rc-service supervisorctl initctl pm2", ""),
    ("version_control", "git gh glab svn hg tig lazygit pre-commit", ""),
    ("archive", "tar zip unzip gzip gunzip bzip2 bunzip2 xz unxz zstd unzstd 7z 7za rar unrar cpio zipinfo "
     "fcrackzip", ""),
    ("permissions", "chmod chown chgrp umask setfacl getfacl visudo lsattr chattr", ""),
    ("delete", "rm rmdir shred unlink trash", ""),
    ("edit_file", "vi vim nvim nano emacs ed code gedit patch Edit MultiEdit Write NotebookEdit", ""),
    ("move_or_copy", "cp mv rsync install ln mkdir touch rename scp dd sftp", ""),
    ("disk_usage", "df du ncdu lsblk fdisk blkid findmnt", ""),
    ("processes", "ps top htop btop kill pkill killall pgrep pidof pstree lsof fuser jobs fg bg nice renice KillShell "
     "BashOutput", ""),
    ("find_files", "find fd fdfind locate mlocate plocate Glob which whereis tree", ""),
    ("search_text", "grep egrep fgrep rg ag ack zgrep Grep git-grep", ""),
    ("system_status", "free uptime uname hostname hostnamectl whoami id who w last dmesg lscpu lspci lsusb "
     "lsmod vmstat iostat nproc sensors nvidia-smi date env printenv locale timedatectl sw_vers lshw arch sysctl users "
     "groups", ""),
    ("network", "curl wget ping ssh ftp nc ncat netcat telnet nmap dig nslookup host whois ip ifconfig netstat "
     "ss route traceroute mtr tcpdump tshark arp iptables ufw nmcli iwconfig socat http xh WebFetch WebSearch "
     "hydra medusa nikto gobuster sqlmap enum4linux smbclient ssh-keygen ssh-copy-id "
     "netdiscover arp-scan masscan", ""),
    ("inspect_file", "ls ll dir cat bat head tail less more nl tac wc stat file diff cmp sort uniq cut od hexdump xxd "
     "strings jq yq md5sum sha256sum exa eza Read LS column comm", ""),
    ("run_program", "python python2 python3 node deno ruby perl php java bash sh zsh go cargo npm yarn pnpm bun "
     "npx uv poetry uvicorn gunicorn flask streamlit jupyter dotnet Rscript julia lua exec msfconsole", ""),
)  # fmt: skip

# Words of a request. A comma ends a phrase; `…` stands for any words between; a phrase that ends in `-` also matches
# longer words (`install-`: installing, installed). The more specific intent comes first.
REQUEST_RULES: Final[tuple[tuple[str, str], ...]] = (
    ("help", "how do … use, how to use, how can i use, option of, options of, flags, manual, man page, what does … do, "
     "what does … mean, usage of, explain, help, docs for, documentation"),
    ("run_tests", "unit test-, tests, test suite, run … test, the test-, spec, specs, pytest"),
    ("version_control", "git, commit-, branch-, merge-, rebase-, stash-, push, pull, repo, repository, diff … change-, "
     "changed since, have i changed, what changed, changes, check out, checkout, clone"),
    ("containers", "container-, docker, pod, pods, kubectl, images running, image … pull, compose, kubernetes"),
    ("services", "service-, daemon, systemd, systemctl, journal, nginx, apache, postgres, sshd"),
    ("archive", "zip-, unzip-, tar, untar, compress-, decompress-, archive-, unpack-, pack, extract-, tarball, "
                "bundle up, "
     "backup"),
    ("permissions", "permission-, executable, chmod, chown, owner, ownership, owns, read-only, readonly, writable"),
    ("packages", "install-, uninstall-, package-, dependenc-, upgrade-, library, libraries, pip, apt, npm"),
    ("delete", "delet-, remov-, get rid of, erase-, wipe-, clean up, clean out, purge-, throw away, trash"),
    ("build", "build-, compil-, make target, bundle, release binary, linker, linking"),
    ("disk_usage", "disk, space, how big, how large, size, sizes, storage, biggest, largest, filling up, big file-, "
     "big folder-, big director-"),
    ("processes", "process, processes, kill-, pid, hogging, top, using … cpu, using … memory, using … ram, "
                  "using … port, "
     "what is running, what's running, stuck job, terminate-"),
    ("search_text", "grep, search for … in, search in, search through, contain, contains, containing, mention-, "
                    "occurr-, "
     "line with, lines with, lines matching, where is … used, where is … defined, where do we, where does … call-, "
     "look for the word, look for the string, look for the text, find … string, find … text, find … word, find … todo, "
     "find … in the code"),
    ("find_files", "find, locate, where is, where are, look for, file named, files named, file called, files called, "
     "files ending, newest file-, recently changed, recently modified"),
    ("network", "ping, network, port, ports, ip, connect-, download-, fetch-, curl, url, internet, dns, host, "
                "reachable, ssh, "
     "http, https"),
    ("move_or_copy", "copy, copies, copying, move, moving, rename-, duplicate, create a folder, create the "
                     "folder, create a "
     "directory, create the directory, make a folder, make a directory, new folder, mkdir, put … into, put … in, "
     "put … under, symlink"),
    ("edit_file", "edit-, replace-, change … to, change … in, set … to, write, append-, insert-, modify-, "
                  "update the, fix the "
     "typo, add a line, add line"),
    ("system_status", "memory, cpu, load, uptime, ram, system, machine, kernel, health, who am i, logged in, date"),
    ("run_program", "run, execute-, start, launch-, script, serve"),
    ("inspect_file", "show, read, print, open, view, display-, cat, list, head, tail, first … lines, last … "
                     "lines, contents, "
     "content, look at, see, count, log, logs"),
)  # fmt: skip

# Read-only commands wherever the intent allows it: the rules know the intent, but neither files nor names.
COMMANDS_FOR_INTENT: Final[dict[str, tuple[str, ...]]] = {
    "find_files": ("find . -name '*'", "find . -type f -mtime -1", "ls -la"),
    "search_text": ("grep -rn TODO .", "grep -rni error .", "rg TODO"),
    "inspect_file": ("ls -la", "cat README.md", "head -n 20 README.md"),
    "edit_file": ("nano README.md", "vim README.md"),
    "move_or_copy": ("cp -i source destination", "mv -i source destination", "mkdir -p folder"),
    "delete": ("rm -i file", "rmdir folder"),
    "disk_usage": ("df -h", "du -sh .", "du -h --max-depth=1 ."),
    "system_status": ("uptime", "free -h", "uname -a"),
    "processes": ("ps aux", "ps aux --sort=-%cpu", "top -b -n 1"),
    "network": ("ip addr", "ss -tln", "ping -c 3 localhost"),
    "packages": ("pip list", "apt list --installed", "npm ls"),
    "version_control": ("git status", "git diff", "git log --oneline -n 10"),
    "run_tests": ("pytest", "npm test", "make test"),
    "build": ("make", "npm run build", "cargo build"),
    "run_program": ("python main.py", "npm start", "make run"),
    "archive": ("tar -tzf archive.tar.gz", "tar -czf archive.tar.gz folder", "unzip -l archive.zip"),
    "permissions": ("ls -l", "stat file", "chmod u+x script.sh"),
    "containers": ("docker ps", "docker images", "kubectl get pods"),
    "services": ("systemctl status", "systemctl list-units --type=service", "journalctl -n 50 --no-pager"),
    "help": ("man bash", "help", "tldr tar"),
}
