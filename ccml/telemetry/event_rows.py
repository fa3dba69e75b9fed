"""The events of one file as rows of the landed tables: redacted, and with the keys by which repeats are found."""

from __future__ import annotations

import functools
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ccml.privacy.pseudonyms import Pseudonyms
from ccml.privacy.suspicious import suspicious_texts
from ccml.telemetry.events import KINDS, Event
from ccml.telemetry.lake import landed_schema
from ccml.telemetry.readers.record import Run
from ccml.telemetry.redaction import redact_events
from ccml.telemetry.schema import to_columns
from ccml.telemetry.waiting import WaitingRows

if TYPE_CHECKING:
    import pyarrow as pa

_EVENTS_PER_BATCH = 15_000
_BYTES_PER_BATCH = 4 << 20
_TABLE_OF = {kind: name for name, kind in KINDS.items()}


@functools.cache
def key_schema() -> pa.Schema:
    """Of each event: its line, the 64-bit hashes of its id and its content, and its day, counted from 1970."""
    import pyarrow as pa

    numbers = [pa.field(name, pa.int64()) for name in ("line", "event_key", "content_key")]
    return pa.schema([*numbers, pa.field("day", pa.date32())])


class EventRows:
    """`rows` (table → rows) and `keys` (table → a key for each row) are complete after `finish`."""

    def __init__(self, folder: Path, sha256: str, pseudonyms: Pseudonyms) -> None:
        """
        Args:
            folder: where many rows wait for their commit.
            sha256: of the file that the events stand in.
        """
        self.rows: dict[str, WaitingRows] = {}
        self.keys: dict[str, WaitingRows] = {}
        self._folder = folder
        self._sha256 = sha256
        self._pseudonyms = pseudonyms
        self._pending: defaultdict[type[Event], list[tuple[Event, int]]] = defaultdict(list)
        self._events = 0
        self._bytes = 0

    def __len__(self) -> int:
        return sum(map(len, self.rows.values()))

    @property
    def bytes(self) -> int:
        return sum(rows.bytes for rows in [*self.rows.values(), *self.keys.values()])

    def take(self, event: Event, line: int) -> None:
        self._pending[type(event)].append((event, line))
        self._flush_beyond(1, len(msgspec.json.encode(event)))

    def take_run(self, run: Run) -> None:
        for line, event in enumerate(run.events, start=run.first):
            self._pending[type(event)].append((event, line))
        self._flush_beyond(len(run.events), run.bytes)

    def finish(self) -> None:
        found = [tuple(zip(*pending, strict=True)) for pending in self._pending.values()]
        redacted = redact_events([events for events, _ in found], self._pseudonyms, suspicious_texts)
        for kind, events, (_, lines) in zip(self._pending, redacted, found, strict=True):
            self._add(_TABLE_OF[kind], events, lines)
        self._pending.clear()
        self._events = self._bytes = 0

    def _flush_beyond(self, events: int, size: int) -> None:
        self._events += events
        self._bytes += size
        if self._events >= _EVENTS_PER_BATCH or self._bytes >= _BYTES_PER_BATCH:
            self.finish()

    def _add(self, kind: str, events: Sequence[Event], lines: Sequence[int]) -> None:
        import pyarrow as pa

        columns = to_columns(kind, events)
        day = columns[-1].cast(pa.date32())
        numbers = [
            pa.array(lines, pa.int64()),
            _keys(event.event_id.encode() for event in events),
            _keys(map(msgspec.json.encode, events)),
        ]
        columns += [pa.repeat(pa.scalar(self._sha256), len(events)), *numbers]
        if kind not in self.rows:
            self.rows[kind] = WaitingRows(self._folder, unstamped(kind))
            self.keys[kind] = WaitingRows(self._folder, key_schema())
        self.rows[kind].add(pa.RecordBatch.from_arrays(columns, schema=unstamped(kind)))
        self.keys[kind].add(pa.RecordBatch.from_arrays([*numbers, day], schema=key_schema()))


def unstamped(table: str) -> pa.Schema:
    """Columns of a table but for `landed_at`, which the commit adds."""
    schema = landed_schema(table)
    return schema.remove(schema.get_field_index("landed_at"))


def _keys(contents: Iterable[bytes]) -> pa.Array:
    """64 bits of a hash of each."""
    import numpy as np
    import pyarrow as pa

    digests = b"".join([hashlib.blake2b(content, digest_size=8).digest() for content in contents])
    return pa.array(np.frombuffer(digests, dtype="<i8"))
