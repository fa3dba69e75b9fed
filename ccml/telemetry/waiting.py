"""Rows that wait for their commit: in memory while they are few, else in a file.

The file has no name, so the system removes it with the process, however that ends.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_BYTES_IN_MEMORY = 2 << 20
"""Of one `WaitingRows`: a landing holds some ten of them for each file, and few files of which many rows wait."""


class WaitingRows:
    """Record batches of one schema, in the order in which they were added."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        """
        Args:
            folder: where they wait beyond `_BYTES_IN_MEMORY`.
        """
        self.schema = schema
        self.bytes = 0
        self._folder = folder
        self._rows = 0
        self._held: list[pa.RecordBatch] = []
        self._written: pa.ipc.RecordBatchStreamWriter | None = None
        self._sink: pa.OSFile | None = None
        self._stored: pa.OSFile | None = None

    def __len__(self) -> int:
        return self._rows

    def add(self, batch: pa.RecordBatch) -> None:
        self._rows += len(batch)
        self.bytes += batch.nbytes
        self._held.append(batch)
        if self._written is not None or self.bytes > _BYTES_IN_MEMORY:
            self._store()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows; may be asked for again once the last answer was read to its end."""
        import pyarrow as pa

        if self._stored is not None:
            self._stored.seek(0)
            yield from pa.ipc.open_stream(self._stored)
        yield from self._held

    def _store(self) -> None:
        import pyarrow as pa

        if self._written is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder) as named:
                self._sink, self._stored = pa.OSFile(named.name, "wb"), pa.OSFile(named.name, "rb")
            self._written = pa.ipc.new_stream(self._sink, self.schema)
        for batch in self._held:
            self._written.write_batch(batch)
        self._held = []
