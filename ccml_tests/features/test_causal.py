"""Nothing later may be counted."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ccml.features.causal import known_sum

_turns = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5), st.integers(-3, 8), st.integers(0, 3)), max_size=25)


@settings(max_examples=200, deadline=None)
@given(_turns)
def test_the_sum_is_that_of_the_loop_that_asks_what_was_known(script):
    turns = sorted(script, key=lambda row: (row[0], row[1]))
    group, time, delay, value = (np.asarray([row[column] for row in turns], np.int64) for column in range(4))
    known_at = time + delay
    expected = [
        sum(
            value[j]
            for j in range(len(turns))
            if group[j] == group[i] and max(known_at[j], time[j]) <= time[i] and j < i
        )
        for i in range(len(turns))
    ]
    np.testing.assert_array_equal(known_sum(group, time, known_at, value.astype(float)), expected)


def test_a_turn_never_counts_for_itself():
    one = np.zeros(1, np.int64)
    assert known_sum(one, one, one, np.ones(1)).tolist() == [0.0]


def test_of_two_turns_at_one_moment_the_first_counts_for_the_second():
    zero = np.zeros(2, np.int64)
    assert known_sum(zero, zero, zero, np.ones(2)).tolist() == [0.0, 1.0]
