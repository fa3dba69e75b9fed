"""How well the next command is predicted, beside models that need no training to speak of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ccml.errors import NotEnoughDataError
from ccml.evaluation.classification import calibration_metric, class_scores, reliability
from ccml.evaluation.cost import Cost
from ccml.evaluation.report import (
    Metric,
    ModelReport,
    Trial,
    against_baselines,
    learning,
    slices,
    stages,
    top_confusions,
    user_groups,
    worst_misses,
)
from ccml.evaluation.statistics import Clusters, Floats, clusters_of
from ccml.models.ranking import NOT_A_CLASS, ranks, target_indices
from ccml.profiles import CommandTarget, EvaluationSettings

UNKNOWN_COMMAND = "a command that it does not know"
HEADLINE = "top-1 accuracy"

MOST_CLASSES = 20
"""Rows of the table by command: the commands that the test rows ask for most often."""

UNKNOWN_PROGRAM = ""
"""Program of a label that training never saw with a program; no row's program equals it."""


def command_scores(test: Any, probabilities: Floats, labels: Sequence[str], target: CommandTarget) -> Floats:
    """(N,) 1 where the top prediction is what followed: the headline averages it and the gate compares it."""
    hits: Floats = (_ranks(test, probabilities, labels, target) <= 1.0).astype(np.float64)
    return hits


def label_programs(sequences: Any, labels: Sequence[str], target: CommandTarget) -> list[str]:
    """The program of each label, as the training rows have it."""
    training = sequences[sequences["split"] == "train"]
    program_of = dict(zip(training[f"target_{target}"], training["target_program"], strict=True))
    return [str(program_of.get(label, UNKNOWN_PROGRAM)) for label in labels]


def command_report(
    test: Any,
    probabilities: Floats,
    labels: Sequence[str],
    baselines: Mapping[str, Floats],
    *,
    target: CommandTarget,
    programs: Sequence[str],
    evaluation: EvaluationSettings,
    cost: Cost | None,
    training: Mapping[str, Any],
    validation: Any,
    trials: Sequence[Trial] = (),
    facts: Mapping[str, str | int | float],
) -> ModelReport:
    """
    Args:
        test: the test rows of `command_sequences`, N of them.
        probabilities: (N, V) of the model, columns as in `labels`; so too each baseline's.
        programs: (V,) from `label_programs`.
        training: what the candidate's `training.json` holds; its `stages` are reported.
        validation: the validation rows, which each stage was evaluated on.
        facts: data hash, encoder and the like, printed as they are.

    Raises:
        NotEnoughDataError: fewer than two test rows.
    """
    if len(test) < 2:
        raise NotEnoughDataError(f"The command predictor cannot be evaluated: there are {len(test)} test rows.")
    clusters = clusters_of(test, confidence=evaluation.confidence)
    rank = _ranks(test, probabilities, labels, target)  # (N,)
    top1 = (rank <= 1.0).astype(np.float64)
    confidence = np.asarray(probabilities, np.float64).max(axis=1)
    targets = target_indices(test[f"target_{target}"], labels)
    known = (targets != NOT_A_CLASS).astype(np.float64)
    # A command that is no label can be one that a single person has.
    right = [name if name in labels else UNKNOWN_COMMAND for name in test[f"target_{target}"].astype(str)]
    predicted = np.asarray(probabilities).argmax(axis=1)  # (N,)
    answers = [labels[k] for k in predicted]
    frequent = np.argsort(-np.bincount(targets[targets >= 0], minlength=len(labels)), kind="stable")[:MOST_CLASSES]
    shown = np.where(np.isin(targets, frequent), targets, NOT_A_CLASS)
    classes, _ = class_scores(shown, predicted, labels, clusters)

    metrics = [
        *_rank_metrics(rank, _program_ranks(test, probabilities, programs), known, target, clusters),
        calibration_metric(confidence, top1, clusters),
        *(cost.metrics(evaluation.confidence) if cost else ()),
    ]
    scores = {name: command_scores(test, own, labels, target) for name, own in baselines.items()}
    compared, best = against_baselines(top1, scores, clusters)
    return ModelReport(
        model="command_predictor",
        title="Command predictor",
        question=f"How often is the next command's {target} ranked first, from the request and the session so far?",
        headline=HEADLINE,
        headline_value=metrics[0].value,
        metrics=metrics,
        baselines=compared,
        best_baseline=best,
        slices=slices(test, top1, scores[best], _groups(test), evaluation),
        reliability=reliability(confidence, top1, clusters),
        classes=sorted(classes, key=lambda one: -one.rows),
        confusions=top_confusions(right, answers),
        examples=worst_misses(test, right, answers, confidence, _notes(test, known)),
        examples_score="confidence",
        stages=stages(training.get("stages", []), validation, evaluation),
        learning=learning(training.get("stages", []), "validation mean reciprocal rank"),
        trials=list(trials),
        facts={"test rows": len(test), "classes": len(labels), "independent units": str(clusters), **facts},
    )


def _rank_metrics(
    rank: Floats, program_rank: Floats, known: Floats, target: CommandTarget, clusters: Clusters
) -> list[Metric]:
    def share(name: str, title: str, values: NDArray[Any], meaning: str) -> Metric:
        return Metric(name, title, clusters.mean(values.astype(np.float64)), "share", True, meaning)

    return [
        share("top1", "Top-1 accuracy", rank <= 1.0, f"The {target} that followed was ranked first."),
        share("top5", "Top-5 accuracy", rank <= 5.0, f"The {target} that followed was among the first five."),
        Metric(
            "mrr", "Mean reciprocal rank", clusters.mean(1.0 / rank), "score", True,
            "Mean of 1 / rank of what followed; 0 where it is no class.",
        ),
        share("program_top1", "Program top-1", program_rank <= 1.0, "The right program, whatever its arguments."),
        share("program_top5", "Program top-5", program_rank <= 5.0, "The right program among the first five."),
        share("known_targets", "Known targets", known, f"Rows whose {target} is a class; no accuracy can exceed it."),
    ]  # fmt: skip


def _ranks(test: Any, probabilities: Floats, labels: Sequence[str], target: CommandTarget) -> Floats:
    return ranks(probabilities, target_indices(test[f"target_{target}"], labels))


def _program_ranks(test: Any, probabilities: Floats, programs: Sequence[str]) -> Floats:
    """(N,) rank of the right program by the summed probability of its labels."""
    names, column = np.unique(np.asarray(programs), return_inverse=True)
    membership = np.zeros((len(programs), len(names)), np.float32)  # (V, G)
    membership[np.arange(len(programs)), column] = 1.0
    summed = np.asarray(probabilities, np.float32) @ membership  # (N, G)
    return ranks(summed, target_indices(test["target_program"], names.tolist()))


def _notes(test: Any, known: NDArray[np.float64]) -> list[str]:
    """What else decided a row: the two commands before it, and whether the right one is a class at all."""
    notes = []
    for lines, is_class in zip(test["history_lines"], known, strict=True):
        before = f"after: {' ⏎ '.join(list(lines)[-2:])}" if len(lines) else "first of its session"
        notes.append(before if is_class else f"{before}; the right command is no class of the model")
    return notes


def _groups(test: Any) -> dict[str, NDArray[Any]]:
    length = np.array([len(history) for history in test["history_templates"]])
    return {
        **user_groups(test),
        "commands before it": np.select([length == 0, length <= 3], ["none", "1 to 3"], "4 or more"),
        "command family": np.asarray(test["family"]).astype(str),
        "source": np.asarray(test["source"]).astype(str),
    }
