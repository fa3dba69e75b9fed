"""Writes the Parquet files of a landed table, each with rows of one day, for a commit that adds them all.

`write_deltalake` would do both, but it keeps a file open for every day until the last row has come: a million events
took 560 MB of memory and twice the time.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable
    from deltalake.transaction import AddAction

_BYTES_IN_MEMORY = 16 << 20
"""Rows that wait for others of their day. A log in order of time fills a few days at once, and each gets one file."""
DAY = "day"


class DataFiles:
    """The files written so far. `added` is what a commit of them adds; before any, they are no part of the table."""

    def __init__(self, table: Path) -> None:
        self.added: list[AddAction] = []
        self._table = table
        self._waiting: dict[str | None, list[pa.RecordBatch]] = {}

    def write(self, batches: Iterable[pa.RecordBatch]) -> None:
        size = 0
        try:
            for batch in batches:
                for day, rows in _by_day(batch):
                    self._waiting.setdefault(day, []).append(rows)
                size += batch.nbytes
                if size >= _BYTES_IN_MEMORY:
                    self._write_waiting()
                    size = 0
            self._write_waiting()
        except BaseException:
            self.remove()  # a full disk needs the space
            raise

    def remove(self) -> None:
        """To be called as long as no commit has added them."""
        for added in self.added:
            (self._table / added.path).unlink(missing_ok=True)
        self.added = []

    def remove_unless_in(self, table: DeltaTable) -> None:
        """A commit can fail after it is made; then the table has the files."""
        import pyarrow as pa

        if self.added and self.added[0].path not in pa.table(table.get_add_actions(flatten=True))["path"].to_pylist():
            self.remove()
        self.added = []

    def _write_waiting(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq
        from deltalake.transaction import AddAction

        for day, batches in self._waiting.items():
            folder = "" if day is None else f"{DAY}={day}/"
            path = self._table / f"{folder}part-{uuid.uuid4()}.zstd.parquet"
            path.parent.mkdir(exist_ok=True)
            values = {} if day is None else {DAY: day}
            rows = pa.Table.from_batches(batches)
            # Listed before it is written: a file that a full disk cuts off is removed like the others.
            added = AddAction(f"{folder}{path.name}", 0, values, 0, True, _statistics(len(rows)))
            self.added.append(added)
            pq.write_table(rows.drop_columns([DAY]) if day is not None else rows, path, compression="zstd")
            added.size, added.modification_time = path.stat().st_size, int(time.time() * 1000)
        self._waiting = {}


def _statistics(rows: int) -> str:
    """Delta's log keeps statistics after a row has been erased, so nothing but the count is in them."""
    return msgspec.json.encode({"numRecords": rows}).decode()


def _by_day(batch: pa.RecordBatch) -> Iterator[tuple[str | None, pa.RecordBatch]]:
    """The rows of each day, or all rows where the table has no days."""
    import numpy as np
    import pyarrow as pa

    if DAY not in batch.schema.names:
        yield None, batch
        return
    encoded = batch[DAY].dictionary_encode()
    codes, days = encoded.indices.to_numpy(), encoded.dictionary.to_pylist()
    if np.any(np.diff(codes) < 0):
        order = np.argsort(codes, kind="stable")
        batch, codes = batch.take(pa.array(order)), codes[order]
    cuts = np.searchsorted(codes, np.arange(len(days) + 1))
    for day, start, end in zip(days, cuts[:-1], cuts[1:], strict=True):
        yield day, batch.slice(start, end - start)
