"""Golden answers survive storage and distinguish a working graph from one that changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ccml.errors import IntegrityError
from ccml.models.logits import softmax
from ccml.releases.golden import Golden

INPUTS: dict[str, NDArray[Any]] = {
    "input_ids": np.array([[5, 2**40], [0, 1]], np.int64),
    "context": np.array([[0.1, -3.5], [1e-7, 2.0]], np.float32),
}


def run(inputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """A stand-in for a graph that uses every input."""
    return (inputs["context"] + (inputs["input_ids"] % 7)).astype(np.float32)


@pytest.fixture
def golden() -> Golden:
    return Golden.from_json(Golden.record(run, INPUTS, temperature=1.5, tolerance=1e-3).to_json())


def test_inputs_come_back_with_their_types_and_values(golden: Golden) -> None:
    for name, array in INPUTS.items():
        restored = golden.inputs[name].array()
        assert restored.dtype == array.dtype
        np.testing.assert_array_equal(restored, array)


def test_the_same_graph_passes(golden: Golden) -> None:
    assert golden.check(run) < 1e-6


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda inputs: run(inputs) * 1.2, "differs by"),
        (lambda inputs: run(inputs) * np.nan, "not finite"),
        (lambda inputs: run(inputs)[:, :1], "shape"),
    ],
)
def test_a_graph_that_answers_otherwise_is_refused(golden: Golden, other: Any, message: str) -> None:
    with pytest.raises(IntegrityError, match=message):
        golden.check(other)


def test_a_difference_within_the_tolerance_passes(golden: Golden) -> None:
    assert 0.0 < golden.check(lambda inputs: run(inputs) + np.array([1e-4, 0.0])) < 1e-3


@pytest.mark.parametrize("raw", [b"", b"{}", b'{"inputs": 3}'])
def test_a_file_that_is_not_golden_is_refused(raw: bytes) -> None:
    with pytest.raises(IntegrityError, match=r"golden\.json"):
        Golden.from_json(raw)


def test_probabilities_are_stable_for_huge_logits() -> None:
    found = softmax(np.array([[1e30, 0.0], [3.0, 3.0]]), temperature=1.0)
    np.testing.assert_allclose(found, [[1.0, 0.0], [0.5, 0.5]])
