"""How high a model ranks the right answer, and how its confidence is made honest. Numpy, one row per request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ccml.models.logits import log_sum_exp

NOT_A_CLASS = -1
"""Target of a row whose answer training never saw: whatever the model says, it is a miss."""


def frequent_labels(values: Iterable[str], min_count: int) -> list[str]:
    """Classes: what occurs at least `min_count` times, the most frequent first."""
    counts = Counter(value for value in values if value)
    return [value for value, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if n >= min_count]


def target_indices(values: Iterable[str], labels: Sequence[str]) -> NDArray[np.int64]:
    """(N,) position of each value in `labels`, `NOT_A_CLASS` where it is none of them."""
    index = {label: position for position, label in enumerate(labels)}
    return np.array([index.get(value, NOT_A_CLASS) for value in values], dtype=np.int64)


def ranks(scores: NDArray[np.floating[Any]], targets: NDArray[np.int64]) -> NDArray[np.float64]:
    """(N,) rank of the right answer, 1 for the best; infinite where it is no class.

    Ties count against the model: equal scores say nothing about the order.
    """
    rows = np.arange(len(targets))
    right = scores[rows, np.maximum(targets, 0)]  # (N,)
    better_or_equal = (scores >= right[:, None]).sum(axis=1)  # (N,) counts the answer itself
    return np.where(targets == NOT_A_CLASS, np.inf, better_or_equal).astype(np.float64)


def ranking_metrics(scores: NDArray[np.floating[Any]], targets: NDArray[np.int64]) -> dict[str, float]:
    """Fractions of rows: `top1`, `top5`; `mrr` is the mean of 1/rank (Voorhees 1999)."""
    return metrics_of_ranks(ranks(scores, targets))


def metrics_of_ranks(rank: NDArray[np.float64]) -> dict[str, float]:
    """`ranking_metrics` of ranks that are known already; zeros without rows."""
    if len(rank) == 0:
        return {"top1": 0.0, "top5": 0.0, "mrr": 0.0}
    return {
        "top1": float((rank <= 1).mean()),
        "top5": float((rank <= 5).mean()),
        "mrr": float((1.0 / rank).mean()),
    }


def fit_temperature(logits: NDArray[np.floating[Any]], targets: NDArray[np.int64]) -> float:
    """The temperature that minimises the negative log likelihood of held-out rows (Guo et al. 2017).

    Rows that are no class are left out: no temperature could make them likely. 1.0 where no row is left. Kept within
    a factor of four: on few rows that are all answered right the likelihood alone would ask for full certainty.
    """
    from scipy.optimize import minimize_scalar

    known = targets != NOT_A_CLASS
    if not known.any():
        return 1.0
    kept = np.asarray(logits[known], dtype=np.float64)  # (M, V)
    right = kept[np.arange(len(kept)), targets[known]]  # (M,)

    def negative_log_likelihood(log_temperature: float) -> float:
        scaled = kept / np.exp(log_temperature)
        return float((log_sum_exp(scaled) - right / np.exp(log_temperature)).mean())

    found = minimize_scalar(negative_log_likelihood, bounds=(np.log(0.25), np.log(4.0)), method="bounded")
    return float(np.exp(found.x))
