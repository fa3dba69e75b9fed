"""One fitted scaling for every numeric feature vector, the same in training and in the server (numpy only)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ccml.errors import IntegrityError

CLIP = 5.0
"""Standard deviations. Without it, a load ten times that of training would outweigh all other features."""


@dataclass(frozen=True)
class Standardiser:
    """Mean and spread of each field, fitted on training rows only and stored in the release.

    A column that never varied in training is zero whatever is served. Its weights were never trained, so a platform or
    a missing value that did not occur in training would change the answer at random.
    """

    FIELDS: ClassVar[tuple[str, ...]] = ()

    mean: NDArray[np.float32]  # (F,)
    spread: NDArray[np.float32]
    """(F,) standard deviation of the known values; 0 where training saw at most one value."""
    indicated: NDArray[np.bool_]
    """(F,) fields that were known in some training rows and unknown in others; only these have an indicator."""

    @classmethod
    def fit(cls, matrix: NDArray[np.float32]) -> Self:
        """Takes raw values with NaN for unknown."""
        if matrix.ndim != 2 or matrix.shape[1] != len(cls.FIELDS):
            raise ValueError(f"expected a matrix of {len(cls.FIELDS)} columns, got shape {matrix.shape}")
        known = np.isfinite(matrix)  # (N, F)
        count = np.maximum(known.sum(axis=0), 1)  # (F,)
        filled = np.where(known, matrix, 0.0).astype(np.float64)
        mean = filled.sum(axis=0) / count
        variance = (np.where(known, filled - mean, 0.0) ** 2).sum(axis=0) / count
        spread = np.sqrt(variance)
        spread[spread < 1e-6] = 0.0
        indicated = np.logical_and(known.any(axis=0), ~known.all(axis=0))
        return cls(mean.astype(np.float32), spread.astype(np.float32), np.asarray(indicated))

    @property
    def width(self) -> int:
        """Columns of what `apply` returns: each field, then for each field whether it was unknown."""
        return 2 * len(self.FIELDS)

    def apply(self, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, F) raw → (N, 2F): standardised and clipped with 0 for unknown, then the unknown indicators."""
        unknown = ~np.isfinite(matrix)  # (N, F)
        varied = self.spread > 0.0
        scaled = np.clip((matrix - self.mean) / np.where(varied, self.spread, 1.0), -CLIP, CLIP)
        scaled[unknown | ~varied] = 0.0
        return np.concatenate([scaled, unknown & self.indicated], axis=1).astype(np.float32)  # (N, 2F)

    def to_json(self) -> dict[str, Any]:
        return {
            "fields": list(self.FIELDS),
            "mean": self.mean.tolist(),
            "spread": self.spread.tolist(),
            "indicated": self.indicated.tolist(),
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """A release without `indicated` is older than it and was trained with every indicator.

        Raises:
            IntegrityError: the stored fields are not, in this order, the fields this code computes.
        """
        if tuple(stored["fields"]) != cls.FIELDS:
            differing = sorted(set(stored["fields"]) ^ set(cls.FIELDS))
            raise IntegrityError(
                f"The stored {cls.__name__} was fitted on other fields than this version computes: "
                f"{', '.join(differing) or 'same names, other order'}. Train again."
            )
        return cls(
            np.asarray(stored["mean"], np.float32),
            np.asarray(stored["spread"], np.float32),
            np.asarray(stored.get("indicated", [True] * len(cls.FIELDS)), np.bool_),
        )
