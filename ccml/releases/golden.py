"""A few real inputs and the answers a release gave to them when it was made: `golden.json`. Light: the server uses it.

A graph whose bytes are right can still compute something else on another processor or runtime (int8 kernels saturate
differently, for one). A server runs these inputs before it answers anybody, and keeps the old version if they differ.
Only arrays are kept, made of words that several users wrote: tokens can be read as a text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ccml.errors import IntegrityError
from ccml.models.logits import softmax

Arrays = Mapping[str, NDArray[Any]]


class GoldenArray(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    dtype: str
    shape: list[int]
    values: list[float]

    @classmethod
    def of(cls, array: NDArray[Any]) -> GoldenArray:
        return cls(str(array.dtype), list(array.shape), [float(value) for value in array.ravel()])

    def array(self) -> NDArray[Any]:
        return np.asarray(self.values, dtype=np.dtype(self.dtype)).reshape(self.shape)


class Golden(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    inputs: dict[str, GoldenArray]
    """By name of the graph's input; the first axis counts the rows."""
    temperature: float
    """Divides the logits before the softmax, as `calibration.json` has it."""
    probabilities: GoldenArray
    """(N, V) what the served graph answered."""
    tolerance: float
    """Largest absolute difference of a probability that still counts as the same answer."""

    @classmethod
    def record(
        cls, run: Callable[[Arrays], NDArray[Any]], inputs: Arrays, temperature: float, tolerance: float
    ) -> Golden:
        """Runs the graph and keeps its answers.

        Args:
            run: inputs by name → (N, V) logits.
        """
        expected = softmax(run(inputs), temperature)
        return cls(
            {name: GoldenArray.of(array) for name, array in inputs.items()},
            temperature,
            GoldenArray.of(expected.astype(np.float32)),
            tolerance,
        )

    def check(self, run: Callable[[Arrays], NDArray[Any]]) -> float:
        """Largest difference from the recorded probabilities.

        Raises:
            IntegrityError: another shape, a value that is not finite, or a difference beyond the tolerance.
        """
        expected = self.probabilities.array()
        logits = run({name: array.array() for name, array in self.inputs.items()})
        if logits.shape != expected.shape:
            raise IntegrityError(f"golden.json: answers have shape {logits.shape}, expected {expected.shape}.")
        if not np.isfinite(logits).all():
            raise IntegrityError("golden.json: the graph answers with values that are not finite.")
        difference = float(np.abs(softmax(logits, self.temperature) - expected).max())
        if difference > self.tolerance:
            raise IntegrityError(
                f"golden.json: a probability differs by {difference:.2g}; at most {self.tolerance:.2g} is allowed."
            )
        return difference

    def to_json(self) -> bytes:
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, raw: bytes) -> Golden:
        """
        Raises:
            IntegrityError: it is not a golden file.
        """
        try:
            return msgspec.json.decode(raw, type=cls)
        except msgspec.DecodeError as error:
            raise IntegrityError(f"golden.json cannot be read: {error}.") from error
