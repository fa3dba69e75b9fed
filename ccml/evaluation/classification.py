"""Figures of a classifier that come from its probabilities, each with its interval.

All are functions of sums over rows, so that `Clusters` gives their
intervals from the sums without each cluster in turn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ccml.evaluation.report import ClassScore, Confusion, Curve, Metric, ReliabilityBin
from ccml.evaluation.statistics import Clusters, Floats, Interval

BINS = 15
"""Equal widths of confidence (Guo et al. 2017)."""

CURVE_POINTS = 60
"""Points kept of a ROC curve; the area is computed from all rows."""


def calibration_error(confidence: Floats, hits: Floats, clusters: Clusters) -> Interval:
    """Expected calibration error: mean over rows of |confidence − accuracy| of its bin. Noise biases it upwards."""
    columns = np.zeros((len(hits), BINS + 1))  # (N, B + 1)
    columns[np.arange(len(hits)), _bin_of(confidence)] = confidence - hits
    columns[:, BINS] = 1.0
    return clusters.statistic(columns, lambda sums: np.abs(sums[..., :BINS]).sum(axis=-1) / sums[..., BINS], share=True)


def reliability(confidence: Floats, hits: Floats, clusters: Clusters) -> list[ReliabilityBin]:
    """Mean confidence and accuracy of each bin that holds rows."""
    bins = _bin_of(confidence)
    filled = [(bins == b) for b in range(BINS) if (bins == b).any()]
    return [
        ReliabilityBin(float(confidence[rows].mean()), clusters.ratio(hits * rows, rows), int(rows.sum()))
        for rows in filled
    ]


def confusion_matrix(targets: NDArray[np.int64], predicted: NDArray[np.int64], labels: Sequence[str]) -> Confusion:
    """Counts by true and predicted class; rows whose target is no class (−1) are left out."""
    known = targets >= 0
    size = len(labels)
    counts = np.bincount(targets[known] * size + predicted[known], minlength=size * size).reshape(size, size)
    return Confusion(list(labels), counts.tolist())


def calibration_metric(confidence: Floats, hits: Floats, clusters: Clusters) -> Metric:
    """Both (N,): of the most probable class, and 1 where it was the right one."""
    return Metric(
        "ece", "Calibration error", calibration_error(confidence, hits, clusters), "share", False,
        "Mean distance of confidence from accuracy (ECE, 15 bins).",
    )  # fmt: skip


def class_scores(
    targets: NDArray[np.int64], predicted: NDArray[np.int64], labels: Sequence[str], clusters: Clusters
) -> tuple[list[ClassScore], dict[str, Interval]]:
    """Precision, recall and F1 of each class that the rows hold, and their macro averages over those classes."""
    present = np.unique(targets[targets >= 0])
    is_true = targets[:, None] == present  # (N, K)
    is_predicted = predicted[:, None] == present
    outcomes = [is_true & is_predicted, ~is_true & is_predicted, is_true & ~is_predicted]
    columns = np.stack(outcomes, axis=-1).astype(np.float64)  # (N, K, 3) true positives, false positives, misses

    scores = []
    for k, label in enumerate(present):
        of_class = {
            name: clusters.statistic(columns[:, k], of_sums, share=True) for name, of_sums in _OF_OUTCOMES.items()
        }
        scores.append(ClassScore(labels[label], int(is_true[:, k].sum()), **of_class))
    flat = columns.reshape(len(targets), -1)  # (N, 3K)

    def macro(name: str) -> Interval:
        return clusters.statistic(
            flat,
            lambda sums: np.nanmean(_OF_OUTCOMES[name](sums.reshape(*sums.shape[:-1], -1, 3)), axis=-1),
            share=True,
        )

    return scores, {name: macro(name) for name in _OF_OUTCOMES}


def area_under_roc(positive: NDArray[np.bool_], scores: Floats, clusters: Clusters) -> Interval:
    """Probability that a positive row scores above a negative one, ties half."""
    return macro_area_under_roc([positive], [scores], clusters)


def macro_area_under_roc(
    positives: Sequence[NDArray[np.bool_]], scores: Sequence[Floats], clusters: Clusters
) -> Interval:
    """Mean area over several one-against-rest problems on the same rows.

    The interval is that of placement values (DeLong, DeLong and Clarke-Pearson 1988; by cluster: Obuchowski 1997):
    exact to first order, and no row is sorted twice.
    """
    placements = [_placements(positive, own) for positive, own in zip(positives, scores, strict=True)]
    columns = np.stack(placements, axis=1).reshape(len(positives[0]), -1)  # (N, K · 4)
    areas = np.array([own[:, 1].sum() / own[:, 0].sum() for own in placements])  # (K,)

    def of_sums(sums: Floats) -> Floats:
        parts = sums.reshape(*sums.shape[:-1], -1, 4)
        with np.errstate(divide="ignore", invalid="ignore"):
            without = parts[..., 1] / parts[..., 0] + parts[..., 3] / parts[..., 2] - areas
        mean: Floats = np.nanmean(without, axis=-1)
        return mean

    return clusters.statistic(columns, of_sums, share=True)


def roc_curve(name: str, positive: NDArray[np.bool_], scores: Floats) -> Curve:
    """False positive rate and true positive rate as the threshold falls, thinned to `CURVE_POINTS`."""
    order = np.argsort(-scores, kind="stable")
    hits = np.concatenate([[0], np.cumsum(positive[order])]) / max(1, positive.sum())
    alarms = np.concatenate([[0], np.cumsum(~positive[order])]) / max(1, (~positive).sum())
    last_of_tie = np.concatenate([[True], np.diff(scores[order]) != 0.0, [True]])
    alarms, hits = alarms[last_of_tie], hits[last_of_tie]
    grid = np.linspace(0.0, 1.0, CURVE_POINTS) ** 2  # dense where the curve rises
    return Curve(name, grid.round(4).tolist(), np.interp(grid, alarms, hits).round(4).tolist())


def _placements(positive: NDArray[np.bool_], scores: Floats) -> Floats:
    """(N, 4): is positive, its share of negatives below; is negative, its share of positives above (ties half)."""
    negatives, positives = np.sort(scores[~positive]), np.sort(scores[positive])
    columns = np.zeros((len(scores), 4))
    columns[positive, 0] = 1.0
    columns[positive, 1] = _share_below(negatives, scores[positive])
    columns[~positive, 2] = 1.0
    columns[~positive, 3] = 1.0 - _share_below(positives, scores[~positive])
    return columns


def _share_below(ordered: Floats, values: Floats) -> Floats:
    left, right = np.searchsorted(ordered, values, "left"), np.searchsorted(ordered, values, "right")
    share: Floats = (left + right) / (2.0 * max(1, len(ordered)))
    return share


def _bin_of(confidence: Floats) -> NDArray[np.int64]:
    bins: NDArray[np.int64] = np.clip((confidence * BINS).astype(np.int64), 0, BINS - 1)
    return bins


def _precision(sums: Floats) -> Floats:
    return _ratio(sums[..., 0], sums[..., 0] + sums[..., 1], otherwise=0.0)


def _recall(sums: Floats) -> Floats:
    return _ratio(sums[..., 0], sums[..., 0] + sums[..., 2], otherwise=np.nan)


def _f1(sums: Floats) -> Floats:
    return _ratio(2.0 * sums[..., 0], 2.0 * sums[..., 0] + sums[..., 1] + sums[..., 2], otherwise=np.nan)


def _ratio(top: Floats, bottom: Floats, otherwise: float) -> Floats:
    """A class never predicted has precision zero; one without rows has no recall."""
    ratio: Floats = np.divide(top, bottom, out=np.full(np.shape(top), otherwise), where=bottom > 0.0)
    return ratio


_OF_OUTCOMES = {"precision": _precision, "recall": _recall, "f1": _f1}
