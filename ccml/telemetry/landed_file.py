"""One file that lands: its events as columns, its refused lines, its sums."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ccml.errors import IntegrityError
from ccml.privacy.pseudonyms import Pseudonyms
from ccml.privacy.redaction import redact
from ccml.telemetry.decode import Rejection
from ccml.telemetry.events import KINDS, Event
from ccml.telemetry.finding import stored_path
from ccml.telemetry.lake import FILES, landed_schema
from ccml.telemetry.left_out import LeftOut
from ccml.telemetry.readers import FORMATS, LogFile
from ccml.telemetry.readers.histories import Histories
from ccml.telemetry.readers.owner import storable
from ccml.telemetry.redaction import redact_event
from ccml.telemetry.refused import RefusedLines
from ccml.telemetry.schema import to_columns

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_EVENTS_PER_BATCH = 20_000
ERASED = "erased"
"""Counts, beside the types of records that are left out, the lines of people whose rows were erased."""
_KIND_OF = {kind: name for name, kind in KINDS.items()}
_RECORD_TYPE = re.compile(r"[A-Za-z]{1,24}(?:[_.:/-][A-Za-z]{1,24}){0,3}")


@dataclass(kw_only=True)
class LineCounts:
    """What became of the lines that were read."""

    lines: int = 0
    landed_lines: int = 0
    duplicates: int = 0
    blank: int = 0
    landed: Counter[str] = field(default_factory=Counter)
    """Table → events."""
    quarantined: Counter[str] = field(default_factory=Counter)
    """Reason code → lines."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Record type → lines left out."""
    facts: Counter[str] = field(default_factory=Counter)
    days: list[str] = field(default_factory=list)
    """Days that got new events, in order."""

    def add(self, other: LineCounts) -> None:
        self.lines += other.lines
        self.landed_lines += other.landed_lines
        self.duplicates += other.duplicates
        self.blank += other.blank
        self.landed.update(other.landed)
        self.quarantined.update(other.quarantined)
        self.skipped.update(other.skipped)
        self.facts.update(other.facts)
        self.days = sorted({*self.days, *other.days})


@dataclass
class FileReport(LineCounts):
    """What became of one file."""

    sha256: str
    path: str
    """Redacted; from the home's root for a file in the home, else absolute."""
    format: str
    bytes: int


class LandedFile:
    """`read` fills `rows` (table → events, redacted) and `refused`; `account` counts every line once."""

    def __init__(
        self, log: LogFile, lake: Path, sha256: str, size: int, pseudonyms: Pseudonyms, left_out: LeftOut
    ) -> None:
        self.log = log
        self.pseudonyms = pseudonyms
        self._left_out = left_out
        path = redact(storable(stored_path(str(log.path), lake)))
        self.report = FileReport(sha256, path, log.format, size)
        self.rows: dict[str, pa.Table] = {}
        self.refused = RefusedLines(lake / "landed", file=sha256, path=path, format=log.format)
        self.again_at: datetime | None = None
        """The earliest moment at which a line that is refused now can be read."""
        self._batches: dict[str, list[pa.RecordBatch]] = {}
        self._events: dict[str, list[tuple[Event, int, int, int]]] = {}

    def read(self, now: datetime, histories: Histories) -> None:
        import pyarrow as pa

        reader, facts = FORMATS[self.log.format], self.report.facts
        if reader.read_history is not None:
            records = reader.read_history(self.log.path, now, facts, histories)
        else:
            records = reader.read(self.log.path, now, facts)
        users: set[str] = set()
        for record in records:
            self.report.lines += 1
            owner = record.events[0].user_id if record.events else record.owner
            if owner:
                users.add(owner)
                if self._left_out and self._pseudonym(owner) in self._left_out:
                    self.report.skipped[ERASED] += 1
                    continue
            if record.rejection is not None:
                user = self._pseudonym(owner) if owner else None
                self.refused.add(record.line, record.rejection, record.sha256, record.shape, record.bytes, user)
                self._wait_for(record.rejection.readable_from)
            elif record.skipped == "blank":
                self.report.blank += 1
            elif record.skipped == "duplicate":
                self.report.duplicates += 1
            elif record.skipped is not None:
                self.report.skipped[_record_type(record.skipped)] += 1
            for event in record.events:
                self._take(redact_event(event, self.pseudonyms), record.line)
        if len(users) == 1:
            self.refused.owner = self._pseudonym(users.pop())
            if self.refused.owner in self._left_out:
                self.report.skipped[ERASED] += self.refused.forget()
        for kind in [*self._events]:
            self._flush(kind)
        self.rows = {kind: pa.Table.from_batches(batches) for kind, batches in self._batches.items()}
        self._batches = {}

    def _wait_for(self, moment: datetime | None) -> None:
        if moment is not None:
            self.again_at = min(moment, self.again_at or moment)

    def check_lines(self, lines: int) -> None:
        """Raises IntegrityError where the reader did not give a record for every line."""
        is_document = self.log.path.suffix in FORMATS[self.log.format].document_suffixes
        if not is_document and self.report.lines != lines:
            raise IntegrityError(
                f"{self.log.path} has {lines} lines, of which the reader accounts for {self.report.lines}."
            )

    def refuse_conflicts(self, kind: str, conflicts: pa.Table) -> None:
        """Quarantine rows whose event id has landed before with another content."""
        for batch in conflicts.select(["line", "event_id", "user_id"]).to_batches(max_chunksize=_EVENTS_PER_BATCH):
            for line, name, user in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                reason = f"an event of table {kind} with the id {name!r} and another content has landed before"
                self.refused.add(line, Rejection("conflicting_duplicate", reason), "", "", None, user)

    def account(self, lines_of: dict[str, list[np.ndarray]]) -> None:
        """Count where each line ended; `lines_of` holds the lines of the events that land and of all events.

        Raises:
            IntegrityError: the sums do not agree with the number of lines.
        """
        import numpy as np

        def distinct(found: list[np.ndarray]) -> np.ndarray:
            return np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)

        refused = self.refused.lines()
        landed = np.setdiff1d(distinct(lines_of["landed"]), refused)
        repeated = np.setdiff1d(distinct(lines_of["all"]), np.union1d(landed, refused))
        report = self.report
        report.landed_lines = len(landed)
        report.duplicates += len(repeated)
        report.quarantined = self.refused.codes
        accounted = report.landed_lines + report.duplicates + report.blank
        accounted += report.quarantined.total() + report.skipped.total()
        if accounted != report.lines:
            raise IntegrityError(
                f"{self.log.path}: {report.lines} lines, but {accounted} accounted for; nothing landed."
            )

    def _pseudonym(self, user: str) -> str:
        return self.pseudonyms.of("user", user)

    def _take(self, event: Event, line: int) -> None:
        kind = _KIND_OF[type(event)]
        pending = self._events.setdefault(kind, [])
        pending.append((event, line, _key(event.event_id.encode()), _key(msgspec.json.encode(event))))
        if len(pending) >= _EVENTS_PER_BATCH:
            self._flush(kind)

    def _flush(self, kind: str) -> None:
        import pyarrow as pa

        pending = self._events.pop(kind)
        events, lines, event_keys, content_keys = zip(*pending, strict=True)
        names = [name for name in landed_schema(kind).names if name != "landed_at"]
        schema = pa.schema([landed_schema(kind).field(name) for name in names])
        columns = [*to_columns(kind, events), pa.array([self.report.sha256] * len(events))]
        columns += [pa.array(numbers, pa.int64()) for numbers in (lines, event_keys, content_keys)]
        self._batches.setdefault(kind, []).append(pa.RecordBatch.from_arrays(columns, schema=schema))


def file_row(landed: LandedFile) -> pa.Table:
    """The row that says that a file has landed."""
    import pyarrow as pa

    file = landed.report
    row: dict[str, Any] = {"file": file.sha256, "path": file.path, "format": file.format, "bytes": file.bytes}
    row |= {"again_at": landed.again_at}
    row |= {name: getattr(file, name) for name in ("lines", "landed_lines", "duplicates", "blank", "days")}
    row |= {"quarantined": file.quarantined.total()}
    row |= {name: msgspec.json.encode(getattr(file, name)).decode() for name in ("landed", "skipped", "facts")}
    return pa.Table.from_pylist([row], schema=unstamped(FILES))


def unstamped(table: str) -> pa.Schema:
    """Columns of a table but for `landed_at`, which the commit adds."""
    schema = landed_schema(table)
    return schema.remove(schema.get_field_index("landed_at"))


def _record_type(written: str) -> str:
    """The type of a record as it may be stored: a log can hold anything in its place."""
    return written if _RECORD_TYPE.fullmatch(written) and redact(written) == written else "other"


def _key(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little", signed=True)
