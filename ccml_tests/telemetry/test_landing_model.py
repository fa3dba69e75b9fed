"""Whatever files land, the lake holds what a model in memory says, and a file of a gigabyte takes no more memory than
another."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from ccml.home import Home
from ccml.privacy.pseudonyms import Pseudonyms
from ccml.telemetry.events import KINDS, Event
from ccml.telemetry.landing import LandingReport, land
from ccml.telemetry.readers import read_file
from ccml.telemetry.redaction import redact_event
from ccml.telemetry.sources import Source
from ccml_tests.telemetry import stored
from ccml_tests.telemetry.readers.test_runs import ODD

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PSEUDONYMS = Pseudonyms(b"k" * 32)
FILES_PER_LANDING = 50
TABLE_OF = {kind: table for table, kind in KINDS.items()}

TEXTS = st.one_of(
    st.sampled_from(["ls", "cat /home/ada/x", "mysql -phunter2", "é\n\t", "x" * 500]), st.text(max_size=5)
)


def event(kind: str, number: int, **fields: Any) -> bytes:
    common = {"kind": kind, "event_id": f"e-{number}", "user_id": f"u-{number % 3}", "session_id": "s"}
    if kind in ("execution", "error", "feedback"):
        common["interaction_id"] = f"i-{number}"
    return json.dumps(common | {name: value for name, value in fields.items() if value is not None}).encode()


TIMES = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 4)).map(lambda time: f"{time.isoformat()}+00:00")
NUMBERS = st.integers(0, 60)
SHARES = st.none() | st.floats(0, 1)
INTERACTION, EXECUTION, ERROR, STATE = map(st.just, ("interaction", "execution", "error", "system_state"))
LINES = st.one_of(
    st.builds(event, INTERACTION, NUMBERS, time=TIMES, request=TEXTS, command=TEXTS, confidence=SHARES),
    st.builds(event, INTERACTION, NUMBERS, time=st.just("2026-01-01T00:00:00Z")),
    st.builds(event, EXECUTION, NUMBERS, time=TIMES, exit_status=st.none() | st.integers(-9, 300), ended_at=TIMES),
    st.builds(event, ERROR, NUMBERS, time=TIMES, message=TEXTS, recovered=st.none() | st.booleans()),
    st.builds(event, STATE, NUMBERS, time=TIMES, host=TEXTS, cpu_percent=SHARES),
    st.sampled_from([line for line in ODD if len(line) < 5_000]),
    st.binary(max_size=10),
)
FILES = st.builds(
    lambda lines, end: b"\n".join(lines) + end, st.lists(LINES, max_size=8), st.sampled_from([b"", b"\n"])
)


class Model:
    """What has landed, by the rules of docs/telemetry.md, one line after the other."""

    def __init__(self) -> None:
        self.events: dict[tuple[str, str], Event] = {}
        self.sums: Counter[str] = Counter()
        self._files: set[str] = set()

    def land(self, path: Path) -> None:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        for record in read_file(path, "native", now=NOW) if digest not in self._files else ():
            self.sums["lines"] += 1
            if record.rejection or record.skipped:
                self.sums["quarantined" if record.rejection else "blank"] += 1
                continue
            (found,) = (redact_event(each, PSEUDONYMS) for each in record.events)
            first = self.events.setdefault((TABLE_OF[type(found)], found.event_id), found)
            self.sums["landed" if first is found else "duplicates" if first == found else "quarantined"] += 1
        self._files.add(digest)

    def rows(self, table: str) -> dict[str, dict[str, Any]]:
        return {name: _row(found) for (of, name), found in self.events.items() if of == table}


def _row(found: Event) -> dict[str, Any]:
    values = {name: getattr(found, name) for name in found.__struct_fields__}
    if values.get("model_versions") is not None:
        values["model_versions"] = msgspec.json.encode(values["model_versions"], order="sorted").decode()
    return values


def check(files: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (logs := Path(folder) / "logs").mkdir()
        model, report = Model(), LandingReport()
        for part in (files[: len(files) // 2], files[len(files) // 2 :]):  # the second landing meets the first one's
            for content in part:
                (logs / f"{len([*logs.iterdir()]):05}.jsonl").write_bytes(content)
            report.add(land([Source(str(logs), "native")], Path(folder) / "lake", PSEUDONYMS, NOW))
        for path in sorted(logs.iterdir()):
            model.land(path)
        sums = {"lines": report.lines, "landed": report.landed.total(), "quarantined": report.quarantined.total()}
        assert sums | {"blank": report.blank, "duplicates": report.duplicates} == {
            name: model.sums[name] for name in ("lines", "landed", "quarantined", "blank", "duplicates")
        }
        for table in KINDS:
            expected = model.rows(table)
            rows = stored.arrow(Path(folder) / "lake", table).to_pylist()
            assert len(rows) == len(expected)
            for row in rows:
                assert {name: row[name] for name in expected[row["event_id"]]} == expected[row["event_id"]]
                assert row["day"] == row["time"].date().isoformat()
        assert len(stored.quarantine(Path(folder) / "lake")) == model.sums["quarantined"]


@pytest.mark.parametrize(
    "files",
    [
        500,
        pytest.param(
            10_000,
            marks=[
                pytest.mark.slow,
                pytest.mark.acceptance(
                    "What was parsed and stored is read as a model in memory has it", fault="generated files, half odd"
                ),
            ],
        ),
    ],
)
def test_the_lake_holds_what_a_model_in_memory_holds(
    files: int, record_property: Callable[[str, object], None]
) -> None:
    drawn = 0

    @seed(files)
    @settings(max_examples=files // FILES_PER_LANDING, database=None)
    @given(st.lists(FILES, min_size=FILES_PER_LANDING, max_size=FILES_PER_LANDING))
    def holds(contents: list[bytes]) -> None:
        nonlocal drawn
        drawn += len(contents)
        check(contents)

    holds()
    assert drawn >= files
    record_property("size", f"{drawn:,} files")
    record_property("files that differ", 0)


INGEST = """
import atexit, sys
from pathlib import Path
from ccml_cli.main import main
def show():
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print("\\npeak", int(status["VmHWM"].split()[0]) // 1024)
atexit.register(show)
sys.argv = ["ccml", "ingest", sys.argv[1], "--format", "native"]
main()
"""


@pytest.mark.parametrize(
    "megabytes",
    [
        5,
        pytest.param(
            1_000,
            marks=[
                pytest.mark.slow,
                pytest.mark.acceptance("`ccml ingest` takes at most 400 MB", fault="one file of a gigabyte"),
            ],
        ),
    ],
)
def test_a_large_file_takes_at_most_400_mb(
    home: Home, tmp_path: Path, megabytes: int, record_property: Callable[[str, object], None]
) -> None:
    log, number = tmp_path / "large.jsonl", 0
    with log.open("wb") as file:
        while file.tell() < megabytes * 1_000_000:
            time = f"2026-0{1 + number // 500_000 % 5}-{1 + number // 20_000 % 25:02}T09:00:00Z"
            file.write(event("interaction", number, time=time, command=f"ls -la folder-{number}") + b"\n")
            number += 1

    done = subprocess.run([sys.executable, "-c", INGEST, str(log)], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert stored.arrow(home.lake, "interactions", ["event_key"]).num_rows == number
    peak = int(done.stdout.rpartition("peak ")[2])
    record_property("size", f"{log.stat().st_size / 1e9:.2f} GB, {number:,} events")
    record_property("most memory of the process", f"{peak} MB")
    assert peak <= 400
