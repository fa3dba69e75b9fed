"""The check finds every kind of leak that it names, and nothing where there is none."""

from __future__ import annotations

import pandas as pd
import pytest

from ccml.datasets.leakage import check_leakage
from ccml_tests.tables import at


def sound() -> pd.DataFrame:
    rows = [
        # id, session, user, minute, split, unseen, request, augmented
        ("a", "s1", "u", 0, "train", False, "show me the big log files", False),
        ("a~0", "s1", "u", 0, "train", False, "please show the large log files to me", True),
        ("b", "s2", "u", 9, "validation", False, "is the network down", False),
        ("c", "s3", "u", 9, "calibration", False, "pack this folder for me", False),
        ("d", "s4", "u", 20, "test", False, "who is logged in here", False),
        ("e", "s5", "new", 1, "test", True, "what takes all the memory", False),
    ]
    names = ["interaction_id", "session_id", "user_id", "time", "split", "unseen_user", "request", "augmented"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(time=[at(minutes) for minutes in table["time"]])


def kinds(table: pd.DataFrame, **options) -> list[str]:
    return [finding.kind for finding in check_leakage(table, text_similarity=0.9, **options)]


def spoiled(interaction: str, **fields) -> pd.DataFrame:
    table = sound()
    for name, value in fields.items():
        table.loc[table["interaction_id"] == interaction, name] = value
    return table


def test_a_sound_data_set_has_no_findings():
    assert kinds(sound()) == []


def test_a_session_in_two_splits_is_found():
    assert kinds(spoiled("d", session_id="s2")) == ["session_overlap"]


def test_validation_and_calibration_may_share_a_session_and_training_and_calibration_may_not():
    assert kinds(spoiled("c", session_id="s2")) == []
    assert kinds(spoiled("c", session_id="s1")) == ["session_overlap"]


def test_sessions_cut_on_purpose_are_not_reported():
    assert kinds(spoiled("d", session_id="s2"), whole_sessions=False) == []


def test_an_unseen_user_outside_the_test_split_is_found():
    assert kinds(spoiled("e", split="train")) == ["user_overlap"]


@pytest.mark.parametrize(("interaction", "minute"), [("a", 10), ("b", 21), ("d", 5)])
def test_a_known_users_training_row_that_is_later_than_a_held_out_one_is_found(interaction, minute):
    assert kinds(spoiled(interaction, time=at(minute))) == ["time_order"]
    assert kinds(spoiled(interaction, time=at(minute)), time_ordered=False) == []


def test_a_test_row_before_a_training_row_is_found_even_without_validation_rows():
    table = spoiled("d", time=at(-5))
    table = table[~table["split"].isin(["validation", "calibration"])]
    assert kinds(table) == ["time_order"]


def test_validation_and_calibration_may_be_of_the_same_time():
    assert kinds(spoiled("c", time=at(8))) == []


@pytest.mark.parametrize("text", ["Is the network down?", "is the network down "])
def test_a_training_text_that_is_a_held_out_text_is_found(text):
    assert kinds(spoiled("a", request=text)) == ["duplicate_text"]


def test_a_training_text_that_is_almost_a_held_out_text_is_found():
    table = spoiled("d", request="show me the big log files now and here and everywhere")
    assert kinds(table) == []
    assert kinds(spoiled("d", request="show me the big log file")) == ["duplicate_text"]


def test_texts_are_compared_only_where_that_is_asked_for():
    assert check_leakage(spoiled("a", request="is the network down")) == []


def test_a_rewrite_outside_the_training_split_is_found():
    table = spoiled("d", augmented=True)
    assert "augmented_held_out" in kinds(table)
    assert [finding.kind for finding in check_leakage(table)] == ["augmented_held_out"]


def test_a_held_out_text_among_the_rewrites_is_found():
    assert kinds(spoiled("a~0", request="Who is logged in here?")) == ["augmented_copy"]


def test_a_finding_counts_and_names_an_example():
    (finding,) = check_leakage(spoiled("d", session_id="s2"))
    assert (finding.count, finding.example) == (1, "s2")
    assert "s2" in finding.message
