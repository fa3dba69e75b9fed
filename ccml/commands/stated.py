"""Does a request name what a command works on?

A command model shows each template as one line of its training data. `cat notes.txt` for "show budget.csv" is the right
template with the wrong file, so it may be shown, and not be run.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from ccml.commands.parse import parse
from ccml.commands.syntax import syntax

_ANYWHERE: Final = frozenset({".", "./", "HEAD", "@", "-"})
"""What stands for the place or the state at hand, and needs no mention."""
_EDGE: Final = r"[\w./~-]"


@lru_cache(maxsize=4096)
def states_arguments(request: str, command: str) -> bool:
    """Does every argument of the command stand in the request, as a word or between quotes?

    A line that cannot be parsed, and one with a placeholder, has arguments that nobody stated.
    """
    parsed = parse(command)
    if not parsed.parsed:
        return False
    return all(_stands_in(request, argument.text) for slot in parsed.slots for argument in slot)


def _stands_in(request: str, source: str) -> bool:
    """`source` is an argument as the line has it, so its quotes are undone first; an option's name is no part of it."""
    taken = syntax(f"x {source}")
    words = taken.commands[0].words[1:] if taken is not None and taken.commands else ()
    if len(words) != 1 or not words[0].static:
        return source in request and bool(source.strip())
    text = words[0].text
    if text.startswith("-"):
        text = text.partition("=")[2] or re.sub(r"^-{1,2}[A-Za-z]?", "", text)
    if text in _ANYWHERE or not text:
        return True
    return re.search(rf"(?<!{_EDGE}){re.escape(text)}(?![\w/~-])", request, re.IGNORECASE) is not None
