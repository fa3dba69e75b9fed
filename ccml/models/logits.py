"""From logits to probabilities and energies: one implementation for training, evaluation, export and the server.

Numpy only, in double precision and stable for any finite logits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def softmax(logits: NDArray[Any], temperature: float = 1.0) -> NDArray[np.float64]:
    """(..., V) logits → (..., V) probabilities; a logit of −∞ has probability zero."""
    scaled = np.asarray(logits, np.float64) / temperature
    exponentials = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    result: NDArray[np.float64] = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return result


def log_sum_exp(logits: NDArray[Any]) -> NDArray[np.float64]:
    """(..., V) → (...)"""
    wide = np.asarray(logits, np.float64)
    peak = wide.max(axis=-1)
    result: NDArray[np.float64] = peak + np.log(np.exp(wide - peak[..., None]).sum(axis=-1))
    return result
