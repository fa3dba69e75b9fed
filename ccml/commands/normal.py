"""The form in which two command lines are compared: `ls -l -a "docs"` and `ls  -a -l docs` are the same line.

Three rules. Blanks and quotes that change nothing go. Options that stand side by side are sorted, since their order
changes nothing; an option that takes the next word as its value stays where it is, and so does the last option before a
plain word of a program whose options are not known. The programs whose options are an expression (`find`, `test`) or
are paired with files (`ffmpeg`, `convert`) keep their order.

A line with more than plain words joined by operators, and one that cannot be parsed, is compared as it is written.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from ccml.commands.programs import GLOBAL_VALUES, OPERANDS, OPTION_VALUES
from ccml.commands.syntax import LONGEST_KEPT, syntax
from ccml.commands.tree import Piece, Redirect, SimpleCommand, Word
from ccml.commands.wrappers import base_name

_ORDERED: Final = frozenset("find fd test [ expr ffmpeg convert magick sox xargs ssh sudo env timeout".split())
"""Their options are an expression, belong to the file behind them, or end where another program begins."""


def normal_form(line: str) -> str:
    """The line as it is compared. Lines with the same form do the same, as far as the options in the tables go."""
    return _remembered(line) if len(line) <= LONGEST_KEPT else line.strip()


def _normal_form(line: str) -> str:
    taken = syntax(line)
    if taken is None or not taken.whole or not taken.outline or taken.constructs:
        return line.strip()
    words = [word for piece in taken.outline for word in _written(piece)]
    while words and words[-1] == ";":
        words.pop()
    return " ".join(words)


_remembered = lru_cache(maxsize=16384)(_normal_form)


def _written(piece: Piece) -> Iterator[str]:
    if isinstance(piece, str):
        yield piece
    elif isinstance(piece, Redirect):
        yield piece.operator + (_quoted(piece.target) if piece.target is not None else "")
    elif isinstance(piece, Word):
        yield _quoted(piece)
    else:
        yield from _command(piece)


def _command(command: SimpleCommand) -> Iterator[str]:
    yield from (word.source for word in command.assignments)
    words = [_quoted(word) for word in command.words]
    program = base_name(words[0]) if words else ""
    yield from words if program in _ORDERED else _sorted_options(program, words)
    for redirect in command.redirects:
        yield from _written(redirect)


def _sorted_options(program: str, words: Sequence[str]) -> Iterator[str]:
    known = program in OPERANDS or program in OPTION_VALUES
    with_value = {**OPTION_VALUES["*"], **OPTION_VALUES.get(program, {}), **GLOBAL_VALUES.get(program, {})}
    side_by_side: list[str] = []
    for at, word in enumerate(words):
        next_is_plain = at + 1 < len(words) and not _is_option(words[at + 1])
        if not _is_option(word) or (next_is_plain and (word in with_value if known else True)):
            yield from sorted(side_by_side)
            side_by_side = []
            yield word
            if word == "--":
                yield from words[at + 1 :]
                return
        else:
            side_by_side.append(word)
    yield from sorted(side_by_side)


def _is_option(word: str) -> bool:
    return len(word) > 1 and word.startswith("-") and word != "--"


def _quoted(word: Word) -> str:
    """One spelling of a word's quotes; a word with an expansion or a glob in it stays as it is written."""
    return shlex.quote(word.text) if word.static else word.source
