"""Simple predictors of the next command, over the ranker's open vocabulary, each learning as the session runs.

All give (C,) likelihoods for any tokens. Those that are distributions spell a token that was never met, so that bits
per command can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ccml.suggestions.counts import ORDER, Floats, Spelling, interpolated
from ccml.suggestions.memory import FADING, Knowledge, Running, fade
from ccml.suggestions.turns import Session, Turn, Unit, blocks_of

_FREQUENT: Final = 500


class Baselines:
    """By name, fitted on the training sessions. `take` after each turn, `begin` before each session."""

    def __init__(self, sessions: Sequence[Session], unit: Unit, knowledge: Knowledge, spelling: Spelling) -> None:
        self._unit, self._knowledge = unit, knowledge
        self._ngram = SessionNGram.fit(sessions, unit, knowledge, spelling)
        self._ipam = Ipam(sessions, unit)
        self._frequent: Final = knowledge.chains[unit].all.likeliest(_FREQUENT)

    def begin(self) -> None:
        self._ipam.begin()

    def likelihoods(self, tokens: Sequence[str], running: Running) -> dict[str, Floats]:
        """By the baseline's name; only that of the n-gram is a distribution over all texts."""
        everything = self._knowledge.chains[self._unit].all
        counted = everything.of(tokens) / max(everything.total, 1)
        return {
            "most frequent": counted,
            "most recent": _faded(tokens, running, self._unit, 0.5) + 1e-3 * counted,
            "frecency": _faded(tokens, running, self._unit, 0.95) + 1e-3 * counted,
            "IPAM": self._ipam.likelihood(tokens, running) + 1e-6 * counted,
            NGRAM: self._ngram.likelihood(tokens, running),
        }

    def take(self, turn: Turn, running: Running) -> None:
        """The turn happened after what is in `running`."""
        self._ipam.take(turn.words.unit(self._unit), running)

    def vocabulary(self, running: Running) -> list[str]:
        """What a baseline can put among its first five: the session's tokens, all that ever followed, the frequent."""
        chain = self._knowledge.chains[self._unit]
        found = dict.fromkeys(running.before[self._unit])
        for tally in chain.after(running.before[self._unit])[1:]:
            found.update(dict.fromkeys(tally.counts))
        found.update(dict.fromkeys(self._frequent))
        return list(found)


NGRAM: Final = "n-gram with session memory"


class SessionNGram:
    """Witten-Bell n-grams of all sessions mixed with those of the running one, which back off to the former (Kuhn and
    De Mori 1990). Order and share of the session are those with the fewest bits on the latest sixth of training."""

    _SHARES: Final = (0.0, 0.2, 0.35, 0.5, 0.65, 0.8, 1.0)
    _BLOCKS: Final = 6

    def __init__(self, unit: Unit, knowledge: Knowledge, spelling: Spelling, order: int, share: float) -> None:
        self._unit, self._knowledge, self._spelling = unit, knowledge, spelling
        self.order, self.share = order, share

    @classmethod
    def fit(cls, sessions: Sequence[Session], unit: Unit, knowledge: Knowledge, spelling: Spelling) -> SessionNGram:
        blocks = blocks_of(sessions, cls._BLOCKS)
        if len(blocks) < 2:
            return cls(unit, knowledge, spelling, 2, 0.5)
        earlier = Knowledge(session for block in blocks[:-1] for session in block)
        tried = cls(unit, earlier, spelling, ORDER, 0.5)
        bits = dict.fromkeys(((order, share) for order in range(1, ORDER + 1) for share in cls._SHARES), 0.0)
        for session in blocks[-1]:
            running = Running(earlier)
            for turn in session.turns:
                of_all, of_session = tried.estimates([turn.words.unit(unit)], running)
                for order, share in bits:
                    likely = (1.0 - share) * of_all[order] + share * of_session[order]
                    bits[order, share] -= float(np.log2(likely[0]))
                running.take(turn)
        order, share = min(bits, key=lambda chosen: bits[chosen])
        return cls(unit, knowledge, spelling, order, share)

    def estimates(self, tokens: Sequence[str], running: Running) -> tuple[list[Floats], list[Floats]]:
        """(C,) of each order 0 to `ORDER`, by all sessions and by the running one."""
        base = np.array([self._spelling.probability(token) for token in tokens])
        before = running.before[self._unit]
        known = self._knowledge.chains[self._unit].after(before)
        of_all = interpolated(known, [tally.of(tokens) for tally in known], base)
        seen = running.chains[self._unit].after(before)
        of_session = [
            interpolated(seen[: order + 1], [tally.of(tokens) for tally in seen[: order + 1]], of_all[order])[-1]
            for order in range(len(of_all))
        ]
        return of_all, of_session

    def likelihood(self, tokens: Sequence[str], running: Running) -> Floats:
        of_all, of_session = self.estimates(tokens, running)
        mixed: Floats = (1.0 - self.share) * of_all[self.order] + self.share * of_session[self.order]
        return mixed


class Ipam:
    """What followed each command, the latest weighing most (Davison and Hirsh 1998): each table fades by `FADING` when
    its command is followed by another one."""

    def __init__(self, sessions: Sequence[Session], unit: Unit) -> None:
        self._fitted: dict[str, dict[str, float]] = {}
        self._now: dict[str, dict[str, float]] = {}
        for session in sessions:
            tokens = [turn.words.unit(unit) for turn in session.turns]
            for before, token in zip(["", *tokens], tokens, strict=False):
                fade(self._fitted.setdefault(before, {}), token, FADING)
        self._unit: Unit = unit

    def begin(self) -> None:
        self._now = {}

    def likelihood(self, tokens: Sequence[str], running: Running) -> Floats:
        table = self._table(running)
        return np.array([table.get(token, 0.0) for token in tokens])

    def take(self, token: str, running: Running) -> None:
        last = running.last(self._unit)
        if last not in self._now:
            self._now[last] = dict(self._fitted.get(last, {}))
        fade(self._now[last], token, FADING)

    def _table(self, running: Running) -> dict[str, float]:
        last = running.last(self._unit)
        return self._now.get(last, self._fitted.get(last, {}))


def _faded(tokens: Sequence[str], running: Running, unit: Unit, fading: float) -> Floats:
    """(C,) uses in the session, each weighing `fading` times the one after it."""
    weights: dict[str, float] = {}
    for back, token in enumerate(reversed(running.before[unit])):
        weights[token] = weights.get(token, 0.0) + fading**back
    return np.array([weights.get(token, 0.0) for token in tokens])
