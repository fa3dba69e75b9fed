"""Rows are written in files of one day each, and files that no commit has added do not stay."""

from __future__ import annotations

import resource
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from ccml.telemetry import data_files, lake
from ccml.telemetry.attempts import Attempt
from ccml.telemetry.lake import landed_schema, open_table, write_once

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ATTEMPTS = {file: Attempt(1, "native") for file in ("f", "first", "b", "landed before")}


def events(days: list[int], text: str = "ls") -> pa.RecordBatch:
    rows = [
        {"event_id": f"e-{number}", "time": NOW, "user_id": "u", "session_id": "s", "day": f"2026-01-{day:02}"}
        | {"command": text, "event_key": number, "content_key": number, "line": number, "landed_at": NOW}
        for number, day in enumerate(days)
    ]
    return pa.RecordBatch.from_pylist(rows, schema=landed_schema("interactions"))


def parquet_files(root: Path) -> list[Path]:
    return sorted(root.rglob("*.parquet"))


@pytest.mark.parametrize("days", [[1, 1, 2, 3, 3], [3, 1, 2, 1, 3], [2] * 5])
def test_each_day_gets_one_file_whatever_the_order(tmp_path: Path, days: list[int]) -> None:
    write_once(tmp_path, "interactions", {"f": lambda: iter([events(days), events(days)])}, ATTEMPTS)

    table = open_table(tmp_path, "interactions")
    assert table is not None
    stored = table.to_pyarrow_table()
    assert sorted(stored["day"].to_pylist()) == sorted(f"2026-01-{day:02}" for day in days * 2)
    assert sorted(stored["line"].to_pylist()) == sorted([*range(len(days))] * 2)
    assert [path.parent.name for path in parquet_files(tmp_path)] == [f"day=2026-01-{d:02}" for d in sorted({*days})]


def test_more_rows_than_memory_may_hold_land_in_one_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_files, "_BYTES_IN_MEMORY", 4_000)

    write_once(tmp_path, "interactions", {"f": lambda: (events([1, 2], text="x" * 1_000) for _ in range(10))}, ATTEMPTS)

    table = open_table(tmp_path, "interactions")
    assert table is not None
    assert (table.version(), table.to_pyarrow_table().num_rows) == (1, 20)
    assert len(parquet_files(tmp_path)) > 2


def test_files_that_a_full_disk_cut_off_are_removed(tmp_path: Path) -> None:
    big = events([1, 2, 3], text="".join(str(uuid.uuid4()) for _ in range(2_000)))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_once(tmp_path, "interactions", {"f": lambda: iter([events([4]), big])}, ATTEMPTS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert parquet_files(tmp_path) == []
    write_once(tmp_path, "interactions", {"f": lambda: iter([events([4]), big])}, ATTEMPTS)
    table = open_table(tmp_path, "interactions")
    assert table is not None
    assert table.to_pyarrow_table().num_rows == 4


def test_rows_of_a_commit_that_failed_at_its_very_end_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = DeltaTable.create_write_transaction

    def commits_and_fails(*arguments: object, **named: object) -> None:
        commits(*arguments, **named)  # type: ignore[arg-type]
        raise CommitFailedError("after the commit")

    monkeypatch.setattr(DeltaTable, "create_write_transaction", commits_and_fails)
    write_once(tmp_path, "interactions", {"f": lambda: iter([events([1, 2])])}, ATTEMPTS)

    table = open_table(tmp_path, "interactions")
    assert table is not None
    assert table.to_pyarrow_table().num_rows == 2


def test_a_writer_that_was_too_late_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_once(tmp_path, "interactions", {"first": lambda: iter([events([1])])}, ATTEMPTS)
    looked = open_table(tmp_path, "interactions")

    def given() -> Iterator[pa.RecordBatch]:
        monkeypatch.undo()
        write_once(tmp_path, "interactions", {"f": lambda: iter([events([2])])}, ATTEMPTS)
        monkeypatch.setattr(lake, "open_or_create_table", lambda lake, name: looked)
        yield events([2])

    monkeypatch.setattr(lake, "open_or_create_table", lambda lake, name: looked)
    write_once(tmp_path, "interactions", {"f": given}, ATTEMPTS)

    table = open_table(tmp_path, "interactions")
    assert table is not None
    assert table.to_pyarrow_table().num_rows == 2
    assert len(parquet_files(tmp_path)) == 2


def test_a_field_that_was_declared_later_becomes_a_column_of_an_older_table(tmp_path: Path) -> None:
    older = pa.schema([field for field in landed_schema("interactions") if field.name != "latency_ms"])
    DeltaTable.create(tmp_path / "landed" / "interactions", older, partition_by=["day"])

    write_once(tmp_path, "interactions", {"f": lambda: iter([events([1])])}, ATTEMPTS)

    table = open_table(tmp_path, "interactions")
    assert table is not None
    assert table.to_pyarrow_table()["latency_ms"].to_pylist() == [None]
