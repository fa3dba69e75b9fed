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
    "ls pwd cat head tail wc cut tr stat du df free uptime whoami id groups pidof pstree which whereis basename "
    "dirname realpath readlink md5sum sha1sum sha256sum sha512sum cksum nl tac rev fold seq expr echo true false cmp "
    "comm paste join diff od hexdump strings lsblk lscpu lsmod nproc arch uname cd locate type w who last users cal "
    "vmstat iostat findmnt sleep clear dir zcat tty exa eza".split()
)

_GIT_READERS: Final = frozenset(
    "status log diff show rev-parse ls-files ls-tree blame describe shortlog rev-list merge-base name-rev "
    "count-objects grep whatchanged cherry var version".split()
)
# Git takes abbreviated options. `--output` writes; `--ext-diff`, `--textconv`, `--filters`, `-O` and
# `--open-files-in-pager` run programs.
_GIT_RISKY: Final = re.compile(r"--(?:ou|op|ext|exe|te|fi|up|pag|git-dir|work-tree|config|no-index|conte|batch)|-O")
_GIT_LISTS: Final[dict[str, re.Pattern[str]]] = {
    "branch": re.compile(r"-a|-r|-v|-vv|--all|--remotes|--list|--show-current|--verbose|--merged|--no-merged|-l"),
    "tag": re.compile(r"-l|--list|-n\d*|--sort=[\w:-]+"),
    "remote": re.compile(r"-v|--verbose"),
    "stash": re.compile(r"list"),
    "worktree": re.compile(r"list"),
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
        "status list-units list-unit-files list-timers list-sockets is-active is-enabled is-failed".split()
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
        return not rest or (rest[0] in ("show", "list", "ls") and not any(word.startswith("-") for word in rest))
    if program in ("crontab", "ufw"):
        return not rest or rest == ("verbose",)
    if program == "kubectl" and any("secret" in word.lower() for word in rest):
        return False  # reads a secret of the cluster
    if arguments[:2] == ("cluster-info", "dump"):
        return False
    options = _LISTING_OPTIONS.get(program, _NO_OPTION)
    return all(options.fullmatch(word) for word in rest if word.startswith(("-", "+")))


_NO_OPTION: Final = re.compile(r"(?!)")
# The options of listing commands. What is not here is refused: options name servers, files to write and programs to
# run (`rpm -qa --pipe COMMAND`, `apt list -o Dir::…`, `kubectl --kubeconfig`).
_OPTIONS_BY_PROGRAM: Final[dict[str, re.Pattern[str]]] = {
    "kubectl": re.compile(
        r"-n|-A|-o|-l|-w|-f|-c|-p|-R|-owide|-oyaml|-ojson|--(?:namespace|output|selector|container|tail|since|field-selector|"
        r"sort-by|context)(?:=[\w.,:=/!-]{0,200})?|--(?:all-namespaces|show-labels|no-headers|watch|follow|previous|"
        r"timestamps|all-containers|client|short|recursive|containers)(?:=(?:true|false))?"
    ),
    "docker": re.compile(
        r"-[aqsnlft]{1,4}|--(?:all|quiet|size|no-trunc|latest|follow|timestamps|details|no-stream|digests)"
        r"|--(?:filter|format|tail|since|until|last)(?:=.{0,200})?"
    ),
    "systemctl": re.compile(
        r"-[alqnt]|--(?:all|failed|full|no-pager|no-legend|quiet|plain|user|system|reverse|after|before)"
        r"|--(?:type|state|property|lines|output)(?:=[\w.,:-]{0,100})?|-p"
    ),
    "apt": re.compile(r"--(?:installed|upgradable|upgradeable|all-versions|names-only|full|manual-installed)|-a|-n"),
    "apt-cache": re.compile(r"--(?:names-only|full|installed|no-recommends|recurse)|-n|-f"),
    "pip": re.compile(
        r"--(?:outdated|uptodate|user|local|format(?:=\w{1,20})?|not-required|verbose|files|all|exclude-editable)|-[olvf]"
    ),
    "npm": re.compile(r"--(?:depth(?:=\d{1,3})?|global|all|json|long|parseable|prod|production|dev)|-g|-a|-l"),
    "brew": re.compile(r"--(?:versions|cask|casks|formula|formulae|full-name)|-1"),
    "conda": re.compile(r"--(?:envs|json|all|name|export|explicit)|-n|-e|-a"),
    "dpkg": _NO_OPTION,
    "go": re.compile(r"-m"),
    "snap": re.compile(r"--(?:all|verbose)"),
}
_LISTING_OPTIONS: Final = _OPTIONS_BY_PROGRAM | {
    "podman": _OPTIONS_BY_PROGRAM["docker"],
    "pip3": _OPTIONS_BY_PROGRAM["pip"],
}

# A variable's subscript or an arithmetic word is evaluated by some shells: `test -v 'a[$(rm x)]'` runs what is in it.
_EVALUATED: Final = re.compile(r"[$`]|\[.{0,200}[$`(]")


def names_a_secret(text: str) -> bool:
    """Does a word ask for a password, a token or a key by name?"""
    return any(strength_of(word) in ("password", "token") for word in re.split(r"[^\w-]+", text[:400]) if word)


def _grep(arguments: Words) -> bool:
    """Any search but one for secrets; its options only read."""
    return not any(names_a_secret(word) for word in arguments)


def _test(arguments: Words) -> bool:
    return not any(word in ("-v", "-R") or _EVALUATED.search(word) for word in arguments)


def _printf(arguments: Words) -> bool:
    return (
        bool(arguments) and not arguments[0].startswith("-v") and not any(_EVALUATED.search(word) for word in arguments)
    )


def _ps(arguments: Words) -> bool:
    """Without the letter by which it shows the environment of processes, and so the secrets in it."""
    return all(word.startswith("-") or "e" not in word or not word.isalpha() for word in arguments)


def _no(letters: str, *risky: str) -> Callable[[Words], bool]:
    """Any arguments but long options that begin so, and short ones with one of these letters, alone or in a cluster."""
    cluster = re.compile(rf"-[A-Za-z0-9]*[{letters}]")

    def check(arguments: Words) -> bool:
        return not any(word.startswith(risky) or (word[1:2] != "-" and cluster.match(word)) for word in arguments)

    return check


def _only(pattern: str, at_most: int = 12) -> Callable[[Words], bool]:
    """A few arguments, each of which matches the pattern whole."""
    compiled = re.compile(pattern)
    return lambda arguments: len(arguments) <= at_most and all(compiled.fullmatch(word) for word in arguments)


def _find(arguments: Words) -> bool:
    # Anything that acts on what was found, or writes a list of it.
    return not any(
        word.startswith(("-exec", "-ok", "-delete", "-fprint", "-fls", "-files0-from")) for word in arguments
    )


_rg: Final = _no("z", "--pre", "--hostname", "--search-zip", "--type-add")
_jq: Final = _no("fL", "--from", "--ra", "--sl", "--ar")


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
        r"system|getline|close|fflush|ENVIRON|PROCINFO|SYMTAB|FUNCTAB|ARGV|ARGC|[|>@`\\]|print.*<", program
    )


def _git(arguments: Words) -> bool:
    if arguments[:1] == ("--no-pager",):
        arguments = arguments[1:]
    if not arguments:
        return False
    sub, rest = arguments[0], arguments[1:]
    if sub in _GIT_READERS:
        return not any(_GIT_RISKY.match(word) for word in rest)
    if sub == "cat-file":
        return len(rest) == 2 and rest[0] in ("-t", "-s", "-p", "-e")
    if sub == "config" and rest[:1] in (("--get",), ("--get-all",)):
        return len(rest) == 2 and not names_a_secret(rest[1])
    listing = _GIT_LISTS.get(sub)
    if listing is None or (not rest and sub in ("stash", "worktree", "submodule")):
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
    "grep": _grep,
    "egrep": _grep,
    "fgrep": _grep,
    "test": _test,
    "[": _test,
    "printf": _printf,
    "ps": _ps,
    "pgrep": _only(r"-[aflnoxuvwc]{1,4}|[\w./][\w./-]{0,60}"),
    "lsusb": _only(r"-[vt]{1,2}"),
    "lspci": _only(r"-[vkntDm]{1,5}"),
    "find": _find,
    "rg": lambda arguments: _rg(arguments) and _grep(arguments),
    "fd": _no("xX", "--ex", "--ba"),
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
    "jq": lambda arguments: _jq(arguments) and not any(re.search(r"\benv\b|\$ENV|input", word) for word in arguments),
    "column": _no("X"),
    "journalctl": _only(
        r"-[unfbkprexqo]\w{0,20}|--(?:since|until|unit|lines|priority|output)(?:=[\w:@. -]{0,80})?|--no-pager|--boot"
        r"|--follow|--reverse|--user|--system|--disk-usage|--list-boots|--utc|[\w:@.+][\w:@. +-]{0,80}"
    ),
    "dmesg": _only(r"-[HTLtkuxP]|--human|--ctime|--level=\w+|-l|err|warn|info|--nopager"),
    "hostname": _only(r"-[fisIdAy]"),
    "alias": _only(r"(?!)"),
    "jobs": _only(r"-l"),
    "mount": _only(r"(?!)"),
    "printenv": _printenv,
    "getent": _only(r"passwd|group|hosts|services|protocols", 1),
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
