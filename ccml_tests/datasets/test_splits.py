"""Training first, test last, sessions whole, some users never seen."""

from __future__ import annotations

import pandas as pd
import pytest

from ccml.cleaning.join import clean
from ccml.datasets.leakage import check_leakage
from ccml.datasets.splits import LEFT_OUT, SPLITS, SeenByChampions, Splits, assign_splits
from ccml.errors import NotEnoughDataError
from ccml.profiles import SplitSettings
from ccml_tests.tables import raw_tables, turn


def log(sessions: int, turns: int, users: int = 1, gap: float = 60.0) -> pd.DataFrame:
    """`sessions` sittings, one after the other, of `turns` a minute apart, each user in turn."""
    events = [
        turn(f"i{s:03}-{t:03}", s * gap + t, session_id=f"s{s}", user_id=f"u-{s % users:012x}", command="ls")
        for s in range(sessions)
        for t in range(turns)
    ]
    return clean(*raw_tables(events)).interactions


def rows_of(table: pd.DataFrame, splits: Splits) -> pd.DataFrame:
    stored = splits.table(table)
    rows = table[["interaction_id", "session_id", "time"]].merge(stored, on="interaction_id")
    return rows[rows["split"] != LEFT_OUT]


def assert_clean(table: pd.DataFrame, splits: Splits) -> None:
    found = check_leakage(
        rows_of(table, splits), whole_sessions=splits.whole_sessions, time_ordered=splits.time_ordered
    )
    assert found == []


def test_nothing_leaks_on_simulated_telemetry(simulated: pd.DataFrame, splits: Splits):
    assert splits.whole_sessions
    assert splits.time_ordered
    assert_clean(simulated, splits)


def test_every_row_has_a_place_and_the_counts_add_up(simulated: pd.DataFrame, splits: Splits):
    assert set(splits.labels.index) == set(simulated["interaction_id"])
    assert set(splits.labels) <= {*SPLITS, LEFT_OUT}
    assert sum(splits.facts["rows"].values()) == len(simulated)
    assert sum(splits.facts["left_out"].values()) == splits.facts["rows"][LEFT_OUT]


def test_unseen_users_are_test_rows_only_and_known_users_are_in_training(simulated: pd.DataFrame, splits: Splits):
    assert splits.unseen_users
    label = simulated["interaction_id"].map(splits.labels)
    assert set(label[simulated["user_id"].isin(splits.unseen_users)]) == {"test"}
    assert not set(simulated.loc[label == "train", "user_id"]) & splits.unseen_users


def test_a_user_who_came_after_the_last_cut_is_as_unseen_as_one_drawn():
    table = log(sessions=20, turns=5)
    table.loc[table["session_id"].str.startswith("s19#"), "user_id"] = "u-00000000000f"
    assert assign_splits(table, SplitSettings(), seed=7).unseen_users == {"u-00000000000f"}


def test_the_shares_are_about_those_asked_for(simulated: pd.DataFrame, splits: Splits):
    known = ~simulated["user_id"].isin(splits.unseen_users)
    share = simulated.loc[known, "interaction_id"].map(splits.labels).value_counts(normalize=True)
    assert share["test"] == pytest.approx(0.2, abs=0.06)
    assert share["validation"] + share["calibration"] == pytest.approx(0.12, abs=0.06)


def test_the_order_of_the_rows_does_not_matter_and_the_seed_does(simulated: pd.DataFrame, splits: Splits):
    shuffled = simulated.sample(frac=1.0, random_state=1)
    again = assign_splits(shuffled, SplitSettings(), seed=7)
    pd.testing.assert_series_equal(again.labels.sort_index(), splits.labels.sort_index(), check_names=False)
    other = assign_splits(simulated, SplitSettings(), seed=8)
    assert not other.labels.sort_index().equals(splits.labels.sort_index())


def test_one_user_has_no_unseen_users_and_his_last_sessions_are_the_test():
    table = log(sessions=20, turns=5)
    splits = assign_splits(table, SplitSettings(), seed=7)
    assert splits.unseen_users == frozenset()
    assert any("none is held out whole" in note for note in splits.facts["notes"])
    assert_clean(table, splits)
    last = table.sort_values("time")["interaction_id"].tail(15)
    assert set(splits.labels[last]) == {"test"}


def test_two_sessions_are_cut_by_time_and_the_facts_say_so():
    table = log(sessions=2, turns=50)
    splits = assign_splits(table, SplitSettings(), seed=7)
    assert not splits.whole_sessions
    assert any("cut by time" in note for note in splits.facts["notes"])
    assert_clean(table, splits)
    assert all(splits.facts["rows"][split] for split in SPLITS)


def test_four_sessions_are_enough_to_keep_them_whole():
    table = log(sessions=4, turns=12)
    splits = assign_splits(table, SplitSettings(), seed=7)
    assert splits.whole_sessions
    assert all(splits.facts["rows"][split] for split in SPLITS)
    assert_clean(table, splits)


def test_too_few_interactions_are_refused_with_a_sentence():
    with pytest.raises(NotEnoughDataError, match="12 interactions; at least 40"):
        assign_splits(log(sessions=4, turns=3), SplitSettings(), seed=7)


def test_what_a_session_does_after_the_next_cut_is_left_out_and_counted():
    # One session of 27 minutes begins an hour or two before everything else goes on; sessions overlap by a few minutes.
    table = log(sessions=40, turns=12, gap=11.0)
    splits = assign_splits(table, SplitSettings(), seed=7)
    assert splits.facts["rows"][LEFT_OUT] > 0
    assert splits.time_ordered
    assert_clean(table, splits)


def test_sessions_that_run_side_by_side_are_kept_whole_and_the_facts_say_so():
    table = log(sessions=30, turns=25, gap=0.01)
    splits = assign_splits(table, SplitSettings(), seed=7)
    assert splits.whole_sessions
    assert not splits.time_ordered
    assert splits.facts["rows"][LEFT_OUT] == 0
    assert_clean(table, splits)


def test_a_split_comes_back_from_the_table_it_is_stored_as(simulated: pd.DataFrame, splits: Splits):
    again = Splits.from_table(splits.table(simulated))
    pd.testing.assert_series_equal(again.labels.sort_index(), splits.labels.sort_index(), check_names=False)
    assert again.unseen_users == splits.unseen_users
    assert (again.whole_sessions, again.time_ordered) == (splits.whole_sessions, splits.time_ordered)


def test_half_of_the_validation_rows_calibrate_in_sessions_of_their_own(simulated: pd.DataFrame, splits: Splits):
    label = simulated["interaction_id"].map(splits.labels)
    sessions = {split: set(simulated.loc[label == split, "session_id"]) for split in ("validation", "calibration")}
    assert not sessions["validation"] & sessions["calibration"]
    rows = splits.facts["rows"]
    assert rows["calibration"] == pytest.approx(rows["validation"], rel=0.35)


def test_one_long_session_in_the_validation_window_is_halved_in_time_and_the_facts_say_so():
    sizes = [20, 20, 20, 20, 20, 20, 19, 1, 20, 20]
    events = [
        turn(f"i{s:02}-{t:02}", 60 * s + t, session_id=f"s{s}", command="ls")
        for s, size in enumerate(sizes)
        for t in range(size)
    ]
    table = clean(*raw_tables(events)).interactions
    splits = assign_splits(table, SplitSettings(), seed=7)
    assert splits.facts["rows"]["validation"] == pytest.approx(splits.facts["rows"]["calibration"], abs=1)
    assert any("later half calibrates" in note for note in splits.facts["notes"])
    assert_clean(table, splits)


# A retrain


def retrained(
    table: pd.DataFrame, *, trained: float, known: float, fresh_rows: int = 50
) -> tuple[Splits, pd.Series, pd.Series]:
    """The split where the champions were trained on, and knew, these shares of the rows; which rows are later than
    each."""
    seen = SeenByChampions(*(table["time"].quantile(share, interpolation="lower") for share in (trained, known)))
    splits = assign_splits(table, SplitSettings(fresh_rows=fresh_rows), 7, seen)
    return splits, table["time"] > seen.trained_until, table["time"] > seen.data_until


def shares(table: pd.DataFrame, splits: Splits, rows: pd.Series) -> pd.Series:
    """Of these rows, known users' alone."""
    known = ~table["user_id"].isin(splits.unseen_users)
    return table.loc[rows & known, "interaction_id"].map(splits.labels).value_counts(normalize=True)


def test_a_retrain_is_evaluated_on_the_newest_rows_and_learns_from_new_ones(simulated: pd.DataFrame):
    splits, _, fresh = retrained(simulated, trained=0.5, known=0.7)
    label = simulated["interaction_id"].map(splits.labels)
    assert_clean(simulated, splits)
    assert set(label[~fresh]) <= {"train", LEFT_OUT}
    share = shares(simulated, splits, fresh)
    assert share["train"] == pytest.approx(0.4, abs=0.12)
    assert share["test"] == pytest.approx(0.4, abs=0.12)
    assert share["validation"] + share["calibration"] == pytest.approx(0.2, abs=0.12)


def test_users_held_out_are_evaluated_on_new_rows_alone(simulated: pd.DataFrame, splits: Splits):
    again, _, fresh = retrained(simulated, trained=0.5, known=0.7)
    label = simulated["interaction_id"].map(again.labels)
    held_out = simulated["user_id"].isin(splits.unseen_users)
    assert set(label[held_out & fresh]) == {"test"}
    assert set(label[held_out & ~fresh]) == {LEFT_OUT}
    assert again.facts["left_out"]["turn of a user held out, older than the held-out rows"] == (held_out & ~fresh).sum()


def test_what_champions_were_evaluated_on_is_learnt_from_once_there_are_newer_rows_to_hold_out(simulated: pd.DataFrame):
    again, _, fresh = retrained(simulated, trained=0.5, known=0.7)
    first = assign_splits(simulated[~fresh], SplitSettings(), 7)
    evaluated = first.labels.index[first.labels == "test"]
    assert (again.labels[evaluated] == "train").any()


@pytest.mark.parametrize("known", [0.8, 0.95, 1.0])
def test_with_too_few_new_rows_nothing_that_champions_were_fitted_on_is_held_out(simulated: pd.DataFrame, known: float):
    """They would win every comparison on it."""
    splits, unfitted, _ = retrained(simulated, trained=0.75, known=known, fresh_rows=10_000)
    label = simulated["interaction_id"].map(splits.labels)
    assert set(label[~unfitted]) <= {"train", LEFT_OUT}
    assert {"train", "validation", "calibration", "test"} <= set(label[unfitted])
    assert_clean(simulated, splits)


def test_without_a_session_to_hold_out_a_retrain_is_refused_with_a_sentence(simulated: pd.DataFrame):
    with pytest.raises(NotEnoughDataError, match=r"\d sessions began after 2026.*at least 4"):
        retrained(simulated, trained=1.0, known=1.0)


def test_where_most_rows_are_new_a_retrain_holds_out_no_more_than_a_first_training(simulated: pd.DataFrame):
    splits, *_ = retrained(simulated, trained=0.03, known=0.05)
    share = shares(simulated, splits, pd.Series(True, simulated.index))
    assert share["test"] == pytest.approx(0.2, abs=0.06)
