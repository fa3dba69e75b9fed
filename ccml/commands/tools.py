"""Calls of an assistant's tools as lines (`Read src/app.py`, `mcp__db__query sql='select 1'`): their words, no shell's.

A tool is rated by what its name says, and by what its arguments are: a shell line, a query, a program, an operation.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from ccml.commands import code
from ccml.commands.handed import Code
from ccml.commands.loss_table import LOSSES
from ccml.commands.programs import WITH_SUBCOMMANDS
from ccml.commands.syntax import syntax
from ccml.commands.verbs import DESTROYING, HARMLESS, first_verb, tokens

_OWN: Final = re.compile(
    r"(Read|Glob|Grep|LS|Edit|MultiEdit|Write|NotebookEdit|WebFetch|WebSearch|Task|TodoWrite)(?: (.*))?"
)
_SERVED: Final = re.compile(r"mcp__([\w.-]{1,80}?)__([\w.-]{1,100})(?:\s+(.*))?", re.DOTALL)
_RUNS_LINES: Final = re.compile(r"(?i)shell|bash|terminal|command|cmd|exec|ssh|process|console|powershell|script|run")
_RUNS_QUERIES: Final = re.compile(
    r"(?i)sql|query|cypher|postgres|mysql|maria|database|supabase|neon|snowflake|mongo|redis|clickhouse|duckdb|oracle|"
    r"dbhub|planetscale|turso|influx|cassandra|neo4j|(?:^|_)db(?:_|$)"
)
_RUNS_CODE: Final = frozenset("run execute exec eval evaluate applescript repl".split())
_QUERY_NAMES: Final = frozenset("sql query statement statements queries cypher".split())
_LINE_NAMES: Final = frozenset("command commands cmd script commandline shell bash cli".split())
_CODE_NAMES: Final = frozenset("code snippet source script expression function javascript python applescript".split())
_OPERATION_NAMES: Final = frozenset("operation action method verb op subcommand command cmd args arguments".split())
_SEARCHING: Final = frozenset("search find list lookup browse".split())
_DATA_NAMES: Final = frozenset(
    "key keys value values name title body text description message content path pattern field id note subject".split()
)
"""Arguments that a store keeps or finds, and does not run."""
_TAKES_BACK: Final = frozenset("reset cleanup clean revoke rollback unlink".split())
"""What a tool of this name does cannot be undone, though a command of this name may be harmless."""
_PROGRAMS: Final = {"kubernetes": "kubectl", "k8s": "kubectl", "azure": "az", "redis": "redis-cli"}
"""Servers that stand for a program of another name."""
_SAYS_RUN: Final = frozenset("run execute exec call invoke command tool generic cli".split())
READING: Final = frozenset({"Read", "Glob", "Grep", "LS"})
_MOST: Final = 60


def own_tool(line: str) -> tuple[str, str] | None:
    """The name and the argument of a call of the assistant's own tools."""
    found = _OWN.fullmatch(line)
    return (found.group(1), found.group(2) or "") if found is not None else None


@dataclass(frozen=True)
class ServedCall:
    """A call over the Model Context Protocol."""

    server: str
    tool: str
    given: tuple[tuple[str, Any], ...]
    """The arguments with their names; the name is empty where the line has none."""

    @property
    def whole(self) -> str:
        return f"{self.server}__{self.tool}"


def served_tool(line: str) -> ServedCall | None:
    found = _SERVED.fullmatch(line)
    if found is None:
        return None
    return ServedCall(found.group(1), found.group(2), tuple(_given(found.group(3) or ""))[:_MOST])


def says_it_destroys(call: ServedCall) -> bool:
    """By the tool's name (`delete_file`, `reset_branch`), or by an argument that names an operation."""
    server = tokens(call.server)
    for word in tokens(call.tool):
        if word in server or (word == "reset" and "git" in server):
            continue  # `auth0_delete_client` of auth0; what a reset of git loses, its options say
        if word in DESTROYING or word in _TAKES_BACK:
            return True
        if word in HARMLESS and word not in _SAYS_RUN:
            break
    named = (value for name, value in call.given if _is(name, _OPERATION_NAMES) and isinstance(value, str))
    return any(first_verb([value]) in DESTROYING for value in named if value and not re.search(r"\s", value[:80]))


def drops_data(call: ServedCall) -> bool:
    """Does an argument that the tool takes for a query drop data?"""
    searches = first_verb([call.tool]) in _SEARCHING
    anything = _RUNS_QUERIES.search(call.tool) is not None
    given = (
        text
        for name, value in call.given
        if not searches
        and ((anything and not _is(name, _DATA_NAMES)) or not name or _is(name, _QUERY_NAMES | _LINE_NAMES))
        for text in _values(value)
    )
    return any(code.destroys(Code(language, text)) for text in given for language in ("sql", "mongo"))


def lines(call: ServedCall) -> list[str]:
    """What the tool runs as shell lines: such arguments, what programs among them hand to a shell, and the call itself
    where its server stands for a program: `mcp__git__git_reset mode=hard` is `git reset --mode=hard --hard`."""
    anything = _RUNS_LINES.search(call.whole) is not None
    found = [
        text for name, value in call.given if anything or _is(name, _LINE_NAMES) for text in _values(value) if text
    ]
    for program in codes(call):
        found += code.shell_within(program)
        found += re.findall(r"(?m)^\s{0,9}[!%]{1,2}(?:bash|sh)?\s{0,9}([^\n]+)", program.text)
    return [*found, *_as_commands(call)][:_MOST]


def codes(call: ServedCall) -> list[Code]:
    """The arguments that the tool runs as a program; in which language is read from the text."""
    if not _RUNS_CODE & set(tokens(call.tool)):
        return []
    given = (text for name, value in call.given if not name or _is(name, _CODE_NAMES) for text in _values(value))
    return [Code(language, text) for text in given for language in ("python", "javascript", "applescript")]


def _as_commands(call: ServedCall) -> Iterator[str]:
    of_server = [_PROGRAMS.get(word, word) for word in tokens(call.server)]
    of_tool = [_PROGRAMS.get(word, word) for word in tokens(call.tool)]
    programs = [word for word in of_server if word in WITH_SUBCOMMANDS or word in LOSSES]
    programs += [word for word in of_tool if word in WITH_SUBCOMMANDS]
    said = [word for word in of_tool if word not in programs and word not in _SAYS_RUN]
    options: list[str] = []
    for name, value in call.given:
        if (not name or _is(name, _OPERATION_NAMES)) and isinstance(value, str | list):
            said += " ".join(_values(value)).split()[:20] if isinstance(value, str) else list(_values(value))[-20:]
        elif value in (True, "true"):
            options.append(f"--{name}")
        elif isinstance(value, str | int) and value not in (False, "false"):
            options.append(f"--{name}={value}")
            if isinstance(value, str) and value.isalpha() and name == "mode":
                said.append(value)
                options.append(f"--{value}")
    yield from (shlex.join([program, *said, *options]) for program in dict.fromkeys(programs))


def _is(name: str, names: frozenset[str]) -> bool:
    return not names.isdisjoint(tokens(name))


def _given(arguments: str) -> Iterator[tuple[str, Any]]:
    """The arguments, written as JSON, as words, or as `name=value`."""
    given = _decoded(arguments.strip())
    if isinstance(given, str):
        taken = syntax(arguments)
        commands = taken.commands if taken is not None else ()
        words = [word.text for command in commands for word in (*command.assignments, *command.words)][:_MOST]
        if len(words) == 1:
            given = _decoded(words[0])
        if isinstance(given, str):
            parts = [word.partition("=") for word in words]
            if not all(sign and name.isidentifier() for name, sign, _ in parts) or not parts:
                yield ("", arguments)
            for word, (name, sign, value) in zip(words, parts, strict=True):
                yield (name, _decoded(value)) if sign and name.isidentifier() else ("", _decoded(word))
            return
    yield from _named("", given)


def _named(name: str, given: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    if isinstance(given, dict) and depth < 4:
        for inner, value in list(given.items())[:_MOST]:
            yield from _named(str(inner), value, depth + 1)
    else:
        yield (name, given)


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
