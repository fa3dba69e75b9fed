"""Clean interactions as sessions of commands: what candidates are gathered and ranked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from ccml.cleaning.commands import wanted_command
from ccml.commands.normal import normal_form
from ccml.commands.parse import parse

if TYPE_CHECKING:
    import pandas as pd

Unit = Literal["name", "template", "line"]
"""What is predicted of a command: its program's name, its template, or the line in its normal form."""
UNITS: Final[tuple[Unit, ...]] = ("name", "template", "line")


@dataclass(frozen=True, slots=True)
class Words:
    """A command line by its units, with the texts of its arguments."""

    name: str
    template: str
    line: str
    arguments: tuple[tuple[str, str], ...]
    """(kind, text) of each argument behind a placeholder of the template."""

    def unit(self, unit: Unit) -> str:
        return self.name if unit == "name" else self.template if unit == "template" else self.line


@dataclass(frozen=True, slots=True)
class Turn:
    """A command that ran or was wanted, and what was known before it."""

    words: Words
    request: str
    directory: str
    host: str
    pause: float
    """Seconds since the command before it; 0 at the start of a session."""
    previous_failed: bool


@dataclass(frozen=True, slots=True)
class Session:
    """A sitting of one user, its turns in time order."""

    id: str
    user: str
    start: float
    """Seconds since the epoch."""
    turns: tuple[Turn, ...]


@lru_cache(maxsize=65_536)
def words_of(line: str) -> Words:
    """A line by its units. The name of a line that shows no program is its first word."""
    parsed = parse(line)
    arguments = tuple((argument.kind, argument.text) for slot in parsed.slots for argument in slot)
    first = line.split(maxsplit=1)[0] if line.strip() else ""
    return Words(parsed.program or first, parsed.template or line, normal_form(line), arguments)


def sessions_of(clean: pd.DataFrame) -> list[Session]:
    """The commands that were wanted, by sitting, in the order of the sittings' beginnings.

    One that was denied, or proposed and not taken, is none of them.

    Args:
        clean: rows of `clean/interactions`.
    """
    turns = clean.drop_duplicates("interaction_id")
    turns = turns.assign(line=wanted_command(turns).fillna(""))
    turns = turns[turns["line"] != ""].sort_values(["user_id", "session_id", "position"], kind="stable")
    previous_failed = turns["previous_succeeded"].eq(False).fillna(False).to_numpy(dtype=bool)
    pauses = turns["seconds_since_previous"].fillna(0.0).to_numpy(dtype=float)
    starts = turns["time"].astype("int64").to_numpy() / 1e6
    texts = {name: turns[name].fillna("").tolist() for name in ("line", "request", "directory", "host")}
    owners = list(zip(turns["user_id"].fillna("").tolist(), turns["session_id"].fillna("").tolist(), strict=True))
    sessions: list[Session] = []
    gathered: list[Turn] = []
    for at, owner in enumerate(owners):
        gathered.append(
            Turn(
                words=words_of(texts["line"][at]),
                request=texts["request"][at],
                directory=texts["directory"][at],
                host=texts["host"][at],
                pause=float(pauses[at]),
                previous_failed=bool(previous_failed[at]),
            )
        )
        if at + 1 == len(owners) or owners[at + 1] != owner:
            first = at + 1 - len(gathered)
            sessions.append(Session(owner[1], owner[0], float(starts[first]), tuple(gathered)))
            gathered = []
    return sorted(sessions, key=lambda session: (session.start, session.id))


def blocks_of(sessions: Sequence[Session], count: int) -> list[list[Session]]:
    """The sessions cut into at most `count` blocks of about as many turns, in time order."""
    total = sum(len(session.turns) for session in sessions)
    blocks: list[list[Session]] = []
    taken = 0
    for session in sessions:
        place = min(count - 1, taken * count // max(total, 1))
        if not blocks or place >= len(blocks):
            blocks.append([])
        blocks[-1].append(session)
        taken += len(session.turns)
    return blocks
