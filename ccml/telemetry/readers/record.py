"""What a reader is, and the record that it gives for each line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeAlias

from ccml.telemetry.decode import Rejection
from ccml.telemetry.events import AnyEvent
from ccml.telemetry.line_shape import line_shape
from ccml.telemetry.readers.histories import Histories
from ccml.telemetry.readers.lines import Line
from ccml.telemetry.readers.owner import stated_owner


@dataclass(frozen=True, slots=True)
class Record:
    """One line (or, in a file that is one JSON document, one message): events, or why there are none.

    Each record is counted once: quarantined if `rejection` is set, else left out if `skipped`
    is set, else landed.
    """

    line: int
    events: tuple[AnyEvent, ...] = ()
    rejection: Rejection | None = None
    skipped: str | None = None
    """Why a readable line carries no event of its own: `blank`, `duplicate`, or the record type that was left out."""
    shape: str = ""
    """Of a refused line; of the line itself nothing is kept but its length and its hash."""
    bytes: int = 0
    sha256: str = ""
    owner: str = ""
    """Whose a refused line is, where the line says it."""

    @classmethod
    def refused(cls, line: Line, rejection: Rejection, events: tuple[AnyEvent, ...] = ()) -> Record:
        size = line.size or len(line.raw)
        shape, owner = line_shape(line.raw), stated_owner(line.raw)
        return cls(line.number, events, rejection, shape=shape, bytes=size, sha256=line.sha256, owner=owner)


@dataclass(frozen=True, slots=True)
class Run:
    """Lines one behind the other, each of which is one event."""

    first: int
    """Number of the first line."""
    events: list[AnyEvent]
    bytes: int


Facts: TypeAlias = "Counter[str]"
"""What a reader counted on the way: files, requests, tool_calls, tool_calls_unique, bash_commands, errors, …"""


@dataclass(frozen=True)
class Sample:
    """The beginning of a file, for finding out its format."""

    path: Path
    head: bytes
    """At most 64 KiB."""
    objects: list[dict[str, object]] = field(default_factory=list)
    """The first lines that are JSON objects."""


@dataclass(frozen=True)
class Reader:
    """One format.

    Attributes:
        patterns: file names taken from a folder when this format is asked for by name.
        fits: does the beginning of a file look like this format?
        read: yields one record per line, in any order; counts facts into the counter it is given.
        repeats: `conflict` where the writer chooses event ids: one id with two contents is the writer's mistake and is
            quarantined. `collapse` where ids are made of the source's own: a session that was copied or continued in a
            second file has the same ids, and the second event is a duplicate.
    """

    name: str
    description: str
    patterns: tuple[str, ...]
    fits: Callable[[Sample], bool]
    read: Callable[[Path, datetime, Facts], Iterator[Record]]
    repeats: Literal["conflict", "collapse"] = "collapse"
    read_history: Callable[[Path, datetime, Facts, Histories], Iterator[Record]] | None = None
    """`read` for a format whose events have no identity of their own: what was read earlier gives them one."""
    read_many: Callable[[Path, datetime, Facts], Iterator[Record | Run]] | None = None
    """`read`, many times faster where most lines are good: they come as runs."""
    usual_place: str = ""
    """File or folder on the machine of whoever writes such logs, `~` being the home; empty where there is none."""
    document_suffixes: tuple[str, ...] = ()
    """Files with these endings are one JSON document; their records are its messages, not lines."""
