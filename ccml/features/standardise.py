"""One fitted scaling for every numeric feature vector, the same in training and in the server (numpy only)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ccml.errors import IntegrityError

CLIP = 5.0
"""Standard deviations. A machine ten times as loaded as any seen in training must not drown the other features."""


@dataclass(frozen=True)
class Standardiser:
    """Mean and spread of each field, fitted on training rows only; travels inside the release."""

    FIELDS: ClassVar[tuple[str, ...]] = ()

    mean: NDArray[np.float32]  # (F,)
    spread: NDArray[np.float32]  # (F,)

    @classmethod
    def fit(cls, matrix: NDArray[np.float32]) -> Self:
        """Takes raw values with NaN for unknown. A field that is never known, or constant, is scaled to zero."""
        if matrix.ndim != 2 or matrix.shape[1] != len(cls.FIELDS):
            raise ValueError(f"expected a matrix of {len(cls.FIELDS)} columns, got shape {matrix.shape}")
        known = np.isfinite(matrix)  # (N, F)
        count = np.maximum(known.sum(axis=0), 1)  # (F,)
        filled = np.where(known, matrix, 0.0).astype(np.float64)
        mean = filled.sum(axis=0) / count
        variance = (np.where(known, filled - mean, 0.0) ** 2).sum(axis=0) / count
        spread = np.sqrt(variance)
        spread[spread < 1e-6] = 1.0
        return cls(mean.astype(np.float32), spread.astype(np.float32))

    @property
    def width(self) -> int:
        """Columns of what `apply` returns: each field, then for each field whether it was unknown."""
        return 2 * len(self.FIELDS)

    def apply(self, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, F) raw → (N, 2F): standardised and clipped with 0 for unknown, then the unknown indicators."""
        unknown = ~np.isfinite(matrix)  # (N, F)
        scaled = np.clip((matrix - self.mean) / self.spread, -CLIP, CLIP)
        scaled[unknown] = 0.0
        return np.concatenate([scaled, unknown], axis=1).astype(np.float32)  # (N, 2F)

    def to_json(self) -> dict[str, Any]:
        return {"fields": list(self.FIELDS), "mean": self.mean.tolist(), "spread": self.spread.tolist()}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """
        Raises:
            IntegrityError: the stored fields are not, in this order, the fields this code computes.
        """
        if tuple(stored["fields"]) != cls.FIELDS:
            differing = sorted(set(stored["fields"]) ^ set(cls.FIELDS))
            raise IntegrityError(
                f"The stored {cls.__name__} was fitted on other fields than this version computes: "
                f"{', '.join(differing) or 'same names, other order'}. Train again."
            )
        return cls(np.asarray(stored["mean"], np.float32), np.asarray(stored["spread"], np.float32))
