"""What MLflow is given of a training: curves of real trainings, whatever they are made of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ccml.models.artifact import Candidate
from ccml.profiles import PROFILES
from ccml_assets.tracking import training_curves
from ccml_tests.models.policy.bandit import Bandit, episodes
from ccml_tests.models.rows import labelled_requests

SMOKE = PROFILES["smoke"]


@pytest.fixture(scope="module")
def policy() -> Candidate:
    from ccml.models.policy.training import train_policy

    rows = episodes(Bandit(), 1, {"train": 120, "validation": 40, "test": 40})
    return train_policy(rows, replace(SMOKE.policy, epochs=4), seed=0, data_hash="d1", code_version="test")


@pytest.fixture(scope="module")
def intent() -> Candidate:
    from ccml.features.encoder import load_encoder
    from ccml.models.intent.training import train_intent_classifier

    rows = labelled_requests()
    encoder = load_encoder(SMOKE.encoder, corpus=rows["request"][rows["split"] == "train"])
    return train_intent_classifier(rows, encoder, replace(SMOKE.intent, examples=1_500), seed=0)


@pytest.mark.parametrize("model", ["policy", "intent"])
def test_a_training_has_curves_of_several_points_in_their_order(model: str, request: pytest.FixtureRequest) -> None:
    curves = training_curves(request.getfixturevalue(model).training)
    assert any(len(points) > 1 for points in curves.values())
    for name, points in curves.items():
        steps = [step for step, _ in points]
        assert steps == sorted(set(steps)), name


def test_the_loss_between_epochs_is_a_curve_too(intent: Candidate) -> None:
    curves = training_curves(intent.training)
    losses = next(points for name, points in curves.items() if name.endswith("/loss by step"))
    assert losses[0][1] > losses[-1][1]


def test_each_restart_of_the_policy_is_a_curve_of_its_own(policy: Candidate) -> None:
    restarts = policy.training["hyper_parameters"]["restarts"]
    curves = training_curves(policy.training)
    assert len([name for name in curves if name.endswith("/doubly_robust")]) == restarts
