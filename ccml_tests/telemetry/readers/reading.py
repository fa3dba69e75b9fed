"""Reads a file with a reader and sorts what comes of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from ccml.telemetry.events import AnyEvent, Event
from ccml.telemetry.readers import Record, read_file

# Histories without times are dated by when their file was written, which is now.
NOW = datetime.now(UTC)

_E = TypeVar("_E", bound=Event)


@dataclass
class Reading:
    records: list[Record] = field(default_factory=list)
    facts: Counter[str] = field(default_factory=Counter)

    @property
    def events(self) -> list[AnyEvent]:
        return [event for record in self.records for event in record.events]

    def of(self, kind: type[_E]) -> list[_E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def refused(self) -> dict[int, str]:
        return {record.line: record.rejection.reason_code for record in self.records if record.rejection}

    @property
    def skipped(self) -> Counter[str]:
        return Counter(record.skipped for record in self.records if record.skipped is not None)


def read(path: Path, format: str) -> Reading:
    reading = Reading()
    reading.records = list(read_file(path, format, now=NOW, facts=reading.facts))
    return reading


def read_folder(folder: Path, pattern: str, format: str) -> Reading:
    reading = Reading()
    for path in sorted(folder.rglob(pattern)):
        reading.records += read_file(path, format, now=NOW, facts=reading.facts)
    return reading
