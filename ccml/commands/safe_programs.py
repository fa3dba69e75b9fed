"""Commands that are known to read only: the allow-list behind `safe`.

A program is listed only if none of its options writes, deletes, connects to a host or runs another program, or if a
function refuses the options that do (`_CHECKED`). Options are matched by prefix where the program accepts abbreviations
(`sort --ou x` is `sort --output x`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias

from ccml.privacy.secret_names import strength_of

Words: TypeAlias = tuple[str, ...]

# No option of these does harm.
_READERS: Final = frozenset(
    "ls pwd cat head tail wc grep egrep fgrep cut tr stat du df free uptime whoami id groups ps pgrep pidof "
    "pstree which "
    "whereis basename dirname realpath readlink md5sum sha1sum sha256sum sha512sum cksum nl tac rev fold seq expr echo "
    "printf true false test [ cmp comm paste join diff od hexdump strings lsblk lscpu lsusb lspci lsmod nproc "
    "arch uname "
    "cd locate type w who last users cal vmstat iostat findmnt sleep clear dir zcat tty exa eza".split()
)  # fmt: skip

_GIT_READERS: Final = frozenset(
    "status log diff show rev-parse ls-files ls-tree blame describe shortlog cat-file rev-list merge-base name-rev "
    "count-objects grep whatchanged cherry var version".split()
)
# Git takes abbreviated options. `--output` writes; `--ext-diff`, `--textconv`, `-O` and `--open-files-in-pager` run
# programs.
_GIT_RISKY: Final = re.compile(r"--(?:ou|op|ext|exe|te|up|pag|git-dir|work-tree|config|no-index)|-O")
_GIT_LISTS: Final[dict[str, re.Pattern[str]]] = {
    "branch": re.compile(r"-a|-r|-v|-vv|--all|--remotes|--list|--show-current|--verbose|--merged|--no-merged|-l"),
    "tag": re.compile(r"-l|--list|-n\d*|--sort=[\w:-]+"),
    "remote": re.compile(r"-v|--verbose"),
    "stash": re.compile(r"list"),
    "worktree": re.compile(r"list"),
    "config": re.compile(r"--list|-l|--global|--local|--show-origin"),
    "reflog": re.compile(r"-n|\d+|show|--oneline|-\d+"),
    "submodule": re.compile(r"status"),
}
_LISTING_SUBCOMMANDS: Final[dict[str, frozenset[str]]] = {
    "pip": frozenset({"list", "show", "freeze", "check", "--version", "-V"}),
    "pip3": frozenset({"list", "show", "freeze", "check", "--version", "-V"}),
    "npm": frozenset({"ls", "list", "--version", "-v"}),
    "apt": frozenset({"list", "show", "search"}),
    "apt-cache": frozenset({"search", "show", "policy", "depends", "rdepends", "madison"}),
    "brew": frozenset({"list", "leaves", "--version"}),
    "conda": frozenset({"list", "info", "--version"}),
    "docker": frozenset({"ps", "images", "logs", "version", "info", "stats", "top", "port"}),
    "podman": frozenset({"ps", "images", "logs", "version", "info", "stats", "top", "port"}),
    "kubectl": frozenset({"get", "describe", "logs", "version", "cluster-info", "top", "explain", "api-resources"}),
    "systemctl": frozenset(
        {
            "status",
            "list-units",
            "list-unit-files",
            "list-timers",
            "is-active",
            "is-enabled",
            "is-failed",
            "show",
            "cat",
        }
    ),
    "ip": frozenset({"a", "addr", "address", "r", "route", "l", "link", "n", "neigh"}),
    "crontab": frozenset({"-l"}),
    "dpkg": frozenset({"-l", "-L", "-s", "-S", "--list", "--listfiles", "--status", "--search"}),
    "snap": frozenset({"list", "info", "version"}),
    "rpm": frozenset({"-qa", "-q", "-qi", "-ql"}),
    "cargo": frozenset({"--version", "-V"}),
    "go": frozenset({"version"}),
    "ufw": frozenset({"status"}),
}
_VERSIONED: Final = frozenset(
    "python python3 node npm yarn pnpm ruby perl javac gcc g++ clang cargo rustc go git docker make cmake bash zsh "
    "pytest ruff mypy black terraform kubectl helm aws gcloud az psql mysql sqlite3 curl wget vim nano tar ssh "
    "uv poetry "
    "php dotnet mvn gradle deno bun tsc jq rg fd pip pip3 ansible nginx redis-server".split()
)


def is_read_only(words: Words) -> bool:
    """`words` are a command's words as the program receives them, none of them subject to expansion."""
    program, arguments = words[0], words[1:]
    if program in _VERSIONED and arguments in (("--version",), ("-V",), ("--help",)):
        return True
    if program in _READERS:
        return True
    check = _CHECKED.get(program)
    if check is not None:
        return check(arguments)
    allowed = _LISTING_SUBCOMMANDS.get(program)
    return allowed is not None and _lists(program, arguments, allowed)


def _lists(program: str, arguments: Words, allowed: frozenset[str]) -> bool:
    if not arguments or arguments[0] not in allowed:
        return False
    rest = arguments[1:]
    if program == "ip":
        # iproute2 takes abbreviations (`ip a ad …` adds an address), so only the listing verbs are allowed.
        return not rest or rest[0] in ("show", "list", "ls")
    if program in ("crontab", "ufw"):
        return not rest or rest == ("verbose",)
    if program == "kubectl" and any("secret" in word.lower() for word in rest):
        return False  # reads a file of secrets
    return not any(word.startswith(_RISKY_LISTING_OPTIONS.get(program, ("--",))) for word in rest)


# Options of listing commands that name a server, a configuration or a program to run. Where a program is not here, no
# long option at all is allowed (`rpm -qa --pipe COMMAND`).
_RISKY_LISTING_OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    "kubectl": ("--kubeconfig", "--as", "--token", "--server", "--cache-dir", "-s"),
    "docker": ("-H", "--host", "-c", "--context", "--config"),
    "podman": ("-H", "--host", "-c", "--context", "--config", "--url", "--root", "--hooks"),
    "systemctl": ("-H", "--host", "-M", "--machine", "--root", "--image"),
    "apt": ("-o", "-c", "--op", "--co"),
    "apt-cache": ("-o", "-c", "--op", "--co"),
    "pip": (
        "--log",
        "--py",
        "--pro",
        "--ce",
        "--cl",
        "--in",
        "-i",
        "--ex",
        "--out",
        "-o",
        "--up",
        "-u",
        "--ca",
        "--ke",
    ),
    "npm": ("--sc", "--pre", "--user", "--glob", "--reg", "--no", "--sh", "--ca", "-c", "-C"),
}


def _no(letters: str, *risky: str) -> Callable[[Words], bool]:
    """Any arguments but long options that begin so, and short ones with one of these letters, alone or in a cluster."""
    cluster = re.compile(rf"-[A-Za-z0-9]*[{letters}]")

    def check(arguments: Words) -> bool:
        return not any(word.startswith(risky) or (word[1:2] != "-" and cluster.match(word)) for word in arguments)

    return check


def _only(pattern: str, at_most: int = 12) -> Callable[[Words], bool]:
    compiled = re.compile(pattern)
    return lambda arguments: len(arguments) <= at_most and all(compiled.fullmatch(word) for word in arguments)


def _find(arguments: Words) -> bool:
    # Anything that acts on what was found, or writes a list of it.
    return not any(
        word.startswith(("-exec", "-ok", "-delete", "-fprint", "-fls", "-files0-from")) for word in arguments
    )


def _uniq(arguments: Words) -> bool:
    # Its second operand is the output file.
    takes_value, operands = False, 0
    for word in arguments:
        if takes_value:
            takes_value = False
        elif word in ("-f", "-s", "-w"):
            takes_value = True
        elif not word.startswith("-") or word == "-":
            operands += 1
    return operands <= 1


_SED_READ: Final = re.compile(
    r"(?:\d+|\$)(?:,(?:\d+|\$|\+\d+))?[pdq=]|/[^/\\]*/(?:,/[^/\\]*/)?[pd]|(?:s([/|,#])(?:(?!\1)[^\\\n]"
    r"|\\[^\n])*\1(?:(?!\1)[^\\\n]|\\[^\n])*\1[gIip0-9]*)"
)


def _sed(arguments: Words) -> bool:
    """Printing, deleting lines and substituting on the way to the output; no `w`, `e`, `r`, no in-place editing."""
    scripts: list[str] = []
    operands: list[str] = []
    follows = False
    for word in arguments:
        if follows:
            scripts.append(word)
            follows = False
        elif word in ("-n", "-E", "-r", "-nE", "-En", "-nr", "-u", "-z", "-s"):
            continue
        elif word in ("-e", "-ne"):
            follows = True
        elif word.startswith("-") and word != "-":
            return False
        else:
            operands.append(word)
    if not scripts:
        scripts = operands[:1]
    return bool(scripts) and all(_SED_READ.fullmatch(part.strip()) for script in scripts for part in _sed_parts(script))


def _sed_parts(script: str) -> list[str]:
    """`1p;5p` are two commands; an `s` command may hold a semicolon of its own and is taken whole."""
    return [script] if script.lstrip()[:1] == "s" else script.split(";")


def _awk(arguments: Words) -> bool:
    """One program that neither writes, nor runs, nor reads other input."""
    program: str | None = None
    skip = False
    for word in arguments:
        if skip:
            skip = False
        elif program is None and word in ("-F", "-v"):
            skip = True
        elif program is None and re.fullmatch(r"-F.+", word):
            continue
        elif program is None:
            if word.startswith("-"):
                return False
            program = word
        elif word.startswith("-") and word != "-":
            return False
    return program is not None and not re.search(
        r"system|getline|close|fflush|ENVIRON|PROCINFO|SYMTAB|[|>@`\\]|print.*<", program
    )


def _git(arguments: Words) -> bool:
    if arguments[:1] == ("--no-pager",):
        arguments = arguments[1:]
    if not arguments:
        return False
    sub, rest = arguments[0], arguments[1:]
    if sub in _GIT_READERS:
        return not any(_GIT_RISKY.match(word) for word in rest)
    if sub == "config" and rest[:1] in (("--get",), ("--get-all",)):
        return len(rest) == 2
    listing = _GIT_LISTS.get(sub)
    if listing is None or (not rest and sub in ("stash", "worktree", "config", "submodule")):
        return False
    return all(listing.fullmatch(word) for word in rest)


def _tar(arguments: Words) -> bool:
    if len(arguments) != 2:
        return False
    mode, archive = arguments
    # An archive named `host:file` would be fetched from that host.
    return re.fullmatch(r"-?v?t[vzjJ]*f", mode) is not None and archive[:1] != "-" and ":" not in archive


def _ping(arguments: Words) -> bool:
    return "-c" in arguments and all(
        re.fullmatch(r"-c|-W|-4|-6|\d{1,2}|[A-Za-z0-9][\w.:-]*", word) for word in arguments
    )


def _timeout(arguments: Words) -> bool:
    return len(arguments) >= 2 and re.fullmatch(r"\d+[smh]?", arguments[0]) is not None and is_read_only(arguments[1:])


def _command(arguments: Words) -> bool:
    return len(arguments) >= 2 and arguments[0] in ("-v", "-V")


def _printenv(arguments: Words) -> bool:
    return len(arguments) == 1 and arguments[0].isidentifier() and strength_of(arguments[0]) is None


_CHECKED: Final[dict[str, Callable[[Words], bool]]] = {
    "find": _find,
    "rg": _no("z", "--pre", "--hostname", "--search-zip", "--type-add"),
    "fd": _no("xX", "--ex", "--ba"),
    "ag": _no("z", "--pager", "--search-zip"),
    "sort": _no("oTS", "--o", "--co", "--te"),
    "uniq": _uniq,
    "sed": _sed,
    "awk": _awk,
    "git": _git,
    "tar": _tar,
    "ping": _ping,
    "timeout": _timeout,
    "command": _command,
    "time": lambda arguments: bool(arguments) and is_read_only(arguments),
    "tree": _no("oR", "--o"),
    "date": _only(r"\+.*|-u|-I|-R|--utc|--iso-8601(?:=\w+)?"),
    "file": _no("CmSzZf", "--co", "--ma", "--no-s", "--unc", "--fi"),
    "base64": _no("o", "--o"),
    "jq": _no("fL", "--from", "--ra", "--sl", "--ar"),
    "column": _no("X"),
    "journalctl": _only(
        r"-[unfbkprexqo]\w*|--(?:since|until|unit|lines|priority)(?:=.*)?|--no-pager|--boot|--follow|--reverse"
        r"|[\w:@. -]+"
    ),
    "dmesg": _only(r"-[HTLtkuxP]|--human|--ctime|--level=\w+|-l|err|warn|info|--nopager"),
    "hostname": _only(r"-[fisIdAy]"),
    "env": _only(r"(?!)"),
    "alias": _only(r"(?!)"),
    "jobs": _only(r"-l"),
    "mount": _only(r"(?!)"),
    "printenv": _printenv,
    "getent": _only(r"passwd|group|hosts|services|protocols", 1),
    "history": _only(r"\d+", 1),
    "ss": _only(r"-[tulnpaeimosx46rH]+"),
    "netstat": _only(r"-[tulnpaeimorsxv46]+"),
    "ifconfig": _only(r"-a|[a-z]{2,6}\d{0,3}", 1),
    "lsof": _only(r"-i|(?:-i)?:\d+|-nP|-P|-n|-p|\d+|-u|\w+|/[\w./-]*"),
    "ulimit": _only(r"-[aSH]"),
    "man": _only(r"-k|-f|\d|[a-z][\w.+-]*", 3),
    "help": _only(r"[a-z]\w*", 1),
    "tldr": _only(r"[a-z][\w-]*", 3),
    "whatis": _only(r"[a-z][\w-]*", 3),
    "apropos": _only(r"[a-z][\w-]*", 3),
    "top": _only(r"-b|-bn1|-n|\d{1,2}|-bn|-H|-c"),
    "htop": _only(r"-t|-C"),
    "unzip": lambda arguments: len(arguments) == 2 and arguments[0] in ("-l", "-v") and arguments[1][:1] != "-",
    "zipinfo": _only(r"-[1sml]|[\w./][\w./-]*", 2),
    "nvidia-smi": _only(r"-L|-q"),
    "timedatectl": _only(r"status|show", 1),
    "hostnamectl": _only(r"status", 1),
    "sysctl": _only(r"-a|-n|[a-z][\w.]*"),
}
