"""Lines that come late, and files of which much is refused: what is prepared anew, and what is not prepared."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import dagster as dg
import pytest

from ccml.telemetry.lake import landed_days, read_landed
from ccml_assets.held import held_files
from ccml_assets.staleness import ranges
from ccml_tests.assets.platform import Platform
from ccml_tests.assets.test_landing_checks import ingest
from ccml_tests.telemetry import stored
from ccml_tests.telemetry.test_landing import event, write
from ccml_tests.telemetry.test_landing_accepted import Record, accepted

FIRST = date(2026, 1, 1)
ROWS = 100
YEARS_AGO = date(2015, 6, 1)


def on(day: date, number: int) -> dict[str, Any]:
    return event(number, time=f"{day}T{9 + number % 9:02}:00:00Z", request=f"request {number}", command="ls")


def prepare(platform: Platform, pending: list[str]) -> None:
    for days in ranges(pending, platform.instance.get_dynamic_partitions("days")):
        assert platform.run("prepare", days=days).success


@accepted(
    6,
    40,
    pytest.mark.acceptance(
        "Exactly the days that late lines belong to are prepared anew, and the days beside them",
        fault="a tenth of the lines comes 1 to 29 days late, and one eleven years",
    ),
)
def test_the_days_of_late_lines_are_prepared_anew_and_no_others(
    platform: Platform, size: int, record_property: Record
) -> None:
    """There is no age from which a line is refused: people bring histories that are years old, and these are landed in
    the same way as a line that comes late.
    """
    draw, numbers = random.Random(size), iter(range(1_000_000))
    lake, days = platform.home.lake, [FIRST + timedelta(days=at) for at in range(size)]
    write(platform.home.landing / "first.jsonl", *(on(day, next(numbers)) for day in days))
    ingest(platform)
    assert platform.pending() == [str(day) for day in days]
    prepare(platform, platform.pending())
    assert platform.pending() == []
    missed, needless, anew = 0, 0, 0
    rounds = max(1, size // 8)
    for round_ in range(rounds):
        today = days[-1] + timedelta(days=1)
        late = [today - timedelta(days=draw.randint(1, min(29, size - 2))) for _ in range(3)] * 3
        late.append(YEARS_AGO + timedelta(days=round_))
        got = [*late, *[today] * (ROWS - len(late))]
        write(platform.home.landing / f"{round_}.jsonl", *(on(day, next(numbers)) for day in got))
        ingest(platform)

        pending = set(platform.pending())
        touched = {str(day + timedelta(days=beside)) for day in got for beside in (-1, 0, 1)}
        expected = touched & set(landed_days(lake))
        missed, needless, anew = (
            missed + len(expected - pending),
            needless + len(pending - expected),
            anew + len(pending),
        )
        assert pending == expected
        days.append(today)
        assert len(pending) < len(landed_days(lake)), "some days got nothing"

        prepare(platform, sorted(pending))
        assert platform.pending() == []
        landed = read_landed(lake, "interactions", landed_days(lake))["event_id"]
        assert sorted(platform.table("clean", "interactions")["interaction_id"]) == sorted(landed)
        assert len(landed) == size + (round_ + 1) * ROWS
    record_property("size", f"{rounds} times {ROWS} lines on {len(landed_days(lake))} days")
    record_property("days prepared anew", anew)
    record_property("missed", missed)
    record_property("needless", needless)


FILES = 5


@accepted(
    100,
    5_000,
    pytest.mark.acceptance(
        "Of a file of which 6 % is refused nothing is prepared, and its good lines stay; 4 % is a warning",
        fault="corrupt lines at any place of files of the same days",
    ),
)
def test_six_of_a_hundred_hold_their_file_and_four_warn(platform: Platform, size: int, record_property: Record) -> None:
    lake, draw = platform.home.lake, random.Random(size)

    def logs(name: str, percent: int, first: int) -> set[str]:
        bad, found = size * percent // 100, set[str]()
        for file in range(FILES):
            events = [event(first + file * size + number) for number in range(size - bad)]
            found |= {str(each["event_id"]) for each in events}
            lines: list[dict[str, Any] | bytes] = [*events, *(b"broken %d" % number for number in range(bad))]
            draw.shuffle(lines)
            write(platform.home.landing / f"{name}-{file}.jsonl", *lines)
        return found

    def prepared() -> set[str]:
        pending = platform.pending()
        assert pending
        prepare(platform, pending)
        assert platform.pending() == []
        return set(platform.table("clean", "interactions")["interaction_id"])

    warned = logs("four", 4, 0)
    check = ingest(platform)
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert prepared() == warned

    kept_back = logs("six", 6, FILES * size)
    check = ingest(platform)
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    held = sorted(one.path for one in held_files(platform.home))
    assert held == [f"landing/six-{file}.jsonl" for file in range(FILES)]
    assert set(stored.rows(lake, "interactions")["event_id"]) == warned | kept_back
    assert len(stored.rows(lake, "quarantine")) == FILES * size * 10 // 100
    after = prepared()
    assert after == warned
    record_property("size", f"{FILES} files of each share, {size:,} lines a file")
    record_property("files held", len(held))
    record_property("lines prepared of them", len(after & kept_back))
    record_property("good lines of them that stay", f"{len(kept_back):,}")
