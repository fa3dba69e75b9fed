"""Drift: the distance is scipy's and Evidently's, fair traffic raises no alarm, and what has changed is named."""

from __future__ import annotations

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.drift_error_rates import alarms, served_window, training_reference
from ccml.errors import IntegrityError, NotEnoughDataError
from ccml.evaluation.statistics import wilson
from ccml.monitoring.drift import drift_report, jensen_shannon, thresholds, watched
from ccml.monitoring.limits import DriftLimits
from ccml.monitoring.reference import DriftReference, decode_reference
from ccml.profiles import SimulationSettings

PEOPLE = SimulationSettings(users=30, days=14, interactions=4_000)
LIMITS = DriftLimits()
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


def test_traffic_without_drift_raises_no_more_alarms_than_stated(reference: DriftReference) -> None:
    """`benchmarks/drift_error_rates.py` counts over more windows and sizes."""
    windows = 100
    alarmed = sum(bool(alarms(reference, served_window(PEOPLE, week, ROWS))) for week in range(windows))
    assert wilson(alarmed, windows).low <= LIMITS.false_alarm_rate, f"{alarmed} of {windows} windows"


@pytest.mark.parametrize(
    ("kind", "column"),
    [("wording", "unknown_words"), ("commands", "program"), ("slower_machine", "relative_duration")],
)
def test_a_drift_is_found_in_its_own_column(reference: DriftReference, kind: str, column: str) -> None:
    rows = ROWS_TO_FIND_WORDING if kind == "wording" else ROWS
    found = [column in alarms(reference, served_window(PEOPLE, week, rows, kind)) for week in range(10)]
    assert sum(found) >= 9


def test_evidently_measures_what_the_limits_were_drawn_for(reference: DriftReference) -> None:
    current = served_window(PEOPLE, 0, ROWS, "wording")
    report = drift_report(reference, current, LIMITS)
    window = reference.binned(current)
    limits = thresholds(reference, current, watched(reference, window, LIMITS), LIMITS, seed=0)
    assert report.drifted == alarms(reference, current)
    assert "unknown_words" in report.drifted
    for finding in report.findings:
        columns = (reference.values(finding.column), window[finding.column].dropna())
        values = sorted({*columns[0], *columns[1]})
        counted = (column.value_counts() for column in columns)
        sides = [counts.reindex(values, fill_value=0) for counts in counted]
        assert finding.distance == pytest.approx(jensen_shannon(*(side.to_numpy() for side in sides)), abs=1e-9)
        assert finding.threshold == limits[finding.column]


def test_the_same_window_has_the_same_id_and_one_answer_more_another(reference: DriftReference) -> None:
    current = served_window(PEOPLE, 0, ROWS)
    ids = [
        drift_report(reference, rows, LIMITS).report_id
        for rows in (current, current.sample(frac=1, random_state=0), current.iloc[:-1])
    ]
    assert ids[0] == ids[1] != ids[2]


def test_too_few_served_answers_are_no_report(reference: DriftReference) -> None:
    with pytest.raises(NotEnoughDataError, match="Not evaluated: 99 answers, 100 needed"):
        drift_report(reference, served_window(PEOPLE, 0, 99), LIMITS)


def test_too_few_held_out_rows_are_nothing_to_compare_with() -> None:
    rows = served_window(PEOPLE, 0, 150)
    small = DriftReference.fit(rows.iloc[:110], rows.iloc[110:])
    with pytest.raises(NotEnoughDataError, match="Not evaluated: 40 held-out interactions in the drift reference, 100"):
        drift_report(small, rows, LIMITS)


def test_held_out_rows_from_before_the_cut_do_not_count(reference: DriftReference) -> None:
    """Users held out whole have rows from the weeks of training; counted, they would weigh more than in traffic."""
    early, later = served_window(PEOPLE, 0, 150), served_window(PEOPLE, 1, 150)
    held_out = pd.concat([early.iloc[100:], later])
    assert DriftReference.fit(early.iloc[:140], held_out).rows == 150
    assert DriftReference.fit(later, early).rows == 150, "where none is later, all count"


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
    columns = watched(reference, reference.binned(current), LIMITS)
    assert "cpu_percent" not in columns
    assert "load_1m" in columns


def test_every_row_lies_in_one_bin_that_has_its_range_and_unit(reference: DriftReference) -> None:
    current = served_window(PEOPLE, 0, ROWS, "wording")
    report = drift_report(reference, current, LIMITS)
    window = reference.binned(current)
    for finding in report.findings:
        assert sum(one.current for one in finding.bins) == window[finding.column].notna().sum()
        assert sum(one.reference for one in finding.bins) == len(reference.values(finding.column))
        assert len({one.label for one in finding.bins}) == len(finding.bins)
    bins = {finding.column: [one.label for one in finding.bins] for finding in report.findings}
    assert bins["unknown_words"] == ["0 new words", "1 new word", "2 new words", "3 new words or more"]
    assert bins["program"] == ["seen in training", "new"]
    assert bins["cpu_percent"][0].startswith("below ")
    assert bins["cpu_percent"][-1].endswith(" % or more")
    assert all(label.split(" word")[0][0].isdigit() for label in bins["request_words"])


def test_a_value_lies_in_the_bin_whose_label_says_so(reference: DriftReference) -> None:
    rows = served_window(PEOPLE, 0, ROWS)
    for count in range(1, 15):
        rows["request"] = " ".join(["word"] * count)
        found = {one.column: one for one in drift_report(reference, rows, LIMITS).findings}["request_words"]
        (label,) = [one.label for one in found.bins if one.current]
        low, *high = [int(part) for part in label.split() if part.isdigit()]
        assert low <= count <= (high[0] if high else count if "or more" in label else low), (count, label)


def test_new_words_and_commands_are_shown_with_how_often_they_came(reference: DriftReference) -> None:
    current = served_window(PEOPLE, 0, ROWS)
    current.loc[:2, "request"] = "please zorgle zorgle the disk"
    current.loc[:4, "wanted_command"] = "blorptool --now"
    current.loc[:4, "user_id"] = ["u-1", "u-2", "u-3", "u-1", "u-2"]
    current.loc[5:30, "request"] = "open zqprivate"
    current.loc[5:30, "wanted_command"] = "zqprivate --mine"
    current.loc[5:30, "user_id"] = "u-4"
    found = {one.column: one for one in drift_report(reference, current, LIMITS).findings}
    words = {one.text: one.count for one in found["unknown_words"].examples}
    assert words["zorgle"] == 3, "a word counts once an answer"
    assert "the" not in words
    assert "zqprivate" not in words, "one person's word, however often it came, is shown to nobody"
    assert {one.text: one.count for one in found["program"].examples}["blorptool --now"] == 5
    assert "zqprivate --mine" not in {one.text for one in found["program"].examples}
    assert [one.count for one in found["unknown_words"].examples] == sorted(words.values(), reverse=True)


def test_a_reference_travels_without_rows_requests_or_people(reference: DriftReference) -> None:
    rows = served_window(PEOPLE, 0, 300)
    fitted = DriftReference.fit(rows.iloc[:150], rows.iloc[150:])
    text = fitted.encode().decode()
    for column in ("interaction_id", "session_id", "user_id", "host"):
        assert not any(value and value in text for value in rows[column].unique()), column
    assert not any(request in text for request in rows["request"] if " " in request)
    assert decode_reference(fitted.encode(), "it") == fitted
    assert decode_reference(fitted.encode(), "it").encode() == fitted.encode(), "the same bytes, so the same digest"


def test_what_is_no_reference_is_refused_by_name() -> None:
    with pytest.raises(IntegrityError, match=r"models/x/drift_reference.json is not a drift reference"):
        decode_reference(b'{"rows": 3}', "models/x/drift_reference.json")


def test_a_reference_read_back_raises_the_same_alarms(reference: DriftReference) -> None:
    current = served_window(PEOPLE, 0, ROWS_TO_FIND_WORDING, "wording")
    again = decode_reference(reference.encode(), "it")
    first, second = (drift_report(one, current, LIMITS) for one in (reference, again))
    assert msgspec.structs.replace(first, made=second.made) == second
