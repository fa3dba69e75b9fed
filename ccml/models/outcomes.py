"""What is known of one model's served answers, row by row. The rule by which it is read is in the model's folder,
`served.py`.

Users say seldom, and not at random, what they think: few say of a command that worked that it did, and many a wrong
one is never corrected. The share of accepted answers among those with a verdict is therefore more than 0.2 too low, and
agreement with the commands known to have been wanted far too high. Each rule uses what is known of every answer; the
tests compare them with what simulated users in fact wanted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ccml.intents.tables import OUT_OF_SCOPE

if TYPE_CHECKING:
    import pandas as pd

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class ServedOutcomes:
    """NaN stands for an answer whose outcome is not known, or that the figure is not about."""

    metric: str
    values: Floats
    """(N,) what each answer was worth."""
    earlier: Floats | None = None
    """(N,) the same of earlier answers, to which the later ones in `values` are held; None where a model is held to
    the figure that its release was published with."""
    without_class: Floats | None = None
    """(N,) 1 where users corrected an answer to what the model has no class for, 0 where to one of its classes."""


def where(known: pd.Series | NDArray[np.bool_], values: pd.Series | Floats) -> Floats:
    """(N,) `values` where known, else NaN."""
    return np.where(np.asarray(known, bool), np.asarray(values, np.float64), np.nan)


def out_of_scope(served: pd.DataFrame) -> pd.Series:
    return served["predicted_intent"].eq(OUT_OF_SCOPE).fillna(False).astype(bool)
