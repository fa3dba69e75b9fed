"""Draws training, validation, calibration and test rows: by time for known users, and some users wholly unseen.

The split is drawn before anything is fitted or augmented. The first training holds out the newest third of the log. A
retrain that did the same would hold out all new rows: it would be evaluated on the drift that caused it and trained on
none of it. Its held-out rows are therefore the newest of those that came after the champions' data. All rows before
them train, also the ones that earlier trainings were evaluated on. No row that a champion was fitted on is held out,
because the champion would win every comparison on it.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ccml.errors import NotEnoughDataError
from ccml.profiles import SplitSettings

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("train", "validation", "calibration", "test")
HELD_OUT = ("validation", "calibration", "test")

MINIMUM_ROWS = 40
MINIMUM_SESSIONS = 4
"""One for each split; with fewer, a session has to be cut by time."""
MINIMUM_USERS = 5
"""With fewer, a held-out user would take a quarter of the rows or more, on average."""
UNEVEN = 0.2
"""Calibration gets at least this share of the validation window, and at most the rest."""
RETRAIN_VALIDATION, RETRAIN_TEST = 0.2, 0.4
"""Most that a retrain holds out, as shares of the rows that may be held out: two fifths of them train."""
LEFT_OUT = "left out"
"""In place of a split, of rows that no split may have."""
FEWEST_FRESH_SESSIONS = 20
"""Eight of them test; the gate needs eight."""
STRADDLING_LIMIT = 0.2
"""Turns that a session makes after the next cut are left out while they are at most this share of the rows."""


@dataclass(frozen=True)
class Splits:
    labels: pd.Series
    """interaction_id → 'train', 'validation', 'calibration', 'test' or 'left out'."""
    unseen_users: frozenset[str]
    """Users of whom no row is outside the test split."""
    whole_sessions: bool
    """False where there were too few sessions, so that they were cut by time."""
    time_ordered: bool
    """False where sessions ran side by side, so that a known user's training turns may be later than held-out ones."""
    facts: dict[str, Any]
    """Counts, cut times, rows left out by reason and, in words, each deviation from the usual split."""

    def table(self, clean: pd.DataFrame) -> pd.DataFrame:
        """interaction_id, user_id, split, unseen_user, whole_sessions, time_ordered: how the split is stored."""
        rows = clean[["interaction_id", "user_id"]].drop_duplicates("interaction_id").reset_index(drop=True)
        return rows.assign(
            split=rows["interaction_id"].map(self.labels).astype(object),
            unseen_user=rows["user_id"].isin(list(self.unseen_users)).astype(bool),
            whole_sessions=self.whole_sessions,
            time_ordered=self.time_ordered,
        )

    @classmethod
    def from_table(cls, table: pd.DataFrame) -> Splits:
        """The inverse of `table`, without the facts."""
        return cls(
            labels=table.set_index("interaction_id")["split"].astype(object),
            unseen_users=frozenset(table.loc[table["unseen_user"], "user_id"]),
            whole_sessions=bool(table["whole_sessions"].all()),
            time_ordered=bool(table["time_ordered"].all()),
            facts={},
        )


@dataclass(frozen=True)
class SeenByChampions:
    """Time of the newest row that a champion was fitted on, and of the newest that it was chosen or evaluated on."""

    trained_until: datetime
    data_until: datetime


def assign_splits(
    clean: pd.DataFrame, settings: SplitSettings, seed: int, seen: SeenByChampions | None = None
) -> Splits:
    """Deterministic for the same arguments, in whatever order the rows come.

    Known users: the first sessions train, the next validate (half of them, drawn by hash, calibrates), the last
    test. A session belongs to the split in which it starts; its turns after the next cut are left out.

    Args:
        seen: with champions in place, only sessions that began after their data are held out; where these hold fewer
            than `settings.fresh_rows` rows, sessions that began after their training. None for a first training.

    Raises:
        NotEnoughDataError: too few interactions to keep training and held-out rows apart.
    """
    if len(clean) < MINIMUM_ROWS:
        raise NotEnoughDataError(
            f"The telemetry holds {len(clean)} interactions; at least {MINIMUM_ROWS} are needed to keep training and "
            "held-out rows apart. Land more logs."
        )
    rows = clean[["interaction_id", "session_id", "user_id", "time"]].drop_duplicates("interaction_id")
    sessions = rows.groupby("session_id").agg(
        user_id=("user_id", "first"), start=("time", "min"), end=("time", "max"), rows=("time", "size")
    )
    sessions = sessions.reset_index().sort_values(["start", "session_id"], ignore_index=True)
    notes: list[str] = []
    drawn = _held_out_users(sessions, settings, seed, notes)
    is_drawn = sessions["user_id"].isin(list(drawn))
    known = sessions[~is_drawn].reset_index(drop=True)
    since = _held_out_since(known, seen, settings) if seen else None
    left_out: dict[str, int] = {}
    if len(known) < MINIMUM_SESSIONS:
        notes.append(
            f"There are {len(known)} sessions, fewer than {MINIMUM_SESSIONS}: cut by time instead of kept whole."
        )
        labels = _by_time_within_sessions(rows, settings)
        drawn, whole, ordered, cuts = frozenset(), False, True, {}
    else:
        first, second = _boundaries(known, settings, since)
        by_session = _by_session(known, first, second, seed)
        by_session |= dict.fromkeys(sessions.loc[is_drawn, "session_id"], "test")
        if since is not None:
            notes.append(f"A retrain: held out of the sessions that began after {since}.")
            older = is_drawn & (sessions["start"] <= since)
            by_session |= dict.fromkeys(sessions.loc[older, "session_id"], LEFT_OUT)
        labels = rows["session_id"].map(by_session).set_axis(rows["interaction_id"])
        left_out["turn of a user held out, older than the held-out rows"] = int((labels == LEFT_OUT).sum())
        late = _after_the_next_cut(rows, labels, known["start"][first], known["start"][second])
        whole, ordered = True, bool(late.sum() <= STRADDLING_LIMIT * len(rows))
        if ordered:
            labels = labels.mask(late, LEFT_OUT)
            left_out["turn after the cut that its session began before"] = int(late.sum())
        else:
            notes.append("Many sessions run side by side: each belongs where it starts, whole, and overlaps in time.")
        labels = _halved_in_time(rows, labels, notes)
        cuts = {"validation": str(known["start"][first]), "test": str(known["start"][second])}
    counts = {split: int((labels == split).sum()) for split in (*SPLITS, LEFT_OUT)}
    empty = [split for split in SPLITS if counts[split] == 0]
    if empty:
        raise NotEnoughDataError(
            f"No rows are left for {' and '.join(empty)} after splitting {len(rows)} interactions of {len(sessions)} "
            "sessions by time. Land logs of more sessions."
        )
    unseen = _only_tested(rows, labels)
    facts = {
        "rows": counts,
        "sessions": len(sessions),
        "users": int(sessions["user_id"].nunique()),
        "unseen_users": len(unseen),
        "held_out_users": len(drawn),
        "left_out": {reason: count for reason, count in left_out.items() if count},
        "cuts": cuts,
        "notes": notes,
    }
    return Splits(labels.astype(object), unseen, whole, ordered, facts)


def _held_out_users(sessions: pd.DataFrame, settings: SplitSettings, seed: int, notes: list[str]) -> frozenset[str]:
    """Users in the order of their hash, up to the wanted share; nobody who has more than a quarter of the rows."""
    by_user = sessions.groupby("user_id")["rows"].sum()
    wanted = math.ceil(settings.unseen_user_fraction * len(by_user))
    if len(by_user) < MINIMUM_USERS:
        notes.append(f"There are {len(by_user)} users, fewer than {MINIMUM_USERS}: none is held out whole.")
        return frozenset()
    candidates = by_user.index[by_user <= by_user.sum() / 4]
    return frozenset(sorted(candidates, key=lambda user: draw(seed, "user", user))[:wanted])


def _only_tested(rows: pd.DataFrame, labels: pd.Series) -> frozenset[str]:
    """The users drawn, and those whose first row is after the last cut: no row of either trains."""
    user = rows["user_id"].set_axis(labels.index)
    return frozenset(user[labels == "test"]) - frozenset(user[labels.isin(["train", "validation", "calibration"])])


def _held_out_since(known: pd.DataFrame, seen: SeenByChampions, settings: SplitSettings) -> datetime:
    """The end of the champions' data where enough has come since, else the end of their training."""
    fresh = known[known["start"] > seen.data_until]
    enough = fresh["rows"].sum() >= settings.fresh_rows and len(fresh) >= FEWEST_FRESH_SESSIONS
    return seen.data_until if enough else seen.trained_until


def _boundaries(known: pd.DataFrame, settings: SplitSettings, since: datetime | None) -> tuple[int, int]:
    """Session numbers: [0, first) trains, [first, second) validates and calibrates, the rest tests.

    Raises:
        NotEnoughDataError: fewer than four sessions are later than `since`.
    """
    count = len(known)
    oldest = 0 if since is None else int((known["start"] <= since).sum())  # the first that may be held out
    if count - oldest < MINIMUM_SESSIONS:
        raise NotEnoughDataError(
            f"{count - oldest} sessions began after {since}, until when the champions were trained; a retrain needs at "
            f"least {MINIMUM_SESSIONS} to be evaluated on. Land newer logs."
        )
    validation, test = settings.validation_fraction, settings.test_fraction
    share = np.cumsum(known["rows"].to_numpy()) / known["rows"].sum()
    eligible = 1.0 - (float(share[oldest - 1]) if oldest else 0.0)
    if since is not None:
        validation, test = min(validation, RETRAIN_VALIDATION * eligible), min(test, RETRAIN_TEST * eligible)
    reach = max(1, int((validation + test) / eligible * (count - oldest) / 13))
    low = max(1, oldest)
    aim = int(np.searchsorted(share, 1 - validation - test)) + 1
    first = _quietest_boundary(known, min(max(aim, low), count - 3), low, count - 3, reach)
    aim = int(np.searchsorted(share, 1 - test)) + 1
    second = _quietest_boundary(known, min(max(aim, first + 2), count - 1), first + 2, count - 1, reach)
    return first, second


def _by_session(known: pd.DataFrame, first: int, second: int, seed: int) -> dict[str, str]:
    """Session → split. Validating sessions go, in the order of their hash, to whichever half has fewer rows yet."""
    number = np.arange(len(known))
    label = np.where(number < first, "train", np.where(number < second, "validation", "test")).astype(object)
    splits: dict[str, str] = dict(zip(known["session_id"], label, strict=True))
    window = known[label == "validation"].set_index("session_id")["rows"]
    filled = {"validation": 0, "calibration": 0}
    for session in sorted(window.index, key=lambda session: draw(seed, "calibration", session)):
        half = min(filled, key=lambda split: filled[split])
        splits[session] = half
        filled[half] += int(window[session])
    return splits


def _halved_in_time(rows: pd.DataFrame, labels: pd.Series, notes: list[str]) -> pd.Series:
    """Where one long session makes most of the validation window, its later half calibrates: half a session each is
    more for validation and calibration than one row."""
    window = labels[labels.isin(["validation", "calibration"])]
    if len(window) == 0 or UNEVEN <= (window == "calibration").mean() <= 1 - UNEVEN:
        return labels
    notes.append("One session makes most of the validation window: its later half calibrates.")
    time = rows["time"].set_axis(labels.index)[window.index].sort_values(kind="stable")
    return labels.mask(labels.index.isin(time.index[: len(time) // 2]), "validation").mask(
        labels.index.isin(time.index[len(time) // 2 :]), "calibration"
    )


def _after_the_next_cut(rows: pd.DataFrame, labels: pd.Series, first: Any, second: Any) -> pd.Series:
    time = rows["time"].set_axis(labels.index)
    validating = labels.isin(["validation", "calibration"])
    return ((labels == "train") & (time >= first)) | (validating & (time >= second))


def _quietest_boundary(sessions: pd.DataFrame, aim: int, low: int, high: int, reach: int) -> int:
    """The boundary near `aim` that sessions with the fewest rows run across, such as a night or a weekend."""
    near = range(max(low, aim - reach), min(high, aim + reach) + 1)
    rows = sessions["rows"].to_numpy()
    return min(near, key=lambda boundary: (rows[_straddles(sessions, boundary)].sum(), abs(boundary - aim), boundary))


def _straddles(sessions: pd.DataFrame, boundary: int) -> NDArray[np.bool_]:
    begun = np.arange(len(sessions)) < boundary
    return np.asarray(begun & (sessions["end"] >= sessions["start"][boundary]).to_numpy())


def _by_time_within_sessions(rows: pd.DataFrame, settings: SplitSettings) -> pd.Series:
    import pandas as pd

    ordered = rows.sort_values(["time", "interaction_id"], kind="stable")
    share = (np.arange(len(ordered)) + 0.5) / len(ordered)
    test = 1 - settings.test_fraction
    validation = test - settings.validation_fraction
    edges = [validation, validation + settings.validation_fraction / 2, test]
    labels = np.asarray(SPLITS, dtype=object)[np.searchsorted(edges, share)]
    return pd.Series(labels, index=pd.Index(ordered["interaction_id"]))


def draw(seed: int, purpose: str, identifier: str) -> int:
    """A pseudo-random number that depends on its arguments alone."""
    digest = hashlib.sha256(f"{seed}:{purpose}:{identifier}".encode()).digest()
    return int.from_bytes(digest[:8], "big")
