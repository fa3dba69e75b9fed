"""Refused lines cost memory by the batch, not by the line."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccml.telemetry.decode import Rejection
from ccml.telemetry.refused import RefusedLines

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LAND = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from ccml.privacy.pseudonyms import Pseudonyms
from ccml.telemetry.landing import land
from ccml.telemetry.sources import Source
log = Path(sys.argv[1])
now = datetime(2026, 6, 1, tzinfo=UTC)
report = land([Source(str(log), "native")], log.parent / "lake", Pseudonyms(b"k" * 32), now)
print(report.quarantined.total(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.parametrize("lines", [0, 1, 20_000, 45_001])
def test_the_rows_are_given_again_where_a_commit_was_lost(tmp_path: Path, lines: int) -> None:
    refused = RefusedLines(tmp_path / "landed", file="f", path="log.jsonl", format="native")
    for line in range(1, lines + 1):
        refused.add(line, Rejection("not_json", "expected a JSON object"), "", "x", 1, None)
    for _ in range(2):
        found = [number for batch in refused.batches(NOW) for number in batch["line"].to_pylist()]
        assert found == [*range(1, lines + 1)] == refused.lines().tolist()
    assert len(refused) == refused.codes["not_json"] == lines
    assert list(tmp_path.rglob("*.*")) == []


def junk(number: int) -> str:
    return "x"


def conflicting(number: int) -> str:
    event = {"kind": "interaction", "event_id": "same", "time": "2026-03-03T09:00:00Z", "user_id": "a"}
    return json.dumps(event | {"session_id": "s", "command": f"ls {number}"})


@pytest.mark.slow
@pytest.mark.parametrize(("line", "lines"), [(junk, 1_000_000), (conflicting, 100_000)])
def test_a_million_junk_lines_and_conflicts_take_at_most_400_mb(tmp_path: Path, line: object, lines: int) -> None:
    assert callable(line)
    log = tmp_path / "log.jsonl"
    log.write_text("".join(f"{line(number)}\n" for number in range(lines)))
    done = subprocess.run([sys.executable, "-c", LAND, str(log)], capture_output=True, text=True, check=True)
    quarantined, megabytes = map(int, done.stdout.split())
    assert quarantined >= lines - 1
    assert megabytes <= 400, megabytes
