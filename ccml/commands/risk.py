"""May a command be offered? Four classes, decided on the parsed line, failing closed.

- `safe`: proven read-only, word for word. May be offered and pre-filled.
- `ask`: anything not proven safe, including what cannot be parsed.
- `danger`: destroys or exposes something (`rm -r`, `git reset --hard`, `dd`). Never pre-filled, shown with the reason.
- `refused`: never emitted: secrets, remote code piped into a shell, writing to disk devices, fork bombs, `rm` of `/`.

The proof uses an allow-list (`safe_programs`): a line is safe only if every word of every command in it is literal and
every command is known to read only. A list of forbidden patterns could be evaded with one quote or variable. The rules
for `danger` and `refused` only divide the lines that are not safe.

OpenAI Codex's `is_known_safe_command` is built in the same way. Nothing is ever executed here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from ccml.commands import code
from ccml.commands.destruction import danger_of
from ccml.commands.reading import Reading
from ccml.commands.refusal import refusal_of
from ccml.commands.safe_programs import is_read_only, names_a_secret
from ccml.commands.secret_files import is_secret_path
from ccml.commands.syntax import LONGEST_KEPT, LONGEST_LINE, syntax
from ccml.commands.tools import READING, ServedCall, drops_data, own_tool, says_it_destroys, served_tool
from ccml.commands.tools import codes as tool_codes
from ccml.commands.tools import lines as tool_lines
from ccml.commands.tree import SimpleCommand, Syntax
from ccml.privacy.redaction import redact

Level: TypeAlias = Literal["safe", "ask", "danger", "refused"]
LEVELS: Final[tuple[Level, ...]] = ("safe", "ask", "danger", "refused")


@dataclass(frozen=True, slots=True)
class Risk:
    level: Level
    rule: str
    """Name of the rule that decided. It is logged; the command itself must not be."""


_OPERATORS: Final = frozenset({"&&", "||", "|", ";"})
# Latin letters with accents are allowed, for file names. Any other character outside ASCII could look like another
# one, reverse the reading direction, or be invisible.
_STRANGE: Final = re.compile(r"[^\x20-\x7e\n\tÀ-ɏ]")
_PLACEHOLDER: Final = re.compile(r"<(?:secret:[a-z0-9-]+|email|user|path|number|url|text|pattern|host|name|heredoc)>")
_SHELL_GRAMMAR: Final = re.compile(r"[;&|`$()<>\n\\]")
# An interactive shell replaces `!!` and `!rm` by earlier commands, also inside double quotes.
_HISTORY: Final = re.compile(r"^[^']*![\w!$?#^*:-]")


def assess(line: str) -> Risk:
    """The risk of running `line` in a shell. Never raises; what it does not understand is `ask`."""
    return _remembered(line) if len(line) <= LONGEST_KEPT else _assess(line)


def _assess(line: str) -> Risk:
    if len(line) > LONGEST_LINE:
        return Risk("ask", "too_long")
    tool = own_tool(line)
    if tool and not _SHELL_GRAMMAR.search(_PLACEHOLDER.sub("", tool[1])):
        return _own_tool(*tool)
    served = served_tool(line)
    if served is not None:
        return _served_tool(served, line)
    taken = syntax(line)
    if taken is None:
        return Risk("refused", "secret") if "<secret:" in redact(line) else Risk("ask", "unreadable")
    reading = Reading(taken)
    refusal = refusal_of(reading, line, whole=taken.whole)
    if refusal is not None:
        return Risk("refused", refusal)
    if "<secret:" in line or "<secret:" in redact(line):
        return Risk("refused", "secret")
    danger = danger_of(reading, line, whole=taken.whole)
    if danger is not None:
        return Risk("danger", danger)
    return _proof(line, taken)


_remembered = lru_cache(maxsize=16384)(_assess)


def _own_tool(name: str, argument: str) -> Risk:
    """A tool call of an assistant (`Read src/app.py`): its words are not read by a shell."""
    if "<secret:" in redact(argument):
        return Risk("refused", "secret")
    if name not in READING:
        return Risk("ask", "tool_writes")
    secret = is_secret_path(argument) or any(map(is_secret_path, argument.split()))
    if secret or (name == "Grep" and names_a_secret(argument)) or _STRANGE.search(argument):
        return Risk("ask", "secret_file")
    return Risk("safe", "tool_reads")


def _served_tool(call: ServedCall, line: str) -> Risk:
    """A call of a tool that some server offers. None is safe: what it does, its server decides."""
    levels = [assess(text) for text in tool_lines(call)]
    worst = max(levels, key=lambda risk: LEVELS.index(risk.level), default=Risk("ask", "served_tool"))
    if "<secret:" in redact(line):
        return Risk("refused", "secret")
    if worst.level in ("danger", "refused"):
        return worst
    if says_it_destroys(call):
        return Risk("danger", "destroys")
    if drops_data(call):
        return Risk("danger", "drops_data")
    for program in tool_codes(call):
        reason = code.refuses(program) or code.destroys(program)
        if reason is not None:
            return Risk("danger", reason)
    return Risk("ask", "served_tool")


def _proof(line: str, taken: Syntax) -> Risk:
    """`safe` if every command of the line is proven read-only, else `ask` with the first reason."""
    if not taken.whole:
        return Risk("ask", "unparsed")
    if _STRANGE.search(line) or "\\\n" in line:
        return Risk("ask", "strange_character")
    if _PLACEHOLDER.search(line):
        # A shell would read `<path>` as two redirections, and write to the word after it.
        return Risk("ask", "placeholder")
    if taken.constructs - {"comment"}:
        return Risk("ask", "construct")
    if any(isinstance(piece, str) and piece not in _OPERATORS for piece in taken.outline):
        return Risk("ask", "operator")
    if not all(isinstance(piece, str | SimpleCommand) for piece in taken.outline):
        return Risk("ask", "construct")
    if not taken.commands:
        return Risk("ask", "no_command")
    for command in taken.commands:
        rule = _unproven(command)
        if rule is not None:
            return Risk("ask", rule)
    return Risk("safe", "read_only")


def _unproven(command: SimpleCommand) -> str | None:
    """Why a simple command is not proven read-only; None where it is."""
    if command.assignments or not command.words:
        return "assignment"
    if not all(word.static for word in command.words) or any(_HISTORY.search(word.source) for word in command.words):
        return "expansion"
    if any("{}" in word.text for word in command.words):
        return "expansion"  # what `find -exec` and `xargs` put words into
    for redirect in command.redirects:
        target = redirect.target
        if target is None or not target.static:
            return "redirection"
        if redirect.operator.endswith("&") and target.text in ("1", "2"):
            continue
        if redirect.operator == "<" and not is_secret_path(target.text):
            continue
        if target.text != "/dev/null" or redirect.operator.lstrip("012&") not in (">", ">>"):
            return "redirection"
    words = tuple(word.text for word in command.words)
    if any("\n" in word for word in words):
        return "newline_in_word"
    if any(map(is_secret_path, words[1:])):
        return "secret_file"
    return None if is_read_only(words) else "not_known_to_read"
