"""Looks for ways in which held-out rows could have been seen in training, in a data set as it was stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ccml.datasets.near_duplicates import near_duplicates, normalise
from ccml.datasets.splits import HELD_OUT

if TYPE_CHECKING:
    import pandas as pd

ORDER = {"train": 0, "validation": 1, "calibration": 1, "test": 2}


@dataclass(frozen=True)
class LeakageFinding:
    kind: str
    """session_overlap, user_overlap, time_order, duplicate_text, augmented_held_out or augmented_copy."""
    count: int
    example: str
    message: str


def check_leakage(
    rows: pd.DataFrame, *, whole_sessions: bool = True, time_ordered: bool = True, text_similarity: float | None = None
) -> list[LeakageFinding]:
    """Each way in which rows leak; empty if there is none.

    Args:
        rows: a data set with interaction_id, session_id, user_id, time, split, unseen_user; `augmented` if it has any.
        whole_sessions, time_ordered: as `Splits` states them; what does not hold is not checked.
        text_similarity: also look for training requests this similar to a held-out one. Only for data sets of texts:
            in sequences of commands a person repeats a request next week, and predicting its command is the task.
    """
    findings = [
        *(_session_overlap(rows) if whole_sessions else []),
        *_user_overlap(rows),
        *(_time_order(rows) if time_ordered else []),
    ]
    if text_similarity is not None:
        findings += _texts(rows, text_similarity)
    if "augmented" in rows:
        findings += _augmented_outside_training(rows)
    return findings


def _session_overlap(rows: pd.DataFrame) -> list[LeakageFinding]:
    """Validation and calibration count as one: both guide training, and nothing is fitted to or measured on either."""
    stages = rows["split"].map(ORDER).groupby(rows["session_id"]).nunique()
    torn = stages.index[stages > 1]
    return _finding("session_overlap", torn, "sessions have rows in more than one split")


def _user_overlap(rows: pd.DataFrame) -> list[LeakageFinding]:
    wrong = rows.loc[rows["unseen_user"].astype(bool) & (rows["split"] != "test"), "user_id"].unique()
    return _finding("user_overlap", wrong, "users counted as unseen have rows outside the test split")


def _time_order(rows: pd.DataFrame) -> list[LeakageFinding]:
    """For each known user: training before validation and calibration, these before test."""
    known = rows[~rows["unseen_user"].astype(bool)]
    stage = known["split"].map(ORDER)
    span = known.groupby(["user_id", stage.rename("stage")])["time"].agg(["min", "max"]).reset_index()
    span = span.sort_values(["user_id", "stage"])
    latest_before = span.groupby("user_id")["max"].cummax().groupby(span["user_id"]).shift()
    wrong = span.loc[span["min"] < latest_before, "user_id"].unique()
    return _finding("time_order", wrong, "known users have a row that is later than a row of a later split")


def _texts(rows: pd.DataFrame, similarity: float) -> list[LeakageFinding]:
    held_out = rows.loc[rows["split"].isin(HELD_OUT), "request"].tolist()
    augmented = rows["augmented"].astype(bool) if "augmented" in rows else rows["split"] == "augmented"
    training = rows["split"] == "train"
    originals = rows.loc[training & ~augmented, "request"].drop_duplicates()
    twins = originals[near_duplicates(originals.tolist(), held_out, similarity)]
    texts = {normalise(text) for text in held_out}
    rewrites = rows.loc[augmented, "request"].drop_duplicates()
    copies = rewrites[rewrites.map(normalise).isin(texts)]
    return [
        *_finding("duplicate_text", twins, "training texts are the same as, or almost, a held-out text"),
        *_finding("augmented_copy", copies, "rewritten texts are held-out texts"),
    ]


def _augmented_outside_training(rows: pd.DataFrame) -> list[LeakageFinding]:
    stray = rows.loc[rows["augmented"].astype(bool) & (rows["split"] != "train"), "interaction_id"]
    return _finding("augmented_held_out", stray, "rewritten rows lie outside the training split")


def _finding(kind: str, what: pd.Series | pd.Index, sentence: str) -> list[LeakageFinding]:
    if not len(what):
        return []
    example = str(next(iter(what)))
    return [LeakageFinding(kind, len(what), example, f"{len(what)} {sentence}, for example {example!r}.")]
