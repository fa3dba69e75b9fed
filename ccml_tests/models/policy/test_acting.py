"""The probabilities that are drawn from when the assistant acts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccml.models.policy.acting import EXECUTE, UNSTATED, acting_level, allowed_actions, explore, served_distribution
from ccml.telemetry.events import ACTIONS

logits = st.lists(st.floats(-500, 500), min_size=5, max_size=5)
risks = st.sampled_from(["safe", "ask", "danger", "refused", "unheard of", ""])


@given(logits, risks, st.floats(0.01, 1.0))
def test_every_allowed_action_keeps_a_floor_and_the_rest_are_impossible(
    scores: list[float], risk: str, exploration: float
) -> None:
    probabilities = served_distribution(scores, risk, exploration)
    allowed = allowed_actions([risk])[0]
    assert probabilities.sum() == pytest.approx(1.0)
    assert np.all(probabilities[allowed] >= exploration / allowed.sum() - 1e-12)
    assert np.all(probabilities[~allowed] == 0.0)


@pytest.mark.parametrize("risk", ["ask", "danger", "refused", UNSTATED, "a level of a later version"])
def test_what_is_not_known_to_be_harmless_is_never_executed_however_sure_the_policy(risk: str) -> None:
    sure = np.zeros(len(ACTIONS))
    sure[EXECUTE] = 1_000.0
    assert served_distribution(sure, risk, 0.1)[EXECUTE] == 0.0


def test_a_sure_policy_executes_what_is_proven_to_read_only() -> None:
    sure = np.zeros(len(ACTIONS))
    sure[EXECUTE] = 1_000.0
    assert served_distribution(sure, "safe", 0.1)[EXECUTE] == pytest.approx(0.92)


def test_a_safe_command_on_another_file_than_the_one_named_limits_like_an_unsafe_one() -> None:
    assert acting_level("safe", "show budget.csv", "cat budget.csv") == "safe"
    assert acting_level("safe", "show budget.csv", "cat install-notes.txt") == UNSTATED
    assert acting_level("ask", "show budget.csv", "pytest tests") == "ask"


def test_out_of_scope_the_policy_asks_back_or_hands_over() -> None:
    outside = acting_level("safe", "show budget.csv", "cat budget.csv", out_of_scope=True)
    probabilities = served_distribution(np.zeros(len(ACTIONS)), outside, 0.1)
    drawn = {action for action, share in zip(ACTIONS, probabilities, strict=True) if share > 0}
    assert drawn == {"clarify", "hand_over"}
    assert acting_level("safe", "rm -rf /", "df -h") == outside
    assert acting_level("danger", "rm -rf build", "rm -rf build") == "danger"


def test_many_turns_at_once_give_what_one_at_a_time_gives() -> None:
    rng = np.random.default_rng(0)
    scores, levels = rng.normal(size=(6, 5)), ["safe", "ask", "danger", "refused", "safe", "danger"]
    together = served_distribution(scores, levels, 0.05)
    for row, level, probabilities in zip(scores, levels, together, strict=True):
        assert served_distribution(row, level, 0.05) == pytest.approx(probabilities)


def test_exploring_mixes_in_only_what_is_allowed() -> None:
    chosen = np.eye(5)[[ACTIONS.index("confirm")] * 2]
    mixed = explore(chosen, allowed_actions(["safe", "danger"]), 0.1)
    assert mixed[0].tolist() == pytest.approx([0.02, 0.92, 0.02, 0.02, 0.02])
    assert mixed[1].tolist() == pytest.approx([0.0, 0.925, 0.025, 0.025, 0.025])
