"""Finds, among many texts at once, those that redaction may change: one in ten of a log.

Each rule of redaction begins with something that it looks for: a key's prefix, a name, a program, an `@`. A text is
suspicious if it has one of these, or signs outside ASCII, whose cases differ between the libraries. `redact` leaves
every other text as it is, and takes thirty times as long to find out; a test compares the two.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from ccml.privacy.redaction import HOME_WORDS, LONGEST_TEXT
from ccml.privacy.secret_names import NAME_PARTS
from ccml.privacy.shell_secrets import HINTS, PARTS_OF_HINTS
from ccml.privacy.token_shapes import ANYWHERE, BEGINS, MIXED, SHAPES

_LOOK_AROUND = re.compile(r"\(\?<?[=!]")
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:[^\]\\]|\\.)*\]|.", re.DOTALL)
"""Of an expression: an escape, a class of characters, or one sign."""
_UNKNOWN_TO_RE2 = ((r"\(\?P<\w+>", "(?:"), (r"\{(\d+),\d+\}", r"{\1,}"))
"""One name for several groups, high bounds."""
_OTHER_SPACES = "[\x0b\x1c-\x1f]"
"""`\\s` has them in Python and not in RE2."""


def suspicious_texts(texts: Sequence[str]) -> list[str]:
    """Those among the texts that `redact` may change."""
    import pyarrow as pa
    import pyarrow.compute as pc

    given = pa.array(texts, pa.large_string())
    suspicious = pc.or_(pc.invert(pc.string_is_ascii(given)), pc.greater(pc.utf8_length(given), LONGEST_TEXT))
    suspicious = pc.or_(suspicious, pc.match_substring_regex(given, _beginnings(), ignore_case=True))
    suspicious = pc.or_(suspicious, pc.match_substring_regex(given, _shapes(mixed=False)))
    # Tokens that are drawn and passwords of both cases have digits and capitals; an identifier in hexadecimal has not.
    drawn = [f"[A-Za-z0-9]{{20}}|{_shapes(mixed=True)}", "[A-Z]", "[0-9]"]
    mixed = [pc.match_substring_regex(given, pattern) for pattern in drawn]
    suspicious = pc.or_(suspicious, functools.reduce(pc.and_, mixed))
    found: list[str] = given.filter(suspicious).to_pylist()
    return found


@functools.cache
def _beginnings() -> str:
    """What the rules look for in lower-cased text, as an expression of RE2, which pyarrow has."""
    triggers = [shape.trigger for shape in SHAPES if shape.trigger != "://"]  # which they look at beside an `@` only
    parts = {*NAME_PARTS, *triggers, *PARTS_OF_HINTS, *HOME_WORDS, "@"}
    # A word ends before an ending like `.py`, and another can begin right behind it.
    word = rf"(?:^|[^a-z0-9_+-]|\.py|\.com|\.sh)(?:{_any_of(HINTS)})(?:$|[^a-z0-9_+-])"
    return f"{_any_of({part for part in parts if part.isascii()})}|{word}"


@functools.cache
def _shapes(*, mixed: bool) -> str:
    """The beginnings of keys with a prefix, and the shapes that have no letters of their own."""
    shapes = [pattern for _, trigger, pattern in ANYWHERE if trigger != "@" and (MIXED in pattern.pattern) == mixed]
    loosened = [f"(?:{_loosened(shape.pattern)})" for shape in shapes]
    return "|".join(loosened if mixed else [*loosened, _loosened(BEGINS.pattern), _OTHER_SPACES])


def _loosened(pattern: str) -> str:
    """An expression that RE2 knows and that finds all that the pattern finds, and more: without what it looks for
    around the text that it takes."""
    kept: list[str] = []
    skipped = 0
    for token in _TOKEN.finditer(pattern):
        opens, closes = token.group() == "(", token.group() == ")"
        if skipped or _LOOK_AROUND.match(pattern, token.start()):
            skipped += opens - closes
        elif not (token.group() == "+" and kept and kept[-1] in ("*", "+", "?", "}")):  # a possessive repeat
            kept.append(token.group())
    loosened = "".join(kept)
    for unknown, instead in _UNKNOWN_TO_RE2:
        loosened = re.sub(unknown, instead, loosened)
    return loosened


def _any_of(literals: frozenset[str] | set[str]) -> str:
    return "|".join(map(re.escape, sorted(literals)))
