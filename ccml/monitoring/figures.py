"""One figure of served answers with its interval, over users as independent units, else over sessions; or why there is
none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from ccml.evaluation.statistics import Floats, Interval, clusters_of

if TYPE_CHECKING:
    import pandas as pd

Summary: TypeAlias = Literal["mean", "p95"]


@dataclass(frozen=True)
class Figure:
    value: Interval | None
    known: int
    """Answers that the figure is made of."""
    lacking: str
    """Why there is no value, such as `12 answers, 30 needed` or `5 sessions, 8 needed`; empty where there is one."""


def figure(served: pd.DataFrame, values: Floats, fewest: int, summary: Summary = "mean") -> Figure:
    """
    Args:
        served: the answers.
        values: (N,) one for each answer, NaN where it is not known.
        fewest: known values below which there is no figure.
    """
    present = ~np.isnan(values)
    known = int(present.sum())
    if known < fewest:
        return Figure(None, known, too_few(known, fewest))
    clusters = clusters_of(served[present])
    found = clusters.mean(values[present]) if summary == "mean" else clusters.quantile(values[present], 0.95)
    return Figure(None if found.lacking else found, known, found.lacking)


def too_few(known: int, needed: int) -> str:
    return f"{known} answers, {needed} needed"
