from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccml.models.logits import softmax
from ccml.models.ranking import (
    NOT_A_CLASS,
    fit_temperature,
    frequent_labels,
    ranking_metrics,
    ranks,
    target_indices,
)


def test_classes_are_ordered_by_frequency_then_by_name() -> None:
    assert frequent_labels(["b", "a", "c", "b", "a", "c", "c", "d", ""], 2) == ["c", "a", "b"]


def test_a_value_that_is_no_class_has_no_index() -> None:
    assert target_indices(["b", "x"], ["a", "b"]).tolist() == [1, NOT_A_CLASS]


def test_equal_scores_count_against_the_model() -> None:
    assert ranks(np.zeros((1, 4)), np.array([2])).tolist() == [4.0]


def test_a_row_that_is_no_class_is_a_miss() -> None:
    metrics = ranking_metrics(np.array([[0.9, 0.1], [0.9, 0.1]]), np.array([0, NOT_A_CLASS]))
    assert metrics == {"top1": 0.5, "top5": 0.5, "mrr": 0.5}


@given(st.integers(1, 20), st.integers(2, 8), st.integers(0, 2**32 - 1))
def test_metrics_equal_a_plain_computation(rows: int, labels: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores, targets = generator.normal(size=(rows, labels)), generator.integers(0, labels, rows)
    places = [sorted(-scores[row]).index(-scores[row, targets[row]]) + 1 for row in range(rows)]
    found = ranking_metrics(scores, targets)
    assert found["top1"] == pytest.approx(np.mean([place == 1 for place in places]))
    assert found["top5"] == pytest.approx(np.mean([place <= 5 for place in places]))
    assert found["mrr"] == pytest.approx(np.mean([1 / place for place in places]))


@pytest.mark.parametrize("true_temperature", [0.5, 1.0, 2.0])
def test_the_temperature_that_made_the_labels_is_found_again(true_temperature: float) -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(scale=2.0, size=(20_000, 5)).astype(np.float32)
    shares = softmax(logits, true_temperature)
    targets = (shares.cumsum(axis=1) < generator.random((len(logits), 1))).sum(axis=1).clip(max=4)
    assert fit_temperature(logits, targets) == pytest.approx(true_temperature, rel=0.05)


def test_rows_that_are_no_class_do_not_move_the_temperature() -> None:
    assert fit_temperature(np.ones((3, 2)), np.full(3, NOT_A_CLASS)) == 1.0
