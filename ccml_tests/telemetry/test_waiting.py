from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from ccml.telemetry import waiting
from ccml.telemetry.waiting import WaitingRows

SCHEMA = pa.schema([("number", pa.int64()), ("text", pa.string())])


def batch(number: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([{"number": number, "text": "é" * number}, {"number": -number}], schema=SCHEMA)


@pytest.mark.parametrize("in_memory", [0, 300, 1_000_000])
def test_rows_are_given_again_in_their_order_wherever_they_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: int
) -> None:
    monkeypatch.setattr(waiting, "_BYTES_IN_MEMORY", in_memory)
    rows = WaitingRows(tmp_path / "landed", SCHEMA)
    for number in range(10):
        rows.add(batch(number))
    for more in (10, 11):
        assert [*rows.batches()] == [batch(number) for number in range(more)]
        rows.add(batch(more))
    assert len(rows) == 24
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
