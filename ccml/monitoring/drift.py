"""Has the traffic left what the models were trained on?

Evidently measures and reports; the thresholds are ours. A fixed one would be wrong twice: requests of one session, and
of one user, resemble each other, so that a window of a few users differs from the reference without any drift, and the
size of that difference depends on how large the window is. The threshold of a column is therefore read off windows of
the same shape (as many users, as many rows) drawn from the reference itself, at a stated rate of false alarms over all
columns together.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import numpy as np

from ccml.errors import NotEnoughDataError

if TYPE_CHECKING:
    import pandas as pd

Users: TypeAlias = "np.ndarray[Any, Any]"
"""One user id per row."""

MINIMUM_ROWS = 100
FALSE_ALARM_RATE = 0.005
REPLICATES = 400
NUMERIC_BINS = 8
UNKNOWN = "unknown"

UNKNOWN_WORD_EDGES = [0.5, 1.5, 2.5]
STATE_COLUMNS = ("cpu_percent", "memory_percent", "disk_percent", "load_1m")


class DriftFinding(msgspec.Struct, frozen=True, kw_only=True):
    """`distance` is the Jensen-Shannon distance (natural logarithm, 0 to 0.83) between a column's binned values."""

    column: str
    distance: float
    threshold: float
    drifted: bool


class DriftReport(msgspec.Struct, frozen=True, kw_only=True):
    """One window of served traffic against the training reference."""

    report_id: str
    """Digest of both windows: the same traffic gives the same id, so that one report can trigger at most once."""
    reference_rows: int
    current_rows: int
    false_alarm_rate: float
    findings: list[DriftFinding]

    @property
    def drifted(self) -> list[str]:
        return [finding.column for finding in self.findings if finding.drifted]


@dataclass(frozen=True)
class DriftReference:
    """The training reference, binned once. `vocabulary` and the bin edges come from rows the models were fitted on;
    `rows` are held-out rows of the same data, in which words unseen in training are as frequent as in fair traffic.
    """

    vocabulary: frozenset[str]
    edges: dict[str, list[float]]
    typical_duration: dict[str, float]
    rows: pd.DataFrame
    users: np.ndarray

    @classmethod
    def fit(cls, training: pd.DataFrame, held_out: pd.DataFrame) -> DriftReference:
        """Both are clean interactions.

        Raises:
            NotEnoughDataError: fewer than 100 rows held out.
        """
        if len(held_out) < MINIMUM_ROWS:
            raise NotEnoughDataError(
                f"A drift reference needs {MINIMUM_ROWS} held-out interactions; there are {len(held_out)}."
            )
        counts = Counter(word for request in training["request"] for word in set(words(request)))
        vocabulary = frozenset(word for word, count in counts.items() if count > 1)
        executed = training[training["succeeded"].notna() & (training["duration_ms"] > 0)]
        typical = executed.groupby("program")["duration_ms"].median().to_dict()
        measured = _measurements(training, vocabulary, typical)
        edges = {name: _quantile_edges(values) for name, values in measured.items()}
        # Among the training rows themselves hardly a word is unknown: their quantiles would all be zero.
        edges["unknown_words"] = UNKNOWN_WORD_EDGES
        partial = cls(vocabulary, edges, typical, held_out.head(0), np.array([]))
        return cls(vocabulary, edges, typical, partial.binned(held_out), held_out["user_id"].to_numpy())

    def binned(self, interactions: pd.DataFrame) -> pd.DataFrame:
        """One categorical column per watched quantity, one row per interaction."""
        import pandas as pd

        columns: dict[str, Any] = {}
        for name, values in _measurements(interactions, self.vocabulary, self.typical_duration).items():
            labels = np.searchsorted(np.asarray(self.edges[name]), values, side="right").astype(str)
            columns[name] = np.where(np.isnan(values), UNKNOWN, labels)
        columns["platform"] = interactions["platform"].replace("", UNKNOWN).to_numpy()
        return pd.DataFrame(columns, index=interactions.index)


def words(request: str) -> list[str]:
    return re.findall(r"[^\W\d_]{2,}", request.lower())


def _measurements(
    interactions: pd.DataFrame, vocabulary: frozenset[str], typical: dict[str, float]
) -> dict[str, np.ndarray]:
    """Numbers with NaN where a row does not say; nothing here depends on what the models answered."""
    tokens = [words(request) for request in interactions["request"]]
    length = np.array([len(row) or np.nan for row in tokens], dtype=float)
    unknown = np.array([sum(word not in vocabulary for word in row) for row in tokens], dtype=float)
    expected = interactions["program"].map(typical).astype(float).to_numpy()
    duration = interactions["duration_ms"].astype(float).to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        slowness = np.log2(duration / expected)
    slowness[~np.isfinite(slowness)] = np.nan
    state = {name: interactions[name].astype(float).to_numpy() for name in STATE_COLUMNS}
    return (
        {"request_words": length, "unknown_words": np.where(np.isnan(length), np.nan, unknown)}
        | state
        | {"relative_duration": slowness}
    )


def _quantile_edges(values: np.ndarray) -> list[float]:
    known = values[~np.isnan(values)]
    if not len(known):
        return []
    return sorted({float(edge) for edge in np.quantile(known, np.linspace(0, 1, NUMERIC_BINS + 1)[1:-1])})


def thresholds(reference: DriftReference, current_users: Users, columns: list[str], *, seed: int) -> dict[str, float]:
    """Per column, the distance that fair windows of the current shape exceed in `FALSE_ALARM_RATE` of cases, all
    columns counted together: each column's distances are scaled by their own median, and the quantile is taken of the
    largest scaled distance of a window.

    Users are drawn anew for the window and for the reference it is compared with: a window drawn from the very rows
    that it is held against would share their accidents and look closer than fresh traffic ever is.
    """
    rng = np.random.default_rng(seed)
    codes = {name: np.unique(reference.rows[name], return_inverse=True)[1] for name in columns}
    rows_of = [np.flatnonzero(reference.users == user) for user in np.unique(reference.users)]
    user_count = min(len(np.unique(current_users.astype(str))), len(rows_of))
    distances = np.empty((REPLICATES, len(columns)))
    for replicate in range(REPLICATES):
        window_users = rng.choice(len(rows_of), user_count, replace=True)
        reference_users = rng.choice(len(rows_of), len(rows_of), replace=True)
        window = rng.choice(np.concatenate([rows_of[user] for user in window_users]), len(current_users))
        fair = rng.choice(np.concatenate([rows_of[user] for user in reference_users]), len(reference.users))
        for column, name in enumerate(columns):
            size = codes[name].max() + 1
            distances[replicate, column] = jensen_shannon(
                np.bincount(codes[name][fair], minlength=size), np.bincount(codes[name][window], minlength=size)
            )
    scale = np.maximum(np.median(distances, axis=0), 1e-6)
    limit = float(np.quantile((distances / scale).max(axis=1), 1 - FALSE_ALARM_RATE))
    return {name: float(limit * scale[column]) for column, name in enumerate(columns)}


def jensen_shannon(left: np.ndarray, right: np.ndarray) -> float:
    """Distance (the root of the divergence, natural logarithm) between two rows of counts, as scipy computes it."""
    p, q = left / max(left.sum(), 1), right / max(right.sum(), 1)
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * np.log(p / middle), 0.0) + np.where(q > 0, q * np.log(q / middle), 0.0)
    return float(np.sqrt(max(terms.sum() / 2, 0.0)))


def drift_report(
    reference: DriftReference, current: pd.DataFrame, *, page: Path | None = None, seed: int = 0
) -> DriftReport:
    """Compares served interactions (clean columns) with the reference and writes Evidently's page to `page`.

    Raises:
        NotEnoughDataError: fewer than 100 served interactions.
    """
    if len(current) < MINIMUM_ROWS:
        raise NotEnoughDataError(f"A drift report needs {MINIMUM_ROWS} served interactions; there are {len(current)}.")
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

    window = reference.binned(current)
    columns = [
        name
        for name in reference.rows.columns
        if (reference.rows[name] != UNKNOWN).any() and (window[name] != UNKNOWN).any()
    ]
    limits = thresholds(reference, current["user_id"].to_numpy(), columns, seed=seed)
    definition = DataDefinition(categorical_columns=columns)
    report = Report(
        [ValueDrift(column=name, method="jensenshannon", threshold=limits[name]) for name in columns],
        include_tests=True,
    )
    snapshot = report.run(
        Dataset.from_pandas(window[columns], data_definition=definition),
        Dataset.from_pandas(reference.rows[columns], data_definition=definition),
    )
    if page is not None:
        page.parent.mkdir(parents=True, exist_ok=True)
        snapshot.save_html(str(page))
    measured = {metric["config"]["column"]: float(metric["value"]) for metric in snapshot.dict()["metrics"]}
    digest = hashlib.sha256("\n".join(sorted(current["interaction_id"])).encode())
    digest.update(f"{len(reference.rows)}{sorted(reference.edges.items())}".encode())
    return DriftReport(
        report_id=digest.hexdigest()[:16],
        reference_rows=len(reference.rows),
        current_rows=len(current),
        false_alarm_rate=FALSE_ALARM_RATE,
        findings=[
            DriftFinding(
                column=name, distance=measured[name], threshold=limits[name], drifted=measured[name] > limits[name]
            )
            for name in columns
        ],
    )
