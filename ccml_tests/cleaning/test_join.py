"""Five tables become one row per interaction, and whatever is set aside has a reason."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from ccml.cleaning.columns import CLEAN_COLUMNS, NEVER_MISSING
from ccml.cleaning.join import clean
from ccml_tests.tables import failed, machine, ran, raw_tables, reported, simulated_raw, turn


def cleaned(*events):
    return clean(*raw_tables(events))


def only_row(*events) -> pd.Series:
    rows = cleaned(*events).interactions
    assert len(rows) == 1
    return rows.iloc[0]


def test_what_the_five_kinds_say_of_a_turn_stands_in_one_row():
    row = only_row(
        turn("i", 0, request="show files", command="ls -la /tmp", action="execute", propensity=0.5, host="h"),
        ran("i", 0.1, exit_status=2, duration_ms=12.0, output_bytes=3),
        failed("i", 0.2, message="no such file", category="not_found", recovery_command="ls", recovered=True),
        reported("i", 0.3, rating=2, verdict="accepted"),
        machine("m", 0, interaction_id="i", cpu_percent=40.0, processes=7, platform="linux"),
    )
    assert row["program"] == "ls"
    assert row["template"] == "ls -la <path>"
    assert row["exit_status"] == 2
    assert not row["succeeded"]
    assert row["error_category"] == "not_found"
    assert row["recovered"]
    assert (row["rating"], row["verdict"]) == (2, "accepted")
    assert (row["cpu_percent"], row["processes"], row["platform"]) == (40.0, 7, "linux")


def test_the_clean_table_has_the_declared_columns_and_types_whatever_was_logged():
    for rows in (cleaned().interactions, cleaned(turn("i", 0)).interactions):
        assert {name: str(rows[name].dtype) for name in rows} == CLEAN_COLUMNS
        assert rows[list(NEVER_MISSING)].notna().all(axis=None)


def test_tables_without_columns_are_empty_tables():
    nothing = pd.DataFrame()
    result = clean(nothing, nothing, nothing, nothing, nothing)
    assert len(result.interactions) == len(result.rejected) == 0


@pytest.mark.parametrize("event", [ran("gone", 1), failed("gone", 1), reported("gone", 1, rating=3)])
def test_an_event_about_an_unknown_interaction_is_set_aside_with_the_reason(event):
    result = cleaned(turn("i", 0, command="ls"), event)
    assert result.rejected["event_id"].tolist() == [event.event_id]
    assert result.rejected["reason"].tolist() == ["unknown_interaction"]
    assert len(result.interactions) == 1


def test_an_execution_that_ended_before_it_began_is_set_aside_and_leaves_no_outcome():
    result = cleaned(turn("i", 0, command="ls"), ran("i", 5, ended_at=turn("j", 4).time, exit_status=0))
    assert result.rejected["reason"].tolist() == ["ended_before_it_began"]
    assert result.interactions["succeeded"].isna().all()


def test_a_repeated_event_id_counts_once():
    result = cleaned(turn("i", 0, command="ls"), turn("i", 3, command="pwd"))
    assert result.interactions["command"].tolist() == ["ls"]
    assert result.rejected["reason"].tolist() == ["duplicate_event_id"]


def test_the_first_execution_and_the_last_feedback_count_field_by_field():
    row = only_row(
        turn("i", 0, command="make"),
        ran("i", 2, exit_status=0),
        ran("i", 1, exit_status=1),
        reported("i", 3, rating=1, verdict="rejected"),
        reported("i", 4, rating=5),
    )
    assert row["exit_status"] == 1
    assert (row["rating"], row["verdict"]) == (5, "rejected")


def test_a_tool_that_says_it_failed_is_believed_over_its_exit_status():
    assert not only_row(turn("i", 0, command="ls"), ran("i", 1, exit_status=0, failed=True))["succeeded"]


def test_an_error_without_an_execution_is_a_failure():
    row = only_row(turn("i", 0, command="ls"), failed("i", 1, message="broken"))
    assert row["succeeded"] is not pd.NA
    assert not row["succeeded"]


def test_without_exit_status_or_error_the_outcome_is_unknown():
    row = only_row(turn("i", 0, command="ls"), ran("i", 1, duration_ms=5.0))
    assert row["succeeded"] is pd.NA
    assert row["outcome_time"] is pd.NaT


def test_nothing_is_known_of_a_turn_before_the_turn():
    row = only_row(turn("i", 10, command="ls"), ran("i", 9, exit_status=0), reported("i", 8, rating=4))
    assert row["outcome_time"] == row["rating_time"] == row["time"]


@pytest.mark.parametrize(
    ("fields", "correction", "label", "source"),
    [
        ({"intent": "network", "command": "ls"}, "help", "help", "correction"),
        ({"intent": "network", "command": "ls"}, None, "network", "telemetry"),
        ({"command": "git status"}, None, "version_control", "rule"),
        ({"command": ""}, None, None, "none"),
    ],
)
def test_a_correction_wins_over_the_telemetry_and_that_over_the_rules(fields, correction, label, source):
    events = [turn("i", 0, **fields)]
    if correction:
        events.append(reported("i", 1, corrected_intent=correction))
    row = only_row(*events)
    assert row["intent_source"] == source
    assert row["intent_label"] is pd.NA if label is None else row["intent_label"] == label


@pytest.mark.parametrize(
    ("action", "executed", "verdict", "wanted"),
    [
        (None, False, None, "git status"),  # a shell history: the user typed it
        ("execute", True, None, "git status"),
        ("confirm", False, "accepted", "git status"),
        ("clarify", False, "accepted", None),  # to be asked back was fine; the guess was not even shown
        ("suggest", False, None, None),
        ("execute", True, "undone", None),
        ("confirm", False, "rejected", None),
    ],
)
def test_a_command_that_nobody_took_is_not_what_was_wanted_and_gives_no_label(action, executed, verdict, wanted):
    events = [turn("i", 0, command="git status", action=action)]
    if executed:
        events.append(ran("i", 1, exit_status=0))
    if verdict:
        events.append(reported("i", 2, verdict=verdict))
    row = only_row(*events)
    assert row["wanted_command"] is pd.NA if wanted is None else row["wanted_command"] == wanted
    assert row["intent_source"] == ("none" if wanted is None else "rule")


def test_the_corrected_command_is_what_was_wanted():
    row = only_row(
        turn("i", 0, command="ls", action="confirm"), reported("i", 1, verdict="rejected", corrected_command="git log")
    )
    assert (row["wanted_command"], row["intent_label"]) == ("git log", "version_control")


@pytest.mark.parametrize(
    ("minutes", "host", "seen"),
    [(-5, "a", True), (-11, "a", False), (1, "a", False), (-5, "b", False)],
    ids=["earlier", "too old", "later", "another machine"],
)
def test_a_snapshot_counts_for_the_next_ten_minutes_of_its_machine(minutes, host, seen):
    row = only_row(turn("i", 0, command="ls", host="a"), machine("m", minutes, host=host, cpu_percent=40.0))
    assert bool(row["cpu_percent"] == 40.0) is seen


def test_the_turns_own_snapshot_wins_over_a_nearer_one_of_the_machine():
    row = only_row(
        turn("i", 0, command="ls", host="a"),
        machine("near", -1, host="a", cpu_percent=10.0),
        machine("own", -2, host="a", interaction_id="i", cpu_percent=20.0),
    )
    assert row["cpu_percent"] == 20.0


def test_a_snapshot_of_the_server_alone_hides_no_snapshot_of_the_machine():
    row = only_row(
        turn("i", 0, command="ls", host="a"),
        machine("near", -1, host="a", cpu_percent=10.0),
        machine("own", 0, host="a", interaction_id="i", process_memory_mb=120.0),
    )
    assert row["cpu_percent"] == 10.0


def test_a_session_across_midnight_is_not_cut_when_a_day_is_cleaned_alone():
    minutes_to_midnight = 15 * 60
    tables = raw_tables(
        [
            turn("late", minutes_to_midnight - 2, command="ls"),
            ran("late", minutes_to_midnight + 1, exit_status=1),
            turn("early", minutes_to_midnight + 3, command="pwd"),
        ]
    )
    after = clean(*tables, days=["2026-03-03"]).interactions
    assert after["interaction_id"].tolist() == ["early"]
    assert after["position"].tolist() == [1]
    assert after["session_failures_in_a_row"].tolist() == [1]
    before = clean(*tables, days=["2026-03-02"]).interactions
    assert before["succeeded"].tolist() == [False]
    assert before["session_id"].tolist() == after["session_id"].tolist()


def test_days_cleaned_one_by_one_with_their_neighbours_are_the_days_cleaned_at_once(tmp_path: Path):
    tables = simulated_raw(tmp_path, users=6, days=5, interactions=300)
    whole = clean(*tables).interactions
    days = sorted(whole["day"].unique())
    parts = []
    for day in days:
        window = {str((pd.Timestamp(day) + pd.Timedelta(days=offset)).date()) for offset in (-1, 0, 1)}
        near = [table[table["time"].dt.strftime("%Y-%m-%d").isin(window)] for table in tables]
        parts.append(clean(*near, days=[day]).interactions)
    order = ["user_id", "session_id", "position"]
    together = pd.concat(parts).sort_values(order, ignore_index=True)
    pd.testing.assert_frame_equal(together, whole.sort_values(order, ignore_index=True))


def test_the_clean_table_comes_back_from_parquet_as_it_was(tmp_path: Path):
    rows = cleaned(
        turn("i", 0, command="ls", model_versions='{"policy": "1.0.0"}'), reported("i", 1, rating=3)
    ).interactions
    rows.to_parquet(tmp_path / "clean.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "clean.parquet"), rows)
