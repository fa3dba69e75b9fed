"""What a landing may take of memory does not depend on what lies in the logs, nor on how much."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from ccml.privacy.pseudonyms import Pseudonyms

LAND = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from ccml.privacy.pseudonyms import Pseudonyms
from ccml.telemetry.landing import land
from ccml.telemetry.sources import Source
log = Path(sys.argv[1])
now = datetime(2026, 6, 1, tzinfo=UTC)
report = land([Source(str(log), "native")], log.parent / "lake", Pseudonyms(b"k" * 32), now)
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
peak = int(status["VmHWM"].split()[0]) // 1024  # `ru_maxrss` would hold what pytest held
print(report.lines, report.landed.total(), report.quarantined.total(), peak)
"""
DAGSTER_MB = 110
"""What `ccml ingest` holds beside the landing: 305 MB with a file of 100 lines, where `land` alone takes 195."""


def landing(logs: Path) -> tuple[int, int, int, int]:
    """Lines, landed events, quarantined lines, and the most memory of the process in MB."""
    done = subprocess.run([sys.executable, "-c", LAND, str(logs)], capture_output=True, text=True, check=True)
    lines, landed, quarantined, megabytes = map(int, done.stdout.split())
    return lines, landed, quarantined, megabytes


def plain(number: int, **fields: str) -> str:
    day = 1 + number * 60 // 1_000_000 % 28
    event = {"kind": "interaction", "event_id": f"e-{number}", "time": f"2026-03-{day:02}T09:00:00Z"}
    return json.dumps(event | {"user_id": "a", "session_id": "s", "command": f"ls {number}"} | fields)


def junk(number: int) -> str:
    return "x"


def conflicting(number: int) -> str:
    return plain(number, event_id="same")


def of_many_people(number: int) -> str:
    return plain(number, user_id=f"user {number}", host=f"host {number}", session_id=f"session {number}")


def unordered(number: int) -> str:
    return plain(number * 7_919 % 1_000_000)


def long_texts(number: int) -> str:
    return plain(number, request=f"{number} " * 4_000, command=f"ls {number} " * 3_000)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "lines"),
    [
        (junk, 1_000_000), (conflicting, 300_000), (plain, 500_000), (of_many_people, 300_000),
        (unordered, 300_000), (long_texts, 3_000),
    ],
)  # fmt: skip
def test_whatever_lands_takes_at_most_400_mb(tmp_path: Path, line: Callable[[int], str], lines: int) -> None:
    log = tmp_path / "log.jsonl"
    with log.open("w") as file:
        file.writelines(f"{line(number)}\n" for number in range(lines))

    read, landed, quarantined, megabytes = landing(log)

    assert read == landed + quarantined == lines
    assert megabytes + DAGSTER_MB <= 400


def test_a_longer_log_takes_no_more_memory(tmp_path: Path) -> None:
    megabytes = []
    for lines in (60_000, 120_000):
        log = tmp_path / f"{lines}.jsonl"
        log.write_text(
            "".join(f"{junk(number) if number % 2 else plain(lines * 10 + number)}\n" for number in range(lines))
        )
        read, landed, quarantined, peak = landing(log)
        assert read == landed + quarantined == lines
        megabytes.append(peak)
    assert megabytes[1] - megabytes[0] <= 30


def test_more_files_with_refused_lines_than_may_be_open_at_once_land(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(150):
        (tmp_path / "in" / f"{number}.jsonl").write_text(f"{plain(number)}\nbroken {number}\n")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, limits[1]))
    try:
        lines, landed, quarantined, _ = landing(tmp_path / "in")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert (lines, landed, quarantined) == (300, 150, 150)


def test_a_million_names_are_not_all_remembered() -> None:
    pseudonyms = Pseudonyms(b"k" * 32)
    tracemalloc.start()
    try:
        for number in range(100_000):
            pseudonyms.of("user", f"{number:0200}")
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
    assert pseudonyms.of("user", "ada") == Pseudonyms(b"k" * 32).of("user", "ada")
