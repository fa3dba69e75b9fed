"""What is known of programs: their family, whether they have sub-commands, which wrap others, what their words mean.

Data, not rules: `parse`, `risk` and the intent rules read these tables. An unknown program is family `other`, has no
sub-commands, and its words are told by their looks alone.
"""

from __future__ import annotations

from typing import Final

FAMILIES: Final = (
    "files", "text", "search", "git", "process", "network", "packages", "python",
    "containers", "system", "archive", "shell", "other",
)  # fmt: skip

_FAMILY_PROGRAMS: Final[dict[str, str]] = {
    "files": "ls ll la dir cd pwd cp mv rm mkdir rmdir touch ln stat file du df tree chmod chown chgrp basename dirname "
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
    "WebFetch ssh-keygen ssh-copy-id ssh-add hping3 masscan arp-scan netdiscover john hashcat searchsploit whatweb wpscan",
    "packages": "apt apt-get apt-cache aptitude dpkg yum dnf rpm pacman yay zypper apk brew port snap flatpak pip pip3 "
    "pipx uv conda mamba poetry pdm npm npx yarn pnpm bun gem bundle cargo rustup go composer nix nix-env winget choco "
    "scoop emerge npm-check",
    "python": "python python2 python3 ipython jupyter pytest py.test tox nox ruff mypy black isort flake8 pylint "
    "pyright coverage django-admin manage.py flask uvicorn gunicorn celery streamlit python3.9 python3.10 python3.11 "
    "python3.12 python3.13 virtualenv pyenv unittest",
    "containers": "docker docker-compose podman podman-compose kubectl k9s helm minikube kind k3s buildah skopeo nerdctl "
    "ctr crictl oc vagrant terraform ansible ansible-playbook lxc virsh kustomize",
    "system": "sudo su doas systemctl service journalctl dmesg uname hostname hostnamectl whoami id who w last users "
    "groups useradd usermod userdel adduser deluser passwd groupadd mount umount lsblk blkid fdisk parted mkfs fsck "
    "crontab at date cal timedatectl locale sysctl modprobe lsmod lspci lsusb lscpu lshw dmidecode reboot shutdown "
    "poweroff halt init swapon swapoff launchctl defaults sw_vers nvidia-smi sensors loginctl getent arch nproc "
    "iostat sar env printenv findmnt logger chroot visudo update-alternatives ulimit",
    "archive": "tar zip unzip gzip gunzip zcat bzip2 bunzip2 xz unxz zstd unzstd 7z 7za rar unrar cpio ar lz4 pigz zgrep "
    "zless zipinfo jar",
    "shell": "bash sh zsh fish dash ksh export set unset alias unalias source . eval exec exit history clear reset true "
    "false test [ read let local declare readonly shift trap return break continue xargs parallel sleep yes help man "
    "info tldr which command builtin hash fc bind stty tput script logout msf",
}

FAMILY: Final[dict[str, str]] = {
    program: family for family, programs in reversed(_FAMILY_PROGRAMS.items()) for program in programs.split()
} | dict.fromkeys("make cmake ninja gcc g++ clang cc rustc javac java mvn gradle node deno tsc ts-node ruby perl php "
                  "lua Rscript julia dotnet bazel meson jest vitest mocha webpack vite eslint prettier rspec phpunit "
                  "psql mysql sqlite3 redis-cli mongo mongosh TodoWrite Task".split(), "other")  # fmt: skip

WITH_SUBCOMMANDS: Final = frozenset(
    "git gh glab svn hg apt apt-get apt-cache aptitude yum dnf pacman zypper apk brew port snap flatpak pip pip3 pipx uv "
    "conda mamba poetry pdm npm yarn pnpm bun gem bundle cargo rustup go composer winget choco scoop docker "
    "docker-compose podman podman-compose kubectl helm minikube kind buildah skopeo oc vagrant terraform systemctl "
    "launchctl nmcli ip ufw openssl aws gcloud az heroku flyctl vercel netlify dotnet jupyter flask celery ruff "
    "pre-commit virsh lxc timedatectl hostnamectl loginctl rclone restic borg vault consul nomad doctl stripe firebase "
    "ng nx turbo deno mvn gradle ./gradlew tmux screen".split()
)

# The words after a wrapper are a command of their own. The value says which of its options take a value, so that the
# wrapped program is found behind them.
WRAPPERS: Final[dict[str, frozenset[str]]] = {
    "sudo": frozenset("-u --user -g --group -h --host -p --prompt -C -r -t -U -D".split()),
    "doas": frozenset({"-u", "-C"}),
    "env": frozenset({"-u", "--unset", "-C", "--chdir", "-S"}),
    "time": frozenset({"-f", "-o", "--format", "--output"}),
    "nohup": frozenset(),
    "nice": frozenset({"-n", "--adjustment"}),
    "ionice": frozenset({"-c", "-n", "-p"}),
    "timeout": frozenset({"-k", "-s", "--kill-after", "--signal"}),
    "stdbuf": frozenset({"-i", "-o", "-e"}),
    "xargs": frozenset("-I -i -n -P -L -d -s -a -E --max-args --max-procs --delimiter --replace".split()),
    "watch": frozenset({"-n", "--interval"}),
    "exec": frozenset({"-a"}),
    "command": frozenset(),
    "builtin": frozenset(),
    "setsid": frozenset(),
    "caffeinate": frozenset({"-t", "-w"}),
    "proxychains": frozenset({"-f"}),
    "strace": frozenset({"-e", "-o", "-p", "-s"}),
    "unbuffer": frozenset(),
}
WRAPPER_WITH_OPERAND: Final = frozenset({"timeout"})
"""Its first plain word is its own (`timeout 10 make`), the command begins after it."""

# What an option's value is: (program or "*", option) → kind.
OPTION_VALUES: Final[dict[str, dict[str, str]]] = {
    "*": {"--file": "path", "--output": "path", "--directory": "path", "--config": "path", "--port": "number"},
    "find": {
        "-name": "pattern", "-iname": "pattern", "-path": "pattern", "-ipath": "pattern", "-wholename": "pattern",
        "-regex": "pattern", "-iregex": "pattern", "-newer": "path", "-user": "name", "-group": "name",
        "-size": "number", "-mtime": "number", "-atime": "number", "-ctime": "number", "-mmin": "number",
        "-amin": "number", "-cmin": "number", "-maxdepth": "number", "-mindepth": "number", "-perm": "number",
        "-printf": "text", "-samefile": "path", "-inum": "number", "-lname": "pattern", "-fprint": "path",
    },
    "grep": {"-e": "pattern", "-f": "path", "--include": "pattern", "--exclude": "pattern", "--exclude-dir": "pattern"},
    "rg": {"-e": "pattern", "-g": "pattern", "--glob": "pattern", "-f": "path"},
    "sed": {"-e": "text", "-f": "path"},
    "awk": {"-F": "text", "-f": "path", "-v": "assignment"},
    "cut": {"-d": "text", "-f": "number", "-c": "number"},
    "sort": {"-t": "text", "-k": "number", "-o": "path"},
    "git": {"-m": "text", "--message": "text", "-C": "path", "--author": "text", "--grep": "pattern", "-S": "pattern", "-b": "name"},
    "tar": {"-f": "path", "-C": "path", "--exclude": "pattern"},
    "ssh": {"-i": "path", "-l": "name", "-F": "path", "-o": "assignment", "-L": "text", "-R": "text", "-J": "host"},
    "scp": {"-i": "path", "-F": "path"},
    "curl": {"-o": "path", "-H": "text", "-d": "text", "--data": "text", "-X": None or "text", "-u": "text", "-b": "text"},
    "wget": {"-O": "path", "-P": "path"},
    "docker": {"-v": "text", "--name": "name", "-e": "assignment", "-w": "path", "-f": "path", "--network": "name"},
    "kubectl": {"-n": "name", "--namespace": "name", "-f": "path", "-l": "text"},
    "python": {"-c": "text"},
    "bash": {"-c": "text"},
    "pytest": {"-k": "pattern", "-m": "text"},
    "useradd": {"-s": "path", "-d": "path", "-G": "name"},
    "gcc": {"-o": "path"},
    "nmap": {"-p": "number", "-oN": "path", "-oX": "path", "-iL": "path"},
    "hydra": {"-l": "name", "-L": "path", "-P": "path", "-p": "text"},
    "journalctl": {"-u": "name"},
    "su": {"-c": "text"},
    "chmod": {}, "mount": {"-t": "name", "-o": "text"},
    "msf": {},
}  # fmt: skip

# The kinds of a program's plain words, in order; the last one goes on for the rest.
OPERANDS: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys("ls cat bat head tail less more nl tac wc rm rmdir mkdir touch cp mv ln stat file du df tree chown2 vim vi "
                    "nvim nano emacs cd pushd source . open xdg-open diff cmp sort uniq cut md5sum sha256sum unzip gzip "
                    "gunzip zcat tar zip python python3 bash sh node ruby perl pytest basename dirname realpath readlink "
                    "shred truncate tee rsync code black isort flake8 ruff mypy gcc g++ paste join comm strings xxd "
                    "rustc javac du ncdu Read Write Edit MultiEdit LS find install php jq2 column".split(), ("path",)),
    **dict.fromkeys("grep egrep fgrep rg ag ack zgrep Grep".split(), ("pattern", "path")),
    **dict.fromkeys("fd fdfind locate Glob".split(), ("pattern", "path")),
    **dict.fromkeys("sed awk gawk mawk jq yq".split(), ("text", "path")),
    "tr": ("text",),
    **dict.fromkeys("chmod".split(), ("number", "path")),
    **dict.fromkeys("chown chgrp".split(), ("name", "path")),
    **dict.fromkeys("kill".split(), ("number",)),
    **dict.fromkeys("pkill killall pgrep pidof which whereis type man tldr apropos info id su passwd useradd userdel "
                    "usermod adduser groups service systemctl help hash unset alias export".split(), ("name",)),
    **dict.fromkeys("ping ssh nmap dig nslookup host whois traceroute mtr telnet nc ncat netcat ftp sftp "
                    "hydra nikto enum4linux".split(), ("host", "number")),
    **dict.fromkeys("curl wget http xh WebFetch".split(), ("url",)),
    **dict.fromkeys("apt apt-get apt-cache aptitude yum dnf pacman zypper apk brew snap pip pip3 pipx uv conda npm yarn "
                    "pnpm gem cargo poetry dpkg".split(), ("name",)),
    **dict.fromkeys("docker podman kubectl helm systemctl make npx tmux".split(), ("name",)),
    **dict.fromkeys("echo printf".split(), ("text",)),
    "sleep": ("number",),
    "seq": ("number",),
}  # fmt: skip

GIT_PATHS: Final = frozenset({"add", "rm", "mv", "restore", "blame", "diff", "clone", "show", "log", "apply"})


def family(program: str) -> str:
    """The family of a program, one of `FAMILIES`."""
    return FAMILY.get(program.rpartition("/")[2], "other") if program else "other"
