"""A training draws from generators of its own: what else runs in the process draws what it would have drawn."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch  # noqa: TID253

from ccml.features.encoder import load_encoder
from ccml.models.command.module import CommandTransforms
from ccml.models.command.training import train_command_predictor
from ccml.models.intent.training import train_intent_classifier
from ccml.models.policy.training import train_policy
from ccml.profiles import PROFILES, EncoderSettings, PolicySettings
from ccml_tests.models.policy.bandit import Bandit, episodes
from ccml_tests.models.rows import command_sequences, labelled_requests

SMOKE = PROFILES["smoke"]


def command() -> Any:
    rows = command_sequences(240)
    encoder = load_encoder(EncoderSettings("tiny-random", max_tokens=12), corpus=rows["request"])
    settings = replace(SMOKE.command, fine_tune_examples=100, end_to_end_examples=100, head_examples=200, lstm_units=32)
    transforms = CommandTransforms.fit(rows[rows["split"] == "train"], settings.history, settings.min_count)
    return train_command_predictor(rows, encoder, settings, transforms, seed=5)


def intent() -> Any:
    rows = labelled_requests(240)
    encoder = load_encoder(EncoderSettings("tiny-random", max_tokens=12), corpus=rows["request"])
    return train_intent_classifier(rows, encoder, replace(SMOKE.intent, examples=200), seed=5)


def policy() -> Any:
    frame = episodes(Bandit(), 1, {"train": 60, "validation": 30})
    settings = PolicySettings(hidden_units=8, epochs=4, batch_size=128)
    return train_policy(frame, settings, seed=5, data_hash="d", code_version="c")


@pytest.mark.parametrize("training", [command, intent, policy])
def test_a_training_leaves_the_generators_of_the_process_as_they_were(training: Callable[[], Any]) -> None:
    torch.manual_seed(11)
    before = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    training()
    assert torch.equal(torch.get_rng_state(), before[0])
    assert str(np.random.get_state()) == str(before[1])  # noqa: NPY002
    assert random.getstate() == before[2]
