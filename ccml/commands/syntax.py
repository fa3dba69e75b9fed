"""A command line read as the shell would read it: commands, pipelines, loops, here-documents.

It runs nothing and raises nothing. A line that is no shell line, or is nested or divided beyond the scanner's bounds,
has `whole=False`. The time is linear in the line by construction: every character is read once, by one method that
never goes back (see `scanner`, `statements`, `grammar`). A parser generated from a grammar tries several readings: it
needed exponential time for lines of 400 characters.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from ccml.commands.grammar import Grammar
from ccml.commands.scanner import UnreadableError
from ccml.commands.tree import Script, Syntax

LONGEST_LINE: Final = 16_384
"""Characters. Longer lines are scripts pasted into a shell: their templates never repeat."""
LONGEST_KEPT: Final = 1024
"""Characters of a line whose reading is remembered: a bound on the memory of the caches."""


def syntax(line: str) -> Syntax | None:
    """The read line; None where it is empty, too long or holds a NUL."""
    if len(line) > LONGEST_LINE or "\0" in line or not line.strip():
        return None
    return _remembered(line) if len(line) <= LONGEST_KEPT else _read(line)


def _read(line: str) -> Syntax:
    grammar = Grammar(line)
    script = Script([])
    try:
        grammar.script(script, "")
        whole = grammar.at == len(line)
    except UnreadableError:
        whole = False
    return Syntax(grammar.outline, grammar.commands, script, frozenset(grammar.constructs), whole)


_remembered = lru_cache(maxsize=8192)(_read)
