"""What was killed at any moment is called again: it finishes, and nothing is lost, there twice or stuck."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from ccml_tests.kills.commands import SECONDS_MORE

Record: TypeAlias = Callable[[str, object], None]

slow = pytest.mark.slow

GENTLE = "SIGHUP,SIGTERM,SIGINT"


def counted(module: str, *words: object) -> Any:
    """What a module of this folder counts, in a process of its own: it forks, which a process with threads cannot."""
    command = [sys.executable, "-m", f"ccml_tests.kills.{module}", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    print(done.stdout)  # noqa: T201  # the counts
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("command", "kills", "signals"),
    [
        ("ingest", 12, f"SIGKILL,{GENTLE}"),
        ("run", 2, "SIGKILL,SIGTERM"),
        pytest.param(
            "ingest",
            900,
            "SIGKILL",
            marks=[slow],
        ),
        pytest.param(
            "run",
            70,
            "SIGKILL",
            marks=[slow],
        ),
        pytest.param(
            "ingest",
            90,
            GENTLE,
            marks=[slow],
        ),
        pytest.param(
            "run",
            30,
            GENTLE,
            marks=[slow],
        ),
    ],
)
def test_after_any_signal_the_same_command_finishes_and_nothing_is_lost_double_or_stuck(
    tmp_path: Path, record_property: Record, command: str, kills: int, signals: str
) -> None:
    counts = counted("commands", command, tmp_path, kills, signals, kills)
    record_property("size", f"{counts['kills']:,} kills, {counts['homes']:,} homes")
    record_counts(record_property, counts, "lost", "double", "stuck", "failed")
    assert counts["faults"] == []
    assert counts["kills"] == kills
    assert counts["slowest_s"] < 3 * counts["undisturbed_s"] + SECONDS_MORE


@pytest.mark.parametrize(
    ("files", "kills", "writers"),
    [
        (4, 12, 3),
        pytest.param(
            150,
            1000,
            1,
            marks=[
                slow,
                pytest.mark.acceptance(
                    "Each line of a file lands once, one landing at a time", fault="kill -9 of the landing"
                ),
            ],
        ),
        pytest.param(
            150,
            1000,
            3,
            marks=[
                slow,
                pytest.mark.acceptance(
                    "Each line of a file lands once, three landings at a time", fault="kill -9 of the landing"
                ),
            ],
        ),
    ],
)
def test_after_any_kill_of_a_landing_each_line_of_each_file_is_in_one_place(
    tmp_path: Path, record_property: Record, files: int, kills: int, writers: int
) -> None:
    counts = counted("landings", tmp_path, files, kills, writers, kills)
    record_property("size", f"{counts['kills']:,} kills, {files:,} files, {writers} at a time")
    record_counts(record_property, counts, "lost", "double", "stuck")
    assert counts["faults"] == []
    assert counts["kills"] >= kills


@pytest.mark.parametrize(
    "kills",
    [
        20,
        pytest.param(
            500,
            marks=[
                slow,
                pytest.mark.acceptance(
                    "A table or document is its old version or its new one", fault="kill -9 of the write"
                ),
            ],
        ),
    ],
)
def test_after_any_kill_of_a_write_the_version_before_it_or_the_new_one_is_there_and_nothing_else(
    tmp_path: Path, record_property: Record, kills: int
) -> None:
    counts = counted("writes", tmp_path, kills, kills)
    record_property("size", f"{kills} kills")
    record_counts(record_property, counts, "before", "new", "unreadable")
    record_property("temporary files", counts["beside"])
    record_property("of them after the next start", counts["left"])
    assert counts["before"] > 0
    assert counts["new"] > 0
    assert counts["unreadable"] == counts["left"] == 0


@slow
def test_a_run_that_was_killed_from_the_first_stage_to_the_last_makes_what_an_undisturbed_run_makes(
    tmp_path: Path, record_property: Record
) -> None:
    counts = counted("trainings", tmp_path, 30, 1)
    record_property("size", f"{counts['kills']} kills, {counts['homes']} homes")
    record_counts(record_property, counts, "different", "stuck")
    assert counts["faults"] == []


def test_sample_telemetry_whose_drawing_was_killed_is_drawn_to_its_end(tmp_path: Path) -> None:
    counts = counted("drawings", tmp_path, 5, 1)
    assert counts["half"] > 0
    assert counts["found"] == [counts["expected"]] * 5


@slow
def test_whatever_file_of_the_lake_is_damaged_the_next_landing_names_it_and_nothing_is_lost(tmp_path: Path) -> None:
    counts = counted("damages", tmp_path, "lake/*")
    assert counts["faults"] == []
    assert counts["finished"] == counts["damaged"] > 50


def record_counts(record_property: Record, counts: dict[str, Any], *names: str) -> None:
    for name in names:
        record_property(name, counts.get(name, 0))
    if "slowest_s" in counts:
        usual = f", undisturbed {counts['undisturbed_s']}" if "undisturbed_s" in counts else ""
        record_property("slowest next call", f"{counts['slowest_s']} s{usual}")
