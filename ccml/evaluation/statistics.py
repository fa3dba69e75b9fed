"""Intervals for every printed figure.

Rows of one user or one session are alike, so the independent unit is the cluster, never the row. What a statistic would
be without each cluster in turn gives its standard error, and a t distribution its interval (Bell and McCaffrey 2002,
Imbens and Kolesár 2016). The error is the bias-reduced CR2; the degrees of freedom are Satterthwaite's and fall where
few clusters hold most rows. For a mean or a ratio that is CR2 exactly; for any other function of sums over rows it is
CR2 of the function as the jackknife linearises it.

A percentile or studentised bootstrap of few clusters errs more often than it states.
`benchmarks/gate_error_rates.py` measures how often an equal candidate is called better, where 2.5 % is stated.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from math import sqrt
from statistics import NormalDist
from typing import Any, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import ArrayLike, NDArray

from ccml.errors import NotEnoughDataError

Floats: TypeAlias = NDArray[np.float64]

FEWEST_CLUSTERS = 8
"""Users or sessions below which no interval is given: with fewer, one of them decides the spread."""

RARE = 10
"""Where fewer clusters than this, and fewer than two thirds of all, differ between two models, their spread is not
estimated but bounded: a sample that holds a few differences of one sign shows no spread at all, and would call them
certain."""


class Interval(Struct, frozen=True):
    """A figure with its interval, in the figure's own unit."""

    estimate: float
    low: float | None
    """None where there is no interval; `lacking` says why."""
    high: float | None
    lacking: str = ""
    """Such as `5 sessions, 8 needed`; empty where there is an interval."""

    @property
    def ends(self) -> tuple[float, float] | None:
        return None if self.low is None or self.high is None else (self.low, self.high)

    def above(self, limit: float) -> bool:
        """The whole interval lies above the limit; without an interval that is not known, and the answer is no."""
        return self.low is not None and self.low > limit

    def below(self, limit: float) -> bool:
        return self.high is not None and self.high < limit

    def __str__(self) -> str:
        return self.text("{:.3f}".format)

    def text(self, number: Callable[[float], str], unit: str = "") -> str:
        """`66.3 % [62.0, 69.9]`, each number written by `number`, or `66.3 % (no interval: 5 sessions, 8 needed)`."""
        estimate = f"{number(self.estimate)} {unit}".rstrip()
        if self.low is None or self.high is None:
            return f"{estimate} (no interval: {self.lacking})"
        return f"{estimate} [{number(self.low)}, {number(self.high)}]"


class Clusters:
    """Which rows belong together, and the intervals of statistics of these rows.

    With fewer than `FEWEST_CLUSTERS` the figures come without an interval.
    """

    def __init__(self, labels: ArrayLike, unit: str, *, confidence: float = 0.95) -> None:
        """
        Args:
            labels: (N,) the user or session of each row.
            unit: what the labels are, such as `users`.
            confidence: nominal coverage of the two-sided interval, in (0, 1).
        """
        found, self.codes = np.unique(np.asarray(labels), return_inverse=True)
        self.rows = len(self.codes)
        self.count = len(found)
        self.unit = unit
        self.confidence = confidence

    @property
    def lacking(self) -> str:
        """Why there are no intervals; empty where there are."""
        return self._lacking(self.count)

    def __str__(self) -> str:
        return f"{self.count} {self.unit}"

    def sums(self, columns: ArrayLike) -> Floats:
        """(N, M) row values → (C, M) sums over each cluster's rows."""
        values = np.asarray(columns, np.float64)
        values = values[:, None] if values.ndim == 1 else values  # (N, M)
        if not np.isfinite(values).all():
            raise ValueError(f"{int((~np.isfinite(values)).sum())} of the values are not finite")
        if len(values) != self.rows:
            raise ValueError(f"{self.rows} cluster labels for {len(values)} rows")
        summed = [np.bincount(self.codes, values[:, m], self.count) for m in range(values.shape[1])]
        return np.stack(summed, axis=1)

    def mean(self, values: ArrayLike) -> Interval:
        """Mean of (N,) row values."""
        return self.ratio(values, np.ones(self.rows))

    def ratio(self, numerator: ArrayLike, denominator: ArrayLike) -> Interval:
        """Σ numerator / Σ denominator over (N,) rows; clusters without any denominator have no say.

        Where every row's ratio lies in [0, 1] the figure is a share, and its interval stays within those bounds.
        """
        top, bottom = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
        inside = bottom != 0.0
        row_ratios = top[inside] / bottom[inside]
        return self._ratio(top, bottom, share=bool(np.all((row_ratios >= 0.0) & (row_ratios <= 1.0))))

    def difference(self, a: ArrayLike, b: ArrayLike) -> Interval:
        """Mean of a − b, both (N,) scores of the same rows. The interval lies above zero where a is better.

        Where few clusters differ, see `RARE`, the interval is Bonett and Price's (2012) for paired proportions, with
        the largest difference as the unit: five clusters that all favour one side are not yet evidence, eight are.
        """
        scores_a, scores_b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        if scores_a.shape != scores_b.shape:
            raise ValueError(f"paired scores differ in shape: {scores_a.shape} and {scores_b.shape}")
        differences = self.sums(scores_a - scores_b)[:, 0]  # (C,)
        differing = np.count_nonzero(differences)
        if differing == 0 or differing >= min(RARE, 2 * self.count / 3) or self.lacking:
            return self._ratio(scores_a - scores_b, np.ones(self.rows), share=False)
        unit = float(np.abs(differences).max())
        shift, trials = float(differences.sum()), self.count + 2
        error = sqrt(float(differences @ differences) + 2.0 * unit**2 - shift**2 / trials)
        reach = self._critical(_shares(self.sums(np.ones(self.rows))[:, 0])) * error
        return Interval(shift / self.rows, (shift - reach) / self.rows, (shift + reach) / self.rows)

    def p_value(self, difference: Interval) -> float | None:
        """Of a `difference` of these clusters, against none, two-sided; None where it has no interval.

        The interval is Student's t around the centre, so its reach gives the standard error back.
        """
        if difference.low is None or difference.high is None:
            return None
        from scipy.special import stdtr

        held = _shares(self.sums(np.ones(self.rows))[:, 0])
        error = (difference.high - difference.low) / 2.0 / self._critical(held)
        centre = (difference.high + difference.low) / 2.0
        if error == 0.0:
            return 1.0 if centre == 0.0 else 0.0
        return float(2.0 * stdtr(satterthwaite(held), -abs(centre) / error))

    def quantile(self, values: ArrayLike, level: float) -> Interval:
        """The smallest of (N,) row values that the share `level` of the rows does not exceed.

        Its interval holds each value of which the share of the rows that do not exceed it may be `level`, by that
        share's own interval (Francisco and Fuller 1991). Where no row is surely above the quantile the upper end is the
        largest value, which covers less than is stated.
        """
        measured = np.asarray(values, np.float64)
        if not len(measured):
            raise NotEnoughDataError("A quantile needs at least one measurement.")
        estimate = float(np.quantile(measured, level, method="inverted_cdf"))
        if self.lacking:
            return Interval(estimate, None, None, self.lacking)
        ordered = np.unique(measured)

        def first(end: Callable[[Interval], float | None]) -> float:
            def reached(at: int) -> bool:
                found = end(self.mean(measured <= ordered[at]))
                return found is not None and found >= level

            return float(ordered[min(bisect_left(range(len(ordered)), True, key=reached), len(ordered) - 1)])

        low, high = first(lambda share: share.high), first(lambda share: share.low)
        return Interval(estimate, min(low, estimate), max(high, estimate))

    def statistic(self, columns: ArrayLike, of_sums: Callable[[Floats], Floats], *, share: bool) -> Interval:
        """Any smooth statistic of column sums.

        Args:
            columns: (N, M) row values; rows of zeros have no say.
            of_sums: (..., M) sums → (...) statistic.
            share: it lies in [0, 1] by its nature, and so shall its interval.
        """
        values = np.asarray(columns, np.float64)
        sums, weight = self.sums(values), self.sums((values != 0.0).any(axis=1))[:, 0]
        return self._from_sums(sums, weight, of_sums, share=share)

    def _ratio(self, top: Floats, bottom: Floats, *, share: bool) -> Interval:
        sums = self.sums(np.column_stack([top, bottom]))  # (C, 2)
        if sums[:, 1].sum() <= 0.0:
            raise NotEnoughDataError("A ratio cannot be estimated: no row carries any weight.")
        counted = np.isin(top, (0.0, 1.0)).all() and np.isin(bottom, (0.0, 1.0)).all()
        trials = float(bottom.sum()) if counted else np.inf
        return self._from_sums(sums, sums[:, 1], lambda s: s[..., 0] / s[..., 1], share=share, most_trials=trials)

    def _from_sums(
        self,
        sums: Floats,  # (C, M)
        weight: Floats,  # (C,)
        of_sums: Callable[[Floats], Floats],
        *,
        share: bool,
        most_trials: float = np.inf,
    ) -> Interval:
        sums, weight = sums[weight > 0.0], weight[weight > 0.0]
        total = sums.sum(axis=0)
        estimate = float(of_sums(total[None])[0])
        lacking = self._lacking(len(sums))
        if lacking:
            return Interval(estimate, None, None, lacking)
        held = _shares(weight)  # (C,) leverage of each cluster
        with np.errstate(divide="ignore", invalid="ignore"):
            without = of_sums(total - sums)  # (C,) the statistic without each cluster
        if not np.isfinite(without).all():
            return Interval(estimate, None, None, f"without one of the {self.unit} it cannot be computed")
        variance = float(((1.0 - held) * (without - estimate) ** 2).sum())
        critical = self._critical(held)
        if not share:
            reach = critical * sqrt(variance)
            return Interval(estimate, estimate - reach, estimate + reach)
        binomial = estimate * (1.0 - estimate)
        # Where nothing was seen to vary, only the number of clusters is sure to be independent.
        trials = len(sums) if min(binomial, variance) <= 0.0 else min(binomial / variance, most_trials)
        return _score_interval(estimate, float(trials), critical)

    def _lacking(self, count: int) -> str:
        return f"{count} {self.unit}, {FEWEST_CLUSTERS} needed" if count < FEWEST_CLUSTERS else ""

    def _critical(self, held: Floats) -> float:
        from scipy.special import stdtrit

        return float(stdtrit(satterthwaite(held), 0.5 + self.confidence / 2.0))


def clusters_of(frame: Any, *, confidence: float = 0.95) -> Clusters:
    """The users of the rows where there are at least `FEWEST_CLUSTERS`, else their sessions, however few."""
    users = Clusters(np.asarray(frame["user_id"]).astype(str), "users", confidence=confidence)
    if not users.lacking:
        return users
    return Clusters(np.asarray(frame["session_id"]).astype(str), "sessions", confidence=confidence)


def satterthwaite(held: Floats) -> float:
    """Degrees of freedom of the CR2 variance from each cluster's share of the rows (C,), which sum to one.

    C − 1 where all are of one size, less where they differ. Bell and McCaffrey's (2002) for a mean, with independent
    rows as the working model: one over the sum of squares of the matrix whose eigenvalues weight the variance.
    """
    crossed = held**2 / (1.0 - held)
    return float(1.0 / ((held**2).sum() + crossed.sum() ** 2 - (crossed**2).sum()))


def _shares(weight: Floats) -> Floats:
    shares: Floats = weight / weight.sum()
    return shares


def wilson(hits: float, trials: float, confidence: float = 0.95) -> Interval:
    """Score interval of a proportion (Wilson 1927). Never empty, never outside [0, 1]."""
    if trials <= 0:
        return Interval(float("nan"), 0.0, 1.0)
    return _score_interval(float(hits) / float(trials), float(trials), NormalDist().inv_cdf(0.5 + confidence / 2.0))


def _score_interval(share: float, trials: float, critical: float) -> Interval:
    """Wilson's, for a number of trials that may be an effective one and a quantile that may be of t (Korn and Graubard
    1998; Franco, Little, Louis and Slud 2019)."""
    spread = critical**2 / trials
    centre = (share + spread / 2.0) / (1.0 + spread)
    half = critical / (1.0 + spread) * sqrt(max(share * (1.0 - share), 0.0) / trials + spread / (4.0 * trials))
    return Interval(share, max(0.0, min(centre - half, share)), min(1.0, max(centre + half, share)))


def quantile_interval(values: ArrayLike, quantile: float, confidence: float = 0.95) -> Interval:
    """A quantile of (N,) measurements, such as latencies, between two order statistics: exact, whatever the shape.

    With few measurements the upper end of a high quantile is the largest one seen, and covers less than nominal.
    """
    from scipy.stats import binom

    ordered = np.sort(np.asarray(values, np.float64))
    if not len(ordered):
        raise NotEnoughDataError("A quantile needs at least one measurement.")
    tail = (1.0 - confidence) / 2.0
    low = int(binom.ppf(tail, len(ordered), quantile))
    high = int(binom.ppf(1.0 - tail, len(ordered), quantile)) + 1
    ends = ordered[max(low - 1, 0)], ordered[min(high - 1, len(ordered) - 1)]
    return Interval(float(np.quantile(ordered, quantile)), float(ends[0]), float(ends[1]))
