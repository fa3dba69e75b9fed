"""What the evaluations of all models share: each gives the report that people read and the scores the gate compares.

The evaluation of a model is in its folder, `evaluation.py`. It fits the simple baselines on the training rows alone, so
that no report can be made without them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ccml.evaluation.report import ModelReport
from ccml.evaluation.statistics import Floats

if TYPE_CHECKING:
    import pandas as pd


CANDIDATE: Final = "candidate"
CHAMPION: Final = "champion"
IDENTITY: Final = ("interaction_id", "session_id", "user_id")
CHAMPION_VERSION: Final = "champion_version"


@dataclass(frozen=True)
class Evaluation:
    report: ModelReport
    scores: pd.DataFrame
    """`IDENTITY`, `candidate`, `champion` where there is one, and a column for each baseline; one row a test row."""


def baseline_columns(scores: pd.DataFrame) -> list[str]:
    return [name for name in scores.columns if name not in (*IDENTITY, CANDIDATE, CHAMPION, CHAMPION_VERSION)]


def wide(probabilities: Any) -> Floats:
    """In double precision, in which scores and intervals are computed."""
    return np.asarray(probabilities, np.float64)


def table(rows: pd.DataFrame, scores: dict[str, Floats]) -> pd.DataFrame:
    columns = {name: np.asarray(values, np.float64) for name, values in scores.items()}
    identity: Any = rows[list(IDENTITY)].reset_index(drop=True)
    return identity.assign(**columns)
