"""Which training served traffic is held against: the one behind the champions, which need not be the newest.

A training leaves its reference before the gate has spoken. Were it to replace the one before, a refused candidate would
take with it what the champion, which goes on serving, was trained on: traffic that had left the champion's data would
look like home, and nobody would ask for another retrain.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

DATA_UNTIL = "data_until"
"""Column: time of the newest row of the training that a row belongs to; tells the references of two trainings apart."""


def with_champions(new: pd.DataFrame, kept: pd.DataFrame | None, champions_until: datetime | None) -> pd.DataFrame:
    """This training's reference, and beside it that of the champions in place.

    Args:
        new: interactions with `time` and `split`.
        kept: what this function gave after the training before, None if there was none.
        champions_until: time of the newest row that a champion has seen, None before the first release.
    """
    import pandas as pd

    new = new.assign(**{DATA_UNTIL: new["time"].max()})
    if kept is None or champions_until is None or DATA_UNTIL not in kept:
        return new
    theirs = of_champions(kept, champions_until)
    older = theirs[theirs[DATA_UNTIL] < new[DATA_UNTIL].iloc[0]]
    return pd.concat([older, new], ignore_index=True) if len(older) else new


def of_champions(references: pd.DataFrame, champions_until: datetime | None) -> pd.DataFrame:
    """The rows of the oldest training that had seen all that the champions have; without any, of the newest training.

    Each model's data ends a little before its training's: not every interaction is a row of every data set.
    """
    ends = references[DATA_UNTIL]
    theirs = ends[ends >= champions_until] if champions_until is not None else ends.iloc[:0]
    return references[ends == (theirs.min() if len(theirs) else ends.max())].reset_index(drop=True)
