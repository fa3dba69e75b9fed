"""The spans that a rule finds, and the bound on what the rules may spend on one text."""

from __future__ import annotations

from typing import Final, NamedTuple

MOST_STEPS: Final = 12_000
"""Of one text. A step is one suspicious place or a few words behind a program's name, some two microseconds. A line of
a log takes under a hundred; 32,768 characters of `.env` file, of JSON or of shell script take some two thousand."""


class Span(NamedTuple):
    start: int
    end: int
    kind: str


class TooDenseError(Exception):
    """The text has more suspicious places than anybody writes; it is replaced as a whole."""


class Work:
    """Counts the steps over one text, so that the time for any text is bounded, the same on every machine."""

    def __init__(self) -> None:
        self.left = MOST_STEPS

    def spend(self, steps: int) -> None:
        """Raises TooDenseError where the steps are used up."""
        self.left -= steps
        if self.left < 0:
            raise TooDenseError
