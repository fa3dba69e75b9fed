"""The refused lines of one file, as rows for the quarantine.

A file can hold a million of them. Beyond a batch they wait in a file without a name, which the system removes with the
process; memory holds their line numbers alone.
"""

from __future__ import annotations

import functools
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ccml.privacy.redaction import redact
from ccml.telemetry.decode import Rejection
from ccml.telemetry.lake import QUARANTINE, landed_schema
from ccml.telemetry.line_shape import reason_of

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    import pyarrow as pa

_ROWS_PER_BATCH = 20_000
_EXAMPLES = 20


class RefusedLines:
    def __init__(self, folder: Path, **of_the_file: str) -> None:
        """
        Args:
            folder: where the rows wait.
            of_the_file: columns that are the same in each row: `file`, `path` and `format`.
        """
        self._folder = folder
        self._of_the_file = of_the_file
        self._waiting: list[dict[str, Any]] = []
        self._lines: list[np.ndarray] = []
        self._stored: IO[bytes] | None = None
        self._writer: pa.ipc.RecordBatchStreamWriter | None = None
        self.codes: Counter[str] = Counter()
        """Reason code → lines."""
        self.examples: list[str] = []
        """`file:line: reason` of the first."""
        self.owner: str | None = None
        """Pseudonym of the user whose the lines are that do not say it."""

    def __len__(self) -> int:
        return self.codes.total()

    def add(self, line: int, rejection: Rejection, sha256: str, shape: str, size: int | None, user: str | None) -> None:
        code, reason = rejection.reason_code, _storable(rejection.reason)
        self.codes[code] += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(f"{self._of_the_file['path']}:{line}: {code}: {reason}")
        row = {"line": line, "reason_code": code, "reason": reason, "line_sha256": sha256, "shape": shape}
        self._waiting.append(row | {"bytes": size, "user_id": user})
        if len(self._waiting) == _ROWS_PER_BATCH:
            self._store()

    def forget(self) -> int:
        """Leaves all of them out; returns how many there were."""
        forgotten = len(self)
        self.codes.clear()
        self._waiting, self._lines, self.examples = [], [], []
        self._stored = self._writer = None
        return forgotten

    def lines(self) -> np.ndarray:
        """Their numbers, each once, in order."""
        import numpy as np

        self._store()
        return np.unique(np.concatenate(self._lines)) if self._lines else np.zeros(0, dtype=np.int64)

    def batches(self, now: datetime) -> Iterator[pa.RecordBatch]:
        """The rows of the quarantine; may be asked for again."""
        import pyarrow as pa

        self._store()
        if self._stored is None or self._writer is None:
            return
        self._writer.close()
        self._stored.seek(0)
        schema = landed_schema(QUARANTINE)
        for batch in pa.ipc.open_stream(self._stored):
            same = {**self._of_the_file, "landed_at": now}
            columns = [
                pa.repeat(pa.scalar(same[field.name], field.type), len(batch)) if field.name in same
                else batch[field.name].fill_null(self.owner) if field.name == "user_id" and self.owner
                else batch[field.name]
                for field in schema
            ]  # fmt: skip
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    def _store(self) -> None:
        import numpy as np
        import pyarrow as pa

        if not self._waiting:
            return
        known = {*self._of_the_file, "landed_at"}
        schema = pa.schema([field for field in landed_schema(QUARANTINE) if field.name not in known])
        if self._writer is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._stored = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  # closed with the file's rows
            self._writer = pa.ipc.new_stream(self._stored, schema)
        self._writer.write_batch(pa.RecordBatch.from_pylist(self._waiting, schema=schema))
        self._lines.append(np.array([row["line"] for row in self._waiting], dtype=np.int64))
        self._waiting = []


@functools.lru_cache(maxsize=4_096)
def _storable(reason: str) -> str:
    return redact(reason_of(reason))
