"""How often which command followed which: n-gram counts, and their Witten-Bell estimates over an open vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

ORDER: Final = 4
"""Commands before the next one that the longest context holds."""
FLOOR: Final = 1e-6
"""Likelihood of each command that was never met, where candidates are compared and nothing is spelled."""
START: Final = "\0start"
"""Stands before a session's first command."""

Floats = NDArray[np.float64]


class Tally:
    """Counts of tokens, with their sum."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.total = 0

    def add(self, token: str) -> None:
        self.counts[token] = self.counts.get(token, 0) + 1
        self.total += 1

    def of(self, tokens: Sequence[str]) -> Floats:
        """(C,) how often each token was counted."""
        counts = self.counts
        return np.array([counts.get(token, 0) for token in tokens], dtype=np.float64)

    @property
    def escape(self) -> float:
        """Witten and Bell's (1991) share of what was not counted yet: kinds / (kinds + sum); 1 of an empty tally."""
        kinds = len(self.counts)
        return kinds / (kinds + self.total) if kinds else 1.0

    def smoothed(self, counted: Floats, otherwise: Floats) -> Floats:
        """(C,) probabilities from what `of` gave; what was not counted has its share of the escape by `otherwise`."""
        if not self.total:
            return otherwise
        kinds = len(self.counts)
        smoothed: Floats = (counted + kinds * otherwise) / (self.total + kinds)
        return smoothed

    def likeliest(self, most: int) -> list[str]:
        """The most frequent tokens; of equally frequent ones those that were counted first."""
        return sorted(self.counts, key=lambda token: -self.counts[token])[:most]


EMPTY: Final = Tally()


class Chain:
    """The tokens after each run of up to `order` tokens."""

    def __init__(self, order: int = ORDER) -> None:
        self.order = order
        self._after: dict[tuple[str, ...], Tally] = {(): Tally()}

    def add(self, before: Sequence[str], token: str) -> None:
        for context in contexts(before, self.order):
            tally = self._after.get(context)
            if tally is None:
                tally = self._after[context] = Tally()
            tally.add(token)

    def after(self, before: Sequence[str]) -> list[Tally]:
        """The tallies after the last 0, 1, … `order` tokens; an empty one where the run was never met."""
        return [self._after.get(context, EMPTY) for context in contexts(before, self.order)]

    @property
    def all(self) -> Tally:
        """Every token, whatever stood before it."""
        return self._after[()]


def contexts(before: Sequence[str], order: int) -> list[tuple[str, ...]]:
    """The last 0, 1, … `order` tokens; a session's start is a token of its own."""
    last = tuple(before[-order:]) if order else ()
    last = (START,) * (order - len(last)) + last
    return [last[order - length :] for length in range(order + 1)]


def interpolated(tallies: Iterable[Tally], counted: Iterable[Floats], base: Floats) -> list[Floats]:
    """(C,) probabilities of each order, every one smoothed by the shorter one and the shortest by `base`."""
    estimates: list[Floats] = []
    for tally, counts in zip(tallies, counted, strict=True):
        base = tally.smoothed(counts, base)
        estimates.append(base)
    return estimates


class Spelling:
    """How likely a text is by its characters: what is left for a command that was never met.

    An interpolated chain of characters, three before the next one, over 256 byte values and an end.
    """

    _ORDER: Final = 3
    _END: Final = "\0end"

    def __init__(self, texts: Iterable[str]) -> None:
        self._chain = Chain(self._ORDER)
        self._known: dict[str, float] = {}
        for text in texts:
            letters = [*text, self._END]
            for at, letter in enumerate(letters):
                self._chain.add(letters[max(0, at - self._ORDER) : at], letter)

    def probability(self, text: str) -> float:
        """At least 1e-300, so that its logarithm is a number."""
        if text not in self._known:
            letters = [*text, self._END]
            before = (letters[max(0, at - self._ORDER) : at] for at in range(len(letters)))
            logarithm = sum(self._letter(context, letter) for context, letter in zip(before, letters, strict=True))
            self._known[text] = float(np.exp(max(logarithm, -690.0)))
        return self._known[text]

    def _letter(self, before: Sequence[str], letter: str) -> float:
        share = 1.0 / 257.0
        for tally in self._chain.after(before):
            kinds = len(tally.counts)
            if tally.total:
                share = (tally.counts.get(letter, 0) + kinds * share) / (tally.total + kinds)
        return float(np.log(share))
