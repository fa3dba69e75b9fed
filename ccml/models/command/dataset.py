"""The command predictor's data: a request, the session before it, and the command that was wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ccml.cleaning.commands import ran_command, read_commands
from ccml.cleaning.sessions import EarlierRuns
from ccml.datasets.content import Dataset
from ccml.datasets.rules import LENGTH
from ccml.datasets.splits import SPLITS, Splits
from ccml.errors import NotEnoughDataError
from ccml.features.context import CONTEXT_FIELDS
from ccml.features.history import OUTCOME_FAILED, OUTCOME_OK, OUTCOME_UNKNOWN

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.expectations import Expectation

    from ccml.profiles import Profile

UNSAFE_TARGETS = ("danger", "refused")

MINIMUM_ROWS = {"train": 50, "validation": 10, "calibration": 10, "test": 10}
"""With fewer, a model would be fitted, calibrated or evaluated on too few; the asset is skipped with the counts."""


def build_dataset(clean: pd.DataFrame, context: pd.DataFrame, splits: Splits, profile: Profile) -> Dataset:
    return command_sequences(clean, context, splits, history=profile.command.history)


def command_sequences(clean: pd.DataFrame, context: pd.DataFrame, splits: Splits, *, history: int) -> Dataset:
    """One row per interaction whose wanted command is known; the commands that ran before it in its session as lists.

    The target is `wanted_command`. Commands that the risk rules call dangerous are never learnt.

    Args:
        clean: whole sessions.
        context: interaction_id, context; see `ccml.features.tables.assemble_context`.
        history: at most this many earlier commands a row.

    Raises:
        NotEnoughDataError: no command, or a split without rows.
    """
    turns = clean.drop_duplicates("interaction_id")
    turns = turns.sort_values(["user_id", "session_id", "position"], kind="stable", ignore_index=True)
    if not (turns["command"].str.strip() != "").any():
        raise NotEnoughDataError("No interaction carries a command, so there is nothing to predict.")
    line = turns["wanted_command"].fillna("")
    target = read_commands(line)
    reasons = {
        "no command": (turns["command"].str.strip() == "") & (line == ""),
        "left out by the split": ~turns["interaction_id"].map(splits.labels).isin(SPLITS),
        "not known whether the command was wanted": line == "",
        "no program in the command": target["program"] == "",
        "dangerous command": target["risk"].isin(UNSAFE_TARGETS),
    }
    kept, left_out = keep(turns, reasons)
    rows = _with_history(turns, history).assign(
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
    """Lists per row, oldest first: the commands that ran, with the outcomes known by the row's time."""
    runs = EarlierRuns.of(turns)
    ran_line = ran_command(turns).fillna("")
    ran = read_commands(ran_line)
    columns = {
        "history_templates": ran["template"].tolist(),
        "history_programs": ran["program"].tolist(),
        "history_lines": ran_line.tolist(),
    }
    count = np.minimum(runs.count, history)
    rows = np.stack([runs.row(back) for back in range(history, 0, -1)], axis=1)  # (N, K), newest last, -1 padding
    outcomes = np.stack([runs.outcome(back) for back in range(history, 0, -1)], axis=1)
    codes = np.where(np.isnan(outcomes), OUTCOME_UNKNOWN, np.where(outcomes == 1.0, OUTCOME_OK, OUTCOME_FAILED))
    earlier = [row[history - n :].tolist() for row, n in zip(rows, count, strict=True)]
    lists = {name: [[column[at] for at in row] for row in earlier] for name, column in columns.items()}
    known = [row[history - n :].tolist() for row, n in zip(codes.astype(np.int8), count, strict=True)]
    plain = turns[["interaction_id", "session_id", "user_id", "time", "source", "request"]]
    return plain.assign(**lists, history_outcomes=known)


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
        NotEnoughDataError: a split has fewer rows than `MINIMUM_ROWS`.
    """
    text = {name: rows[name].astype(object).where(rows[name].notna(), None) for name in rows.select_dtypes("string")}
    rows = rows.assign(**text).sort_values(["time", "interaction_id"], kind="stable", ignore_index=True)
    counts = {split: int((rows["split"] == split).sum()) for split in SPLITS}
    short = [
        f"{counts[split]} of {least} for {split}" for split, least in MINIMUM_ROWS.items() if counts[split] < least
    ]
    if short:
        gone = "; ".join(f"{reason}: {count}" for reason, count in left_out.items()) or "none"
        raise NotEnoughDataError(f"There are too few {what}: {', '.join(short)}. Left out: {gone}.")
    return Dataset(rows, {"rows": counts, "left_out": left_out})


def data_rules() -> Iterator[Expectation]:
    """What the rows keep beside the rules of every data set."""
    from great_expectations import expectations as gxe

    for name in ("target_program", "target_template", "target_line"):
        yield gxe.ExpectColumnValueLengthsToBeBetween(column=name, min_value=1)
    yield gxe.ExpectColumnValuesToBeInSet(column=f"context{LENGTH}", value_set=[len(CONTEXT_FIELDS)])
    for name in ("programs", "lines", "outcomes"):
        yield gxe.ExpectColumnPairValuesToBeEqual(
            column_A=f"history_templates{LENGTH}", column_B=f"history_{name}{LENGTH}"
        )
