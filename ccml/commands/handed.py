"""Which words of a command, and which of its inputs, are a program in themselves, and in which language.

`bash -c '…'`, `psql -c '…'`, `python - <<EOF`: tables of options, programs and languages, and the one function that
reads them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from ccml.commands.words import Call

Language: TypeAlias = Literal["shell", "python", "perl", "ruby", "javascript", "php", "awk", "sql", "mongo", "redis",
                              "powershell", "cmd", "vim", "memcached", "applescript", "lua", "r", "lisp",
                              "tcl"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Code:
    language: Language
    text: str


SHELLS: Final = frozenset("sh bash zsh dash ksh fish ash csh tcsh mksh rbash".split())

# program → the options whose value is code. A name ends an option's cluster too: `bash -xec '…'`.
_OPTION: Final[dict[str, tuple[Language, str]]] = {
    **dict.fromkeys(SHELLS, ("shell", "-c")),
    "su": ("shell", "-c --command --session-command"),
    "runuser": ("shell", "-c --command"),
    "sg": ("shell", "-c"),
    "script": ("shell", "-c --command"),
    "flock": ("shell", "-c --command"),
    "vagrant": ("shell", "-c --command"),
    "nix-shell": ("shell", "--run --command"),
    "nix": ("shell", "-c --command"),
    "npx": ("shell", "-c --call"),
    "npm": ("shell", "-c --call"),
    "git": ("shell", "-x --exec --extcmd --upload-pack --receive-pack --tree-filter --index-filter"),
    "gcloud": ("shell", "--command"),
    "az": ("shell", "--scripts"),
    "emacs": ("lisp", "--eval -eval --execute"),
    "invoke-sqlcmd": ("sql", "-Query -q -query"),
    "groovy": ("javascript", "-e"),
    "tclsh": ("tcl", "-c"),
    "fly": ("shell", "-C --command"),
    "flyctl": ("shell", "-C --command"),
    "ansible": ("shell", "-a --args"),
    "nodemon": ("shell", "-x --exec"),
    "watchexec": ("shell", "--shell-command"),
    "tar": ("shell", "--to-command --rmt-command --use-compress-program -I"),
    "rsync": ("shell", "-e --rsh --rsync-path"),
    "xterm": ("shell", "-e"),
    "konsole": ("shell", "-e"),
    "expect": ("shell", "-c"),
    "zip": ("shell", "-TT --unzip-command"),
    "sort": ("shell", "--compress-program"),
    "split": ("shell", "--filter"),
    "rg": ("shell", "--pre"),
    "entr": ("shell", "-s"),
    "psql": ("sql", "-c --command"),
    "mysql": ("sql", "-e --execute --init-command"),
    "mariadb": ("sql", "-e --execute"),
    "duckdb": ("sql", "-c -s"),
    "sqlite3": ("sql", "-cmd"),
    "sqlcmd": ("sql", "-Q -q"),
    "clickhouse-client": ("sql", "-q --query"),
    "clickhouse": ("sql", "-q --query"),
    "cockroach": ("sql", "-e --execute"),
    "cqlsh": ("sql", "-e --execute"),
    "snowsql": ("sql", "-q --query"),
    "snow": ("sql", "-q --query"),
    "hive": ("sql", "-e"),
    "beeline": ("sql", "-e"),
    "impala-shell": ("sql", "-q"),
    "spark-sql": ("sql", "-e"),
    "trino": ("sql", "--execute"),
    "presto": ("sql", "--execute"),
    "influx": ("sql", "-execute --execute"),
    "bq": ("sql", "--query"),
    "aws": ("sql", "--query-string --sql"),
    "mongosh": ("mongo", "--eval"),
    "mongo": ("mongo", "--eval"),
    "python": ("python", "-c"),
    "ipython": ("python", "-c"),
    "perl": ("perl", "-e -E"),
    "ruby": ("ruby", "-e"),
    "node": ("javascript", "-e -p --eval --print"),
    "bun": ("javascript", "-e --eval"),
    "php": ("php", "-r"),
    "lua": ("lua", "-e"),
    "Rscript": ("r", "-e"),
    "osascript": ("applescript", "-e"),
    "powershell": ("powershell", "-c -command -Command"),
    "pwsh": ("powershell", "-c -command -Command"),
    "vim": ("vim", "-c --cmd"),
    "vi": ("vim", "-c"),
    "nvim": ("vim", "-c --cmd"),
    "ex": ("vim", "-c -sc"),
    "gdb": ("vim", "-ex"),
}
_CLUSTERED: Final = frozenset("-c -e -E -r -p".split())

# Programs that run what they read from their input, if no operand names a file.
_INPUT: Final[dict[str, Language]] = {
    **dict.fromkeys(SHELLS, "shell"),
    "at": "shell", "batch": "shell", "crontab": "shell", "make": "shell", "source": "shell", ".": "shell",
    "parallel": "shell",
    "ed": "vim", "python": "python", "perl": "perl", "ruby": "ruby", "node": "javascript", "php": "php",
    "psql": "sql", "mysql": "sql", "mariadb": "sql", "sqlite3": "sql", "duckdb": "sql", "sqlcmd": "sql",
    "sqlplus": "sql", "clickhouse-client": "sql", "cqlsh": "sql", "bq": "sql", "mongosh": "mongo", "mongo": "mongo",
    "redis-cli": "redis", "powershell": "powershell", "pwsh": "powershell", "cmd": "cmd", "nc": "memcached",
    "ncat": "memcached", "telnet": "memcached", "ssh": "shell", "osascript": "applescript",
    "su": "shell", "sudo": "shell", "doas": "shell", "tclsh": "tcl",
}  # fmt: skip
_OPERAND_IS_NO_FILE: Final = frozenset("at batch crontab make psql mysql mariadb sqlite3 duckdb sqlcmd sqlplus "
                                       "clickhouse-client cqlsh bq mongosh mongo redis-cli nc ncat telnet ssh "
                                       "source . parallel ed su".split())  # fmt: skip

# Programs whose operand is code: the number of operands before it.
_OPERAND: Final[dict[str, tuple[Language, int]]] = {
    "trap": ("shell", 0), "sqlite3": ("sql", 1), "duckdb": ("sql", 1), "awk": ("awk", 0), "gawk": ("awk", 0),
    "mawk": ("awk", 0),
}  # fmt: skip
_SHELL_WITHIN: Final[dict[str, re.Pattern[str]]] = {
    "vim": re.compile(r"(?:[:!]*!|^\s*shell\s)(.+)", re.DOTALL),
    "applescript": re.compile(r'do shell script "([^"]*)"'),
}
_RUN_BY_GIT: Final = re.compile(
    r"(?i)(?:core\.(?:editor|pager|sshcommand|askpass|fsmonitor)|sequence\.editor|\w+\.[\w.-]{0,40}(?:textconv|cmd))"
)
_TCL_RUNS: Final = re.compile(r"\bexec\s{1,9}([^\n;\]]+)")
_SED_RUNS: Final = re.compile(r"(?:^|[;{\n])\s{0,9}(?:[\d$,]{0,20}|/[^/\n]{0,200}/)\s{0,9}e\s{1,9}([^\n;]+)")
"""sed's `e COMMAND`."""
_PYTHON: Final = re.compile(r"(?:python|pypy)\d?(?:\.\d{1,2})?")


def program_of(call: Call) -> str:
    """The name in these tables: `python3.12` → `python`."""
    if _PYTHON.fullmatch(call.program):
        return "python"
    return "invoke-sqlcmd" if call.program.lower() == "invoke-sqlcmd" else call.program


def handed_over(call: Call) -> Iterator[Code]:
    """The code among the words of a command."""
    program = program_of(call)
    if program == "ansible" and call.has("--check", "-C"):
        return
    if program in _OPTION:
        language, names = _OPTION[program]
        for text in _values(call, frozenset(names.split())):
            yield from _in_language(language, text)
    if program in _OPERAND:
        language, before = _OPERAND[program]
        for text in call.verbs[before : before + 1]:
            yield from _in_language(language, text)
    elif program not in _OPTION:
        yield from _named_commands(call)
    yield from _special(program, call)


_RUNS_VALUE: Final = re.compile(r"--?(?:[a-z]{1,20}-)?(?:command|cmd|exec)")
_RUNS_ASSIGNED: Final = re.compile(r"(?:command|cmd)=(.* .*)", re.DOTALL)


def _named_commands(call: Call) -> Iterator[Code]:
    """Values of more than one word of options that say in any program that they are a command: `--exec-command`."""
    for place, word in enumerate(call.words[1:], 1):
        name, sign, value = word.partition("=")
        if _RUNS_VALUE.fullmatch(name):
            value = value if sign else " ".join(call.words[place + 1 : place + 2])
            if " " in value:
                yield Code("shell", value)
        assigned = _RUNS_ASSIGNED.fullmatch(word)
        if assigned is not None:
            yield Code("shell", assigned.group(1))


def _in_language(language: Language, text: str) -> Iterator[Code]:
    if language not in _SHELL_WITHIN:
        yield Code(language, text)
        return
    for script in _SHELL_WITHIN[language].findall(text):
        yield Code("shell", script)
    yield Code(language, text)


def _special(program: str, call: Call) -> Iterator[Code]:
    """What no table says: code in a place that only this program has."""
    words = call.words
    if program in ("cmd", "command.com"):
        for place, word in enumerate(words):
            if word.lower() in ("/c", "//c", "/k", "//k", "/s/c"):
                yield Code("cmd", " ".join(words[place + 1 :]))
                return
    elif program in ("powershell", "pwsh"):
        for place, word in enumerate(words[1:], 1):
            if word.lower() in ("-command", "-c"):
                yield Code("powershell", " ".join(words[place + 1 :]))
                return
            if not word.startswith("-") and not words[place - 1].lower().startswith(("-ex", "-ep", "-w", "-v", "-f")):
                yield Code("powershell", " ".join(words[place:]))
                return
    elif program in ("vim", "vi", "nvim", "view", "ex"):
        for word in words[1:]:
            if word.startswith("+"):
                yield from _in_language("vim", word[1:])
    elif program == "env":
        for place, word in enumerate(words):
            if word in ("-S", "--split-string"):
                yield Code("shell", " ".join(words[place + 1 :]))
            elif word.startswith(("-S", "--split-string=")):
                yield Code("shell", word.removeprefix("--split-string=").removeprefix("-S"))
    elif program == "redis-cli":
        yield Code("redis", " ".join(call.verbs))
    elif program == "git":
        for place, word in enumerate(words[1:], 1):
            name, sign, command = word.partition("=")
            if command.startswith("!") or _RUN_BY_GIT.fullmatch(name):
                yield Code("shell", command.lstrip("!") if sign else " ".join(words[place + 1 : place + 2]))
        if call.verbs[:1] == ("config",):
            yield from (Code("shell", word[1:]) for word in words if word.startswith("!"))
    elif program == "tmux" and call.verbs[:1] in (("send-keys",), ("send",)):
        yield from (Code("shell", word) for word in call.verbs[1:] if " " in word)
    elif program == "screen":
        yield from (Code("shell", word) for word in call.verbs if "\n" in word or "\\n" in word or " " in word)
    elif program == "tar":
        for word in words:
            if word.startswith("--checkpoint-action=exec="):
                yield Code("shell", word.partition("exec=")[2])
    elif program == "ssh":
        for word in words:
            if word.lower().startswith(("proxycommand", "localcommand", "-oproxycommand")):
                yield Code("shell", word.replace("=", " ").partition(" ")[2])
    elif program == "aws":
        yield from _named_commands(call)
        for word in words:
            if "commands=" in word and "send-command" in words:
                _, _, given = word.partition("commands=")
                yield from (Code("shell", part) for part in re.findall(r'"([^"]*)"', given) or [given])
    elif program == "az":
        yield from _named_commands(call)
        if "--scripts" in words:
            yield from (Code("shell", word) for word in words[words.index("--scripts") + 1 :])
    elif program in ("tclsh", "wish"):
        yield from (Code("shell", text) for word in words for text in _TCL_RUNS.findall(word))
    elif program == "sed":
        for script in words[1:]:
            yield from (Code("shell", text) for text in _SED_RUNS.findall(script))
    elif program == "deno" and call.verbs[:1] == ("eval",):
        yield from (Code("javascript", word) for word in call.verbs[1:2])
    elif program == "bq" and call.verbs[:1] == ("query",):
        yield from (Code("sql", word) for word in call.verbs[1:2])
    elif program == "wp" and call.verbs[:2] == ("db", "query"):
        yield from (Code("sql", word) for word in call.verbs[2:3])
    elif program in ("rails", "rake") and call.verbs[:1] in (("runner",), ("r",)):
        yield from (Code("ruby", word) for word in call.verbs[1:2])
    elif program in ("osascript", "salt"):
        yield from (Code("shell", word) for word in call.verbs if " " in word)


def reads_code(call: Call) -> Language | None:
    """The language of the program that a command reads from its input; None where it reads data."""
    program = program_of(call)
    language = _INPUT.get(program)
    if language is None:
        return None
    if program in ("sudo", "doas") and (call.verbs or not call.has("-s", "-i", "--shell", "--login")):
        return None
    if program in _OPERAND_IS_NO_FILE:
        return None if program == "make" and not call.has("-f", "--file", "--makefile") else language
    if program in _OPTION and any(True for _ in _values(call, frozenset(_OPTION[program][1].split()))):
        return None
    if call.has("-m", "-n", "-p") and program in ("python", "perl", "ruby"):
        return None  # `python -m json.tool`, `perl -ne …`: the input is data
    if call.has("-s") and program in SHELLS:
        return language
    operands = [word for word in call.verbs if word not in ("-", "/dev/stdin")]
    return None if operands else language


def _values(call: Call, names: frozenset[str]) -> Iterator[str]:
    """The values of options: in the next word, behind `=`, or in the same word (`-c'…'` is the next one's cluster)."""
    words = call.words
    for place, word in enumerate(words[1:], 1):
        if not word.startswith("-"):
            continue
        name, sign, value = word.partition("=")
        if word in names or (_ends_cluster(word, names)):
            if place + 1 < len(words):
                yield words[place + 1]
        elif sign and name in names:
            yield value
        elif len(word) > 2 and word[:2] in names and word[1] != "-":
            yield word[2:]


def _ends_cluster(word: str, names: frozenset[str]) -> bool:
    return (
        word[1:2] != "-"
        and 2 < len(word) <= 8
        and word[1:].isalpha()
        and any(f"-{word[-1]}" == name for name in names & _CLUSTERED)
    )
