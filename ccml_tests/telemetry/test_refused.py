"""Refused lines cost memory by the batch, not by the line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccml.telemetry.decode import Rejection
from ccml.telemetry.refused import RefusedLines

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize("lines", [0, 1, 20_000, 45_001])
def test_the_rows_are_given_again_where_a_commit_was_lost(tmp_path: Path, lines: int) -> None:
    refused = RefusedLines(tmp_path / "landed", file="f", path="log.jsonl", format="native")
    for line in range(1, lines + 1):
        refused.add(line, Rejection("not_json", "expected a JSON object"), "", "x", 1, None)
    for _ in range(2):
        found = [number for batch in refused.batches(NOW) for number in batch["line"].to_pylist()]
        numbers = [number for lines_of in refused.lines() for number in lines_of.tolist()]
        assert found == [*range(1, lines + 1)] == numbers
    assert len(refused) == refused.codes["not_json"] == lines
    assert list(tmp_path.rglob("*.*")) == []
