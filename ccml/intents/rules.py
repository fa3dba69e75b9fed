"""What the user wants: the label set, and the documented rules that give a label where nobody gave one.

Two tables, read top to bottom, the first match decides:

- `COMMAND_RULES` labels telemetry without intent labels by the command that was run (marked `rule` in the data sets);
- `REQUEST_RULES` is the rule-based system that answers when no model can: a request's words → intent → commands.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from ccml.commands.parse import Command
from ccml.commands.programs import FAMILY

INTENTS: Final[tuple[str, ...]] = (
    "find_files", "search_text", "inspect_file", "edit_file", "move_or_copy", "delete", "disk_usage", "system_status",
    "processes", "network", "packages", "version_control", "run_tests", "build", "run_program", "archive",
    "permissions", "containers", "services", "help",
)  # fmt: skip

OUT_OF_SCOPE: Final = "out_of_scope"

# (intent, programs, sub-commands that are meant; empty = any). "!x" means: any but x.
COMMAND_RULES: Final[tuple[tuple[str, str, str], ...]] = (
    ("help", "man help info tldr apropos whatis", ""),
    ("run_tests", "pytest py.test tox nox jest vitest mocha rspec phpunit ctest unittest", ""),
    ("run_tests", "python python3 uv poetry coverage npm yarn pnpm bun cargo go make mvn gradle dotnet npx deno node",
     "test tests pytest unittest check-test jest vitest mocha nextest t tox nox"),
    ("build", "npm yarn pnpm bun cargo go dotnet poetry uv docker-compose mvn gradle bazel",
     "build compile package webpack vite tsc bundle assemble"),
    ("build", "make cmake ninja gcc g++ clang cc rustc javac tsc webpack vite meson bazel msbuild ant", ""),
    ("packages", "apt apt-get apt-cache aptitude dpkg yum dnf rpm pacman yay zypper apk brew port snap flatpak pip pip3 "
     "pipx conda mamba gem bundle composer winget choco scoop nix-env rustup", ""),
    ("packages", "npm yarn pnpm bun cargo go poetry uv pdm python python3",
     "install i add remove uninstall update upgrade ci list ls outdated sync lock get mod pip init audit search"),
    ("containers", "docker docker-compose podman podman-compose kubectl helm minikube kind k9s nerdctl crictl vagrant "
     "lxc virsh", ""),
    ("services", "systemctl service journalctl launchctl rc-service supervisorctl initctl pm2", ""),
    ("version_control", "git gh glab svn hg tig lazygit pre-commit", ""),
    ("archive", "tar zip unzip gzip gunzip bzip2 bunzip2 xz unxz zstd unzstd 7z 7za rar unrar cpio zipinfo fcrackzip", ""),
    ("permissions", "chmod chown chgrp umask setfacl getfacl visudo lsattr chattr", ""),
    ("delete", "rm rmdir shred unlink trash", ""),
    ("edit_file", "vi vim nvim nano emacs ed code gedit patch Edit MultiEdit Write NotebookEdit", ""),
    ("move_or_copy", "cp mv rsync install ln mkdir touch rename scp dd sftp", ""),
    ("disk_usage", "df du ncdu lsblk fdisk blkid findmnt", ""),
    ("processes", "ps top htop btop kill pkill killall pgrep pidof pstree lsof fuser jobs fg bg nice renice KillShell "
     "BashOutput", ""),
    ("find_files", "find fd fdfind locate mlocate plocate Glob which whereis tree", ""),
    ("search_text", "grep egrep fgrep rg ag ack zgrep Grep git-grep", ""),
    ("system_status", "free uptime uname hostname hostnamectl whoami id who w last dmesg lscpu lspci lsusb lsmod vmstat "
     "iostat nproc sensors nvidia-smi date env printenv locale timedatectl sw_vers lshw arch sysctl users groups", ""),
    ("network", "curl wget ping ssh ftp nc ncat netcat telnet nmap dig nslookup host whois ip ifconfig netstat ss route "
     "traceroute mtr tcpdump tshark arp iptables ufw nmcli iwconfig socat http xh WebFetch WebSearch hydra medusa nikto "
     "gobuster sqlmap enum4linux smbclient ssh-keygen ssh-copy-id netdiscover arp-scan masscan", ""),
    ("inspect_file", "ls ll dir cat bat head tail less more nl tac wc stat file diff cmp sort uniq cut od hexdump xxd "
     "strings jq yq md5sum sha256sum exa eza Read LS column comm", ""),
    ("run_program", "python python2 python3 node deno ruby perl php java bash sh zsh go cargo npm yarn pnpm bun npx uv poetry "
     "uvicorn gunicorn flask streamlit jupyter dotnet Rscript julia lua exec msfconsole", ""),
)  # fmt: skip

# In-place editing and writing with a reader's program: the flag or the redirection tells.
_IN_PLACE: Final = {"sed": re.compile(r"-[a-zA-Z]*i|--in-place"), "perl": re.compile(r"-[a-zA-Z]*i")}
_PLAIN_TEXT: Final = frozenset({"sed", "awk", "gawk", "tr"})
_SKIPPED: Final = frozenset(
    {"cd", "pushd", "popd", "echo", "printf", "export", "set", "source", ".", "clear", "true", "test", "["}
)


@lru_cache(maxsize=1)
def _by_program() -> dict[str, tuple[tuple[str, frozenset[str]], ...]]:
    table: dict[str, list[tuple[str, frozenset[str]]]] = {}
    for intent, programs, subs in COMMAND_RULES:
        for program in programs.split():
            table.setdefault(program, []).append((intent, frozenset(subs.split())))
    return {program: tuple(rules) for program, rules in table.items()}


def intent_from_command(command: Command) -> str | None:
    """The intent that a command shows, by these rules in order; None where it shows none (`cd`, `echo`, unknown programs).

    1. An in-place edit (`sed -i`) or a text written into a file (`cat > x`, `echo … > x`, `tee`) is `edit_file`.
    2. A `--help` of any program is `help`.
    3. Otherwise the first of the line's programs that `COMMAND_RULES` knows decides, `cd` and `echo` passed over: in
       `cd x && pytest | tail` it is pytest.
    4. `./script` and other programs by path are `run_program`.
    """
    if not command.parsed and not command.program:
        return None
    template = command.template
    words = template.split()
    if command.program in _IN_PLACE and any(_IN_PLACE[command.program].fullmatch(flag) for flag in command.flags):
        return "edit_file"
    if command.program in ("cat", "echo", "printf", "tee") and (
        re.search(r"(?:^|[^2&])>>? <path>", template) or "tee" in words
    ):
        return "edit_file"
    if "--help" in command.flags:
        return "help"
    table = _by_program()
    for program in (command.program, *command.programs) if command.program not in _SKIPPED else command.programs:
        if program in _SKIPPED:
            continue
        for intent, subs in table.get(program, ()):
            if not subs or command.subcommand in subs or _module(command, program) in subs:
                return intent
        if program in _PLAIN_TEXT:
            return "inspect_file"
        if program == "<path>":
            return "run_program"
    return None


def _module(command: Command, program: str) -> str:
    """`pytest` of `python -m pytest`, `test` of `npm run test` and of `make test`."""
    if program in ("python", "python3") and "-m" in command.flags:
        after = re.search(r"\s-m\s+([\w.-]+)", command.line)
        return after.group(1).split(".")[0] if after else ""
    words = command.line.split()
    if program in words:
        rest = [w for w in words[words.index(program) + 1 :] if not w.startswith("-")]
        if rest and rest[0] in ("run", "exec", "run-script") and len(rest) > 1:
            return rest[1].split(":")[0]
        return rest[0].split(":")[0] if rest else ""
    return ""


# Patterns over the lower-cased request. Order matters: the more particular wish comes first.
RULE_PATTERNS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
    (intent, re.compile(pattern))
    for intent, pattern in (
        ("help", r"\bhow (?:do|can|to)\b.*\b(?:use|flag|option)|\bmanual\b|\bman page|\bwhat does .* (?:do|mean)\b|\busage of\b|\bexplain\b|\bhelp\b|\bdocs? for\b"),
        ("run_tests", r"\b(?:unit |integration )?tests?\b(?!\.\w)|\btest suite\b|\bspecs?\b|\bpytest\b"),
        ("version_control", r"\bgit\b|\bcommit|\bbranch|\bmerge|\brebase|\bstash|\bpush\b|\bpull\b|\brepo(?:sitory)?\b|\bdiff\b.*\bchange|\bwhat (?:have i )?changed\b|\bchanges\b|\bcheck ?out\b|\bclone\b"),
        ("containers", r"\bcontainers?\b|\bdocker\b|\bpods?\b|\bkubectl\b|\bimages?\b.*\b(?:running|docker|pull)|\bcompose\b|\bkubernetes\b"),
        ("services", r"\bservices?\b|\bdaemon\b|\bsystemd\b|\bsystemctl\b|\bjournal\b|\bunit status\b|\b(?:nginx|apache|postgres|sshd)\b"),
        ("archive", r"\b(?:un)?(?:zip|tar|compress|archive|pack)\w*\b|\bextract\b|\btarball\b|\bbundle up\b|\bbackup\b"),
        ("permissions", r"\bpermissions?\b|\bexecutable\b|\bchmod\b|\bchown\b|\bown(?:er|ership|s)\b|\bread-?only\b|\bwritable\b"),
        ("packages", r"\binstall|\buninstall|\bpackages?\b|\bdependenc|\bupgrade\b|\blibrar(?:y|ies)\b|\bpip\b|\bapt\b|\bnpm\b"),
        ("build", r"\bbuild\b|\bcompil|\bmake target\b|\bbundle\b|\brelease binary\b|\blink(?:er|ing)\b"),
        ("disk_usage", r"\bdisk\b|\bspace\b|\bhow (?:big|large|much room)\b|\bsizes?\b|\bstorage\b|\bbiggest\b|\blargest\b|\bfilling up\b|\bbig (?:files|folders|directories)\b"),
        ("processes", r"\bprocess(?:es)?\b|\bkill\b|\bpid\b|\bhogging\b|\btop\b|\busing (?:the |all )?(?:cpu|memory|ram|port)\b|\bwhat(?:'s| is) running\b|\bstuck job\b|\bterminate\b"),
        ("delete", r"\bdelet|\bremov|\bget rid of\b|\berase\b|\bwipe\b|\bclean (?:up|out)\b|\bpurge\b|\bthrow away\b|\btrash\b"),
        ("search_text", r"\bgrep\b|\bsearch\b.*\b(?:for|in)\b|\bcontain(?:s|ing)?\b|\bmention|\boccurr|\blines? (?:with|matching)\b|\bwhere (?:is|do we|does)\b.*\b(?:used|defined|call)|\blook for the (?:word|string|text)\b|\bfind\b.*\b(?:string|text|word|todo|in the code)\b"),
        ("find_files", r"\bfind\b|\blocate\b|\bwhere (?:is|are)\b|\blook for\b|\bfiles? (?:named|called|ending)\b|\bnewest files?\b|\brecently (?:changed|modified)\b"),
        ("network", r"\bping\b|\bnetwork\b|\bports?\b|\bip\b|\bconnect|\bdownload\b|\bfetch\b|\bcurl\b|\burl\b|\binternet\b|\bdns\b|\bhost\b|\breachable\b|\bssh\b|\bhttps?\b"),
        ("move_or_copy", r"\bcop(?:y|ies)\b|\bmov(?:e|ing)\b|\brename\b|\bduplicate\b|\bcreate (?:a |the )?(?:folder|directory)\b|\bmkdir\b|\bput .* (?:into|in|under)\b|\bsymlink\b"),
        ("edit_file", r"\bedit\b|\breplace\b|\bchange\b.*\b(?:to|in)\b|\bset .* to\b|\bwrite\b|\bappend\b|\binsert\b|\bmodify\b|\bupdate the\b|\bfix the typo\b|\badd (?:a )?line\b"),
        ("system_status", r"\bmemory\b|\bcpu\b|\bload\b|\buptime\b|\bram\b|\bsystem\b|\bmachine\b|\bkernel\b|\bhealth\b|\bversion of (?:linux|the os)\b|\bwho am i\b|\blogged in\b|\bdate\b"),
        ("run_program", r"\brun\b|\bexecute\b|\bstart\b|\blaunch\b|\bscript\b|\bserve\b"),
        ("inspect_file", r"\bshow\b|\bread\b|\bprint\b|\bopen\b|\bview\b|\bdisplay\b|\bcat\b|\blist\b|\bhead\b|\btail\b|\bfirst \d* ?lines\b|\blast \d* ?lines\b|\bcontents?\b|\blook at\b|\bsee\b|\bcount\b|\blog\b"),
    )
)  # fmt: skip

# Read-only wherever the intent allows it: the rule-based system proposes, it does not know the particulars.
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


def intent_from_request(request: str) -> str | None:
    """The intent that a request's words show, by the first of `RULE_PATTERNS` that matches; None where none does."""
    wanted = request[:2000].lower()
    for intent, pattern in RULE_PATTERNS:
        if pattern.search(wanted):
            return intent
    first = wanted.split(maxsplit=1)[0] if wanted.strip() else ""
    if first in FAMILY and len(first) > 2:
        from ccml.commands.parse import parse

        return intent_from_command(parse(request[:2000]))
    return None


def commands_for_intent(intent: str) -> tuple[str, ...]:
    """What the rule-based system proposes for an intent, best first; empty for an intent it does not know."""
    return COMMANDS_FOR_INTENT.get(intent, ())
