"""How well the intent of a request is recognised, and whether requests that mean none of them are noticed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ccml.errors import NotEnoughDataError
from ccml.evaluation.classification import (
    area_under_roc,
    calibration_metric,
    class_scores,
    confusion_matrix,
    macro_area_under_roc,
    reliability,
    roc_curve,
)
from ccml.evaluation.cost import Cost
from ccml.evaluation.report import (
    Curve,
    Metric,
    ModelReport,
    against_baselines,
    learning,
    slices,
    top_confusions,
    user_groups,
    worst_misses,
)
from ccml.evaluation.statistics import Floats, Interval, clusters_of
from ccml.intents.tables import OUT_OF_SCOPE
from ccml.models.ranking import NOT_A_CLASS, target_indices
from ccml.profiles import EvaluationSettings

HEADLINE = "accuracy"


def in_scope(test: Any) -> NDArray[np.bool_]:
    """(N,) rows that mean one of the intents; the headline and the gate look at these alone."""
    mask: NDArray[np.bool_] = np.asarray(test["intent"]).astype(str) != OUT_OF_SCOPE
    return mask


def intent_scores(test: Any, probabilities: Floats, labels: Sequence[str]) -> Floats:
    """(N,) 1 where the most probable intent is the right one. Meaningful for the `in_scope` rows."""
    targets = target_indices(test["intent"], labels)
    hits: Floats = (np.asarray(probabilities).argmax(axis=1) == targets).astype(np.float64)
    return hits


def intent_report(
    test: Any,
    probabilities: Floats,
    labels: Sequence[str],
    baselines: Mapping[str, Floats],
    *,
    out_of_scope: Floats,
    threshold: float,
    evaluation: EvaluationSettings,
    cost: Cost | None,
    training: Mapping[str, Any],
    facts: Mapping[str, str | int | float],
) -> ModelReport:
    """
    Args:
        test: the test rows of `labelled_requests`, N of them, out-of-scope requests included.
        probabilities: (N, V) of the model, columns as in `labels`; so too each baseline's.
        out_of_scope: (N,) score, higher for a request that means none of the intents; above `threshold` the
            classifier answers so.
        training: what the candidate's `training.json` holds.

    Raises:
        NotEnoughDataError: fewer than two in-scope test rows.
    """
    inside = in_scope(test)
    rows = test[inside]
    if len(rows) < 2:
        raise NotEnoughDataError(
            f"The intent classifier cannot be evaluated: {len(rows)} test requests carry an intent."
        )
    clusters = clusters_of(rows, confidence=evaluation.confidence)
    own = np.asarray(probabilities, np.float64)[inside]  # (M, V)
    targets, predicted = target_indices(rows["intent"], labels), own.argmax(axis=1)
    hits, confidence = (predicted == targets).astype(np.float64), own.max(axis=1)
    classes, macro = class_scores(targets, predicted, labels, clusters)
    right, answers = rows["intent"].astype(str).tolist(), [labels[k] for k in predicted]
    positives, of_positives, curves = _rocs(targets, own, labels)
    area = macro_area_under_roc(positives, of_positives, clusters) if positives else None
    metrics = [
        *_share_metrics({"accuracy": clusters.mean(hits), **macro, "auc": area}),
        calibration_metric(confidence, hits, clusters),
    ]
    if not inside.all():
        noticed, curve = _out_of_scope(test, ~inside, np.asarray(out_of_scope, np.float64), threshold, evaluation)
        metrics += noticed
        curves.append(curve)

    scores = {name: intent_scores(rows, np.asarray(other)[inside], labels) for name, other in baselines.items()}
    compared, best = against_baselines(hits, scores, clusters)
    return ModelReport(
        model="intent_classifier",
        title="Intent classifier",
        question="How often is the intent of a request recognised, from its words alone?",
        headline=HEADLINE,
        headline_value=metrics[0].value,
        metrics=[*metrics, *(cost.metrics(evaluation.confidence) if cost else ())],
        baselines=compared,
        best_baseline=best,
        slices=slices(rows, hits, scores[best], _groups(rows), evaluation),
        classes=sorted(classes, key=lambda one: -one.rows),
        confusions=top_confusions(right, answers),
        examples=worst_misses(rows, right, answers, confidence, _notes(rows, targets)),
        examples_score="confidence",
        confusion=confusion_matrix(targets, predicted, labels),
        roc=curves,
        reliability=reliability(confidence, hits, clusters),
        learning=learning(training.get("stages", []), "validation mean reciprocal rank"),
        facts={
            "test rows": len(test),
            "in scope": len(rows),
            "intents": len(labels),
            "independent units": str(clusters),
            **facts,
        },
    )


def _share_metrics(values: Mapping[str, Interval | None]) -> list[Metric]:
    """What there is a value of, in the order of the page."""
    named = {
        "accuracy": ("accuracy", "Accuracy", "In-scope requests whose intent was recognised."),
        "f1": ("macro_f1", "Macro F1", "Mean over intents, however rare."),
        "precision": ("macro_precision", "Macro precision", "Mean over intents."),
        "recall": ("macro_recall", "Macro recall", "Mean over intents."),
        "auc": ("macro_auc", "Macro AUC", "Mean one-against-rest area under the ROC curve."),
    }
    return [
        Metric(name, title, value, "share", True, meaning)
        for key, (name, title, meaning) in named.items()
        if (value := values[key]) is not None
    ]


def _rocs(
    targets: NDArray[np.int64], probabilities: Floats, labels: Sequence[str]
) -> tuple[list[NDArray[np.bool_]], list[Floats], list[Curve]]:
    """One-against-rest problems and curves of the intents that some rows have and others have not."""
    positives, scores, curves = [], [], []
    for k, label in enumerate(labels):
        positive = targets == k
        if positive.any() and not positive.all():
            positives.append(positive)
            scores.append(probabilities[:, k])
            curves.append(roc_curve(label, positive, probabilities[:, k]))
    return positives, scores, curves


def _out_of_scope(
    test: Any, outside: NDArray[np.bool_], scores: Floats, threshold: float, evaluation: EvaluationSettings
) -> tuple[list[Metric], Curve]:
    clusters = clusters_of(test, confidence=evaluation.confidence)
    noticed = (scores > threshold).astype(np.float64)
    metrics = [
        Metric(
            "oos_auroc", "Out-of-scope AUROC", area_under_roc(outside, scores, clusters), "share", True,
            "An out-of-scope request gets a higher score than an in-scope one.",
        ),
        Metric(
            "oos_recall", "Out-of-scope noticed", clusters.ratio(noticed * outside, outside.astype(np.float64)),
            "share", True, "Out-of-scope requests answered as such, at the threshold that ships with the model.",
        ),
        Metric(
            "oos_false_alarms", "In-scope refused", clusters.ratio(noticed * ~outside, (~outside).astype(np.float64)),
            "share", False, "In-scope requests wrongly answered as out of scope.",
        ),
    ]  # fmt: skip
    return metrics, roc_curve(OUT_OF_SCOPE, outside, scores)


def _notes(rows: Any, targets: NDArray[np.int64]) -> list[str]:
    """Where the right answer comes from, and whether it is a class at all."""
    return [
        f"intent from {source}" if target != NOT_A_CLASS else f"intent from {source}; it is no class of the model"
        for source, target in zip(rows["intent_source"], targets, strict=True)
    ]


def _groups(rows: Any) -> dict[str, NDArray[Any]]:
    words = np.array([len(str(request).split()) for request in rows["request"]])
    return {
        **user_groups(rows),
        "words": np.select([words <= 3, words <= 8], ["up to 3", "4 to 8"], "9 or more"),
        "label from": np.asarray(rows["intent_source"]).astype(str),
        "command family": np.asarray(rows["family"]).astype(str),
        "source": np.asarray(rows["source"]).astype(str),
    }
