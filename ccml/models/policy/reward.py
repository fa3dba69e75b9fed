"""The reward of an interaction: 0.5 success + 0.3 satisfaction + 0.1 execution + 0.1 resource efficiency.

The simulator, the data set of episodes and the monitoring of served answers compute rewards with this module alone, so
their figures can be compared.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

WEIGHTS = {"success": 0.5, "satisfaction": 0.3, "execution": 0.1, "resources": 0.1}
"""They sum to one, so that the reward lies in [0, 1]."""
COMPONENTS = tuple(WEIGHTS)
OUTCOMES = ("succeeded", "recovered", "rating", "verdict", "duration_ms", "recovery_ms", "cpu_ms", "memory_mb")
"""Columns of an interaction from which the components are computed."""

VERDICT_SATISFACTION = {"accepted": 1.0, "edited": 0.6, "rejected": 0.0, "undone": 0.0}
NEUTRAL = 0.5
"""The value of a component that the log does not contain. Most turns get no feedback: counted as 0, silence would be
dissatisfaction; one constant for every action favours none of them."""

RECOVERED_SUCCESS = 0.5
"""A command that failed and was mended is worth half a success."""

DURATION_HALF_MS = 5_000.0
CPU_HALF_MS = 2_000.0
MEMORY_HALF_MB = 512.0
"""The efficiency is half / (half + value): one half at these values."""


def reward_components(
    *,
    succeeded: Any,
    recovered: Any,
    rating: Any,
    verdict: Any,
    duration_ms: Any,
    recovery_ms: Any,
    cpu_ms: Any,
    memory_mb: Any,
) -> NDArray[np.float64]:
    """`OUTCOMES` of N interactions, NaN or None where unknown → (N, 4) in [0, 1], in the order of `COMPONENTS`.

    success: 1 succeeded, `RECOVERED_SUCCESS` failed and mended, 0 otherwise (nothing ran is nothing achieved).
    satisfaction: mean of the rating, (r − 1) / 4, and the verdict's value; `NEUTRAL` without either.
    execution: falls with the time to run and to recover. resources: mean of what is known of CPU time and peak memory.
    """
    success = np.where(_number(succeeded) == 1.0, 1.0, np.where(_number(recovered) == 1.0, RECOVERED_SUCCESS, 0.0))
    verdicts = np.asarray([VERDICT_SATISFACTION.get(v, np.nan) if isinstance(v, str) else np.nan for v in verdict])
    satisfaction = _mean_of_known((_number(rating) - 1.0) / 4.0, verdicts)
    duration = _number(duration_ms)
    took = duration + np.nan_to_num(_number(recovery_ms))
    execution = _mean_of_known(_efficiency(took, DURATION_HALF_MS))
    resources = _mean_of_known(
        _efficiency(_number(cpu_ms), CPU_HALF_MS), _efficiency(_number(memory_mb), MEMORY_HALF_MB)
    )
    return np.stack([success, satisfaction, execution, resources], axis=1)  # (N, 4)


def reward(components: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 4) → (N,) in [0, 1]."""
    total: NDArray[np.float64] = components @ np.asarray([*WEIGHTS.values()])
    return total


def _number(column: Any) -> NDArray[np.float64]:
    """Floats with NaN from floats, booleans, None or pandas' nullable columns."""
    to_numpy = getattr(column, "to_numpy", None)
    if to_numpy is not None:
        return np.asarray(to_numpy(dtype=np.float64, na_value=np.nan), np.float64)
    return np.asarray([np.nan if value is None else value for value in column], np.float64)


def _efficiency(value: NDArray[np.float64], half: float) -> NDArray[np.float64]:
    return half / (half + np.maximum(value, 0.0))


def _mean_of_known(*columns: NDArray[np.float64]) -> NDArray[np.float64]:
    stacked = np.stack(columns, axis=1)  # (N, columns)
    known = np.isfinite(stacked)
    total = np.where(known, stacked, 0.0).sum(axis=1)
    mean: NDArray[np.float64] = np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), NEUTRAL)
    return mean
