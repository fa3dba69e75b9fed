"""What was seen before a turn: in all sessions that a model was fitted on, and in the running one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from ccml.suggestions.counts import EMPTY, ORDER, Chain, Tally, interpolated
from ccml.suggestions.turns import UNITS, Session, Turn, Unit, Words

SHARED_BY: Final = 3
"""Users who must have run a line before it is shown to another one."""
FADING: Final = 0.8
_FLOOR: Final = 1e-6


class Memory:
    """Counts over turns: chains of each unit, and what ran in which directory, on which host and after which line."""

    def __init__(self, order: int = ORDER) -> None:
        self.chains: dict[Unit, Chain] = {unit: Chain(order) for unit in UNITS}
        self._beside: dict[tuple[str, str, Unit], Tally] = {}

    def add(self, turn: Turn, before: dict[Unit, list[str]]) -> None:
        """Args:
        before: the session's earlier tokens by unit.
        """
        circumstances = circumstances_of(turn, before["line"])
        for unit in UNITS:
            token = turn.words.unit(unit)
            self.chains[unit].add(before[unit], token)
            for kind, value in circumstances:
                self._beside.setdefault((kind, value, unit), Tally()).add(token)

    def beside(self, kind: str, value: str, unit: Unit) -> Tally:
        return self._beside.get((kind, value, unit), EMPTY)


def circumstances_of(turn: Turn, lines_before: Sequence[str]) -> list[tuple[str, str]]:
    """What is known of the moment of a turn, as (kind, value)."""
    last = lines_before[-1] if lines_before else ""
    return [
        ("directory", turn.directory),
        ("host", turn.host),
        ("line", last),
        ("outcome", f"{turn.previous_failed}\0{last.split(' ', 1)[0]}"),
    ]


class Knowledge(Memory):
    """The sessions that a model is fitted on, and whose lines they are."""

    def __init__(self, sessions: Iterable[Session]) -> None:
        super().__init__()
        self.people: dict[Unit, Counter[str]] = {unit: Counter() for unit in UNITS}
        """Users who ran each token."""
        self.sessions = 0
        self.turns = 0
        self.own: dict[str, Tally] = defaultdict(Tally)
        """Lines of each user."""
        self.words: dict[str, Words] = {}
        ran: set[tuple[str, Unit, str]] = set()
        for session in sessions:
            self.sessions += 1
            before: dict[Unit, list[str]] = {unit: [] for unit in UNITS}
            for turn in session.turns:
                self.turns += 1
                self.add(turn, before)
                self.own[session.user].add(turn.words.line)
                self.words[turn.words.line] = turn.words
                for unit in UNITS:
                    token = turn.words.unit(unit)
                    before[unit].append(token)
                    if (session.user, unit, token) not in ran:
                        ran.add((session.user, unit, token))
                        self.people[unit][token] += 1

    def may_show(self, line: str, user: str) -> bool:
        """A line is shown to who ran it; to others, only where several independent users ran it."""
        return self.people["line"][line] >= SHARED_BY or line in self.own[user].counts


class Running(Memory):
    """The running session, beside what was known before it."""

    def __init__(self, knowledge: Knowledge) -> None:
        super().__init__()
        self.knowledge = knowledge
        self.before: dict[Unit, list[str]] = {unit: [] for unit in UNITS}
        self.words: dict[str, Words] = {}
        self.last_at: dict[Unit, dict[str, int]] = {unit: {} for unit in UNITS}
        self.arguments: dict[str, dict[str, int]] = {}
        """Texts of each kind of argument → turn of their latest use."""
        self.followed: dict[tuple[Unit, str], dict[str, float]] = {}
        """What came after each token, the latest weighing most: each table fades by `FADING` when it is added to."""
        self.expected: dict[Unit, tuple[float, float]] = dict.fromkeys(UNITS, (0.0, 0.0))
        """How well all sessions and this one have foretold its latest turns: faded means of the logarithms."""

    def __len__(self) -> int:
        return len(self.before["line"])

    def last(self, unit: Unit) -> str:
        """The latest token; empty at the start."""
        return self.before[unit][-1] if self.before[unit] else ""

    def take(self, turn: Turn) -> None:
        """The turn has happened."""
        at = len(self)
        for unit in UNITS:
            token = turn.words.unit(unit)
            self.expected[unit] = self._expected(unit, token)
            fade(self.followed.setdefault((unit, self.last(unit)), {}), token, FADING)
        self.add(turn, self.before)
        for unit in UNITS:
            token = turn.words.unit(unit)
            self.before[unit].append(token)
            self.last_at[unit][token] = at
        self.words[turn.words.line] = turn.words
        for kind, text in turn.words.arguments:
            self.arguments.setdefault(kind, {})[text] = at

    def latest(self, unit: Unit, most: int) -> list[str]:
        """Its different tokens, the latest first."""
        used = self.last_at[unit]
        return sorted(used, key=lambda token: -used[token])[:most]

    def _expected(self, unit: Unit, token: str) -> tuple[float, float]:
        means = []
        for memory, mean in zip((self.knowledge, self), self.expected[unit], strict=True):
            tallies = memory.chains[unit].after(self.before[unit])[:3]
            floor = np.full(1, _FLOOR)
            likely = interpolated(tallies, [tally.of([token]) for tally in tallies], floor)[-1]
            means.append(FADING * mean + (1.0 - FADING) * float(np.log(likely[0])))
        return means[0], means[1]


def fade(table: dict[str, float], token: str, fading: float) -> None:
    """Davison and Hirsh's (1998) update: all weights shrink, and the token gets what they lose."""
    for known in table:
        table[known] *= fading
    table[token] = table.get(token, 0.0) + 1.0 - fading
