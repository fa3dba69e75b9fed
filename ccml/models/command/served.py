"""Was the first suggestion the command that the user wanted?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ccml.cleaning.commands import read_commands
from ccml.models.kinds import COMMAND
from ccml.models.outcomes import ServedOutcomes, out_of_scope, where

if TYPE_CHECKING:
    import pandas as pd

    from ccml.models.artifact import Candidate
    from ccml.profiles import Profile

PUT_TO_THE_TEST = ("execute", "confirm", "suggest")
"""Actions after which the user meets the proposed command. After the others feedback is about something else."""
DECLINED = ("rejected", "undone", "edited")


def served_outcomes(served: pd.DataFrame, champion: Callable[[], Candidate | None], profile: Profile) -> ServedOutcomes:
    """A correction decides: to a command of the same class it fills in the blanks, to another one the suggestion was
    wrong. Without one, a suggestion that was rejected, undone or edited was wrong, and one that ran or was accepted was
    right. What the server took for out of scope is left out, as it is in the released figure.
    """
    model = champion()
    target = model.transforms["target"] if model else profile.command.target
    corrected = served["corrected_command"].fillna("")
    wanted = _classes(corrected, target)
    ran = served["executed"].fillna(False).astype(bool)
    taken = ~served["verdict"].isin(DECLINED) & (ran | served["verdict"].eq("accepted").fillna(False))
    tested = served["action"].isin(PUT_TO_THE_TEST) & served["command"].ne("") & ~out_of_scope(served)
    known = tested & (ran | served["verdict"].notna() | corrected.ne(""))
    hit = np.where(corrected.ne(""), wanted == _classes(served["command"], target), taken)
    new = where(corrected.ne(""), ~wanted.isin(model.labels)) if model else None
    return ServedOutcomes(COMMAND.score, where(known, hit), without_class=new)


def _classes(lines: pd.Series, target: str) -> pd.Series:
    lines = lines.str.strip()
    return lines if target == "line" else read_commands(lines)[target]
