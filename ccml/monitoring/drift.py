"""Has the traffic left what the models were trained on?

Evidently measures and reports; the limits are ours. A fixed one would be wrong twice: turns of one session, and
sessions of one user, resemble each other, so that a window of a few sessions differs from the reference without any
drift, and by how much depends on the window's size. The limits are therefore read off fair windows of the same shape,
as many users with as many sessions each, drawn from the reference itself, at a stated rate of false alarms over all
columns together. `python benchmarks/drift_error_rates.py` measures how often they err.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from ccml.cleaning.commands import read_commands
from ccml.errors import NotEnoughDataError

if TYPE_CHECKING:
    import pandas as pd

MINIMUM_ROWS = 100
MINIMUM_KNOWN = 30
"""A column of which either side knows fewer values is not compared."""
FALSE_ALARM_RATE = 0.005
REPLICATES = 1_000
LEAST_DISTANCE = 0.1
"""Evidently's own default. In a large window a smaller difference may be certain and still not worth a training; of
something never seen before it is a share of three in a hundred."""
NUMERIC_BINS = 8
UNKNOWN_WORD_EDGES = [0.5, 1.5, 2.5]

STATE_COLUMNS = ("cpu_percent", "load_1m")
"""Not memory and disk: each machine has a level of its own that moves over days, so that a reference of a few days
cannot tell a change from an ordinary week."""


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
    """The training reference, binned once. Vocabulary, programs and bin edges come from rows the models were fitted on;
    `rows` are held-out rows of the same data, in which what training had not seen is as frequent as in fair traffic.
    """

    vocabulary: frozenset[str]
    programs: frozenset[str]
    edges: dict[str, list[float]]
    typical_duration: dict[str, float]
    rows: pd.DataFrame
    users: np.ndarray
    sessions: np.ndarray

    @classmethod
    def fit(cls, training: pd.DataFrame, held_out: pd.DataFrame) -> DriftReference:
        """Both are clean interactions. Of the held-out rows those count that are later than training: users held out
        whole have earlier ones too, which would give them more weight than they have in traffic. Where sessions ran
        side by side and too few are later, all count.

        Raises:
            NotEnoughDataError: fewer than 100 rows held out.
        """
        if len(held_out) < MINIMUM_ROWS:
            raise NotEnoughDataError(
                f"A drift reference needs {MINIMUM_ROWS} held-out interactions; there are {len(held_out)}."
            )
        later = held_out[held_out["time"] > training["time"].max()]
        held_out = later if len(later) >= MINIMUM_ROWS else held_out
        counts = Counter(word for request in training["request"] for word in set(words(request)))
        vocabulary = frozenset(word for word, count in counts.items() if count > 1)
        program = wanted_programs(training)
        typical = training[training["duration_ms"] > 0].groupby(program)["duration_ms"].median().to_dict()
        edges = {
            name: _quantile_edges(values) for name, values in _measurements(training, program, vocabulary, typical)
        }
        # Among the training rows themselves hardly a word is unknown: their quantiles would all be zero.
        edges["unknown_words"] = UNKNOWN_WORD_EDGES
        users, sessions = (held_out[name].to_numpy(dtype=str) for name in ("user_id", "session_id"))
        fitted = cls(vocabulary, frozenset(program.dropna()), edges, typical, held_out.head(0), users, sessions)
        return cls(vocabulary, fitted.programs, edges, typical, fitted.binned(held_out), users, sessions)

    def binned(self, interactions: pd.DataFrame) -> pd.DataFrame:
        """One categorical column per watched quantity, one row per interaction; NA where the log does not say."""
        import pandas as pd

        program = wanted_programs(interactions)
        columns: dict[str, Any] = {}
        for name, values in _measurements(interactions, program, self.vocabulary, self.typical_duration):
            bins = np.searchsorted(np.asarray(self.edges[name]), values, side="right").astype(str)
            columns[name] = pd.Series(bins, interactions.index, object).mask(np.isnan(values))
        seen = program.isin(list(self.programs)).map({True: "seen in training", False: "new"})
        columns["program"] = seen.astype(object).mask(program.isna())
        columns["platform"] = interactions["platform"].astype(object).mask(interactions["platform"] == "")
        return pd.DataFrame(columns)


def words(request: str) -> list[str]:
    return re.findall(r"[^\W\d_]{2,}", request.lower())


def wanted_programs(interactions: pd.DataFrame) -> pd.Series:
    """The program of the command that was wanted; NA where the log does not tell. What was merely proposed says
    something about the model, not about the traffic.
    """
    wanted = interactions["wanted_command"]
    program = read_commands(wanted.fillna(""))["program"]
    return program.where(wanted.notna() & (program != ""))


def _measurements(
    interactions: pd.DataFrame, program: pd.Series, vocabulary: frozenset[str], typical: dict[str, float]
) -> list[tuple[str, np.ndarray]]:
    """Numbers with NaN where a row does not say; nothing here is an answer of the models."""
    tokens = [words(request) for request in interactions["request"]]
    length = np.array([len(row) or np.nan for row in tokens], dtype=float)
    unknown = np.array([sum(word not in vocabulary for word in row) for row in tokens], dtype=float)
    expected = program.map(typical).astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        slowness = np.log2(interactions["duration_ms"].to_numpy(dtype=float) / expected)
    slowness[~np.isfinite(slowness)] = np.nan
    return [
        ("request_words", length),
        ("unknown_words", np.where(np.isnan(length), np.nan, unknown)),
        *((name, interactions[name].to_numpy(dtype=float)) for name in STATE_COLUMNS),
        ("relative_duration", slowness),
    ]


def _quantile_edges(values: np.ndarray) -> list[float]:
    known = values[~np.isnan(values)]
    if not len(known):
        return []
    return sorted({float(edge) for edge in np.quantile(known, np.linspace(0, 1, NUMERIC_BINS + 1)[1:-1])})


def watched(reference: DriftReference, window: pd.DataFrame) -> list[str]:
    """The columns of which both sides know enough."""
    known = {name: min(reference.rows[name].notna().sum(), window[name].notna().sum()) for name in window.columns}
    return [name for name, count in known.items() if count >= MINIMUM_KNOWN]


def thresholds(reference: DriftReference, current: pd.DataFrame, columns: list[str], *, seed: int) -> dict[str, float]:
    """Per column, the distance that fair windows of the current shape exceed in `FALSE_ALARM_RATE` of cases, all
    columns counted together: each column's distances are scaled by their own 99th percentile, and the quantile is
    taken of the largest scaled distance of a window.

    A fair window has as many users as the current one and as many sessions of each, with the users drawn from the
    reference and the sessions from theirs; it is held against a redraw of the reference's sessions, for the reference
    is a sample too.
    """
    rng = np.random.default_rng(seed)
    sessions, first, session_of_row = np.unique(reference.sessions, return_index=True, return_inverse=True)
    window = _fair_windows(reference.users[first], current, rng)  # (R, S) times each session stands in a window
    again = rng.multinomial(len(sessions), np.full(len(sessions), 1 / len(sessions)), REPLICATES)  # (R, S)
    distances = np.empty((REPLICATES, len(columns)))
    for column, name in enumerate(columns):
        known = reference.rows[name].notna().to_numpy()
        values, code = np.unique(reference.rows[name][known].to_numpy(dtype=str), return_inverse=True)
        counts = np.zeros((len(sessions), len(values)))
        np.add.at(counts, (session_of_row[known], code), 1)
        distances[:, column] = jensen_shannon(again @ counts, window @ counts)
    scale = np.maximum(np.quantile(distances, 0.99, axis=0), 1e-6)
    limit = float(np.quantile((distances / scale).max(axis=1), 1 - FALSE_ALARM_RATE))
    return {name: max(float(limit * scale[column]), LEAST_DISTANCE) for column, name in enumerate(columns)}


def _fair_windows(owners: np.ndarray, current: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
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
    columns = watched(reference, window)
    limits = thresholds(reference, current, columns, seed=seed)
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
                column=name, distance=measured[name], threshold=limits[name], drifted=measured[name] >= limits[name]
            )
            for name in columns
        ],
    )
