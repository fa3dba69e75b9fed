"""The ranker and its baselines on sessions that none of them has seen, turn by turn, paired on the same turns."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from ccml.errors import NotEnoughDataError
from ccml.evaluation.statistics import Clusters, Interval, clusters_of
from ccml.profiles import RankerSettings
from ccml.suggestions.baselines import NGRAM, Baselines
from ccml.suggestions.counts import Floats, Spelling
from ccml.suggestions.memory import Running
from ccml.suggestions.ranker import Ranker
from ccml.suggestions.turns import Session, Unit

METRICS: Final = ("top1", "top5", "mrr", "bits")
COLD: Final = 50
"""Turns of a user that count as a cold start."""
MODEL: Final = "model"


class Figure(Struct, frozen=True, omit_defaults=True):
    value: float
    low: float | None
    high: float | None
    lacking: str = ""
    """Why there is no interval."""

    @property
    def interval(self) -> Interval:
        return Interval(self.value, self.low, self.high, self.lacking)


class Difference(Struct, frozen=True, omit_defaults=True):
    """The model minus a baseline, on the same turns."""

    difference: float
    low: float | None
    high: float | None
    p: float | None
    """Two-sided, against no difference."""
    lacking: str = ""

    @property
    def interval(self) -> Interval:
        return Interval(self.difference, self.low, self.high, self.lacking)


class Paired(Difference, frozen=True, omit_defaults=True):
    """That of the first metric, with those of all beside it."""

    metrics: dict[str, Difference] = {}


class Cost(Struct, frozen=True):
    training_turns: int
    fit_seconds: float
    suggest_ms: dict[str, float]
    """Quantiles of a suggestion."""


class Comparison(Struct, frozen=True):
    """`bits` are bits per command. Of the baselines only the n-gram is a distribution over all texts, so the others
    have none."""

    unit: str
    rows: int
    intervals_over: str
    model: dict[str, Figure]
    baselines: dict[str, dict[str, Figure]]
    paired: dict[str, Paired]
    cold_rows: int
    cold_start: dict[str, dict[str, Figure]]
    """The first `COLD` turns of users whom training did not know."""
    cost: Cost


@dataclass
class Predictions:
    """What each method made of each held-out turn."""

    unit: Unit
    scores: dict[str, list[tuple[float, ...]]] = field(default_factory=dict)
    """(`METRICS`) of each turn, by method."""
    users: list[str] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    cold: list[bool] = field(default_factory=list)
    """Among the first `COLD` turns of a user whom training did not know."""
    milliseconds: list[float] = field(default_factory=list)
    fit_seconds: float = 0.0
    training_turns: int = 0

    def extend(self, others: Predictions) -> None:
        """Adds those of another part that was held out."""
        for name, rows in others.scores.items():
            self.scores.setdefault(name, []).extend(rows)
        self.users += others.users
        self.sessions += others.sessions
        self.cold += others.cold
        self.milliseconds += others.milliseconds
        self.fit_seconds += others.fit_seconds
        self.training_turns += others.training_turns


def predict(
    train: Sequence[Session], test: Sequence[Session], unit: Unit, settings: RankerSettings, seed: int
) -> Predictions:
    """Fits on `train` and predicts each turn of `test` from the turns before it in its session.

    Raises:
        NotEnoughDataError: there is nothing to learn from, or nothing to predict.
    """
    if not train or not test:
        raise NotEnoughDataError(
            f"There are {len(train)} sessions to learn from and {len(test)} to predict; at least one of each is needed."
        )
    made = Predictions(unit)
    began = time.perf_counter()
    ranker = Ranker.fit(train, unit, settings, seed)
    made.fit_seconds, made.training_turns = time.perf_counter() - began, ranker.knowledge.turns
    spelling = Spelling(turn.words.unit(unit) for session in train for turn in session.turns)
    baselines = Baselines(train, unit, ranker.knowledge, spelling)
    turns_of: Counter[str] = Counter()
    for session in test:
        running = Running(ranker.knowledge)
        baselines.begin()
        for turn in session.turns:
            token = turn.words.unit(unit)
            start = time.perf_counter()
            ranked = ranker.rank(running, turn, session.user)
            made.milliseconds.append((time.perf_counter() - start) * 1e3)
            place = ranked.tokens.index(token) if token in ranked.tokens else None
            likely = ranked.other * spelling.probability(token) if place is None else ranked.probabilities[place]
            made.scores.setdefault(MODEL, []).append(_row(None if place is None else place + 1, float(likely)))
            for name, row in _of_baselines(baselines, token, running).items():
                made.scores.setdefault(name, []).append(row)
            turns_of[session.user] += 1
            made.users.append(session.user)
            made.sessions.append(session.id)
            made.cold.append(session.user not in ranker.knowledge.users and turns_of[session.user] <= COLD)
            baselines.take(turn, running)
            running.take(turn)
    return made


def _of_baselines(baselines: Baselines, token: str, running: Running) -> dict[str, tuple[float, ...]]:
    """A token outside of what a baseline can suggest counts as a miss, however likely it is."""
    vocabulary = baselines.vocabulary(running)
    is_known = token in vocabulary
    tokens = vocabulary if is_known else [*vocabulary, token]
    at = tokens.index(token)
    rows = {}
    for name, likelihood in baselines.likelihoods(tokens, running).items():
        rank = int((likelihood >= likelihood[at]).sum()) if is_known and likelihood[at] > 0.0 else None
        rows[name] = _row(rank, float(likelihood[at]))
    return rows


def compare(made: Predictions) -> Comparison:
    """Each method's figures, and the ranker minus each baseline."""
    scores = {name: np.array(rows) for name, rows in made.scores.items()}
    baseline_names = [name for name in scores if name != MODEL]
    owners = {"user_id": np.array(made.users), "session_id": np.array(made.sessions)}
    clusters, cold = clusters_of(owners), np.array(made.cold)
    return Comparison(
        unit=made.unit,
        rows=len(cold),
        intervals_over=str(clusters),
        model=_figures(scores[MODEL], clusters),
        baselines={name: _figures(scores[name], clusters, bits=name == NGRAM) for name in baseline_names},
        paired={name: _paired(scores[MODEL], scores[name], clusters, bits=name == NGRAM) for name in baseline_names},
        cold_rows=sum(made.cold),
        cold_start=_cold_start(scores, cold, {name: of[cold] for name, of in owners.items()}),
        cost=Cost(
            made.training_turns,
            round(made.fit_seconds, 1),
            {f"p{level}": round(float(np.percentile(made.milliseconds, level)), 2) for level in (50, 95)},
        ),
    )


def _row(rank: int | None, likelihood: float) -> tuple[float, ...]:
    bits = -float(np.log2(max(likelihood, 1e-300)))
    return (0.0, 0.0, 0.0, bits) if rank is None else (float(rank <= 1), float(rank <= 5), 1.0 / rank, bits)


def _figures(scores: Floats, clusters: Clusters, *, bits: bool = True) -> dict[str, Figure]:
    found = {name: clusters.mean(scores[:, at]) for at, name in enumerate(METRICS if bits else METRICS[:-1])}
    return {name: Figure(each.estimate, each.low, each.high, each.lacking) for name, each in found.items()}


def _paired(model: Floats, baseline: Floats, clusters: Clusters, *, bits: bool) -> Paired:
    found = {}
    for at, name in enumerate(METRICS if bits else METRICS[:-1]):
        each = clusters.difference(model[:, at], baseline[:, at])
        found[name] = Difference(each.estimate, each.low, each.high, clusters.p_value(each), each.lacking)
    first = found[METRICS[0]]
    return Paired(first.difference, first.low, first.high, first.p, first.lacking, found)


def _cold_start(
    scores: dict[str, Floats], cold: NDArray[np.bool_], owners: dict[str, NDArray[np.str_]]
) -> dict[str, dict[str, Figure]]:
    if not cold.any():
        return {}
    clusters = clusters_of(owners)
    return {name: _figures(scores[name][cold], clusters, bits=False) for name in (MODEL, NGRAM)}
