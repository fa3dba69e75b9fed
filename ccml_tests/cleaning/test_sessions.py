"""Sittings are cut at pauses, and a turn has of its sitting what a client could have sent."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccml.cleaning.join import clean
from ccml.features.context import TurnContext
from ccml_tests.tables import at, ran, raw_tables, turn


def sessions(*minutes: float) -> list[str]:
    rows = clean(*raw_tables([turn(f"i{n:02}", when, command="ls") for n, when in enumerate(minutes)])).interactions
    return rows["session_id"].tolist()


def test_a_pause_longer_than_half_an_hour_ends_the_sitting():
    before, after = sessions(0, 31)
    assert before != after
    assert after == "s#20260302T093100"


def test_a_shorter_pause_does_not():
    assert len(set(sessions(0, 29, 58))) == 1


def test_users_with_the_same_session_name_have_their_own_sittings():
    rows = clean(
        *raw_tables([turn("a", 0, user_id="u-00000000000a"), turn("b", 1, user_id="u-00000000000b")])
    ).interactions
    assert rows["position"].tolist() == [0, 0]
    assert rows["seconds_since_previous"].isna().all()


def test_turns_of_one_second_keep_the_order_of_the_log():
    rows = clean(*raw_tables([turn(name, 0, command="ls") for name in ("z", "a", "m")])).interactions
    assert rows["interaction_id"].tolist() == ["z", "a", "m"]


@pytest.mark.parametrize(("known_after", "previous"), [(1, 1.0), (5, np.nan)])
def test_an_outcome_counts_only_once_it_is_known(known_after, previous):
    rows = clean(
        *raw_tables(
            [
                turn("a", 0, command="make"),
                ran("a", 0, ended_at=at(known_after), exit_status=0),
                turn("b", 2, command="ls"),
            ]
        )
    ).interactions
    found = rows["previous_succeeded"].to_numpy(dtype=float, na_value=np.nan)[1]
    np.testing.assert_equal(found, previous)
    assert rows["session_successes"].tolist() == [0, int(previous == 1.0)]


_turns = st.lists(
    st.tuples(
        st.integers(0, 10),  # minutes since the last turn
        st.sampled_from([True, False, None]),  # outcome
        st.integers(0, 25),  # minutes until it was known
        st.booleans(),  # did anything run?
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=40, deadline=None)
@given(_turns)
def test_the_session_so_far_is_what_a_client_that_kept_its_history_would_send(script):
    """Golden comparison with `TurnContext.from_session`, which is what the server calls."""
    events, when, turns = [], 0, []
    for number, (gap, outcome, delay, runs) in enumerate(script):
        when += gap
        name = f"i{number:02}"
        events.append(turn(name, when, command="make", action="execute"))
        if runs:
            status = None if outcome is None else int(not outcome)
            events.append(ran(name, when, ended_at=at(when + delay), exit_status=status))
        turns.append((when, outcome, when + delay, runs))
    rows = clean(*raw_tables(events)).interactions.sort_values("interaction_id", ignore_index=True)
    for number, (now, *_) in enumerate(turns):
        history = [outcome if known <= now else None for _, outcome, known, runs in turns[:number] if runs]
        sent = TurnContext.from_session(time=at(now), outcomes=history)
        row = rows.iloc[number]
        assert row["session_commands"] == sent.session_position
        assert row["session_successes"] == sent.session_successes
        assert row["session_failures_in_a_row"] == sent.session_failures_in_a_row
        previous = rows["previous_succeeded"].to_numpy(dtype=object, na_value=None)[number]
        assert previous == sent.previous_succeeded
