"""Cuts logged sessions into sittings, and counts for each turn the outcomes of its sitting that were known by then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ccml.features.causal import known_sum
from ccml.features.context import FAILURES_CAP
from ccml.features.tables import moments

if TYPE_CHECKING:
    import pandas as pd

IDLE_MINUTES = 30
"""A longer pause ends the sitting: the commands before it predict the next one poorly."""


def cut_sessions(turns: pd.DataFrame) -> pd.DataFrame:
    """Sorted turns with `session_id` suffixed by the start of their sitting, and `position`, `seconds_since_previous`.

    A sitting ends at a pause. It also ends at midnight (UTC) after a day that it filled, that is a day whose first turn
    came within half an hour of midnight and that had no pause. Without the second rule an agent that works for a week
    would have one sitting, whose start is found only by reading the week. With it every sitting begins on the day of
    its turn or on the day before, so a day that is cleaned with its neighbours gets the same sittings as in a run over
    all days.

    Turns of one moment keep the order they came in.
    """
    import pandas as pd

    turns = turns.sort_values(["user_id", "session_id", "time"], kind="stable", ignore_index=True)
    same = (turns["session_id"] == turns["session_id"].shift()) & (turns["user_id"] == turns["user_id"].shift())
    same = same.fillna(False).astype(bool)
    gap = turns["time"].diff().dt.total_seconds()
    continues = same & (gap <= IDLE_MINUTES * 60) & ~_after_a_filled_day(turns["time"], same, gap)
    sitting = (~continues).cumsum()
    start = turns.groupby(sitting)["time"].transform("min").dt.strftime("%Y%m%dT%H%M%S")
    turns["session_id"] = turns["session_id"].astype("string") + "#" + start
    turns["position"] = turns.groupby(sitting).cumcount()
    turns["seconds_since_previous"] = gap.where(continues, np.nan)
    return pd.DataFrame(turns)


def _after_a_filled_day(time: pd.Series, same: pd.Series, gap: pd.Series) -> pd.Series:
    """Is the turn the first of its session's day, after a day without any pause from its first half hour on?"""
    midnight = time.dt.floor("D")
    is_first = ~same | (midnight != midnight.shift())
    day = is_first.cumsum()
    began_early = (time - midnight).dt.total_seconds().where(is_first).groupby(day).transform(
        "first"
    ) < IDLE_MINUTES * 60
    paused = ((gap > IDLE_MINUTES * 60) & ~is_first).groupby(day).transform("any")
    filled = began_early & ~paused
    return is_first & same & filled.shift(fill_value=False)


def session_so_far(turns: pd.DataFrame) -> pd.DataFrame:
    """Adds `session_commands`, `session_successes`, `session_failures_in_a_row` and `previous_succeeded`.

    Each over the commands that ran, and as known at the turn's time. Takes sorted turns with `position`, `executed`,
    `succeeded` (boolean with NA) and `outcome_time`.
    """
    import pandas as pd

    runs = EarlierRuns.of(turns)
    run = np.ones(len(turns), bool)
    failures = np.zeros(len(turns), np.int64)
    for back in range(1, FAILURES_CAP + 1):
        run &= runs.outcome(back) == 0.0
        failures += run
    sitting = np.cumsum(turns["position"].to_numpy(np.int64) == 0)
    succeeded = runs.ran & (runs.succeeded == 1.0)
    return turns.assign(
        session_commands=runs.count,
        session_successes=known_sum(sitting, runs.time, runs.known_at, succeeded.astype(np.float64)).astype(np.int64),
        session_failures_in_a_row=failures,
        previous_succeeded=pd.array(pd.Series(runs.outcome(1)).map({1.0: True, 0.0: False}), dtype="boolean"),
    )


@dataclass(frozen=True)
class EarlierRuns:
    """For each turn, the commands that ran before it in its sitting, and what was known of them by its time.

    What a client sends as its history is what ran; a proposal that was declined is no part of it.
    """

    ran: NDArray[np.bool_]  # (N,)
    succeeded: NDArray[np.float64]  # (N,) 1, 0 or NaN
    time: NDArray[np.int64]  # (N,)
    known_at: NDArray[np.int64]  # (N,)
    count: NDArray[np.int64]  # (N,)
    """Commands that ran earlier in the sitting."""
    rows: NDArray[np.int64]  # (R,)
    """Rows of the turns that ran, in order."""
    before: NDArray[np.int64]  # (N,)
    """How many of `rows` lie before the turn, over all sittings."""

    @classmethod
    def of(cls, turns: pd.DataFrame) -> EarlierRuns:
        """Takes turns sorted by user, session and position, each sitting in one piece and from its beginning."""
        ran = turns["executed"].to_numpy(dtype=bool, na_value=False)
        before = np.cumsum(ran) - ran
        starts = turns["position"].to_numpy(np.int64) == 0
        sitting = np.cumsum(starts) - 1
        succeeded = turns["succeeded"].to_numpy(dtype=np.float64, na_value=np.nan)
        time, known_at = moments(turns["time"]), moments(turns["outcome_time"])
        count = before - before[starts][sitting]
        return cls(ran, succeeded, time, known_at, count, np.flatnonzero(ran), before)

    def row(self, back: int) -> NDArray[np.int64]:
        """(N,) row of the command that ran `back` places before each turn; -1 where there is none."""
        exists = self.count >= back
        index = np.where(exists, self.before - back, 0)
        return np.where(exists, self.rows[index], -1) if len(self.rows) else np.full(len(self.ran), -1)

    def outcome(self, back: int) -> NDArray[np.float64]:
        """(N,) its outcome: 1, 0, or NaN where there is none or it was not known by the turn's time."""
        row = self.row(back)
        known = (row >= 0) & (self.known_at[row] <= self.time)
        outcome: NDArray[np.float64] = np.where(known, self.succeeded[row], np.nan) if len(row) else self.succeeded
        return outcome
