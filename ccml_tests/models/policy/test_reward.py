"""Four components in [0, 1], worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccml.models.policy.reward import COMPONENTS, reward, reward_components


def components(**known) -> dict[str, float]:
    names = ("succeeded", "recovered", "rating", "verdict", "duration_ms", "recovery_ms", "cpu_ms", "memory_mb")
    row = reward_components(**{name: [known.get(name)] for name in names})[0]
    return dict(zip(COMPONENTS, row.tolist(), strict=True))


def test_a_turn_of_which_nothing_is_known_achieved_nothing_and_is_neutral_otherwise():
    assert components() == {"success": 0.0, "satisfaction": 0.5, "execution": 0.5, "resources": 0.5}


def test_a_failure_that_was_mended_is_half_a_success():
    assert components(succeeded=True)["success"] == 1.0
    assert components(succeeded=False, recovered=True)["success"] == 0.5
    assert components(succeeded=False, recovered=False)["success"] == 0.0


def test_satisfaction_is_the_mean_of_rating_and_verdict():
    assert components(rating=5)["satisfaction"] == 1.0
    assert components(rating=1)["satisfaction"] == 0.0
    assert components(verdict="edited")["satisfaction"] == 0.6
    assert components(rating=3, verdict="accepted")["satisfaction"] == 0.75


def test_time_to_run_and_to_recover_lower_the_execution_efficiency():
    assert components(duration_ms=0.0)["execution"] == 1.0
    assert components(duration_ms=5_000.0)["execution"] == 0.5
    assert components(duration_ms=2_000.0, recovery_ms=3_000.0)["execution"] == 0.5


def test_resource_efficiency_is_the_mean_of_what_was_measured():
    assert components(cpu_ms=2_000.0)["resources"] == 0.5
    assert components(cpu_ms=0.0, memory_mb=512.0)["resources"] == 0.75


def test_the_reward_is_half_success_three_tenths_satisfaction_and_a_tenth_of_each_efficiency():
    assert COMPONENTS == ("success", "satisfaction", "execution", "resources")
    assert reward(np.eye(4)).tolist() == [0.5, 0.3, 0.1, 0.1]
    assert reward(np.ones((1, 4))).tolist() == pytest.approx([1.0])


def test_nullable_columns_of_a_table_do_as_well_as_lists():
    table = pd.DataFrame({"succeeded": pd.array([True, None], "boolean"), "rating": pd.array([4, None], "Int64")})
    nothing = pd.Series([None, None], dtype="Float64")
    out = reward_components(
        **{name: table[name] for name in table},
        recovered=nothing,
        verdict=pd.Series(["accepted", pd.NA], dtype="string"),
        **dict.fromkeys(("duration_ms", "recovery_ms", "cpu_ms", "memory_mb"), nothing),
    )
    assert out[:, 0].tolist() == [1.0, 0.0]
    assert out[:, 1].tolist() == [0.875, 0.5]


_maybe = st.none() | st.floats(0, 1e9)


@given(st.none() | st.booleans(), st.none() | st.integers(1, 5), _maybe, _maybe, _maybe, _maybe)
def test_every_reward_lies_between_zero_and_one(succeeded, rating, duration_ms, recovery_ms, cpu_ms, memory_mb):
    row = components(
        succeeded=succeeded,
        rating=rating,
        duration_ms=duration_ms,
        recovery_ms=recovery_ms,
        cpu_ms=cpu_ms,
        memory_mb=memory_mb,
    )
    assert all(0.0 <= value <= 1.0 for value in row.values())
