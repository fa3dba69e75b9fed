"""Calls of an assistant's tools as lines (`Read src/app.py`, `mcp__db__query 'select 1'`): their words, no shell's.

A tool is rated by what its name says, and by what its arguments are: a shell line, a query, a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ccml.commands import code
from ccml.commands.handed import Code
from ccml.commands.syntax import syntax
from ccml.commands.verbs import DESTROYING, first_verb

_OWN: Final = re.compile(
    r"(Read|Glob|Grep|LS|Edit|MultiEdit|Write|NotebookEdit|WebFetch|WebSearch|Task|TodoWrite)(?: (.*))?"
)
_SERVED: Final = re.compile(r"(mcp__[\w.-]{1,80}?__([\w.-]{1,100}))(?:\s+(.*))?", re.DOTALL)
_RUNS_LINES: Final = re.compile(r"(?i)shell|bash|terminal|command|cmd|exec|ssh|process|console|powershell|script|run")
_RUNS_QUERIES: Final = re.compile(
    r"(?i)sql|query|postgres|mysql|maria|database|supabase|neon|snowflake|mongo|redis|clickhouse|duckdb|oracle|dbhub|"
    r"planetscale|turso|influx|cassandra|neo4j|(?:^|_)db(?:_|$)"
)
_QUERY_KEYS: Final = frozenset({"sql", "query", "statement", "statements", "queries"})
_LINE_KEYS: Final = frozenset({"command", "cmd", "script", "commandline", "shell_command", "bash", "commands"})
READING: Final = frozenset({"Read", "Glob", "Grep", "LS"})
_MOST: Final = 60


def own_tool(line: str) -> tuple[str, str] | None:
    """The name and the argument of a call of the assistant's own tools."""
    found = _OWN.fullmatch(line)
    return (found.group(1), found.group(2) or "") if found is not None else None


def served_tool(line: str) -> tuple[str, str, str] | None:
    """Server and tool, the tool, and the arguments of a call over the Model Context Protocol."""
    found = _SERVED.fullmatch(line)
    return (found.group(1), found.group(2), found.group(3) or "") if found is not None else None


def says_it_destroys(tool: str) -> bool:
    return first_verb([tool]) in DESTROYING


def drops_data(server_and_tool: str, arguments: str) -> bool:
    """Does an argument that the tool takes for a query drop data?"""
    given = texts(arguments, _QUERY_KEYS if not _RUNS_QUERIES.search(server_and_tool) else None)
    return any(code.destroys(Code(language, text)) for text in given for language in ("sql", "mongo"))


def lines(server_and_tool: str, arguments: str) -> list[str]:
    """The arguments that the tool runs as shell lines."""
    return list(texts(arguments, _LINE_KEYS if not _RUNS_LINES.search(server_and_tool) else None))


def texts(arguments: str, keys: frozenset[str] | None = None) -> Iterator[str]:
    """The values of the arguments, written as JSON, as words, or as `name=value`; only those of some names if `keys`
    are given."""
    given = _decoded(arguments)
    if not isinstance(given, str):
        if keys is not None and isinstance(given, dict):
            given = [value for name, value in given.items() if name.lower() in keys]
        yield from _values(given)
        return
    if keys is None:
        yield arguments
    taken = syntax(arguments)
    for command in taken.commands if taken is not None else ():
        for word in (*command.assignments, *command.words)[:_MOST]:
            name, sign, value = word.text.partition("=")
            if sign and name.isidentifier():
                if keys is None or name.lower() in keys:
                    yield from _values(_decoded(value))
            elif keys is None:
                yield from _values(_decoded(word.text))


def _decoded(text: str) -> Any:
    """What JSON says; the text itself where it is none."""
    if text[:1] not in ("{", "["):
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _values(given: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(given, str):
        yield given
    elif isinstance(given, dict | list) and depth < 4:
        strings = [each for each in given if isinstance(each, str)] if isinstance(given, list) else []
        if len(strings) > 1:
            yield " ".join(strings)
        for each in list(given.values() if isinstance(given, dict) else given)[:_MOST]:
            yield from _values(each, depth + 1)
