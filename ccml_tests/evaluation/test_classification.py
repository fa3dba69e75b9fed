"""Figures of a classifier, each against a reference that computes it another way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support, roc_auc_score  # noqa: TID253  # the reference

from ccml.evaluation.classification import (
    BINS,
    area_under_roc,
    calibration_error,
    class_scores,
    confusion_matrix,
    macro_area_under_roc,
    reliability,
    roc_curve,
)
from ccml.evaluation.statistics import Clusters


def requests(rng: np.random.Generator, rows: int) -> tuple[Any, Any, Any]:
    """Targets of four classes, noisy scores, and the user of each row."""
    users = np.repeat(np.arange(rows // 8), 8)
    targets = rng.integers(0, 4, rows)
    skill = rng.normal(1.2, 0.6, rows // 8)[users]
    scores = rng.normal(0, 1, (rows, 4))
    scores[np.arange(rows), targets] += skill
    return targets, scores, users


def test_precision_recall_and_f1_are_those_of_scikit_learn() -> None:
    targets, scores, users = requests(np.random.default_rng(0), 400)
    predicted = scores.argmax(axis=1)
    classes, macro = class_scores(targets, predicted, list("abcd"), Clusters(users, "users"))
    each = precision_recall_fscore_support(targets, predicted)
    for k, one in enumerate(classes):
        assert (one.precision.estimate, one.recall.estimate) == (pytest.approx(each[0][k]), pytest.approx(each[1][k]))
        assert one.f1.estimate == pytest.approx(each[2][k])
        assert one.f1.low < one.f1.estimate < one.f1.high
        assert one.rows == each[3][k]
    average = precision_recall_fscore_support(targets, predicted, average="macro")
    assert [macro[name].estimate for name in ("precision", "recall", "f1")] == pytest.approx(list(average[:3]))


def test_a_class_that_is_never_predicted_has_precision_zero_and_one_without_rows_is_left_out() -> None:
    targets, predicted = np.array([0, 0, 1, 1]), np.array([0, 0, 0, 0])
    classes, macro = class_scores(targets, predicted, ["a", "b", "c"], Clusters(np.arange(4), "users"))
    assert [one.label for one in classes] == ["a", "b"]
    assert classes[1].precision.estimate == classes[1].f1.estimate == 0.0
    assert macro["recall"].estimate == 0.5


def test_the_area_under_the_curve_is_that_of_scikit_learn_with_ties_too() -> None:
    rng = np.random.default_rng(1)
    targets, scores, users = requests(rng, 400)
    coarse = scores.round(0)
    clusters = Clusters(users, "users")
    for own in (scores, coarse):
        areas = [roc_auc_score(targets == k, own[:, k]) for k in range(4)]
        assert area_under_roc(targets == 0, own[:, 0], clusters).estimate == pytest.approx(areas[0])
        macro = macro_area_under_roc([targets == k for k in range(4)], list(own.T), clusters)
        assert macro.estimate == pytest.approx(np.mean(areas))


def test_the_interval_of_the_area_is_as_wide_as_one_from_computing_every_replicate_anew() -> None:
    targets, scores, users = requests(np.random.default_rng(2), 480)
    positive, own = targets == 0, scores[:, 0]
    fast = area_under_roc(positive, own, Clusters(users, "users"))
    rng, areas = np.random.default_rng(3), []
    for _ in range(600):
        drawn = np.concatenate([np.flatnonzero(users == user) for user in rng.integers(0, 60, 60)])
        areas.append(roc_auc_score(positive[drawn], own[drawn]))
    low, high = np.quantile(areas, [0.025, 0.975])
    assert abs((fast.high - fast.low) / (high - low) - 1.0) < 0.15


def test_the_interval_of_the_area_covers_the_truth_when_users_differ() -> None:
    rng = np.random.default_rng(4)
    targets, scores, _ = requests(rng, 80_000)
    truth = roc_auc_score(targets == 0, scores[:, 0])
    covered = 0
    for _ in range(200):
        targets, scores, users = requests(rng, 320)
        interval = area_under_roc(targets == 0, scores[:, 0], Clusters(users, "users"))
        covered += interval.low <= truth <= interval.high
    assert 0.90 <= covered / 200 <= 0.99


def test_the_calibration_error_agrees_with_a_plain_loop_over_the_bins() -> None:
    rng = np.random.default_rng(5)
    confidence = rng.random(500)
    hits = (rng.random(500) < confidence**2).astype(float)
    expected = 0.0
    for b in range(BINS):
        rows = (confidence >= b / BINS) & (confidence < (b + 1) / BINS)
        if rows.any():
            expected += rows.mean() * abs(confidence[rows].mean() - hits[rows].mean())
    interval = calibration_error(confidence, hits, Clusters(np.arange(500), "users"))
    assert interval.estimate == pytest.approx(expected)
    assert interval.low > 0.05
    assert sum(one.rows for one in reliability(confidence, hits, Clusters(np.arange(500), "users"))) == 500


def test_honest_confidence_has_a_small_calibration_error_and_boasting_a_large_one() -> None:
    rng = np.random.default_rng(6)
    confidence = rng.random(4_000)
    hits = (rng.random(4_000) < confidence).astype(float)
    clusters = Clusters(np.arange(4_000), "users")
    assert calibration_error(confidence, hits, clusters).estimate < 0.04
    assert calibration_error(np.full(4_000, 0.99), hits, clusters).estimate > 0.4


def test_the_confusion_matrix_counts_true_by_predicted_and_leaves_out_what_is_no_class() -> None:
    confusion = confusion_matrix(np.array([0, 0, 1, -1]), np.array([0, 1, 1, 0]), ["a", "b"])
    assert confusion.counts == [[1, 1], [0, 1]]


def test_a_roc_curve_rises_from_zero_to_one_and_encloses_about_the_area() -> None:
    rng = np.random.default_rng(7)
    positive = rng.random(2_000) < 0.3
    scores = rng.normal(0, 1, 2_000) + 1.5 * positive
    curve = roc_curve("x", positive, scores)
    assert curve.x[0] == 0.0
    assert (curve.x[-1], curve.y[-1]) == (1.0, 1.0)
    assert np.all(np.diff(curve.y) >= 0)
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(roc_auc_score(positive, scores), abs=0.01)
