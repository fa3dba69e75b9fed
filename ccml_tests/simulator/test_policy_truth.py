"""The logged actions and their propensities, and the truth about what each action was worth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ccml.models.policy.reward import reward, reward_components
from ccml.telemetry.events import ACTIONS, Error, Execution, Feedback, Interaction
from ccml_simulator.assistant import SUPPORT, logging_policy
from ccml_simulator.expected import expected_reward
from ccml_simulator.outcome import Situation, branches, success_probability
from ccml_tests.simulator.worlds import world

REWARDS = [f"reward_{action}" for action in ACTIONS]
LOGGED = [f"logged_{action}" for action in ACTIONS]


def _situation(**changes: object) -> Situation:
    base: dict[str, object] = {
        "right": 0.9,
        "risk": "safe",
        "cost": "light",
        "reliability": 0.95,
        "strain": 0.0,
        "slowdown": 1.0,
        "expertise": 0.5,
        "patience": 0.5,
    }
    return Situation(**{**base, **changes})  # type: ignore[arg-type]


def _best(**changes: object) -> str:
    return max(ACTIONS, key=lambda action: expected_reward(action, _situation(**changes)))


def test_the_propensity_is_the_probability_that_was_drawn_by() -> None:
    truth = world().truth.set_index("interaction_id")
    for turn in world().events[Interaction]:
        assert turn.action is not None
        assert turn.propensity == truth.at[turn.event_id, f"logged_{turn.action}"]


def test_every_action_has_support_everywhere() -> None:
    probabilities = world().truth[LOGGED].to_numpy()
    assert probabilities.min() >= 0.02
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-12)
    assert min(logging_policy(0.999, "danger")) >= SUPPORT


def test_actions_occur_as_often_as_their_propensities_say() -> None:
    """χ² over the actions, with the variance of a sum of unequal Bernoulli draws."""
    from scipy.stats import chi2

    probabilities = world().truth.set_index("interaction_id")[LOGGED]
    turns = world().events[Interaction]
    probability = probabilities.loc[[turn.event_id for turn in turns]].to_numpy()  # (N, A)
    taken = np.array([[turn.action == action for action in ACTIONS] for turn in turns], float)  # (N, A)
    surprise = (taken - probability).sum(axis=0)[:-1]  # (A - 1,)
    covariance = np.diag(probability.sum(axis=0)) - probability.T @ probability  # (A, A)
    statistic = surprise @ np.linalg.solve(covariance[:-1, :-1], surprise)
    assert chi2.sf(statistic, len(ACTIONS) - 1) > 0.001


def test_branches_of_every_action_add_to_one() -> None:
    for action in ACTIONS:
        for changes in ({}, {"right": 0.1}, {"risk": "danger"}, {"out_of_scope": True}, {"broken": True}):
            tree = branches(action, _situation(**changes))
            assert sum(branch.probability for branch in tree) == pytest.approx(1.0)
            assert all(branch.probability >= 0 for branch in tree)
            assert 0.0 <= success_probability(action, _situation(**changes)) <= 1.0


def test_the_truth_agrees_with_the_rewards_computed_from_the_log() -> None:
    """Mean reward by the project's definition, per logged action, against the mean of what the truth expects there."""
    frame = pd.DataFrame({"id": t.event_id, "action": t.action} for t in world().events[Interaction]).set_index("id")
    for kind, names in (
        (Execution, ("exit_status", "duration_ms", "cpu_ms", "memory_mb")),
        (Error, ("recovered", "recovery_ms")),
        (Feedback, ("rating", "verdict")),
    ):
        for name in names:
            values = {event.interaction_id: getattr(event, name) for event in world().events[kind]}
            frame[name] = [values.get(interaction) for interaction in frame.index]
    succeeded = [None if status is None or status != status else status == 0 for status in frame["exit_status"]]
    columns = ("recovered", "rating", "verdict", "duration_ms", "recovery_ms", "cpu_ms", "memory_mb")
    components = reward_components(
        succeeded=succeeded,
        **{name: [None if v is None or v != v else v for v in frame[name]] for name in columns},
    )
    frame["reward"] = reward(components)
    truth = world().truth.set_index("interaction_id").loc[frame.index]
    for action in ACTIONS:
        chosen = frame["action"] == action
        got = frame.loc[chosen, "reward"]
        expected = truth.loc[chosen, f"reward_{action}"].mean()
        assert got.mean() == pytest.approx(expected, abs=4 * got.std() / np.sqrt(len(got)) + 0.005)


def test_there_is_much_to_gain_over_the_logging_policy_and_over_every_constant_action() -> None:
    truth = world().truth
    rewards = truth[REWARDS].to_numpy()
    logging = (rewards * truth[LOGGED].to_numpy()).sum(axis=1).mean()
    best = rewards.max(axis=1).mean()
    assert best >= logging + 0.06
    assert best >= rewards.mean(axis=0).max() + 0.04


def test_the_best_action_follows_what_can_be_seen() -> None:
    assert _best(right=0.97, risk="safe") == "execute"
    assert _best(right=0.97, risk="danger") == "confirm"
    assert _best(right=0.4, expertise=0.9) == "suggest"
    assert _best(out_of_scope=True) == "hand_over"


def test_a_busy_machine_makes_heavy_work_run_unseen_worse() -> None:
    idle = success_probability("execute", _situation(cost="heavy"))
    busy = success_probability("execute", _situation(cost="heavy", strain=1.0))
    light = success_probability("execute", _situation(cost="light", strain=1.0))
    assert busy < 0.5 * idle
    assert light > 0.85 * idle


def test_impatient_people_mind_needless_questions() -> None:
    patient = success_probability("confirm", _situation(patience=0.9))
    assert success_probability("confirm", _situation(patience=0.1)) < patient - 0.1


def test_a_confident_proposal_is_right_more_often() -> None:
    truth = world().truth.set_index("interaction_id")
    turns = [turn for turn in world().events[Interaction] if turn.command]
    right = np.array([bool(truth.at[turn.event_id, "right"]) for turn in turns])
    confidence = np.array([turn.confidence for turn in turns], float)
    assert confidence[right].mean() > confidence[~right].mean() + 0.15
