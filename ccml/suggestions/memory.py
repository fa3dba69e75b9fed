"""What was seen before a turn: in all sessions that a model was fitted on, and in the running one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from ccml.privacy.shared_words import SHARED_BY
from ccml.suggestions.counts import EMPTY, FLOOR, ORDER, Chain, Floats, Tally, interpolated
from ccml.suggestions.turns import UNITS, Session, Turn, Unit, Words

FADING: Final = 0.8
"""Weight of what followed a command relative to what followed it the next time; Davison and Hirsh's (1998) choice."""
CLOSEST: Final = 2
"""Commands before the next one by which two memories are compared: of longer runs a session has too few."""


class Memory:
    """Counts over turns: chains of each unit, and what ran in which directory, on which host and after which line."""

    def __init__(self, order: int = ORDER) -> None:
        self.chains: dict[Unit, Chain] = {unit: Chain(order) for unit in UNITS}
        self._beside: dict[tuple[str, str, Unit], Tally] = {}

    def add(self, turn: Turn, before: dict[Unit, list[str]]) -> None:
        """
        Args:
            before: the session's earlier tokens by unit.
        """
        circumstances = circumstances_of(turn, before)
        for unit in UNITS:
            token = turn.words.unit(unit)
            self.chains[unit].add(before[unit], token)
            for kind, value in circumstances:
                self._beside.setdefault((kind, value, unit), Tally()).add(token)

    def beside(self, kind: str, value: str, unit: Unit) -> Tally:
        return self._beside.get((kind, value, unit), EMPTY)

    def likelihood(self, unit: Unit, before: Sequence[str], tokens: Sequence[str]) -> Floats:
        """(C,) after the last `CLOSEST` commands."""
        tallies = self.chains[unit].after(before)[: CLOSEST + 1]
        return interpolated(tallies, [tally.of(tokens) for tally in tallies], np.full(len(tokens), FLOOR))[-1]


def circumstances_of(turn: Turn, before: Mapping[Unit, Sequence[str]]) -> list[tuple[str, str]]:
    """What is known of the moment of a turn, as (kind, value)."""
    line, name = (before[unit][-1] if before[unit] else "" for unit in ("line", "name"))
    return [
        ("directory", turn.directory),
        ("host", turn.host),
        ("line", line),
        ("outcome", f"{turn.previous_failed}\0{name}"),
    ]


class Knowledge(Memory):
    """The sessions that a model is fitted on, and whose commands they are."""

    def __init__(self, sessions: Iterable[Session]) -> None:
        super().__init__()
        self.people: dict[Unit, Counter[str]] = {unit: Counter() for unit in UNITS}
        """Users who ran each token."""
        self.users: set[str] = set()
        self.sessions = 0
        self.turns = 0
        self.words: dict[str, Words] = {}
        self._own: dict[tuple[str, Unit], Tally] = defaultdict(Tally)
        for session in sessions:
            self.users.add(session.user)
            self.sessions += 1
            before: dict[Unit, list[str]] = {unit: [] for unit in UNITS}
            for turn in session.turns:
                self.turns += 1
                self.add(turn, before)
                self.words[turn.words.line] = turn.words
                for unit in UNITS:
                    token = turn.words.unit(unit)
                    before[unit].append(token)
                    own = self._own[session.user, unit]
                    self.people[unit][token] += token not in own.counts
                    own.add(token)

    def own(self, user: str, unit: Unit) -> Tally:
        """What the user ran."""
        return self._own.get((user, unit), EMPTY)

    def may_show(self, unit: Unit, token: str, user: str) -> bool:
        """A command is shown to who ran it; to others, only where several independent users ran it."""
        return self.people[unit][token] >= SHARED_BY or token in self.own(user, unit).counts


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
        """`expected` after the turn with this token."""
        of_all, of_session = (
            FADING * mean + (1.0 - FADING) * float(np.log(memory.likelihood(unit, self.before[unit], [token])[0]))
            for memory, mean in zip((self.knowledge, self), self.expected[unit], strict=True)
        )
        return of_all, of_session


def fade(table: dict[str, float], token: str, fading: float) -> None:
    """Davison and Hirsh's (1998) update: all weights shrink, and the token gets what they lose."""
    for known in table:
        table[known] *= fading
    table[token] = table.get(token, 0.0) + 1.0 - fading
