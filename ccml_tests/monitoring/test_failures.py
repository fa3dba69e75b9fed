"""Failed runs: one whole line each, whoever writes at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import msgspec

from ccml.home import Home
from ccml.monitoring.failures import FailedRun, note_failure


def test_each_failure_is_one_readable_line_even_when_many_fail_at_once(home: Home) -> None:
    failed = [
        FailedRun(f"r{number}", "learn", f"first line\nsecond line of {number} " * 50, "2026-03-02T09:00:00+00:00")
        for number in range(40)
    ]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: note_failure(home, one), failed))
    lines = (home.reports / "failed_runs.jsonl").read_bytes().splitlines()
    kept = [msgspec.json.decode(line, type=FailedRun) for line in lines]
    assert sorted(kept, key=lambda one: int(one.run_id[1:])) == failed


def test_what_failed_is_for_its_owner_alone(home: Home) -> None:
    note_failure(home, FailedRun("r1", "learn", "secret path", "2026-03-02T09:00:00+00:00"))
    assert (home.reports / "failed_runs.jsonl").stat().st_mode & 0o077 == 0
