"""Has the traffic left what the models were trained on?

Evidently measures the distances; the limits are drawn here. A fixed limit would be wrong twice: turns of one session,
and sessions of one user, resemble each other, so that a window of a few sessions differs from the reference without
any drift, and by how much depends on the window's size. The limits are therefore read off windows without drift that
have the same shape, as many users with as many sessions each, drawn from the reference itself, at a stated rate of
false alarms over all columns together. `python benchmarks/drift_error_rates.py` measures how often they err.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ccml.errors import NotEnoughDataError
from ccml.monitoring.bins import TITLES, bin_labels
from ccml.monitoring.limits import DriftLimits
from ccml.monitoring.reference import NEW, SEEN, DriftReference, is_known, words
from ccml.privacy.shared_words import shared_of

if TYPE_CHECKING:
    import pandas as pd

REPLICATES = 1_000
MOST_EXAMPLES = 10
LONGEST_EXAMPLE = 120


class DriftBin(msgspec.Struct, frozen=True):
    """How many rows of either side lie in one bin."""

    label: str
    """Its range with the unit, such as `12 to 25 %`."""
    reference: int
    current: int


class DriftExample(msgspec.Struct, frozen=True):
    """A word or a command line that training had not seen, as it stands after redaction."""

    text: str
    count: int
    """Answers of the window in which it occurs."""


class DriftFinding(msgspec.Struct, frozen=True, kw_only=True):
    """`distance` is the Jensen-Shannon distance (natural logarithm, 0 to 0.83) between a column's binned values."""

    column: str
    title: str
    """The column in plain words."""
    distance: float
    threshold: float
    drifted: bool
    bins: list[DriftBin]
    """In the order of their ranges."""
    examples: list[DriftExample]
    """The most frequent ones first; only of words and of programs."""


class DriftReport(msgspec.Struct, frozen=True, kw_only=True):
    """One window of served traffic against the training reference."""

    report_id: str
    """Digest of both windows: the same traffic gives the same id, so that one report can trigger at most once."""
    made: datetime
    reference_rows: int
    reference_from: datetime | None
    reference_until: datetime | None
    current_rows: int
    current_from: datetime
    current_until: datetime
    false_alarm_rate: float
    findings: list[DriftFinding]
    not_compared: list[str]
    """Titles of columns of which one side holds too few values."""

    @property
    def drifted(self) -> list[str]:
        return [finding.column for finding in self.findings if finding.drifted]


def drift_report(
    reference: DriftReference, current: pd.DataFrame, limits: DriftLimits, *, seed: int = 0
) -> DriftReport:
    """Compares served interactions (clean columns) with the reference.

    Raises:
        NotEnoughDataError: fewer answers, or a smaller reference, than `limits.fewest_answers`.
    """
    for rows, what in ((reference.rows, "held-out interactions in the drift reference"), (len(current), "answers")):
        if rows < limits.fewest_answers:
            raise NotEnoughDataError(f"Not evaluated: {rows} {what}, {limits.fewest_answers} needed.")
    window = reference.binned(current)
    columns = watched(reference, window, limits)
    thresholds_of = thresholds(reference, current, columns, limits, seed=seed)
    distances = _measured_by_evidently(reference, window, thresholds_of)
    examples = {"unknown_words": _new_words(reference, current), "program": _new_commands(window, current)}
    digest = hashlib.sha256("\n".join(sorted(current["interaction_id"])).encode())
    digest.update(f"{reference.rows}{sorted(reference.edges.items())}".encode())
    return DriftReport(
        report_id=digest.hexdigest()[:16],
        made=datetime.now(UTC),
        reference_rows=reference.rows,
        reference_from=reference.begins,
        reference_until=reference.ends,
        current_rows=len(current),
        current_from=current["time"].min().to_pydatetime(),
        current_until=current["time"].max().to_pydatetime(),
        false_alarm_rate=limits.false_alarm_rate,
        findings=[
            DriftFinding(
                column=name,
                title=TITLES[name],
                distance=distances[name],
                threshold=thresholds_of[name],
                drifted=distances[name] >= thresholds_of[name],
                bins=_bins(reference, window, name),
                examples=examples.get(name, []),
            )
            for name in columns
        ],
        not_compared=[TITLES[name] for name in window.columns if name not in columns],
    )


def watched(reference: DriftReference, window: pd.DataFrame, limits: DriftLimits) -> list[str]:
    """The columns of which both sides know enough."""
    known = {name: min(reference.columns[name].matrix.sum(), window[name].notna().sum()) for name in window.columns}
    return [name for name, count in known.items() if count >= limits.fewest_values]


def thresholds(
    reference: DriftReference, current: pd.DataFrame, columns: list[str], limits: DriftLimits, *, seed: int
) -> dict[str, float]:
    """Per column, the distance that windows without drift exceed in `limits.false_alarm_rate` of cases, all columns
    counted together: each column's distances are scaled by their own 99th percentile, and the quantile is taken of the
    largest scaled distance of a window.

    A drawn window has as many users as the current one and as many sessions of each, with the users drawn from the
    reference and the sessions from theirs; it is held against a redraw of the reference's sessions, for the reference
    is a sample too.
    """
    rng = np.random.default_rng(seed)
    owners = np.asarray(reference.user_of_session)
    sessions = len(owners)
    window = _windows_without_drift(owners, current, rng)  # (R, S) times each session stands in a window
    again = rng.multinomial(sessions, np.full(sessions, 1 / sessions), REPLICATES)  # (R, S)
    distances = np.empty((REPLICATES, len(columns)))
    for column, name in enumerate(columns):
        counts = reference.columns[name].matrix.astype(float)
        distances[:, column] = jensen_shannon(again @ counts, window @ counts)
    scale = np.maximum(np.quantile(distances, 0.99, axis=0), 1e-6)
    limit = float(np.quantile((distances / scale).max(axis=1), 1 - limits.false_alarm_rate))
    return {name: max(float(limit * scale[column]), limits.least_distance) for column, name in enumerate(columns)}


def _windows_without_drift(owners: np.ndarray, current: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """(S,) user of each reference session → (R, S) how often each stands in a drawn window."""
    sizes = current.groupby("user_id")["session_id"].nunique().to_numpy()  # sessions of each current user
    users, count = np.unique(owners, return_counts=True)
    by_user = np.argsort(owners, kind="stable")
    start = np.cumsum(count) - count
    shuffled = np.argsort(rng.random((REPLICATES, len(users))), axis=1)
    surplus = rng.integers(len(users), size=(REPLICATES, max(0, len(sizes) - len(users))))
    drawn = np.hstack([shuffled, surplus])[:, : len(sizes)].repeat(sizes, axis=1)  # (R, sessions of the window)
    session = by_user[start[drawn] + (rng.random(drawn.shape) * count[drawn]).astype(int)]
    flat = session + np.arange(REPLICATES)[:, None] * len(owners)
    return np.bincount(flat.ravel(), minlength=REPLICATES * len(owners)).reshape(REPLICATES, len(owners))


def jensen_shannon(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Distance (root of the divergence, natural logarithm) between rows of counts (..., K), as scipy computes it."""
    p, q = (side / np.maximum(side.sum(axis=-1, keepdims=True), 1) for side in (left, right))
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * np.log(p / middle), 0.0) + np.where(q > 0, q * np.log(q / middle), 0.0)
    distance: np.ndarray = np.sqrt(np.maximum(terms.sum(axis=-1) / 2, 0.0))
    return distance


def _measured_by_evidently(
    reference: DriftReference, window: pd.DataFrame, limits: dict[str, float]
) -> dict[str, float]:
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

    columns = list(limits)
    definition = DataDefinition(categorical_columns=columns)
    seen = pd.DataFrame({name: reference.values(name) for name in columns})
    snapshot = Report(
        [ValueDrift(column=name, method="jensenshannon", threshold=limits[name]) for name in columns]
    ).run(
        Dataset.from_pandas(window[columns], data_definition=definition),
        Dataset.from_pandas(seen, data_definition=definition),
    )
    return {metric["config"]["column"]: float(metric["value"]) for metric in snapshot.dict()["metrics"]}


def _bins(reference: DriftReference, window: pd.DataFrame, column: str) -> list[DriftBin]:
    counted = reference.columns[column]
    before = dict(zip(counted.values, counted.matrix.sum(axis=0).tolist(), strict=True))
    now = window[column].value_counts().to_dict()
    if column in reference.edges:
        labels = {str(number): label for number, label in enumerate(bin_labels(column, reference.edges[column]))}
    elif column == "program":
        labels = {SEEN: SEEN, NEW: NEW}
    else:
        labels = {name: name for name in sorted({*before, *now}, key=lambda name: (-before.get(name, 0), name))}
    return [DriftBin(label, before.get(value, 0), int(now.get(value, 0))) for value, label in labels.items()]


def _new_words(reference: DriftReference, current: pd.DataFrame) -> list[DriftExample]:
    asked = [
        {word for word in words(request) if not is_known(word, reference.vocabulary)} for request in current["request"]
    ]
    return _examples(asked, current)


def _new_commands(window: pd.DataFrame, current: pd.DataFrame) -> list[DriftExample]:
    is_new = window["program"].eq(NEW).fillna(False).to_numpy(dtype=bool)
    lines = [
        {line[:LONGEST_EXAMPLE]} if new else set() for line, new in zip(current["wanted_command"], is_new, strict=True)
    ]
    return _examples(lines, current)


def _examples(found: list[set[str]], current: pd.DataFrame) -> list[DriftExample]:
    """The most frequent of what several users wrote: the page is read by others than they."""
    shown = shared_of(found, current["user_id"].astype(str).tolist())
    counts = Counter(text for texts in found for text in texts if text in shown)
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return [DriftExample(text, count) for text, count in ranked[:MOST_EXAMPLES]]
