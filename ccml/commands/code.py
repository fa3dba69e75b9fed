"""Programs in other languages than the shell's, as far as what they destroy and what they hand to a shell."""

from __future__ import annotations

import re
from typing import Final

from ccml.commands import windows
from ccml.commands.handed import Code

LONGEST: Final = 16_384

_FILES: Final[dict[str, re.Pattern[str]]] = {
    "python": re.compile(
        r"(?:rmtree|os\.(?:remove|unlink|rmdir|removedirs|truncate|killpg))\s*[(,)]|\.unlink\(|\.rmdir\(|remove_tree|"
        r"\.truncate\(|\.drop_all\(|\.drop_table\(|\.delete_many\(\s*\{\s*\}|\.drop_database\(|flush(?:all|db)\(|"
        r"\.all\(\)\.delete\(|drop_collection\(|delete_bucket\(|terminate_instances\(|delete_stack\("
    ),
    "perl": re.compile(r"\bunlink\b|\brmtree\b|\bremove_tree\b|\brmdir\b|\btruncate\b"),
    "ruby": re.compile(
        r"File\.(?:delete|unlink|truncate)|FileUtils\.(?:rm|remove)|\brm_r?f\b|Dir\.(?:rmdir|delete|unlink)|"
        r"\.(?:destroy|delete)_all\b|drop_table|\.rmtree|Pathname\S{0,80}\.(?:delete|unlink)"
    ),
    "javascript": re.compile(
        r"\b(?:rm|rmdir|unlink|truncate)(?:Sync)?\(|\brimraf\b|\.remove(?:Sync)?\(|emptyDir(?:Sync)?\(|\bdelSync\("
    ),
    "php": re.compile(r"\b(?:unlink|rmdir|ftruncate|array_map\(\s*'unlink')"),
    "mongo": re.compile(
        r"dropDatabase|\.drop\(|\.deleteMany\(\s*(?:\{\s*\})?\s*\)|\.remove\(\s*(?:\{\s*\})?\s*\)|dropIndexes|dropUser|"
        r"shutdownServer|dropAllUsers|\.deleteMany\("
    ),
    "redis": re.compile(
        r"(?i)^(?!.*\b(?:get|set|keys|exists|type|hget)\b).*\b(?:flushall|flushdb)\b|^\s*(?:del|unlink|shutdown)\b",
        re.M,
    ),
    "memcached": re.compile(r"(?i)\bflush_?all\b|\bflushdb\b"),
    "applescript": re.compile(r"(?i)\b(?:delete|empty (?:the )?trash|erase)\b|shut down|restart"),
    "vim": re.compile(r":?%d\b|:?%delete\b|g/[^/]{0,9}/d\b|1,\$d\b"),
    "lua": re.compile(r"\bos\.remove\s*\("),
    "lisp": re.compile(r"\(\s*(?:delete-(?:file|directory)|erase-buffer)\b"),
    "r": re.compile(r"\b(?:unlink|file\.remove)\s*\("),
    "awk": re.compile(r"system\(\s*\"\s*(?:rm|shred|unlink|truncate)\b"),
}
_STARTS_PROCESS: Final = re.compile(
    r"(?:\bsystem|\bpopen|\bPopen|\bexec\w{0,8}|\bspawn\w{0,8}|\brun|\bcall|\bcheck_output|\bcheck_call|\bpassthru|"
    r"\bshell_exec|\bshell-command|"
    r"\bdo shell script|\bgetoutput|\bsh|\bcmd|\bbash|\bTask\.run|\bDeno\.Command|"
    r"\bstartfile)\s{0,4}\(?\s{0,4}|\bqx\s{0,2}|%x|`"
)
_LITERAL: Final = re.compile(
    r"[\s,(\[{]{0,20}(?:args\s{0,4}:\s{0,4}\[)?(?:'([^'\n]*)'|\"((?:[^\"\\\n]|\\.)*)\"|`([^`\n]*)`|[{(/]([^{}\n]{1,300})[})/])"
)
_STRING: Final = re.compile(r"'([^'\n]{4,2000})'|\"([^\"\n]{4,2000})\"")
_TEMPORARY: Final = re.compile(r"(\w+) = tempfile\.mk\w+\(|tempfile\.\w+\([^\n]{0,200}\) as (\w+)")
_QUERIES: Final = re.compile(r"(?i)\b(?:execute\w{0,8}|query|raw|prepare|sql|exec_driver_sql|run_sql|command)\b")
_PIPED: Final = re.compile(r'"([^"\n]*)"\s{0,4}\|\s{0,4}getline|\|\s{0,4}"([^"\n]*)"')
"""What an awk program reads from, or prints to: a command."""
_SQL_SHELL: Final = re.compile(
    r"(?:\\!|^\s*\.(?:shell|system)|^\s*system\s)\s{0,4}([^\n]+)|PROGRAM\s{1,4}'([^'\n]*)'", re.MULTILINE
)
_QUOTED_SQL: Final = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|--[^\n]*|/\*.*?\*/", re.DOTALL)
_HIDDEN: Final = re.compile(
    r"b64decode|fromhex|base64_decode|atob\(|\bexec\(.{0,80}decode|marshal\.loads|Base64\.decode"
)
_RUNS_STRING: Final = re.compile(r"\b(?:exec|eval)\s{0,4}\(|\bsystem\b")
_REVERSE: Final = re.compile(r"\b(?:dup2|pty\.spawn|subprocess|exec[lv]?p?e?)\b|/bin/(?:ba)?sh")

_ENDS: Final = re.compile(r"(?im)^\s*(?:[\\.]\w[^\n]*|go|/)$")
"""Lines of a client that end a statement: `\\c shop`, `.mode csv`, `GO`."""
_DROPS: Final = re.compile(
    r"(?i)^\s*(?:drop\s+(?:table|database|schema|view|index|user|role|column|keyspace|collection|function|procedure|trigger|type|"
    r"sequence|extension|materialized|tablespace|partition|measurement|series|bucket|stream|owned|server|login|"
    r"domain|aggregate|event|package|synonym|cluster|warehouse|stage|share|foreign|external|temporary|unique)\b|truncate\b|alter\s+table\b.*\bdrop\s+(?:column|partition|constraint)\b|"
    r"alter\s+\w+\s+.*\bdrop\s+(?:column|partition)\b|flushall|flushdb|purge\s+|detach\s+database|vacuum\s+full|"
    r"delete\s+database|remove\s+from|db\.dropdatabase|(?:optional\s+)?match\b.*\bdelete\b)",
    re.DOTALL,
)
_CHANGES_ROWS: Final = re.compile(r"(?i)^\s*(?:with\b.*\b)?(delete\s+from|delete\b|update\b)(.*)", re.DOTALL)
_WHERE: Final = re.compile(r"(?i)\bwhere\b\s*(.*)", re.DOTALL)
_ALWAYS: Final = re.compile(r"(?i)(?:1\s*=\s*1|true|1|''\s*=\s*'')\s*(?:;|$|returning\b)")


_WITHIN: Final = {
    "vim": re.compile(r"(?m)^[ :%\d,$]{0,9}!(.+)$"),
    "tcl": re.compile(r"\bexec\s{1,9}([^\n;\]]+)"),
}
_EXECUTED: Final = re.compile(r"(?m)[\"']([^\"'\n]{2,300})[\"']\s{0,4}\.\s{0,4}execute\(|^\s{0,9}!\s{0,4}([^\n]+)")
"""Groovy's `"…".execute()`, and a line that a notebook hands to the shell."""


def shell_within(code: Code) -> list[str]:
    """The texts that a program hands to a shell, as far as they stand in it."""
    text = code.text[:LONGEST]
    if code.language == "sql":
        return [first or second for first, second in _SQL_SHELL.findall(text)][:40]
    if code.language in ("powershell", "cmd"):
        return []
    if code.language in _WITHIN:
        return _WITHIN[code.language].findall(text)[:40]
    pattern = _PIPED if code.language == "awk" else _EXECUTED
    found = [first or second for first, second in pattern.findall(text)][:40]
    for start in list(_STARTS_PROCESS.finditer(text))[:60]:
        at = start.end() - (1 if start.group() == "`" else 0)
        words: list[str] = []
        while len(words) < 12:
            literal = _LITERAL.match(text, at)
            if literal is None:
                break
            words.append(next((group for group in literal.groups() if group is not None), ""))
            at = literal.end()
        if words:
            found.append(" ".join(words))
    return found


def destroys(code: Code) -> str | None:
    """The reason why a program is dangerous; None where none is known."""
    text = code.text[:LONGEST]
    if code.language == "sql":
        return "drops_data" if drops_data(text) else None
    if code.language in ("powershell", "cmd"):
        return _windows(text)
    text = _without_own_files(text) if code.language == "python" else text
    pattern = _FILES.get(code.language)
    if pattern is not None and pattern.search(text):
        return "drops_data" if code.language in ("mongo", "redis", "memcached") else "removes_recursively"
    if _QUERIES.search(text) and any(drops_data(first or second) for first, second in _STRING.findall(text)):
        return "drops_data"
    return "runs_hidden_code" if _HIDDEN.search(text) and _RUNS_STRING.search(text) else None


def _without_own_files(text: str) -> str:
    """Without the removals of what the program made as a temporary file itself."""
    made = {name for pair in _TEMPORARY.findall(text) for name in pair if name}
    if not made:
        return text
    derived = rf"(\w+) = (?:os\.path\.join\(\s*)?(?:{'|'.join(made)})\b(?:\.name\b|\s*,|\s*/)"
    made |= set(re.findall(derived, text))
    return re.sub(rf"(?:rmtree|os\.(?:unlink|remove|rmdir))\(\s*(?:{'|'.join(made)})\b", "", text)


def refuses(code: Code) -> str | None:
    """The rule by which a program is never emitted."""
    text = code.text[:LONGEST]
    if code.language in ("powershell", "cmd"):
        return "remote_code" if windows.destroys_text(text) == "remote_code" else None
    return "reverse_shell" if "socket" in text and ".connect" in text and _REVERSE.search(text) else None


def _windows(text: str) -> str | None:
    reason = windows.destroys_text(text)
    piped = False
    for words in windows.commands(text):
        reason = reason or windows.destroys(words, piped=piped)
        piped = True
    return reason


def drops_data(text: str) -> bool:
    """Does one of the statements drop what it holds, or delete or change all rows of a table?"""
    statements = _ENDS.sub(";", _QUOTED_SQL.sub("''", text)).split(";")
    return any(_statement_drops(statement) for statement in statements[:200])


def _statement_drops(statement: str) -> bool:
    statement = statement[:4000]
    if _DROPS.match(statement):
        return True
    change = _CHANGES_ROWS.match(statement)
    if change is None:
        return False
    verb, rest = change.group(1).lower(), change.group(2)
    if verb.startswith("update") and not re.search(r"(?i)\bset\b", rest):
        return False
    if verb == "delete" and not re.match(r"(?i)\s+\w+\s+(?:from|where)\b", rest):
        return False
    where = _WHERE.search(rest)
    return where is None or _ALWAYS.match(where.group(1)) is not None
