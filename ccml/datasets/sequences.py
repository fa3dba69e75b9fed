"""The command predictor's data: a request, the session before it, and the command that was wanted."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from ccml.cleaning.commands import read_commands
from ccml.cleaning.sessions import lagged_outcome
from ccml.datasets.content import Dataset
from ccml.datasets.splits import SPLITS, Splits
from ccml.errors import NotEnoughDataError
from ccml.features.history import OUTCOME_FAILED, OUTCOME_OK, OUTCOME_UNKNOWN
from ccml.features.tables import moments

if TYPE_CHECKING:
    import pandas as pd

UNSAFE_TARGETS = ("danger", "refused")


def command_sequences(clean: pd.DataFrame, context: pd.DataFrame, splits: Splits, *, history: int) -> Dataset:
    """One row per interaction whose wanted command is known; the session's commands before it as lists, oldest first.

    The target is the user's corrected command where there is one. A command he rejected or undid is no target, nor is
    a served proposal that nobody accepted or ran: a model must not learn from its own guesses. Commands that the risk
    rules call dangerous are never learnt.

    Args:
        context: interaction_id, context; see `ccml.features.tables.assemble_context`.
        history: at most this many earlier commands a row.

    Raises:
        NotEnoughDataError: no command, or a split without rows.
    """
    turns = clean.drop_duplicates("interaction_id")
    turns = turns.sort_values(["user_id", "session_id", "position"], kind="stable", ignore_index=True)
    turns = turns[turns["command"].str.strip() != ""].reset_index(drop=True)
    if turns.empty:
        raise NotEnoughDataError("No interaction carries a command, so there is nothing to predict.")
    rows = _with_history(turns, history)

    corrected = turns["corrected_command"].astype("string").str.strip()
    corrected = corrected.mask(corrected == "")
    line = corrected.fillna(turns["command"])
    target = read_commands(line).reset_index(drop=True)
    unwanted = corrected.isna() & turns["verdict"].isin(["rejected", "undone"])
    accepted = turns["verdict"].isin(["accepted", "edited"]) | turns["succeeded"].notna() | corrected.notna()
    reasons = {
        "dropped by the split": ~turns["interaction_id"].map(splits.labels).isin(SPLITS),
        "command rejected or undone": unwanted,
        "served proposal that nobody ran": (turns["source"] == "served") & ~accepted,
        "no program in the command": target["program"] == "",
        "dangerous command": target["risk"].isin(UNSAFE_TARGETS),
    }
    kept, left_out = keep(turns, reasons)
    rows = rows.assign(
        split=turns["interaction_id"].map(splits.labels),
        unseen_user=turns["user_id"].isin(list(splits.unseen_users)).astype(bool),
        family=target["family"],
        context=turns["interaction_id"].map(context.set_index("interaction_id")["context"]),
        target_program=target["program"],
        target_template=target["template"],
        target_line=line,
    )[kept]
    order = ["interaction_id", "session_id", "user_id", "time", "split", "unseen_user", "source", "family", "request"]
    order += ["history_templates", "history_programs", "history_lines", "history_outcomes", "context"]
    order += ["target_program", "target_template", "target_line"]
    return finish(rows[order], left_out, "commands")


def _with_history(turns: pd.DataFrame, history: int) -> pd.DataFrame:
    """Lists per row: the commands of its session before it, with the outcomes known by its time."""
    # Turns without a command are gone, so places in the session are counted anew.
    place = turns.groupby(["user_id", "session_id"]).cumcount().to_numpy(np.int64)
    outcome = turns["succeeded"].to_numpy(dtype=np.float64, na_value=np.nan)
    time, known_at = moments(turns["time"]), moments(turns["outcome_time"])
    lags = np.stack([lagged_outcome(outcome, known_at, time, place, back) for back in range(history, 0, -1)], axis=1)
    codes = np.where(np.isnan(lags), OUTCOME_UNKNOWN, np.where(lags == 1.0, OUTCOME_OK, OUTCOME_FAILED))  # (N, K)
    codes = codes.astype(np.int8)
    count = np.minimum(place, history)
    lists = {
        f"history_{name}": [column[row - count[row] : row] for row in range(len(turns))]
        for name, column in (
            ("templates", turns["template"].tolist()),
            ("programs", turns["program"].tolist()),
            ("lines", turns["command"].tolist()),
        )
    }
    outcomes = [codes[row, history - count[row] :].tolist() for row in range(len(turns))]
    plain = turns[["interaction_id", "session_id", "user_id", "time", "source", "request"]]
    return plain.assign(**lists, history_outcomes=outcomes)


def keep(turns: pd.DataFrame, reasons: dict[str, pd.Series]) -> tuple[np.ndarray, dict[str, int]]:
    """(N,) rows that no reason excludes, and how many each reason took; a row counts under the first that applies."""
    kept = np.ones(len(turns), bool)
    left_out: Counter[str] = Counter()
    for reason, applies in reasons.items():
        mask = applies.fillna(False).to_numpy(dtype=bool) & kept
        left_out[reason] += int(mask.sum())
        kept &= ~mask
    return kept, {reason: count for reason, count in left_out.items() if count}


def finish(rows: pd.DataFrame, left_out: dict[str, int], what: str) -> Dataset:
    """Plain Python text instead of pandas' own, in time order, with counts.

    Raises:
        NotEnoughDataError: a split has no rows.
    """
    text = {name: rows[name].astype(object).where(rows[name].notna(), None) for name in rows.select_dtypes("string")}
    rows = rows.assign(**text).sort_values(["time", "interaction_id"], kind="stable", ignore_index=True)
    counts = {split: int((rows["split"] == split).sum()) for split in SPLITS}
    if min(counts.values()) == 0:
        gone = "; ".join(f"{reason}: {count}" for reason, count in left_out.items()) or "nothing was left out"
        empty = " and ".join(split for split, count in counts.items() if count == 0)
        raise NotEnoughDataError(f"No {what} are left for {empty} ({gone}).")
    return Dataset(rows, {"rows": counts, "left_out": left_out})
