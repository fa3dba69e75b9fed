"""The policy network and what it learns from a log whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch  # noqa: TID253  # what is tested is a torch module

from ccml.errors import NotEnoughDataError
from ccml.evaluation.statistics import Clusters
from ccml.models.artifact import Candidate, load_candidate
from ccml.models.policy.acting import EXECUTE, allowed_actions, served_distribution
from ccml.models.policy.features import PolicyTransform
from ccml.models.policy.module import served_log_probabilities, served_probabilities
from ccml.models.policy.off_policy import RewardModel, policy_value
from ccml.models.policy.training import Epoch, as_logged, train_policy
from ccml.profiles import PolicySettings
from ccml_tests.models.policy.bandit import Bandit, episodes

SETTINGS = PolicySettings(hidden_units=32, epochs=12, batch_size=256)
SESSIONS = {"train": 200, "validation": 60, "test": 120}


def trained(frame: Any, seed: int = 0, **arguments: Any) -> Candidate:
    torch.set_num_threads(1)
    return train_policy(frame, SETTINGS, seed=seed, data_hash="d" * 8, code_version="test", **arguments)


def improvement_on_test(candidate: Candidate, frame: Any) -> Any:
    test = frame[frame["split"] == "test"]
    transform = PolicyTransform.from_json(candidate.transforms["policy"])
    logged = as_logged(test, transform)
    predicted = RewardModel.fit(as_logged(frame[frame["split"] == "train"], transform)).predict(logged.features)
    clusters = Clusters(test["session_id"], "sessions")
    return policy_value(served_probabilities(candidate, test), predicted, logged, clusters).improvement


def test_training_sees_the_probabilities_that_will_be_served() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 4, (200, 5)).astype(np.float32)
    risk = rng.choice(["safe", "ask", "danger", "refused"], 200)
    in_torch = served_log_probabilities(torch.from_numpy(logits), torch.from_numpy(allowed_actions(risk)), 0.07).exp()
    assert np.abs(in_torch.numpy() - served_distribution(logits, risk, 0.07)).max() < 1e-6


def test_the_learnt_policy_beats_the_logging_policy_where_there_is_something_to_learn() -> None:
    frame = episodes(Bandit(), 1, SESSIONS)
    improvement = improvement_on_test(trained(frame), frame)
    assert improvement.low > 0.12  # the best policy would gain 0.257


def test_where_all_actions_are_equal_an_improvement_is_claimed_as_rarely_as_the_interval_promises() -> None:
    claims = 0
    for seed in range(24):
        frame = episodes(Bandit(contextual=False), 100 + seed, {"train": 80, "validation": 40, "test": 80})
        claims += improvement_on_test(trained(frame, seed), frame).low > 0.0
    assert claims <= 3  # expected 0.6 of 24; more than 3 has a chance below 0.3 %


def test_a_saved_policy_serves_what_was_trained(tmp_path: Path) -> None:
    frame = episodes(Bandit(), 2, SESSIONS)
    candidate = trained(frame)
    loaded = load_candidate(candidate.save(tmp_path / "policy"))
    assert np.array_equal(served_probabilities(loaded, frame), served_probabilities(candidate, frame))


def test_dangerous_commands_are_not_executed_by_a_policy_that_learnt_to_execute() -> None:
    frame = episodes(Bandit(), 3, SESSIONS)
    frame["reward"] = (frame["action"] == "execute").astype(float)
    candidate = trained(frame)
    assert served_probabilities(candidate, frame)[:, EXECUTE].mean() > 0.8
    assert served_probabilities(candidate, frame.assign(risk="danger"))[:, EXECUTE].max() == 0.0


def test_dangerous_commands_in_the_log_do_not_disturb_learning_from_the_others() -> None:
    frame = episodes(Bandit(), 9, SESSIONS)
    frame["risk"] = np.random.default_rng(9).choice(["safe", "ask", "danger", "refused"], len(frame))
    candidate = trained(frame)
    assert all(np.isfinite(tensor).all() for tensor in candidate.tensors.values())
    assert candidate.metrics["validation"]["improvement_low"] > 0.05


def test_test_episodes_have_no_part_in_training() -> None:
    frame = episodes(Bandit(), 4, SESSIONS)
    altered = frame.copy()
    test = altered["split"] == "test"
    altered.loc[test, "reward"] = 1.0 - altered.loc[test, "reward"]
    ours, theirs = trained(frame), trained(altered)
    assert all(np.array_equal(ours.tensors[name], theirs.tensors[name]) for name in ours.tensors)


def test_equal_seeds_give_equal_weights() -> None:
    frame = episodes(Bandit(), 5, {"train": 80, "validation": 30})
    first, again, other = trained(frame, 1), trained(frame, 1), trained(frame, 2)
    assert np.array_equal(first.tensors["actor.weight"], again.tensors["actor.weight"])
    assert not np.array_equal(first.tensors["actor.weight"], other.tensors["actor.weight"])


def test_every_epoch_is_reported_and_the_kept_one_has_the_highest_lower_bound() -> None:
    seen: list[Epoch] = []
    candidate = trained(episodes(Bandit(), 6, {"train": 80, "validation": 30}), report=seen.append)
    curve = candidate.training["learning_curve"]
    assert len(curve) == len(seen) == 3 * SETTINGS.epochs
    assert candidate.metrics["validation"]["improvement_low"] == max(epoch["improvement_low"] for epoch in curve)


def test_too_few_episodes_are_refused_with_their_number() -> None:
    with pytest.raises(NotEnoughDataError, match="at least 200 training"):
        trained(episodes(Bandit(), 7, {"train": 5, "validation": 5}))


def test_the_bound_that_an_epoch_is_chosen_by_is_the_report_s_interval_over_users() -> None:
    frame = episodes(Bandit(), 6, {"train": 80, "validation": 40})
    merged = frame.assign(
        user_id="u-" + frame["session_id"].str.extract(r"(\d+)$")[0].astype(int).floordiv(4).astype(str)
    )
    by_session, by_user = trained(frame), trained(merged)
    first = [one.training["learning_curve"][0] for one in (by_session, by_user)]
    assert first[0]["improvement"] == pytest.approx(first[1]["improvement"])
    assert first[0]["improvement_low"] != first[1]["improvement_low"]


def test_validation_episodes_of_too_few_users_and_sessions_are_refused() -> None:
    frame = episodes(Bandit(), 7, SESSIONS)
    with pytest.raises(NotEnoughDataError, match="come from 2 sessions, 8 needed"):
        trained(frame.assign(user_id="ada", session_id="s-" + (frame.index % 2).astype(str)))


def test_a_log_of_one_action_is_refused() -> None:
    frame = episodes(Bandit(), 8, SESSIONS).assign(action="execute", action_index=0)
    with pytest.raises(NotEnoughDataError, match="only ever took the action 'execute'"):
        trained(frame)


def test_a_feature_that_was_never_on_in_training_moves_no_answer() -> None:
    frame = episodes(Bandit(), 10, {"train": 80, "validation": 30})
    raw = np.stack([np.asarray(row, np.float32) for row in frame["features"]])
    constant = np.flatnonzero(np.nan_to_num(raw).std(axis=0) == 0.0)
    assert len(constant)
    candidate = trained(frame)
    on = raw.copy()
    on[:, constant] = 1.0
    assert np.array_equal(candidate.logits(frame.assign(features=list(on))), candidate.logits(frame))
