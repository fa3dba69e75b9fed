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


def drops_data(arguments: str) -> bool:
    return any(code.destroys(Code("sql", text)) or _drops_documents(text) for text in texts(arguments))


def _drops_documents(text: str) -> bool:
    return code.destroys(Code("mongo", text)) is not None


def lines(server_and_tool: str, arguments: str) -> list[str]:
    """The arguments that the tool runs as shell lines."""
    return list(texts(arguments)) if _RUNS_LINES.search(server_and_tool) else []


def texts(arguments: str) -> Iterator[str]:
    """The values of the arguments, written as JSON, as words, or as `name=value`."""
    if arguments[:1] in "{[":
        try:
            yield from _values(msgspec.json.decode(arguments))
        except msgspec.DecodeError:
            pass
        else:
            return
    yield arguments
    taken = syntax(arguments)
    for command in taken.commands if taken is not None else ():
        for word in (*command.assignments, *command.words)[:_MOST]:
            yield word.text
            name, sign, value = word.text.partition("=")
            if sign and name.isidentifier():
                yield value


def _values(given: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(given, str):
        yield given
    elif isinstance(given, dict | list) and depth < 4:
        strings = [each for each in given if isinstance(each, str)] if isinstance(given, list) else []
        if len(strings) > 1:
            yield " ".join(strings)
        for each in list(given.values() if isinstance(given, dict) else given)[:_MOST]:
            yield from _values(each, depth + 1)
