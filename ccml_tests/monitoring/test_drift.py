"""Drift: the distance is scipy's and Evidently's, fair traffic raises no alarm, and what has changed is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.drift_error_rates import alarms, served_window, training_reference
from ccml.errors import NotEnoughDataError
from ccml.evaluation.statistics import wilson
from ccml.monitoring.drift import (
    FALSE_ALARM_RATE,
    MINIMUM_ROWS,
    DriftReference,
    drift_report,
    jensen_shannon,
    thresholds,
    watched,
)
from ccml.profiles import SimulationSettings

PEOPLE = SimulationSettings(users=30, days=14, interactions=4_000)
ROWS = 150
ROWS_TO_FIND_WORDING = 200
"""Of windows of 150 answers, 85 % show that people have found new words; nine in ten need a few more."""


@pytest.fixture(scope="module")
def reference() -> DriftReference:
    return training_reference(PEOPLE)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=12))
def test_the_distance_is_scipys(counts: list[tuple[int, int]]) -> None:
    from scipy.spatial.distance import jensenshannon

    left, right = (np.array(side, float) for side in zip(*counts, strict=True))
    if left.sum() and right.sum():
        assert jensen_shannon(left, right) == pytest.approx(jensenshannon(left, right), abs=1e-7)


def test_many_rows_of_counts_have_the_distances_of_each() -> None:
    rng = np.random.default_rng(0)
    left, right = rng.integers(0, 20, (2, 50, 6))
    assert jensen_shannon(left, right) == pytest.approx(
        [jensen_shannon(a, b) for a, b in zip(left, right, strict=True)]
    )


def test_fair_traffic_raises_no_more_alarms_than_stated(reference: DriftReference) -> None:
    """`benchmarks/drift_error_rates.py` counts over more windows and sizes."""
    windows = 100
    alarmed = sum(bool(alarms(reference, served_window(PEOPLE, week, ROWS))) for week in range(windows))
    assert wilson(alarmed, windows).low <= FALSE_ALARM_RATE, f"{alarmed} of {windows} windows"


@pytest.mark.parametrize(
    ("kind", "column"),
    [("wording", "unknown_words"), ("commands", "program"), ("slower_machine", "relative_duration")],
)
def test_a_drift_is_found_in_its_own_column(reference: DriftReference, kind: str, column: str) -> None:
    rows = ROWS_TO_FIND_WORDING if kind == "wording" else ROWS
    found = [column in alarms(reference, served_window(PEOPLE, week, rows, kind)) for week in range(10)]
    assert sum(found) >= 9


def test_evidently_measures_what_the_limits_were_drawn_for(reference: DriftReference, tmp_path: Path) -> None:
    page = tmp_path / "reports" / "drift.html"
    current = served_window(PEOPLE, 0, ROWS, "wording")
    report = drift_report(reference, current, page=page)
    window = reference.binned(current)
    limits = thresholds(reference, current, watched(reference, window), seed=0)
    assert report.drifted == alarms(reference, current)
    assert "unknown_words" in report.drifted
    for finding in report.findings:
        values = sorted({*reference.rows[finding.column].dropna(), *window[finding.column].dropna()})
        counted = (frame[finding.column].value_counts() for frame in (reference.rows, window))
        sides = [counts.reindex(values, fill_value=0) for counts in counted]
        assert finding.distance == pytest.approx(jensen_shannon(*(side.to_numpy() for side in sides)), abs=1e-9)
        assert finding.threshold == limits[finding.column]
    assert "unknown_words" in page.read_text()


def test_the_same_window_has_the_same_id_and_one_answer_more_another(reference: DriftReference) -> None:
    current = served_window(PEOPLE, 0, ROWS)
    ids = [
        drift_report(reference, rows).report_id
        for rows in (current, current.sample(frac=1, random_state=0), current.iloc[:-1])
    ]
    assert ids[0] == ids[1] != ids[2]


def test_too_few_served_answers_are_no_report(reference: DriftReference) -> None:
    with pytest.raises(NotEnoughDataError, match="needs 100 served interactions; there are 99"):
        drift_report(reference, served_window(PEOPLE, 0, MINIMUM_ROWS - 1))


def test_too_few_held_out_rows_are_no_reference() -> None:
    rows = served_window(PEOPLE, 0, 150)
    with pytest.raises(NotEnoughDataError, match="needs 100 held-out interactions; there are 40"):
        DriftReference.fit(rows.iloc[:110], rows.iloc[110:])


def test_held_out_rows_from_before_the_cut_do_not_count(reference: DriftReference) -> None:
    """Users held out whole have rows from the weeks of training; counted, they would weigh more than in traffic."""
    early, later = served_window(PEOPLE, 0, 150), served_window(PEOPLE, 1, 150)
    held_out = pd.concat([early.iloc[100:], later])
    assert len(DriftReference.fit(early.iloc[:140], held_out).rows) == 150
    assert len(DriftReference.fit(later, early).rows) == 150, "where none is later, all count"


def test_what_the_log_does_not_say_is_not_drift(reference: DriftReference) -> None:
    """A policy that runs fewer commands, or a client that sends no state, changes how much is known, not what is so."""
    current = served_window(PEOPLE, 0, ROWS)
    silent = current["session_id"].isin(current["session_id"].unique()[::2])
    current.loc[silent, ["cpu_percent", "load_1m", "duration_ms"]] = np.nan
    current.loc[silent, "wanted_command"] = pd.NA
    current.loc[silent, "platform"] = ""
    assert alarms(reference, current) == []


def test_a_column_that_hardly_any_row_fills_is_not_watched(reference: DriftReference) -> None:
    current = served_window(PEOPLE, 0, ROWS)
    current.loc[29:, "cpu_percent"] = np.nan
    columns = watched(reference, reference.binned(current))
    assert "cpu_percent" not in columns
    assert "load_1m" in columns
