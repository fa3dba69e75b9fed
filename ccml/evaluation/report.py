"""What a report says about one model, as data: the JSON file, the pictures and the HTML page are all made from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec
import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from ccml.evaluation.label_quality import LabelQuality
from ccml.evaluation.statistics import Clusters, Floats, Interval, clusters_of
from ccml.privacy.shared_words import shared_words
from ccml.profiles import EvaluationSettings

Unit: TypeAlias = Literal["share", "reward", "ms", "MB", "epochs", "score"]

TrialState: TypeAlias = Literal["complete", "pruned"]
"""How a trial of a search ended: after all its epochs, or early because others were ahead of it."""

SMALLEST_SLICE = 30
"""Rows; the interval of a smaller slice says nothing a reader could use."""

MOST_SLICES = 10
"""Of one group, the ones with the most rows."""

SPLITS = ("train", "validation", "calibration", "test")
MOST_CONFUSIONS = 12
MOST_EXAMPLES = 10
LONGEST_TEXT = 240
"""Characters of a request that an example shows."""


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
    """One step of a staged training, evaluated on the validation rows."""

    name: str
    seconds: float
    value: Interval | None = None
    gain: Interval | None = None
    """Over the step before that ran, on the same rows; None for the first."""
    skipped: str | None = None


class DataPart(Struct, frozen=True):
    """The rows of one split."""

    name: str
    rows: int
    rewritten: int
    """Rows among them that augmentation made."""
    users: int
    sessions: int
    first: str
    """Time of the oldest row, ISO 8601 in UTC; `last` of the newest."""
    last: str


class ConfusedPair(Struct, frozen=True):
    """Test rows whose right answer is one thing and whose prediction is another."""

    right: str
    predicted: str
    rows: int
    of: int
    """Test rows with this right answer."""


class Example(Struct, frozen=True):
    """One test row that went wrong, in words; texts are those of the log after secrets were taken out."""

    text: str
    right: str
    predicted: str
    score: float
    """What the examples are ordered by: `ModelReport.examples_score` says what it is."""
    notes: str = ""


class GateAnswer(Struct, frozen=True):
    answer: str
    reasons: list[str]
    rows: int
    version: str | None = None
    """Of the release that came of it; None as long as there is none."""


class Trial(Struct, frozen=True):
    number: int
    state: TrialState
    """A pruned trial was stopped early: its value is that of its last epoch."""
    value: float | None
    parameters: dict[str, Any]
    chosen: bool = False
    """The model was trained with its parameters."""


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
    candidate: str = ""
    """Folder name of the evaluated candidate."""
    made: str = ""
    """When it was evaluated, ISO 8601 in UTC."""
    parts: list[DataPart] = field(default_factory=list)
    confusions: list[ConfusedPair] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    examples_score: str = ""
    search_rule: str = ""
    """Which trial was chosen, and why."""
    gate: GateAnswer | None = None
    """None until the gate has answered."""
    labels: LabelQuality | None = None
    """None of a model that learns from no labels, and where too few people gave them."""

    def to_json(self) -> bytes:
        """Indented. A value that is not a number is written as null: JSON has no other way to say so."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1)

    def best(self) -> Baseline | None:
        return next((baseline for baseline in self.baselines if baseline.name == self.best_baseline), None)


def read_report(content: bytes) -> ModelReport:
    return msgspec.json.decode(content, type=ModelReport)


def against_baselines(
    scores: Floats, baselines: Mapping[str, Floats], clusters: Clusters
) -> tuple[list[Baseline], str]:
    """Every baseline beside the model on the same rows, the best first, and the best one's name."""
    compared = [Baseline(name, clusters.mean(own), clusters.difference(scores, own)) for name, own in baselines.items()]
    compared.sort(key=lambda baseline: (-baseline.value.estimate, baseline.name))
    return compared, compared[0].name


def slices(
    frame: Any, scores: Floats, best: Floats, groups: Mapping[str, NDArray[Any]], evaluation: EvaluationSettings
) -> list[Slice]:
    """The headline score within each value of each group.

    Args:
        scores: (N,) of the model.
        best: (N,) of the best baseline.
        groups: group name → (N,) labels; an empty label belongs to no slice. One label for all rows tells nothing.
    """
    found = []
    for group, labels in groups.items():
        names, counts = np.unique(labels, return_counts=True)
        if len(names) == 1:
            continue  # all rows: the headline again
        largest = sorted(zip(-counts, names, strict=True))[:MOST_SLICES]
        for negative_count, name in largest:
            if -negative_count < SMALLEST_SLICE or name == "":
                continue
            inside = labels == name
            clusters = clusters_of(frame[inside], confidence=evaluation.confidence)
            value, difference = clusters.mean(scores[inside]), clusters.difference(scores[inside], best[inside])
            found.append(Slice(group, str(name), int(-negative_count), value, difference))
    return found


def with_origin(report: ModelReport, rows: Any, *, candidate: str, made: str, search_rule: str = "") -> ModelReport:
    """The report with what it is about: the candidate, the time, and the rows of the whole data set."""
    return msgspec.structs.replace(
        report, candidate=candidate, made=made, parts=_data_parts(rows), search_rule=search_rule
    )


def _data_parts(rows: Any) -> list[DataPart]:
    """Rows, users, sessions and period of each split of a data set, in the order of their use."""
    parts = []
    for name in SPLITS:
        part = rows[rows["split"] == name]
        if len(part):
            rewritten = int(part["augmented"].sum()) if "augmented" in part else 0
            users, sessions = int(part["user_id"].nunique()), int(part["session_id"].nunique())
            first, last = part["time"].min().isoformat(), part["time"].max().isoformat()
            parts.append(DataPart(name, len(part), rewritten, users, sessions, first, last))
    return parts


def top_confusions(right: Sequence[str], predicted: Sequence[str]) -> list[ConfusedPair]:
    """The most frequent pairs of a right answer and another prediction; what happened once is no pattern."""
    known = Counter(right)
    wrong = Counter((a, b) for a, b in zip(right, predicted, strict=True) if a != b)
    ordered = sorted(wrong.items(), key=lambda item: (-item[1], item[0]))
    return [ConfusedPair(a, b, count, known[a]) for (a, b), count in ordered[:MOST_CONFUSIONS] if count > 1]


def worst_misses(
    rows: Any, right: Sequence[str], predicted: Sequence[str], confidence: Floats, notes: Sequence[str]
) -> list[Example]:
    """Wrong predictions, the most confident first; the same words with the same mistake once.

    Of a request in `rows` (request, user_id) the words are shown that several users wrote.
    """
    texts = shared_words(rows["request"].astype(str).tolist(), rows["user_id"].astype(str).tolist())
    worst: dict[tuple[str, str, str], Example] = {}
    for row in np.argsort(-confidence, kind="stable"):
        text = str(texts[row])[:LONGEST_TEXT]
        key = (text, str(right[row]), str(predicted[row]))
        if key[1] != key[2] and key not in worst:
            worst[key] = Example(*key, float(confidence[row]), notes[row])
        if len(worst) == MOST_EXAMPLES:
            break
    return list(worst.values())


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
    """Training loss and validation score over the optimiser's steps, the stages one after the other on one axis."""
    losses, scores = [], []
    passed = 0
    for record in records:
        points = record.get("losses", [])
        if not points:
            continue
        epochs = record["epochs"]
        steps, name = points[-1]["step"], str(record["name"])
        at = [float(passed + point["step"]) for point in points]
        losses.append(Curve(name, at, [float(point["loss"]) for point in points]))
        per_epoch = steps / epochs[-1]["epoch"]
        at = [float(passed + per_epoch * epoch["epoch"]) for epoch in epochs]
        scores.append(Curve(name, at, [float(epoch["score"]) for epoch in epochs]))
        passed += steps
    if not losses:
        return []
    steps_label = "steps of the optimiser"
    return [Panel("Training loss", steps_label, "training loss", losses), Panel("Score", steps_label, y_label, scores)]
