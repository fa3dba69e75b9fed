"""One typed configuration with three presets. A field that nothing reads fails a test.

`smoke` takes seconds and needs no weights, `laptop` takes minutes on two cores, `gpu` is the full size of the mission.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field, replace
from math import sqrt
from typing import Literal, TypeAlias

from ccml.errors import InputError

EncoderName: TypeAlias = Literal["tiny-random", "minilm", "bert-base-uncased"]
CommandTarget: TypeAlias = Literal["program", "template", "line"]
ProfileName: TypeAlias = Literal["smoke", "laptop", "gpu"]


@dataclass(frozen=True)
class EncoderSettings:
    name: EncoderName = "minilm"
    max_tokens: int = 32
    """Longer requests are cut here; attention cost grows with its square."""


@dataclass(frozen=True)
class SimulationSettings:
    """Sample telemetry, made only when the landing zone is empty."""

    users: int = 60
    days: int = 30
    interactions: int = 21_000
    """Expected count; at least 20,000 land."""
    seed: int = 7


@dataclass(frozen=True)
class SplitSettings:
    """By time for known users, and some users wholly unseen."""

    validation_fraction: float = 0.12
    test_fraction: float = 0.2
    unseen_user_fraction: float = 0.08
    """Share of users all of whose sessions are test rows."""
    fresh_rows: int = 1_000
    """Known users' interactions since the champions' data from which on a retrain holds out rows of these alone. Two
    fifths of them test, of which a quarter tells nothing: enough for the gate's `minimum_rows`."""
    near_duplicate_similarity: float = 0.9
    """Jaccard similarity of character shingles above which a training text is dropped in favour of a held-out one."""
    augmentation_copies: int = 1
    """Label-preserving rewrites made of a training request."""


@dataclass(frozen=True)
class CommandSettings:
    target: CommandTarget = "template"
    min_count: int = 3
    """A target seen less often in training is not a class; such rows count as misses when judged."""
    history: int = 8
    """Commands of the running session the model sees."""
    fine_tune_examples: int = 2_000
    """Rows the encoder sees in step 2; more than there are means several epochs."""
    end_to_end_examples: int = 640
    """The same for step 6."""
    head_examples: int = 26_000
    """Rows that step 5 sees, in whole passes, at least one; steps 3 and 4, which it goes on from, get half as many."""
    batch_size: int = 64
    learning_rate: float = 1e-3
    """For a batch of 16, see `step_size`."""
    encoder_learning_rate: float = 7e-4
    lstm_units: int = 192
    attention_heads: int = 8
    dropout: float = 0.3

    @property
    def step_size(self) -> float:
        """Adam's steps may grow with the square root of the batch (Malladi et al. 2022); so the search can choose batch
        and rate one by one."""
        return self.learning_rate * sqrt(self.batch_size / 16)


@dataclass(frozen=True)
class IntentSettings:
    examples: int = 4_500
    """Rows the encoder sees; more than there are means several epochs."""
    batch_size: int = 32
    """Steps of 32 rows cost a tenth more time a row than steps of 64 and reach the same accuracy with fewer rows."""
    learning_rate: float = 6e-4
    attention_heads: int = 8
    dropout: float = 0.1
    label_smoothing: float = 0.1


@dataclass(frozen=True)
class PolicySettings:
    hidden_units: int = 64
    epochs: int = 30
    batch_size: int = 512
    learning_rate: float = 3e-3
    importance_clip: float = 5.0
    """Upper bound on a training importance weight: variance bought with bias."""
    exploration: float = 0.05
    """Share of the served action probability spread evenly over the allowed actions, so that logs stay usable."""


@dataclass(frozen=True)
class StudySettings:
    """Optuna over the mission's ranges (M3)."""

    trials: int = 4
    examples: int = 1_000
    """Few rows, several times: after one or two passes the widest network always leads, whatever it ends up with."""
    epochs: int = 4
    timeout_seconds: float = 60.0


@dataclass(frozen=True)
class EvaluationSettings:
    bootstrap_replicates: int = 1_000
    confidence: float = 0.95


@dataclass(frozen=True)
class GateSettings:
    margin: float = 0.0
    """By how much the lower end of the interval of candidate − reference must exceed zero."""
    minimum_rows: int = 200
    """Fewer held-out rows than this is `not enough data`, whatever they say."""


@dataclass(frozen=True)
class Profile:
    name: ProfileName
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    simulation: SimulationSettings = field(default_factory=SimulationSettings)
    split: SplitSettings = field(default_factory=SplitSettings)
    command: CommandSettings = field(default_factory=CommandSettings)
    intent: IntentSettings = field(default_factory=IntentSettings)
    policy: PolicySettings = field(default_factory=PolicySettings)
    study: StudySettings = field(default_factory=StudySettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    gate: GateSettings = field(default_factory=GateSettings)
    seed: int = 7

    @property
    def fingerprint(self) -> str:
        """Eight hex digits that change when any field does; part of every asset's code version."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:8]


_LAPTOP = Profile("laptop")

PROFILES: dict[str, Profile] = {
    "smoke": Profile(
        "smoke",
        encoder=EncoderSettings("tiny-random", max_tokens=24),
        simulation=SimulationSettings(users=12, days=8, interactions=1_600),
        split=SplitSettings(fresh_rows=300),
        command=CommandSettings(
            fine_tune_examples=4_000,
            end_to_end_examples=2_000,
            head_examples=6_000,
            batch_size=16,
            learning_rate=1e-3,
            encoder_learning_rate=1e-3,
            lstm_units=128,
            attention_heads=4,
        ),
        intent=IntentSettings(examples=12_000, batch_size=32, learning_rate=2e-3),
        policy=PolicySettings(hidden_units=32, epochs=20, batch_size=256),
        study=StudySettings(trials=2, examples=300, epochs=1, timeout_seconds=20.0),
        evaluation=EvaluationSettings(bootstrap_replicates=300),
        gate=GateSettings(minimum_rows=60),
    ),
    "laptop": _LAPTOP,
    "gpu": replace(
        _LAPTOP,
        name="gpu",
        encoder=EncoderSettings("bert-base-uncased", max_tokens=64),
        command=CommandSettings(
            fine_tune_examples=200_000,
            end_to_end_examples=200_000,
            head_examples=500_000,
            encoder_learning_rate=3e-5,
            lstm_units=384,
        ),
        intent=IntentSettings(examples=800_000, learning_rate=3e-5),
        study=StudySettings(trials=60, examples=50_000, epochs=4, timeout_seconds=7_200.0),
        evaluation=EvaluationSettings(bootstrap_replicates=5_000),
    ),
}


def active_profile() -> Profile:
    """The preset named by `CCML_PROFILE` (`laptop` if unset).

    Raises:
        InputError: the name is none of the presets.
    """
    name = os.environ.get("CCML_PROFILE", "laptop")
    if name not in PROFILES:
        raise InputError(f"CCML_PROFILE is {name!r}; expected one of {', '.join(PROFILES)}.")
    return PROFILES[name]
