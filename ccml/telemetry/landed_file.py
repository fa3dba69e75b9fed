"""One file that lands: its events as columns, its refused lines, its sums."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ccml.errors import IntegrityError
from ccml.privacy.pseudonyms import Pseudonyms
from ccml.privacy.redaction import redact
from ccml.telemetry.decode import Rejection
from ccml.telemetry.event_rows import EventRows, unstamped
from ccml.telemetry.finding import stored_path
from ccml.telemetry.lake import FILES, landed_schema
from ccml.telemetry.left_out import LeftOut
from ccml.telemetry.readers import FORMATS, LogFile
from ccml.telemetry.readers.histories import Histories
from ccml.telemetry.readers.owner import storable
from ccml.telemetry.readers.record import Record, Run
from ccml.telemetry.refused import RefusedLines
from ccml.telemetry.repeats import Compared
from ccml.telemetry.waiting import WaitingRows

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

_BYTES_OF_A_FILE = 16 << 10
"""What one with few rows takes, in a hundred small buffers."""
_SEVERAL = 2
"""Users; of so many a file has no owner."""
ERASED = "erased"
"""Counts, beside the types of records that are left out, the lines of people whose rows were erased."""
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
    """`read` fills `events` and `refused`; `compared` says what is new; `account` counts every line once."""

    def __init__(
        self, log: LogFile, lake: Path, sha256: str, size: int, pseudonyms: Pseudonyms, left_out: LeftOut
    ) -> None:
        self.log = log
        self.pseudonyms = pseudonyms
        self._left_out = left_out
        path = redact(storable(stored_path(str(log.path), lake)))
        self.report = FileReport(sha256, path, log.format, size)
        self.events = EventRows(lake / "landed", sha256, pseudonyms)
        self.refused = RefusedLines(lake / "landed", file=sha256, path=path, format=log.format)
        self.again_at: datetime | None = None
        """The earliest moment at which a line that is refused now can be read."""
        self._is_new: dict[str, NDArray[np.bool_]] = {}
        self._last_line = 0
        self._users: set[str] = set()

    @property
    def bytes(self) -> int:
        """What waits of it for the commit."""
        return _BYTES_OF_A_FILE + self.events.bytes + self.refused.bytes

    def read(self, now: datetime, histories: Histories) -> None:
        for found in self._records(now, histories):
            if isinstance(found, Run):
                self._take_run(found)
            else:
                self._take_record(found)
        if len(self._users) == 1:
            self.refused.owner = self._pseudonym(self._users.pop())
            if self.refused.owner in self._left_out:
                self.report.skipped[ERASED] += self.refused.forget()
        self.events.finish()

    def _records(self, now: datetime, histories: Histories) -> Iterator[Record | Run]:
        reader, facts = FORMATS[self.log.format], self.report.facts
        if reader.read_history is not None:
            return reader.read_history(self.log.path, now, facts, histories)
        return (reader.read_many or reader.read)(self.log.path, now, facts)

    def _take_run(self, run: Run) -> None:
        if self._left_out:
            for line, event in enumerate(run.events, start=run.first):
                self._take_record(Record(line, (event,)))
            return
        self.report.lines += len(run.events)
        self._last_line = max(self._last_line, run.first + len(run.events) - 1)
        self._note_users({event.user_id for event in run.events})
        self.events.take_run(run)

    def _take_record(self, record: Record) -> None:
        self.report.lines += 1
        self._last_line = max(self._last_line, record.line)
        owner = record.events[0].user_id if record.events else record.owner
        if owner:
            self._note_users({owner})
            if self._left_out and self._pseudonym(owner) in self._left_out:
                self.report.skipped[ERASED] += 1
                return
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
            self.events.take(event, record.line)

    def _note_users(self, users: set[str]) -> None:
        if len(self._users) < _SEVERAL:
            self._users |= users

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

    def compared(self, kind: str, found: Compared) -> None:
        """Takes note of what of a kind is new, and refuses what contradicts an event that came before."""
        import numpy as np

        self._is_new[kind] = found.is_new
        days: set[date] = set()
        for keys, is_new in _with(found.is_new, self.events.keys[kind]):
            days.update(keys["day"].filter(is_new).unique().to_pylist())
        self.report.days = sorted({*self.report.days, *(day.isoformat() for day in days)})
        if days:
            self.report.landed[kind] = int(np.count_nonzero(found.is_new))
        if FORMATS[self.log.format].repeats == "conflict" and found.contradicts.any():
            for rows, contradicts in _with(found.contradicts, self.events.rows[kind]):
                self._refuse_conflicts(kind, rows.filter(contradicts))

    def new_rows(self, kind: str, now: datetime) -> Iterator[pa.RecordBatch]:
        """The rows of a table that land; may be asked for again."""
        for rows, is_new in _with(self._is_new[kind], self.events.rows[kind]):
            yield stamped(rows.filter(is_new), kind, now)

    def new_keys(self, kind: str) -> Iterator[NDArray[np.int64]]:
        """Keys of the events that land."""
        if kind in self._is_new:
            for keys, is_new in _with(self._is_new[kind], self.events.keys[kind]):
                yield keys["event_key"].filter(is_new).to_numpy()

    def account(self) -> None:
        """Count where each line ended.

        Raises:
            IntegrityError: the sums do not agree with the number of lines.
        """
        import numpy as np

        holds, lands, refused = (np.zeros(self._last_line + 1, bool) for _ in range(3))
        for kind, is_new in self._is_new.items():
            for keys, new in _with(is_new, self.events.keys[kind]):
                lines = keys["line"].to_numpy()
                holds[lines] = True
                lands[lines[new.to_numpy(zero_copy_only=False)]] = True
        for lines in self.refused.lines():
            refused[lines] = True
        report = self.report
        report.landed_lines = int(np.count_nonzero(lands & ~refused))
        report.duplicates += int(np.count_nonzero(holds & ~lands & ~refused))
        report.quarantined = self.refused.codes
        accounted = report.landed_lines + report.duplicates + report.blank
        accounted += report.quarantined.total() + report.skipped.total()
        if accounted != report.lines:
            raise IntegrityError(
                f"{self.log.path}: {report.lines} lines, but {accounted} accounted for; nothing landed."
            )

    def own_row(self, now: datetime) -> Iterator[pa.RecordBatch]:
        """The row that says that the file has landed."""
        import pyarrow as pa

        file = self.report
        row: dict[str, Any] = {"file": file.sha256, "path": file.path, "format": file.format, "bytes": file.bytes}
        row |= {"again_at": self.again_at}
        row |= {name: getattr(file, name) for name in ("lines", "landed_lines", "duplicates", "blank", "days")}
        row |= {"quarantined": file.quarantined.total()}
        row |= {name: msgspec.json.encode(getattr(file, name)).decode() for name in ("landed", "skipped", "facts")}
        yield stamped(pa.RecordBatch.from_pylist([row], schema=unstamped(FILES)), FILES, now)

    def _pseudonym(self, user: str) -> str:
        return self.pseudonyms.of("user", user)

    def _refuse_conflicts(self, kind: str, conflicts: pa.RecordBatch) -> None:
        columns = (conflicts[name].to_pylist() for name in ("line", "event_id", "user_id"))
        for line, name, user in zip(*columns, strict=True):
            reason = f"an event of table {kind} with the id {name!r} and another content has landed before"
            self.refused.add(line, Rejection("conflicting_duplicate", reason), "", "", None, user)


def _with(mask: NDArray[np.bool_], waiting: WaitingRows) -> Iterator[tuple[pa.RecordBatch, pa.Array]]:
    """Each batch with its part of a mask over all rows."""
    import pyarrow as pa

    at = 0
    for batch in waiting.batches():
        yield batch, pa.array(mask[at : at + len(batch)])
        at += len(batch)


def stamped(rows: pa.RecordBatch, table: str, now: datetime) -> pa.RecordBatch:
    """The rows with the moment at which they land."""
    import pyarrow as pa

    schema = landed_schema(table)
    stamp = pa.repeat(pa.scalar(now.astimezone(UTC), schema.field("landed_at").type), len(rows))
    return pa.RecordBatch.from_arrays([*rows.columns, stamp], schema=schema)


def _record_type(written: str) -> str:
    """The type of a record as it may be stored: a log can hold anything in its place."""
    return written if _RECORD_TYPE.fullmatch(written) and redact(written) == written else "other"
