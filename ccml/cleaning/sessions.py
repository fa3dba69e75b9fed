"""Cuts sittings out of logged sessions, and says for each turn what was known of its sitting by then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ccml.features.causal import known_sum
from ccml.features.context import FAILURES_CAP
from ccml.features.tables import moments

if TYPE_CHECKING:
    import pandas as pd

IDLE_MINUTES = 30
"""A longer pause ends the sitting: what was done before lunch says little about the next command."""


def cut_sessions(turns: pd.DataFrame) -> pd.DataFrame:
    """Sorted turns with `session_id` suffixed by the start of their sitting, and `position`, `seconds_since_previous`.

    The suffix is the start and not a running number, because days are cleaned separately: a shell history is one
    session over years, and numbers counted within a window of days would name different sittings alike.
    """
    import pandas as pd

    turns = turns.sort_values(["user_id", "session_id", "time", "interaction_id"], kind="stable", ignore_index=True)
    same = (turns["session_id"] == turns["session_id"].shift()) & (turns["user_id"] == turns["user_id"].shift())
    gap = turns["time"].diff().dt.total_seconds()
    continues = same.fillna(False).astype(bool) & (gap <= IDLE_MINUTES * 60)
    sitting = (~continues).cumsum()
    start = turns.groupby(sitting)["time"].transform("min").dt.strftime("%Y%m%dT%H%M%S")
    turns["session_id"] = turns["session_id"].astype("string") + "#" + start
    turns["position"] = turns.groupby(sitting).cumcount()
    turns["seconds_since_previous"] = gap.where(continues, np.nan)
    return pd.DataFrame(turns)


def session_so_far(turns: pd.DataFrame) -> pd.DataFrame:
    """Adds `previous_succeeded`, `session_successes`, `session_failures_in_a_row`, each as known at the turn's time.

    Takes sorted turns with `position`, `succeeded` (boolean with NA) and `outcome_time`.
    """
    import pandas as pd

    position = turns["position"].to_numpy(np.int64)
    time, known_at = moments(turns["time"]), moments(turns["outcome_time"])
    outcome = turns["succeeded"].to_numpy(dtype=np.float64, na_value=np.nan)
    sitting = np.cumsum(position == 0)
    successes = known_sum(sitting, time, known_at, (outcome == 1.0).astype(np.float64))
    previous = lagged_outcome(outcome, known_at, time, position, 1)
    run = np.ones(len(turns), bool)
    failures = np.zeros(len(turns), np.int64)
    for back in range(1, FAILURES_CAP + 1):
        run &= lagged_outcome(outcome, known_at, time, position, back) == 0.0
        failures += run
    turns["previous_succeeded"] = pd.array(pd.Series(previous).map({1.0: True, 0.0: False}), dtype="boolean")
    turns["session_successes"] = successes.astype(np.int64)
    turns["session_failures_in_a_row"] = failures
    return turns


def lagged_outcome(
    outcome: np.ndarray, known_at: np.ndarray, time: np.ndarray, position: np.ndarray, back: int
) -> np.ndarray:
    """Outcome of the turn `back` places earlier in the sitting: 1, 0, or NaN where none or not known by `time`. (N,)"""
    earlier = np.arange(len(outcome)) - back
    exists = position >= back
    index = np.where(exists, earlier, 0)
    seen = exists & (known_at[index] <= time)
    return np.where(seen, outcome[index], np.nan) if len(outcome) else outcome
