"""Feature tables: causal, the same day by day, and the same as the server computes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ccml.cleaning.join import clean
from ccml.features.context import CONTEXT_FIELDS, USER_FIELDS, TurnContext, context_row
from ccml.features.tables import (
    assemble_context,
    outcome_features,
    state_vectors,
    temporal_features,
    user_features,
    user_ledger,
)
from ccml_tests.tables import context_table, machine, ran, raw_tables, reported, turn


def vectors(table: pd.DataFrame) -> dict[str, np.ndarray]:
    return dict(zip(table["interaction_id"], table["context"], strict=True))


def test_the_context_table_is_what_the_server_computes_from_a_request(simulated: pd.DataFrame):
    """Train/serve parity, row by row: each turn is given to `TurnContext.from_session` as a client gives it."""
    found = vectors(context_table(simulated))
    for _, mine in simulated.groupby("user_id"):
        mine = mine.sort_values(["time", "session_id", "position"])
        for number, row in enumerate(mine.to_dict("records")):
            before, now = mine.iloc[:number], row["time"]
            session = before[(before["session_id"] == row["session_id"]) & before["executed"]]
            outcomes = [
                bool(ok) if pd.notna(ok) and known <= now else None
                for ok, known in zip(session["succeeded"], session["outcome_time"], strict=True)
            ]
            known_ok = before["succeeded"].fillna(False) & (before["outcome_time"] <= now)
            ratings = before.loc[before["rating_time"] <= now, "rating"].dropna()
            state = {
                name: row[name] for name in ("cpu_percent", "memory_percent", "disk_percent", "load_1m", "processes")
            }
            served = TurnContext.from_session(
                time=now.to_pydatetime(),
                directory=row["directory"],
                platform=row["platform"],
                outcomes=outcomes,
                seconds_since_previous=None
                if pd.isna(row["seconds_since_previous"])
                else row["seconds_since_previous"],
                state={name: None if pd.isna(value) else float(value) for name, value in state.items()},
                user={
                    "interactions": len(before),
                    "successes": int(known_ok.sum()),
                    "mean_rating": float(ratings.mean()) if len(ratings) else None,
                },
            )
            np.testing.assert_allclose(found[row["interaction_id"]], context_row(served), rtol=1e-5, atol=1e-6)


def test_changing_a_later_row_never_changes_an_earlier_ones_features(simulated: pd.DataFrame):
    whole = vectors(context_table(simulated))
    generator = np.random.default_rng(3)
    for cut in generator.choice(np.sort(simulated["time"].unique())[20:], size=6, replace=False):
        later = simulated["time"] > cut
        changed = simulated.copy()
        rows = int(later.sum())
        changed.loc[later, "succeeded"] = pd.array(generator.random(rows) < 0.5, dtype="boolean")
        changed.loc[later, "rating"] = pd.array(generator.integers(1, 6, rows), dtype="Int64")
        changed.loc[later, "rating_time"] = changed.loc[later, "time"]
        changed.loc[later, "outcome_time"] = changed.loc[later, "time"]
        # What was known only afterwards may change as well: an outcome and a rating of an earlier turn.
        known_later = ~later & (changed["rating_time"] > cut)
        changed.loc[known_later, "rating"] = 1
        known_later = ~later & (changed["outcome_time"] > cut)
        changed.loc[known_later, "succeeded"] = False
        again = vectors(context_table(changed))
        for name in simulated.loc[~later, "interaction_id"]:
            np.testing.assert_array_equal(again[name], whole[name])


def test_a_rating_given_after_a_turn_is_not_counted_for_it():
    rows = clean(*raw_tables([turn("a", 0), reported("a", 10, rating=5), turn("b", 5), turn("c", 15)])).interactions
    known = user_features(user_ledger(rows)).set_index("interaction_id")["user_mean_rating"]
    assert np.isnan(known["a"])
    assert np.isnan(known["b"])
    assert known["c"] == 5.0


def test_users_are_counted_over_all_their_sessions_and_apart_from_each_other():
    other = {"user_id": "u-00000000000b", "session_id": "t"}
    rows = clean(
        *raw_tables(
            [
                turn("a", 0, command="ls"),
                ran("a", 1, exit_status=0),
                turn("b", 300, command="ls"),
                turn("x", 301, **other),
            ]
        )
    ).interactions
    known = user_features(user_ledger(rows)).set_index("interaction_id")
    assert known["user_interactions"].to_dict() == {"a": 0.0, "b": 1.0, "x": 0.0}
    assert known["user_successes"].to_dict() == {"a": 0.0, "b": 1.0, "x": 0.0}


def test_features_made_day_by_day_are_those_of_all_days_at_once(simulated: pd.DataFrame):
    days = [rows for _, rows in simulated.groupby("day")]
    assert len(days) > 3
    parts = [
        pd.concat([make(day) for day in reversed(days)], ignore_index=True)
        for make in (temporal_features, outcome_features, user_ledger, state_vectors)
    ]
    whole, together = vectors(context_table(simulated)), vectors(assemble_context(*parts))
    assert whole.keys() == together.keys()
    for name, vector in whole.items():
        np.testing.assert_array_equal(together[name], vector)


@pytest.mark.parametrize("make", [state_vectors, temporal_features, outcome_features, user_ledger])
def test_every_daily_table_says_which_day_and_interaction_a_row_is_of(make, simulated: pd.DataFrame):
    table = make(simulated)
    assert len(table) == len(simulated)
    assert table["day"].tolist() == simulated["day"].tolist()
    assert table["interaction_id"].tolist() == simulated["interaction_id"].tolist()


def test_without_any_day_there_is_no_context():
    nothing = pd.DataFrame()
    assert list(assemble_context(nothing, nothing, nothing, nothing)) == ["interaction_id", "context"]


def test_the_context_survives_parquet(simulated: pd.DataFrame, tmp_path):
    table = context_table(simulated)
    table.to_parquet(tmp_path / "context.parquet")
    again = pd.read_parquet(tmp_path / "context.parquet")
    assert again["context"].iloc[0].dtype == np.float32
    np.testing.assert_array_equal(np.stack(again["context"]), np.stack(table["context"]))


def test_the_users_block_stands_where_the_field_names_say():
    rows = clean(*raw_tables([turn("a", 0), turn("b", 1), machine("m", 1, interaction_id="b", disk_percent=12.0)]))
    row = dict(zip(CONTEXT_FIELDS, vectors(context_table(rows.interactions))["b"].tolist(), strict=True))
    assert row["disk_percent"] == 12.0
    assert row[USER_FIELDS[0]] == pytest.approx(np.log1p(1))
