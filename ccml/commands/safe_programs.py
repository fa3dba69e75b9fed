"""Commands that are known to read only: the allow-list behind `safe`.

A program is here only if no option of it writes, deletes, connects out or runs another program, or if the options that
do are told apart (`_CHECKED`). Options are matched by prefix where the program accepts abbreviations (`sort --ou x` is
`sort --output x`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias

Words: TypeAlias = tuple[str, ...]

# No option of these does harm.
_READERS: Final = frozenset(
    "ls pwd cat head tail wc grep egrep fgrep cut tr stat du df free uptime whoami id groups ps pgrep pidof pstree which "
    "whereis basename dirname realpath readlink md5sum sha1sum sha256sum sha512sum cksum nl tac rev fold seq expr echo "
    "printf true false test [ cmp comm paste join diff od hexdump strings lsblk lscpu lsusb lspci lsmod nproc arch uname "
    "getent cd locate type w who last users cal vmstat iostat findmnt sleep clear jobs dir zcat factor tty exa eza".split()
)  # fmt: skip

_GIT_READERS: Final = frozenset(
    "status log diff show rev-parse ls-files ls-tree blame describe shortlog cat-file rev-list merge-base name-rev "
    "count-objects grep whatchanged cherry var version".split()
)
_GIT_RISKY: Final = re.compile(
    r"--(?:ou|op|e|te|up|pager)|-O|-c$|-c=|--config|-C|--git-dir|--work-tree|--paginate|-p$|--no-index$"
)
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
    "python python3 node npm yarn pnpm ruby perl java javac gcc g++ clang cargo rustc go git docker make cmake bash zsh "
    "pytest ruff mypy black terraform kubectl helm aws gcloud az psql mysql sqlite3 curl wget vim nano tar ssh uv poetry "
    "php dotnet mvn gradle deno bun tsc jq rg fd pip pip3 ansible nginx redis-server".split()
)


def is_read_only(words: Words) -> bool:
    """`words` are a command's words as the program receives them, none of them subject to expansion."""
    program, arguments = words[0], words[1:]
    if program in _VERSIONED and arguments in (("--version",), ("-V",), ("--help",)):
        return program not in ("ssh", "java") or arguments[0] != "-V" or program == "ssh"
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
    if program == "kubectl":
        # `get secrets` reads what nobody should see offered; `--kubeconfig` may name a credential plugin to run.
        return not any(
            "secret" in w.lower() or w.startswith(("--kubeconfig", "--as", "--token", "--server")) for w in rest
        )
    if program == "ip":
        return all(w in ("show", "list", "ls", "get") or w.startswith(("-", "dev")) or re.fullmatch(r"[\w.:/@-]{1,40}", w) is not None
                   and w not in _IP_CHANGES for w in rest)  # fmt: skip
    if program == "systemctl":
        return not any(w.startswith(("-H", "--host", "-M", "--machine", "--root", "--image")) for w in rest)
    if program in ("docker", "podman"):
        return not any(w.startswith(("-H", "--host", "-c", "--context")) for w in rest)
    if program in ("crontab", "ufw"):
        return not rest or rest == ("verbose",)
    if program in ("pip", "pip3"):
        return not any(w.startswith(("--log", "--python", "--pro", "--cert", "--client", "--index", "-i", "--extra", "--outd", "-o", "--upt", "-u"))
                       for w in rest)  # fmt: skip
    return True


_IP_CHANGES: Final = frozenset(
    "add a del delete d set change replace append flush up down exec save restore c rep f s r".split()
)


def _no(*risky: str) -> Callable[[Words], bool]:
    """Any arguments but options that begin so."""
    return lambda arguments: not any(word.startswith(risky) for word in arguments)


def _only(pattern: str, at_most: int = 12) -> Callable[[Words], bool]:
    compiled = re.compile(pattern)
    return lambda arguments: len(arguments) <= at_most and all(compiled.fullmatch(word) for word in arguments)


def _find(arguments: Words) -> bool:
    # Anything that acts on what was found, or writes a list of it.
    return not any(
        word.startswith(("-exec", "-ok", "-delete", "-fprint", "-fls", "-files0-from")) for word in arguments
    )


def _sort(arguments: Words) -> bool:
    return not any(
        word.startswith(("--o", "--co", "--te", "--fi"))
        or re.match(r"-[a-zA-Z]*[oTS]", word)
        and not word.startswith("--")
        for word in arguments
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
    r"(?:\d+|\$)(?:,(?:\d+|\$|\+\d+))?[pdq=]|/[^/\\]*/(?:,/[^/\\]*/)?[pd]|(?:s([/|,#])(?:(?!\1)[^\\\n]|\\[^\n])*\1(?:(?!\1)[^\\\n]|\\[^\n])*\1[gIip0-9]*)"
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
    if any(_GIT_RISKY.match(word) and not (word == "-p" and sub in ("log", "diff", "show")) and not (word == "-C" and sub in ("blame", "diff", "log", "show"))
           and not (word == "-c" and sub in ("log", "show", "diff")) for word in rest):  # fmt: skip
        return False
    if sub in _GIT_READERS:
        return True
    if sub == "config" and len(rest) >= 2 and rest[0] in ("--get", "--get-all"):
        return len(rest) == 2
    listing = _GIT_LISTS.get(sub)
    if listing is None or (not rest and sub in ("stash", "worktree", "config", "submodule")):
        return False
    return all(listing.fullmatch(word) for word in rest)


def _tar(arguments: Words) -> bool:
    return (
        len(arguments) == 2
        and re.fullmatch(r"-?t[vzjJ]*f|-?[vzjJ]*t[vzjJ]*f", arguments[0]) is not None
        and not arguments[1].startswith("-")
        and ":" not in arguments[1]
    )


def _ping(arguments: Words) -> bool:
    return "-c" in arguments and all(
        re.fullmatch(r"-c|-W|-4|-6|\d{1,2}|[A-Za-z0-9][\w.:-]*", word) for word in arguments
    )


def _journalctl(arguments: Words) -> bool:
    return not any(word.startswith(("--v", "--ro", "--fl", "--sy", "--se", "--re", "--sm", "--up", "--di", "--im", "--cu", "--file", "-D", "-M", "--ma", "--ve", "--in"))
                   for word in arguments)  # fmt: skip


def _timeout(arguments: Words) -> bool:
    return len(arguments) >= 2 and re.fullmatch(r"\d+[smh]?", arguments[0]) is not None and is_read_only(arguments[1:])


def _command(arguments: Words) -> bool:
    return len(arguments) >= 2 and arguments[0] in ("-v", "-V")


_CHECKED: Final[dict[str, Callable[[Words], bool]]] = {
    "find": _find,
    "rg": _no("--pre", "--hostname", "--search-zip", "-z", "--type-add"),
    "fd": _no("-x", "-X", "--exec", "--e"),
    "ag": _no("--pager", "-z", "--search-zip"),
    "sort": _sort,
    "uniq": _uniq,
    "sed": _sed,
    "awk": _awk,
    "git": _git,
    "tar": _tar,
    "ping": _ping,
    "timeout": _timeout,
    "command": _command,
    "journalctl": _journalctl,
    "time": lambda arguments: bool(arguments) and not arguments[0].startswith("-") and is_read_only(arguments),
    "tree": _no("-o", "--o", "-R"),
    "date": lambda arguments: all(
        word.startswith("+") or word in ("-u", "-I", "-R", "--utc", "--iso-8601") for word in arguments
    ),
    "file": _no("-C", "--co", "-m", "--ma", "-S", "--no-s", "-z", "-Z", "--unc"),
    "hostname": _only(r"-[fisIdAy]"),
    "env": lambda arguments: not arguments,
    "printenv": _only(r"[A-Z][A-Z0-9_]*"),
    "history": _only(r"\d+"),
    "dmesg": _only(r"-[HTLtkuxP]|--human|--ctime|--level=\w+|-l|err|warn|info|--nopager"),
    "ss": _only(r"-[tulnpaeimosx46rH]+"),
    "netstat": _only(r"-[tulnpaeimorsxv46]+"),
    "ifconfig": _only(r"-a|[a-z]{2,6}\d{0,3}", 1),
    "lsof": _only(r"-i(?::\d+)?|-nP|-P|-n|-p|\d+|-u|\w+|/[\w./-]*"),
    "mount": lambda arguments: not arguments,
    "ulimit": _only(r"-[aSH]"),
    "man": _only(r"-k|-f|\d|[a-z][\w.+-]*", 3),
    "help": _only(r"[a-z]\w*", 1),
    "tldr": _only(r"[a-z][\w-]*", 3),
    "whatis": _only(r"[a-z][\w-]*", 3),
    "apropos": _only(r"[a-z][\w-]*", 3),
    "top": _only(r"-b|-bn1|-n|\d{1,2}|-bn|-H|-c"),
    "htop": _only(r"-t|-C"),
    "jq": _no("-f", "--from", "-L", "--ra", "--sl", "--ar"),
    "column": _no("-X"),
    "unzip": lambda arguments: (
        len(arguments) == 2 and arguments[0] in ("-l", "-v") and not arguments[1].startswith("-")
    ),
    "zipinfo": _only(r"-[1sml]|[\w./-]+", 2),
    "nvidia-smi": _only(r"-L|-q"),
    "timedatectl": _only(r"status|show", 1),
    "hostnamectl": _only(r"status", 1),
    "sysctl": _only(r"-a|-n|[a-z][\w.]*"),
    "alias": lambda arguments: not arguments,
    "base64": _no("--output", "-o"),
    "yq": _no("-i", "--in", "--inplace", "-s", "--sp", "--fr", "-n"),
    "bat": _no("--pager", "--pa", "-P", "--di", "--ca"),
    "pip-list": _no(),
}
del _CHECKED["pip-list"]
