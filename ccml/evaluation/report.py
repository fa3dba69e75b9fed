"""What a report says about one model, as data: the JSON file, the pictures and the HTML page are all made from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec
import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from ccml.evaluation.statistics import Clusters, Floats, Interval, clusters_of
from ccml.profiles import EvaluationSettings

Unit: TypeAlias = Literal["share", "reward", "ms", "MB", "epochs", "score"]

TrialState: TypeAlias = Literal["complete", "pruned"]
"""How a trial of a search ended: after all its epochs, or early because others were ahead of it."""

SMALLEST_SLICE = 30
"""Rows; the interval of a smaller slice says nothing a reader could use."""

MOST_SLICES = 10
"""Of one group, the ones with the most rows."""


class Metric(Struct, frozen=True):
    name: str
    title: str
    value: Interval
    unit: Unit
    higher_is_better: bool | None
    """None where neither is: a diagnostic."""
    meaning: str


class Baseline(Struct, frozen=True):
    name: str
    value: Interval
    difference: Interval
    """Model − baseline on the same rows."""


class Slice(Struct, frozen=True):
    group: str
    name: str
    rows: int
    value: Interval
    difference: Interval
    """Model − best baseline on the slice's rows."""


class ClassScore(Struct, frozen=True):
    label: str
    rows: int
    precision: Interval
    recall: Interval
    f1: Interval


class Curve(Struct, frozen=True):
    name: str
    x: list[float]
    y: list[float]


class Panel(Struct, frozen=True):
    """Curves that share their axes."""

    title: str
    x_label: str
    y_label: str
    curves: list[Curve]


class ReliabilityBin(Struct, frozen=True):
    confidence: float
    accuracy: Interval
    rows: int


class Confusion(Struct, frozen=True):
    labels: list[str]
    counts: list[list[int]]
    """`counts[true][predicted]`."""


class Stage(Struct, frozen=True):
    """One step of a staged training, judged on the validation rows."""

    name: str
    seconds: float
    value: Interval | None = None
    gain: Interval | None = None
    """On the step before, the same rows; None for the first."""
    skipped: str | None = None


class Trial(Struct, frozen=True):
    number: int
    state: TrialState
    value: float | None
    parameters: dict[str, Any]


class ActionShare(Struct, frozen=True):
    action: str
    logged: Interval
    served: Interval


class ModelReport(Struct, frozen=True, kw_only=True):
    model: str
    title: str
    question: str
    """What the headline figure answers, in one sentence."""
    headline: str
    headline_value: Interval | None = None
    headline_unit: Unit = "share"
    metrics: list[Metric] = field(default_factory=list)
    baselines: list[Baseline] = field(default_factory=list)
    best_baseline: str | None = None
    slices: list[Slice] = field(default_factory=list)
    classes: list[ClassScore] = field(default_factory=list)
    confusion: Confusion | None = None
    roc: list[Curve] = field(default_factory=list)
    reliability: list[ReliabilityBin] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    learning: list[Panel] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    actions: list[ActionShare] = field(default_factory=list)
    facts: dict[str, str | int | float] = field(default_factory=dict)
    skipped_reason: str | None = None

    def to_json(self) -> bytes:
        """Indented. A value that is not a number is written as null: JSON has no other way to say so."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1)

    def best(self) -> Baseline | None:
        return next((baseline for baseline in self.baselines if baseline.name == self.best_baseline), None)


def read_report(content: bytes) -> ModelReport:
    return msgspec.json.decode(content, type=ModelReport)


def skipped_report(model: str, reason: str) -> ModelReport:
    """The report of a model that the data could not support."""
    title = model.replace("_", " ").capitalize()
    return ModelReport(model=model, title=title, question="", headline="", skipped_reason=reason)


def against_baselines(
    scores: Floats, baselines: Mapping[str, Floats], clusters: Clusters
) -> tuple[list[Baseline], str]:
    """Every baseline beside the model on the same rows, the best first, and the best one's name."""
    judged = [Baseline(name, clusters.mean(own), clusters.difference(scores, own)) for name, own in baselines.items()]
    judged.sort(key=lambda baseline: (-baseline.value.estimate, baseline.name))
    return judged, judged[0].name


def slices(
    frame: Any, scores: Floats, best: Floats, groups: Mapping[str, NDArray[Any]], evaluation: EvaluationSettings
) -> list[Slice]:
    """The headline score within each value of each group.

    Args:
        scores: (N,) of the model.
        best: (N,) of the best baseline.
        groups: group name → (N,) labels; an empty label belongs to no slice.
    """
    found = []
    for group, labels in groups.items():
        names, counts = np.unique(labels, return_counts=True)
        largest = sorted(zip(-counts, names, strict=True))[:MOST_SLICES]
        for negative_count, name in largest:
            if -negative_count < SMALLEST_SLICE or name == "":
                continue
            inside = labels == name
            clusters = clusters_of(frame[inside], confidence=evaluation.confidence)
            value, difference = clusters.mean(scores[inside]), clusters.difference(scores[inside], best[inside])
            found.append(Slice(group, str(name), int(-negative_count), value, difference))
    return found


def user_groups(frame: Any) -> dict[str, NDArray[Any]]:
    """Users never trained on against the others, and the half of the users with more rows against the rest."""
    users = np.asarray(frame["user_id"]).astype(str)
    _, codes, counts = np.unique(users, return_inverse=True, return_counts=True)
    frequent = counts[codes] > np.median(counts)
    return {
        "user": np.where(np.asarray(frame["unseen_user"], bool), "never seen in training", "seen in training"),
        "activity": np.where(frequent, "frequent users", "occasional users"),
    }


def stages(records: Sequence[Mapping[str, Any]], validation: Any, evaluation: EvaluationSettings) -> list[Stage]:
    """The steps as a staged training recorded them.

    Args:
        records: each with `hits`, one 0/1 a validation row, or with why the step was `skipped`.
        validation: the N validation rows, in the order of `hits`. Rows of one user are alike here too.
    """
    found: list[Stage] = []
    before: Floats | None = None
    clusters = clusters_of(validation, confidence=evaluation.confidence)
    for record in records:
        name, seconds = str(record["name"]), float(record.get("seconds", 0.0))
        if "skipped" in record:
            found.append(Stage(name, seconds, skipped=str(record["skipped"])))
            continue
        hits = np.asarray(record["hits"], np.float64)
        gain = None if before is None else clusters.difference(hits, before)
        found.append(Stage(name, seconds, clusters.mean(hits), gain))
        before = hits
    return found


def learning(records: Sequence[Mapping[str, Any]], y_label: str) -> list[Panel]:
    """The validation score after each epoch of each stage, the stages side by side on one axis."""
    curves = []
    passed = 0
    for record in records:
        epochs = record.get("epochs", [])
        if epochs:
            at = [float(passed + epoch["epoch"]) for epoch in epochs]
            curves.append(Curve(str(record["name"]), at, [float(epoch["score"]) for epoch in epochs]))
            passed += epochs[-1]["epoch"]
    return [Panel("Learning", "epochs", y_label, curves)] if curves else []
