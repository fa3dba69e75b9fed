"""The value of a policy from another policy's log, on a bandit whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ccml.errors import NotEnoughDataError
from ccml.evaluation.statistics import Clusters
from ccml.models.policy.acting import EXECUTE, allowed_actions
from ccml.models.policy.off_policy import (
    RewardModel,
    constant_policy,
    doubly_robust_scores,
    effective_sample_size,
    policy_value,
    rule_policy,
)
from ccml.telemetry.events import ACTIONS
from ccml_tests.models.policy.bandit import A, Bandit

REPETITIONS = 200


def sharp(features: Any) -> Any:
    """A policy far from the logging one: weights between 0.02 and 15."""
    scores = np.exp(3.0 * features[:, 1:2] * np.linspace(1, -1, A) + np.array([0.0, 0.3, 0.6, 0.0, 0.0]))
    return 0.95 * scores / scores.sum(axis=1, keepdims=True) + 0.05 / A


def test_estimates_agree_with_plain_loops_over_the_formulas() -> None:
    rng = np.random.default_rng(0)
    logged, session = Bandit().draw(rng, 40)
    target = sharp(logged.features)
    predicted = rng.random((len(logged), A))
    value = policy_value(target, predicted, logged, Clusters(session, "sessions"))

    ips = snips_top = snips_bottom = dr = ess_bottom = 0.0
    for i in range(len(logged)):
        a, r = int(logged.action[i]), float(logged.reward[i])
        w = float(target[i, a]) / float(logged.propensity[i])
        ips += w * r / len(logged)
        snips_top, snips_bottom, ess_bottom = snips_top + w * r, snips_bottom + w, ess_bottom + w * w
        direct = 0.0
        for b in range(A):
            direct += float(target[i, b]) * float(predicted[i, b])
        dr += (direct + w * (r - float(predicted[i, a]))) / len(logged)
    assert value.ips.estimate == pytest.approx(ips)
    assert value.snips.estimate == pytest.approx(snips_top / snips_bottom)
    assert value.doubly_robust.estimate == pytest.approx(dr)
    assert value.improvement.estimate == pytest.approx(dr - logged.reward.mean())
    assert value.improvement_snips.estimate == pytest.approx(snips_top / snips_bottom - logged.reward.mean())
    assert value.effective_sample_size == pytest.approx(snips_bottom**2 / ess_bottom)


def test_intervals_of_every_estimator_cover_the_true_value_at_about_the_nominal_rate() -> None:
    bandit, rng = Bandit(), np.random.default_rng(1)
    truth = bandit.value(sharp)
    gain = truth - bandit.value(bandit.logging)
    reward_model = RewardModel.fit(bandit.draw(rng, 300)[0])
    covered = dict.fromkeys(("ips", "snips", "doubly_robust", "improvement", "improvement_snips"), 0)
    for _ in range(REPETITIONS):
        logged, session = bandit.draw(rng, 150)
        clusters = Clusters(session, "sessions")
        value = policy_value(sharp(logged.features), reward_model.predict(logged.features), logged, clusters)
        for name in covered:
            interval = getattr(value, name)
            covered[name] += interval.low <= (gain if "improvement" in name else truth) <= interval.high
    rates = {name: hits / REPETITIONS for name, hits in covered.items()}
    assert all(0.90 <= rate <= 0.99 for rate in rates.values()), rates


def test_a_wrong_reward_model_widens_the_doubly_robust_interval_but_does_not_shift_it() -> None:
    bandit, rng = Bandit(), np.random.default_rng(2)
    logged, session = bandit.draw(rng, 3_000)
    clusters = Clusters(session, "sessions")
    target = sharp(logged.features)
    good = policy_value(target, bandit.expected_reward(logged.features), logged, clusters).doubly_robust
    bad = policy_value(target, 1.0 - bandit.expected_reward(logged.features), logged, clusters).doubly_robust
    truth = bandit.value(sharp)
    assert good.low <= truth <= good.high
    assert bad.low <= truth <= bad.high
    assert bad.high - bad.low > 1.2 * (good.high - good.low)


def test_the_logging_policy_evaluated_on_its_own_log_has_weights_of_one_and_no_improvement() -> None:
    bandit = Bandit()
    logged, session = bandit.draw(np.random.default_rng(3), 50)
    predicted = RewardModel.fit(logged).predict(logged.features)
    value = policy_value(bandit.logging(logged.features), predicted, logged, Clusters(session, "sessions"))
    assert value.effective_sample_size == pytest.approx(len(logged))
    assert value.ips.estimate == value.snips.estimate == pytest.approx(logged.reward.mean())
    assert value.improvement_snips.low <= 0.0 <= value.improvement_snips.high


def test_a_policy_whose_actions_were_never_logged_is_refused_rather_than_judged() -> None:
    logged, session = Bandit().draw(np.random.default_rng(4), 20)
    only_first = replace(logged, action=np.zeros(len(logged), np.int64))
    never = constant_policy("hand_over", logged.risk, allowed_actions(logged.risk))
    with pytest.raises(NotEnoughDataError, match="no action"):
        policy_value(never, np.zeros((len(logged), A)), only_first, Clusters(session, "sessions"))


def test_the_reward_model_recovers_linear_rewards_and_predicts_the_mean_for_an_action_never_seen() -> None:
    bandit = Bandit(session_spread=0.0)
    logged, _ = bandit.draw(np.random.default_rng(5), 3_000)
    fitted = RewardModel.fit(logged).predict(logged.features)
    assert np.abs(fitted - bandit.expected_reward(logged.features)).mean() < 0.03
    unseen = replace(logged, action=np.where(logged.action == 4, 0, logged.action))
    assert RewardModel.fit(unseen).predict(logged.features)[:, 4] == pytest.approx(logged.reward.mean())


def test_scores_average_to_the_value_and_one_heavy_weight_shows_in_the_effective_sample_size() -> None:
    logged, session = Bandit().draw(np.random.default_rng(6), 30)
    target, predicted = sharp(logged.features), np.full((len(logged), A), 0.5)
    value = policy_value(target, predicted, logged, Clusters(session, "sessions"))
    assert doubly_robust_scores(target, predicted, logged).mean() == pytest.approx(value.doubly_robust.estimate)
    assert effective_sample_size(np.array([1.0, 1.0, 1.0])) == pytest.approx(3.0)
    assert effective_sample_size(np.array([100.0, 1.0, 1.0])) < 1.1


def test_simple_policies_execute_only_what_is_safe() -> None:
    risk = np.array(["safe", "ask", "danger", "refused"])
    execute = constant_policy("execute", risk, allowed_actions(risk))
    assert execute[:, EXECUTE].tolist() == [1.0, 0.0, 0.0, 0.0]
    assert rule_policy(risk)[:, EXECUTE].tolist() == [1.0, 0.0, 0.0, 0.0]
    assert execute.sum(axis=1) == pytest.approx(np.ones(4))
    assert constant_policy("clarify", risk, allowed_actions(risk))[:, ACTIONS.index("clarify")].tolist() == [1.0] * 4
