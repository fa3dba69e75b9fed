"""Logged actions with their propensities, what was known before, and what it was worth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ccml.cleaning.join import clean
from ccml.datasets.leakage import check_leakage
from ccml.datasets.splits import Splits
from ccml.errors import NotEnoughDataError
from ccml.evaluation.statistics import clusters_of
from ccml.models.command.dataset import MINIMUM_ROWS
from ccml.models.policy.dataset import episodes
from ccml.models.policy.features import POLICY_FIELDS, PolicyTransform
from ccml.models.policy.module import raw_features
from ccml.models.policy.off_policy import RewardModel, policy_value
from ccml.models.policy.training import as_logged
from ccml.telemetry.events import ACTIONS
from ccml_tests.tables import context_table, ran, raw_tables, reported, turn


def hand_made(*events) -> tuple[pd.DataFrame, pd.DataFrame, Splits]:
    rows = clean(*raw_tables(events)).interactions
    labels = pd.Series({name: name.split("-")[0] for name in rows["interaction_id"]}, dtype=object)
    return rows, context_table(rows), Splits(labels, frozenset(), True, True, {})


def logged(action: str = "execute", propensity: float | None = 0.5) -> list:
    """Just enough rows for every split."""
    return [
        turn(f"{split}-other{n}", 1000 * stage + n, command="ls", action=action, propensity=propensity)
        for stage, (split, least) in enumerate(MINIMUM_ROWS.items(), start=1)
        for n in range(least)
    ]


def test_the_reward_is_the_weighted_sum_of_its_components():
    extra = turn("train-2", 1, command="ls", action="confirm", propensity=0.25, confidence=0.7)
    outcome = ran("train-2", 1.1, exit_status=0, duration_ms=5_000.0, cpu_ms=2_000.0)
    dataset = episodes(*hand_made(*logged(), extra, outcome, reported("train-2", 2, rating=5)))
    row = dataset.rows.set_index("interaction_id").loc["train-2"]
    assert row["reward"] == pytest.approx(0.5 * 1 + 0.3 * 1 + 0.1 * 0.5 + 0.1 * 0.5)
    assert (row["action"], row["action_index"], row["propensity"]) == ("confirm", ACTIONS.index("confirm"), 0.25)
    features = dict(zip(POLICY_FIELDS, row["features"].tolist(), strict=True))
    assert features["confidence"] == pytest.approx(0.7)
    assert features["risk_safe"] == 1.0


def test_what_came_of_the_action_is_not_among_the_features():
    """The same turns with other outcomes have the same features."""
    turns = [*logged(), turn("train-2", 1, command="ls", action="confirm", propensity=0.25)]
    good = episodes(*hand_made(*turns, ran("train-2", 1.1, exit_status=0), reported("train-2", 2, rating=5))).rows
    bad = episodes(*hand_made(*turns, ran("train-2", 1.1, exit_status=1), reported("train-2", 2, rating=1))).rows
    assert good["reward"].sum() > bad["reward"].sum()
    first = (good["interaction_id"] == "train-2").to_numpy()
    np.testing.assert_array_equal(np.stack(good["features"])[first], np.stack(bad["features"])[first])


def test_rows_without_a_propensity_are_left_out_and_counted():
    dataset = episodes(*hand_made(*logged(), turn("train-2", 1, action="confirm", propensity=0.5), turn("train-3", 2)))
    assert "train-3" not in set(dataset.rows["interaction_id"])
    assert dataset.facts["left_out"] == {"no action": 1}


def test_without_any_propensity_no_policy_can_be_judged():
    with pytest.raises(NotEnoughDataError, match="none was drawn"):
        episodes(*hand_made(*logged(propensity=None)))


def test_a_log_of_one_action_has_nothing_to_choose_from():
    with pytest.raises(NotEnoughDataError, match="'execute'"):
        episodes(*hand_made(*logged()))


def test_on_simulated_telemetry_every_row_is_an_episode_and_nothing_leaks(simulated, context, splits: Splits):
    dataset = episodes(simulated, context, splits)
    assert len(dataset.rows) + sum(dataset.facts["left_out"].values()) == len(simulated)
    assert dataset.rows["reward"].between(0, 1).all()
    assert np.stack(dataset.rows["features"]).shape == (len(dataset.rows), len(POLICY_FIELDS))
    assert check_leakage(dataset.rows) == []


EXECUTED, CONFIRMED = 0.3, 0.7
"""How often the logging policy draws each of two actions; the first succeeds nine times in ten, the second four."""


def log_with_fallbacks(share: float, propensity: float | None) -> list:
    """Sessions of ten turns, of which a fallback answers `share`: always with the same action, drawing nothing."""
    rng = np.random.default_rng(int(100 * share))
    events = []
    for n in range(1_500):
        name = f"{('train', 'test', 'test', 'validation', 'calibration')[n % 5]}-{n}"
        fallback = rng.random() < share
        action = "confirm" if fallback or rng.random() < CONFIRMED else "execute"
        given = propensity if fallback else {"execute": EXECUTED, "confirm": CONFIRMED}[action]
        who = {"session_id": f"s-{n // 10}", "user_id": f"u-{n // 40:012d}"}
        policy = "default" if fallback else "softmax-1"
        events.append(
            turn(name, n, command="ls", action=action, propensity=given, confidence=0.5, policy_version=policy, **who)
        )
        failed = rng.random() > {"execute": 0.9, "confirm": 0.4}[action]
        events.append(ran(name, n + 0.1, exit_status=int(failed), duration_ms=5_000.0, cpu_ms=2_000.0))
    return events


@pytest.mark.parametrize("propensity", [None, 1.0])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6])
def test_answers_of_a_fallback_are_counted_and_leave_the_value_of_another_policy_as_it_is(share, propensity):
    events = log_with_fallbacks(share, propensity)
    fallbacks = sum(event.policy_version == "default" for event in events if hasattr(event, "policy_version"))
    dataset = episodes(*hand_made(*events))
    counted = dataset.facts["left_out"].get("action not drawn: no propensity, or one", 0)
    assert counted == fallbacks
    assert dataset.facts["drawn_by"] == {"softmax-1": 1_500 - fallbacks}

    transform = PolicyTransform.fit(raw_features(dataset.rows[dataset.rows["split"] == "train"]))
    train, test = (dataset.rows[dataset.rows["split"] == split] for split in ("train", "test"))
    logged = as_logged(test, transform)
    always_execute = np.eye(len(ACTIONS))[np.zeros(len(test), int)]
    predicted = RewardModel.fit(as_logged(train, transform)).predict(logged.features)
    value = policy_value(always_execute, predicted, logged, clusters_of(test))
    truth = 0.5 * 0.9 + 0.3 * 0.5 + 0.1 * 0.5 + 0.1 * 0.5
    for estimate in (value.ips, value.snips, value.doubly_robust):
        low, high = estimate.ends
        assert low <= truth <= high
