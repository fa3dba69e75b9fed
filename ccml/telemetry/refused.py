"""The refused lines of one file, as rows for the quarantine; a file can hold millions."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccml.privacy.redaction import redact
from ccml.telemetry.decode import Rejection
from ccml.telemetry.lake import QUARANTINE, landed_schema
from ccml.telemetry.line_shape import reason_of
from ccml.telemetry.waiting import WaitingRows

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    import pyarrow as pa

_ROWS_PER_BATCH = 5_000
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
        self._pending: list[dict[str, Any]] = []
        self._rows = self._none_yet()
        self.codes: Counter[str] = Counter()
        """Reason code → lines."""
        self.examples: list[str] = []
        """`file:line: reason` of the first."""
        self.owner: str | None = None
        """Pseudonym of the user whose the lines are that do not say it."""

    def __len__(self) -> int:
        return self.codes.total()

    @property
    def bytes(self) -> int:
        return self._rows.bytes

    def add(self, line: int, rejection: Rejection, sha256: str, shape: str, size: int | None, user: str | None) -> None:
        code, reason = rejection.reason_code, _storable(rejection.reason)
        self.codes[code] += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(f"{self._of_the_file['path']}:{line}: {code}: {reason}")
        row = {"line": line, "reason_code": code, "reason": reason, "line_sha256": sha256, "shape": shape}
        self._pending.append(row | {"bytes": size, "user_id": user})
        if len(self._pending) == _ROWS_PER_BATCH:
            self._flush()

    def forget(self) -> int:
        """Leaves all of them out; returns how many there were."""
        forgotten = len(self)
        self.codes.clear()
        self._pending, self.examples = [], []
        self._rows = self._none_yet()
        return forgotten

    def lines(self) -> Iterator[np.ndarray]:
        """Their numbers, in batches."""
        self._flush()
        return (batch["line"].to_numpy() for batch in self._rows.batches())

    def batches(self, now: datetime) -> Iterator[pa.RecordBatch]:
        """The rows of the quarantine; may be asked for again."""
        import pyarrow as pa

        self._flush()
        schema = landed_schema(QUARANTINE)
        same = {**self._of_the_file, "landed_at": now}
        for batch in self._rows.batches():
            columns = [
                pa.repeat(pa.scalar(same[field.name], field.type), len(batch)) if field.name in same
                else batch[field.name].fill_null(self.owner) if field.name == "user_id" and self.owner
                else batch[field.name]
                for field in schema
            ]  # fmt: skip
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    def _none_yet(self) -> WaitingRows:
        import pyarrow as pa

        known = {*self._of_the_file, "landed_at"}
        return WaitingRows(
            self._folder, pa.schema([each for each in landed_schema(QUARANTINE) if each.name not in known])
        )

    def _flush(self) -> None:
        import pyarrow as pa

        if self._pending:
            self._rows.add(pa.RecordBatch.from_pylist(self._pending, schema=self._rows.schema))
            self._pending = []


@functools.lru_cache(maxsize=4_096)
def _storable(reason: str) -> str:
    return redact(reason_of(reason))
