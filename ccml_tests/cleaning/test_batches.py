"""The same events give the same clean rows, however the days were batched."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccml.cleaning.join import clean
from ccml.telemetry.events import Event
from ccml_tests.tables import at, failed, ran, raw_tables, reported, turn

MIDNIGHT = 15 * 60  # minutes after `START`, which is nine in the morning
DAY = 24 * 60


def by_batches(events: Sequence[Event], cuts: Sequence[int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows and set-aside events when days are cleaned in several runs, each with one neighbouring day on both sides."""
    tables = raw_tables(events)
    days = [str(day.date()) for day in pd.date_range(at(0).date(), max(event.time for event in events).date())]
    edges = [0, *sorted({cut % len(days) for cut in cuts} - {0}), len(days)]
    parts = []
    for start, end in itertools.pairwise(edges):
        lent = days[max(0, start - 1) : end + 1]
        window = [table[pd.to_datetime(table["time"], utc=True).dt.strftime("%Y-%m-%d").isin(lent)] for table in tables]
        parts.append(clean(*window, days=days[start:end]))
    rows = pd.concat([part.interactions for part in parts]).sort_values("interaction_id", ignore_index=True)
    return rows, pd.concat([part.rejected for part in parts]).sort_values("event_id", ignore_index=True)


def assert_same(events: Sequence[Event], cuts: Sequence[int]) -> pd.DataFrame:
    whole, whole_rejected = by_batches(events, [])
    rows, rejected = by_batches(events, cuts)
    pd.testing.assert_frame_equal(rows, whole)
    pd.testing.assert_frame_equal(rejected, whole_rejected)
    return whole


def test_an_agent_that_works_for_a_week_has_the_same_sittings_in_one_run_and_day_by_day() -> None:
    events = [turn(f"i{number:04}", 20 * number, command="make") for number in range(7 * 72)]

    rows = assert_same(events, range(9))

    starts = sorted({session.split("#")[1] for session in rows["session_id"]})
    assert starts == ["20260302T090000", *(f"2026030{day}T000000" for day in range(4, 10))]


def test_a_sitting_over_one_midnight_is_whole_and_over_a_filled_day_it_ends_at_the_next() -> None:
    evening = [turn(f"i{number:04}", MIDNIGHT - 40 + 20 * number, command="ls") for number in range(4)]
    assert assert_same(evening, range(3))["session_id"].nunique() == 1
    long = [turn(f"i{number:04}", MIDNIGHT - 40 + 20 * number, command="ls") for number in range(80)]
    assert assert_same(long, range(3))["session_id"].unique().tolist() == ["s#20260302T232000", "s#20260304T000000"]


@pytest.mark.parametrize(("days_later", "counts"), [(1, True), (2, False)])
def test_a_rating_counts_until_the_next_day_in_a_run_over_all_days_too(days_later: int, counts: bool) -> None:
    events = [turn("i", 0, command="ls"), reported("i", days_later * DAY, rating=5), turn("j", 4 * DAY, command="ls")]

    rows = assert_same(events, range(5))

    assert rows["rating"].notna().tolist() == [counts, False]


_script = st.lists(
    st.tuples(
        st.sampled_from([1, 10, 29, 30, 31, 45, 300, DAY - 15, DAY, 2 * DAY]),  # minutes since the last turn
        st.sampled_from([1, 1, 1, 70]),  # turns in a row
        st.sampled_from([None, 0, 1]),  # exit status
        st.sampled_from([0, 20, 600]),  # minutes until it was known
        st.sampled_from(["s", "t"]),
        st.sampled_from([None, 5, 1_500, 4_000]),  # minutes until the error or rating
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40, deadline=None)
@given(_script, st.lists(st.integers(1, 12), max_size=6))
def test_any_events_in_any_batches_give_the_same_rows(script: list[tuple], cuts: list[int]) -> None:  # type: ignore[type-arg]
    events: list[Event] = []
    when = MIDNIGHT - 60.0
    for number, (pause, turns, status, delay, session, later) in enumerate(script):
        when += pause
        for repeat in range(turns):
            name = f"i{number:02}-{repeat:03}"
            events += [turn(name, when, command="make", session_id=session)]
            if status is not None:
                events.append(ran(name, when, ended_at=at(when + delay), exit_status=status))
            when += 25.0 if repeat < turns - 1 else 0.0
        if later is not None:
            events += [reported(name, when + later, rating=4), failed(name, when + later, message="broken")]
    assert_same(events, cuts)
