"""One typed configuration with three presets. A field that nothing reads fails a test.

`ccml.settings` reads what a user overrides.

`smoke` takes about a minute and needs no weights, `laptop` takes minutes on two cores, `gpu` is the full size.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field, replace
from math import sqrt
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from ccml.errors import InputError
from ccml.monitoring.limits import MonitoringLimits

EncoderName: TypeAlias = Literal["tiny-random", "minilm", "bert-base-uncased"]
CommandTarget: TypeAlias = Literal["program", "template", "line"]
ProfileName: TypeAlias = Literal["smoke", "laptop", "gpu"]

Count: TypeAlias = Annotated[int, Meta(ge=1)]
Whole: TypeAlias = Annotated[int, Meta(ge=0)]
Positive: TypeAlias = Annotated[float, Meta(gt=0)]
Share: TypeAlias = Annotated[float, Meta(ge=0, lt=1)]
"""Bounds of what a user may set; a preset is written here and needs no check."""


@dataclass(frozen=True)
class EncoderSettings:
    name: EncoderName = "minilm"
    max_tokens: Count = 32
    """Longer requests are cut here; attention cost grows with its square."""


@dataclass(frozen=True)
class SimulationSettings:
    """Sample telemetry, made only when the landing zone is empty."""

    users: Count = 60
    days: Count = 30
    interactions: Count = 21_000
    """Expected count; at least 20,000 land."""
    seed: Whole = 7


@dataclass(frozen=True)
class SplitSettings:
    """By time for known users, and some users wholly unseen."""

    validation_fraction: Share = 0.12
    test_fraction: Share = 0.2
    unseen_user_fraction: Share = 0.08
    """Share of users all of whose sessions are test rows."""
    fresh_rows: Whole = 1_000
    """Known users' interactions since the champions' data from which on a retrain holds out rows of these alone. Two
    fifths of them test, of which a quarter has no known right answer: enough for the gate's `minimum_rows`."""
    near_duplicate_similarity: Share = 0.9
    """Jaccard similarity of character shingles above which a training text is left out in favour of a held-out one."""
    augmentation_copies: Whole = 1
    """Label-preserving rewrites made of a training request."""


@dataclass(frozen=True)
class CommandSettings:
    target: CommandTarget = "template"
    min_count: Count = 3
    """A target seen less often in training is not a class; such rows count as misses in evaluation."""
    history: Count = 8
    """Commands of the running session the model sees."""
    fine_tune_examples: Count = 2_000
    """Rows the encoder sees in step 2; more than there are means several epochs."""
    end_to_end_examples: Count = 640
    """The same for step 6."""
    head_examples: Count = 26_000
    """Rows that step 5 sees, in whole passes, at least one; steps 3 and 4, which it goes on from, get half as many."""
    batch_size: Count = 64
    learning_rate: Positive = 1e-3
    """For a batch of 16, see `step_size`."""
    encoder_learning_rate: Positive = 7e-4
    lstm_units: Count = 192
    attention_heads: Count = 8
    dropout: Share = 0.3

    @property
    def step_size(self) -> float:
        """Adam's steps may grow with the square root of the batch (Malladi et al. 2022); so the search can choose batch
        and rate one by one."""
        return self.learning_rate * sqrt(self.batch_size / 16)


@dataclass(frozen=True)
class IntentSettings:
    examples: Count = 4_500
    """Rows the encoder sees; more than there are means several epochs."""
    batch_size: Count = 32
    """Steps of 32 rows cost a tenth more time a row than steps of 64 and reach the same accuracy with fewer rows."""
    learning_rate: Positive = 6e-4
    attention_heads: Count = 8
    dropout: Share = 0.1
    label_smoothing: Share = 0.1


@dataclass(frozen=True)
class PolicySettings:
    hidden_units: Count = 64
    epochs: Count = 30
    batch_size: Count = 512
    learning_rate: Positive = 3e-3
    importance_clip: Positive = 5.0
    """Upper bound on a training importance weight: variance bought with bias."""
    exploration: Share = 0.05
    """Share of the served action probability spread evenly over the allowed actions, so that logs stay usable."""


@dataclass(frozen=True)
class StudySettings:
    """Optuna's search over the command predictor's settings."""

    trials: Count = 4
    examples: Count = 1_000
    """Few rows, several times: after one or two passes the widest network always leads, whatever it ends up with."""
    epochs: Count = 4
    timeout_seconds: Positive = 60.0


@dataclass(frozen=True)
class RankerSettings:
    """The ranker of candidate commands that `ccml bench command` measures."""

    candidates: Count = 64
    """Candidates that are ranked, the likeliest by plain counts."""
    blocks: Count = 6
    """The training sessions are cut into so many blocks of time; the evidence on each is taken from the others, because
    the ranker will meet sessions that its counts do not hold."""
    unfamiliar_every: Count = 3
    """Of so many training sessions one is read with the counts of the block farthest in time alone: what is new to the
    counts must be met in training, so that the ranker learns when to trust the running session instead."""
    minimum_rows: Count = 150
    """With fewer training turns the counts alone rank."""
    maximum_rows: Count = 12_000
    """The latest training turns are taken."""
    networks: Count = 2
    """Their scores are averaged."""
    hidden_units: Count = 64
    epochs: Count = 6
    batch_size: Count = 64
    learning_rate: Positive = 3e-3
    dropout: Share = 0.2
    counts_share: Share = 0.01
    """Of the plain counts in each likelihood: the networks are surer than so few training turns allow."""


@dataclass(frozen=True)
class EvaluationSettings:
    confidence: Share = 0.95


@dataclass(frozen=True)
class GateSettings:
    margin: Share = 0.0
    """By how much the lower end of the interval of candidate − reference must exceed zero."""
    minimum_rows: Whole = 200
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
    ranker: RankerSettings = field(default_factory=RankerSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    gate: GateSettings = field(default_factory=GateSettings)
    monitoring: MonitoringLimits = field(default_factory=MonitoringLimits)
    seed: Whole = 7

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
    ),
}


def chosen_preset() -> Profile:
    """The preset named by `CCML_PROFILE` (`laptop` if unset), without what the home's `ccml.toml` overrides.

    Raises:
        InputError: the name is none of the presets.
    """
    name = os.environ.get("CCML_PROFILE", "laptop")
    if name not in PROFILES:
        raise InputError(f"The profile (--profile or CCML_PROFILE) is {name!r}; expected one of {', '.join(PROFILES)}.")
    return PROFILES[name]
