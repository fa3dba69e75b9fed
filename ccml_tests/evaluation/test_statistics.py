"""Intervals must cover what they claim to cover; each rate below was measured by repeating the whole experiment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # noqa: TID253  # tests load what they compare with

from ccml.errors import NotEnoughDataError
from ccml.evaluation.statistics import (
    FEWEST_CLUSTERS,
    Clusters,
    Interval,
    clusters_of,
    quantile_interval,
    satterthwaite,
    wilson,
)

REPETITIONS = 300


def clustered_hits(rng: np.random.Generator, users: int, a: float, b: float) -> tuple[Any, Any]:
    """0/1 rows of users who differ in skill (beta) and in number of rows (geometric, mean 20)."""
    rows = rng.geometric(1 / 20, users)
    skill = np.repeat(rng.beta(a, b, users), rows)
    return rng.binomial(1, skill).astype(float), np.repeat(np.arange(users), rows)


def independent(values: Any) -> Interval:
    """The interval of the mean if each row were a user's only one."""
    return Clusters(np.arange(len(values)), "users").mean(values)


def share_covered(intervals: list[Interval], truth: float) -> float:
    return float(np.mean([interval.low <= truth <= interval.high for interval in intervals]))


@pytest.mark.parametrize(
    ("users", "a", "b"), [(8, 7.0, 3.0), (12, 6.0, 4.0), (25, 7.0, 3.0), (60, 6.0, 4.0), (60, 9.5, 0.5)]
)
def test_the_interval_of_a_mean_covers_the_truth_when_users_differ(users: int, a: float, b: float) -> None:
    rng = np.random.default_rng(1)
    intervals = []
    for _ in range(REPETITIONS):
        values, labels = clustered_hits(rng, users, a, b)
        intervals.append(Clusters(labels, "users").mean(values))
    assert 0.90 <= share_covered(intervals, a / (a + b)) <= 0.99


def test_ignoring_the_clusters_would_cover_far_too_rarely() -> None:
    rng = np.random.default_rng(2)
    intervals = [independent(clustered_hits(rng, 60, 2.0, 2.0)[0]) for _ in range(REPETITIONS)]
    assert share_covered(intervals, 0.5) < 0.75


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_the_interval_of_a_proportion_covers_the_truth_even_near_zero_and_one(share: float) -> None:
    rng = np.random.default_rng(3)
    intervals = [independent(rng.binomial(1, share, 150).astype(float)) for _ in range(REPETITIONS)]
    assert 0.90 <= share_covered(intervals, share) <= 0.995


def test_the_interval_of_a_weighted_mean_covers_the_truth_when_weights_are_skewed() -> None:
    rng = np.random.default_rng(4)
    logged, target, reward = np.array([0.8, 0.15, 0.05]), np.array([0.2, 0.5, 0.3]), np.array([0.4, 0.7, 0.6])
    intervals = []
    for _ in range(REPETITIONS):
        action = rng.choice(3, 800, p=logged)
        values = rng.binomial(1, reward[action]).astype(float)
        weights = (target / logged)[action]
        intervals.append(Clusters(np.arange(800), "users").ratio(weights * values, weights))
    assert 0.90 <= share_covered(intervals, float(target @ reward)) <= 0.99


@pytest.mark.parametrize("disagreement", [0.01, 0.05, 0.4])
def test_two_equally_good_models_are_rarely_called_different(disagreement: float) -> None:
    rng = np.random.default_rng(5)
    better = worse = 0
    for _ in range(REPETITIONS):
        users = np.repeat(np.arange(40), 10)
        a = rng.binomial(1, 0.7, 400).astype(float)
        b = np.where(rng.random(400) < disagreement, rng.binomial(1, 0.7, 400), a)
        difference = Clusters(users, "users").difference(a, b)
        better += difference.low > 0
        worse += difference.high < 0
    assert better / REPETITIONS <= 0.05
    assert worse / REPETITIONS <= 0.05


def test_a_real_difference_is_found_on_the_same_rows_where_separate_intervals_would_overlap() -> None:
    rng = np.random.default_rng(6)
    hard = rng.random(2_000)
    a, b = (hard < 0.62).astype(float), (hard < 0.60).astype(float)
    rows = Clusters(np.arange(2_000), "users")
    assert rows.difference(a, b).above(0)
    assert independent(b).high > independent(a).low


def test_five_rows_that_all_favour_one_model_are_no_evidence_and_eight_are() -> None:
    same = np.ones(500)
    five, eight = same.copy(), same.copy()
    five[:5], eight[:8] = 0.0, 0.0
    rows = Clusters(np.arange(500), "users")
    assert rows.difference(same, five).low < 0 < rows.difference(same, five).high
    assert rows.difference(same, eight).low > 0


def test_a_model_compared_with_itself_differs_by_exactly_nothing() -> None:
    scores = np.random.default_rng(7).random(50)
    assert Clusters(np.arange(50), "users").difference(scores, scores) == Interval(0.0, 0.0, 0.0)


def test_with_clusters_of_one_size_the_interval_of_a_mean_is_scipys_t_interval_of_the_cluster_means() -> None:
    rng = np.random.default_rng(8)
    values = rng.normal(size=(12, 30)) + rng.normal(size=(12, 1))
    ours = Clusters(np.repeat(np.arange(12), 30), "users").mean(values.ravel())
    golden = stats.ttest_1samp(values.mean(axis=1), 0.0).confidence_interval(0.95)
    assert (ours.low, ours.high) == (pytest.approx(golden.low), pytest.approx(golden.high))


def test_the_interval_of_a_mean_is_cr2_with_satterthwaites_degrees_of_freedom_as_matrices_give_it() -> None:
    """Bell and McCaffrey 2002 for a regression on a constant, with the N × N matrices of the paper."""
    rng = np.random.default_rng(9)
    labels = np.repeat(np.arange(9), rng.geometric(0.1, 9))
    y = rng.normal(size=len(labels)) + rng.normal(size=9)[labels]
    n = len(y)
    annihilator = np.eye(n) - 1.0 / n
    residual = annihilator @ y
    variance, columns = 0.0, []
    for g in range(9):
        own = np.flatnonzero(labels == g)
        values, vectors = np.linalg.eigh(annihilator[np.ix_(own, own)])
        adjustment = vectors @ np.diag(values**-0.5) @ vectors.T
        variance += float(np.sum(adjustment @ residual[own])) ** 2 / n**2
        columns.append(annihilator[:, own] @ adjustment.sum(axis=1) / n)
    products = np.stack(columns, axis=1).T @ np.stack(columns, axis=1)
    freedom = np.trace(products) ** 2 / np.sum(products**2)
    ours = Clusters(labels, "users").mean(y)
    reach = stats.t.ppf(0.975, freedom) * variance**0.5
    assert (ours.low, ours.high) == (pytest.approx(y.mean() - reach), pytest.approx(y.mean() + reach))


def test_the_interval_of_a_function_of_sums_agrees_with_scipys_bca() -> None:
    values = np.random.default_rng(10).gamma(2.0, size=600)

    def deviation(sums: Any) -> Any:
        n, total, squares = sums[..., 0], sums[..., 1], sums[..., 2]
        return np.sqrt(np.maximum(squares / n - (total / n) ** 2, 0.0))

    columns = np.column_stack([np.ones(600), values, values**2])
    ours = Clusters(np.arange(600), "users").statistic(columns, deviation, share=False)
    golden = stats.bootstrap((values,), np.std, n_resamples=4_000, method="BCa", rng=11).confidence_interval
    assert ours.estimate == pytest.approx(values.std())
    assert ours.high - ours.low == pytest.approx(golden.high - golden.low, rel=0.08)


@given(st.lists(st.integers(1, 400), min_size=2, max_size=40))
def test_degrees_of_freedom_are_those_of_the_clusters_and_fewer_where_few_hold_most_rows(sizes: list[int]) -> None:
    held = np.array(sizes) / sum(sizes)
    assert 0.99 <= satterthwaite(held) <= len(sizes) - 1 + 1e-6
    assert satterthwaite(np.full(len(sizes), 1 / len(sizes))) == pytest.approx(len(sizes) - 1)


@given(st.integers(0, 10_000), st.integers(FEWEST_CLUSTERS, 30))
def test_neither_the_order_of_the_rows_nor_the_names_of_the_users_change_an_interval(seed: int, users: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(users), rng.integers(0, users, 60)])
    values, order = rng.normal(size=len(labels)), rng.permutation(len(labels))
    one = Clusters(labels, "users").mean(values)
    other = Clusters([f"u-{users - label}" for label in labels[order]], "users").mean(values[order])
    assert (one.estimate, one.low, one.high) == pytest.approx((other.estimate, other.low, other.high))


@given(st.integers(0, 10_000))
def test_a_difference_seen_from_the_other_side_is_its_mirror(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.arange(60) % int(rng.integers(FEWEST_CLUSTERS, 20))
    a, b = rng.binomial(1, rng.uniform(0.05, 0.95, (2, 1)), (2, 60)).astype(float)
    clusters = Clusters(labels, "users")
    one, other = clusters.difference(a, b), clusters.difference(b, a)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


@pytest.mark.parametrize("users", [1, 2, 7])
def test_fewer_users_than_needed_give_the_figure_and_say_what_is_lacking(users: int) -> None:
    clusters = Clusters(np.arange(700) % users, "sessions")
    hits = np.arange(700) % 2.0
    for interval in (clusters.mean(hits), clusters.difference(hits, np.zeros(700))):
        assert interval == Interval(0.5 if interval.estimate == 0.5 else hits.mean(), None, None, clusters.lacking)
        assert str(interval) == f"0.500 (no interval: {users} sessions, 8 needed)"
        assert not interval.above(-1e9)
        assert not interval.below(1e9)


def test_a_figure_of_few_users_has_no_interval_however_many_others_there_are() -> None:
    users = np.repeat(np.arange(40), 10)
    asked = (users < 5).astype(float)
    interval = Clusters(users, "users").ratio(asked * (np.arange(400) % 2), asked)
    assert (interval.estimate, interval.low) == (0.5, None)
    assert interval.lacking == "5 users, 8 needed"


def test_a_perfect_score_still_has_an_interval() -> None:
    interval = independent(np.ones(100))
    assert interval.estimate == interval.high == 1.0
    assert 0.95 < interval.low < 0.98


def test_a_value_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="1 of the values"):
        Clusters(range(9), "users").mean([0.1, float("nan"), *[0.3] * 7])


def test_scores_of_different_rows_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="shape"):
        Clusters(range(2), "users").difference([1.0, 0.0], [1.0, 0.0, 1.0])


@given(st.lists(st.booleans(), min_size=FEWEST_CLUSTERS, max_size=60), st.integers(FEWEST_CLUSTERS, 12))
def test_the_interval_of_a_proportion_lies_around_it_and_within_zero_and_one(hits: list[bool], users: int) -> None:
    values = np.array(hits, float)
    interval = Clusters(np.arange(len(values)) % users, "users").mean(values)
    assert 0.0 <= interval.low <= interval.estimate <= interval.high <= 1.0


@given(st.integers(0, 50), st.integers(1, 50))
def test_wilson_agrees_with_scipy(hits: int, extra: int) -> None:
    trials = hits + extra
    golden = stats.binomtest(hits, trials).proportion_ci(method="wilson")
    ours = wilson(hits, trials)
    assert ours.low == pytest.approx(golden.low, abs=1e-9)
    assert ours.high == pytest.approx(golden.high, abs=1e-9)


def test_the_interval_of_a_quantile_covers_the_truth() -> None:
    rng = np.random.default_rng(15)
    intervals = [quantile_interval(rng.exponential(size=200), 0.95) for _ in range(REPETITIONS)]
    assert 0.92 <= share_covered(intervals, float(-np.log(0.05))) <= 0.995


def clustered_latencies(rng: np.random.Generator, users: int, spread: float) -> tuple[Any, Any]:
    """Log-normal rows of users whose level differs by `spread` (log scale) and whose rows are geometric, mean 20."""
    rows = rng.geometric(1 / 20, users)
    level = np.repeat(rng.normal(3.0, spread, users), rows)
    return np.exp(level + rng.normal(0.0, 0.5, len(level))), np.repeat(np.arange(users), rows)


def quantiles_of_users(users: int, spread: float, repetitions: int) -> tuple[float, float, float]:
    """How often the 95th percentile lies below and above its interval, and outside the one over rows."""
    rng = np.random.default_rng(16)
    truth = float(np.exp(3.0 + np.hypot(spread, 0.5) * stats.norm.ppf(0.95)))
    missed = []
    for _ in range(repetitions):
        values, labels = clustered_latencies(rng, users, spread)
        found, rows = Clusters(labels, "users").quantile(values, 0.95), quantile_interval(values, 0.95)
        missed.append((truth < found.low, truth > found.high, not rows.low <= truth <= rows.high))
    below, above, by_rows = np.mean(missed, axis=0)
    return float(below), float(above), float(by_rows)


def test_the_interval_of_a_quantile_over_users_is_rarely_above_the_truth_where_rows_miss_it_in_two_of_five() -> None:
    """An alert needs the low end alone. The upper end of so high a quantile covers less than the nominal 97.5 %."""
    below, above, by_rows = quantiles_of_users(30, 0.5, repetitions=150)
    assert below <= 0.06
    assert above <= 0.14
    assert by_rows > 0.4


@pytest.mark.slow
@pytest.mark.parametrize(("users", "spread"), [(8, 0.3), (12, 0.5), (30, 0.0), (30, 0.5), (60, 0.5), (250, 0.5)])
def test_a_quantiles_interval_begins_above_the_truth_in_one_of_forty_whatever_the_number_of_users(
    users: int, spread: float
) -> None:
    below, above, _ = quantiles_of_users(users, spread, repetitions=1_000)
    assert below <= 0.035
    assert above <= 0.12


@given(st.lists(st.sampled_from([10.0, 20.0, 150.0]), min_size=1, max_size=60), st.integers(8, 20))
def test_a_quantile_lies_within_its_interval_and_among_the_values(values: list[float], users: int) -> None:
    found = Clusters(np.arange(len(values)) % users, "users").quantile(values, 0.95)
    assert found.estimate in values
    if len(values) >= users:
        assert min(values) <= found.low <= found.estimate <= found.high <= max(values)
    else:
        assert (found.ends is None) is (len(values) < FEWEST_CLUSTERS)


def test_the_quantile_of_no_measurement_is_an_error_and_of_few_users_has_no_interval() -> None:
    with pytest.raises(NotEnoughDataError, match="at least one"):
        Clusters([], "users").quantile([], 0.95)
    assert Clusters(["a", "b"], "users").quantile([1.0, 2.0], 0.5) == Interval(1.0, None, None, "2 users, 8 needed")


def test_users_are_the_independent_units_else_sessions_and_never_rows() -> None:
    few = {"user_id": ["u"] * 60, "session_id": [f"s{i // 2}" for i in range(60)]}
    many = {"user_id": [f"u{i // 2}" for i in range(60)], "session_id": [f"s{i}" for i in range(60)]}
    none = {"user_id": ["u"] * 60, "session_id": [f"s{i // 20}" for i in range(60)]}
    found = [clusters_of(frame) for frame in (few, many, none)]
    assert [str(clusters) for clusters in found] == ["30 sessions", "30 users", "3 sessions"]
    assert [clusters.lacking for clusters in found] == ["", "", "3 sessions, 8 needed"]


@given(st.integers(0, 10_000))
def test_the_p_value_of_single_rows_is_that_of_the_paired_t_test(seed: int) -> None:
    drawn = np.random.default_rng(seed)
    a = drawn.normal(size=30)
    b = a + drawn.normal(0.2, 1.0, size=30)
    clusters = Clusters(np.arange(30), "users")
    assert clusters.p_value(clusters.difference(a, b)) == pytest.approx(stats.ttest_rel(a, b).pvalue)


@given(st.integers(0, 10_000))
def test_a_p_value_is_below_one_in_twenty_where_the_interval_leaves_zero_out(seed: int) -> None:
    """Also where few users differ, and the interval is a bounded one."""
    drawn = np.random.default_rng(seed)
    clusters = Clusters(drawn.integers(0, 12, 80), "users")
    a = (drawn.random(80) < 0.5).astype(float)
    b = np.where(drawn.random(80) < drawn.choice([0.05, 0.5]), (drawn.random(80) < drawn.random()).astype(float), a)
    difference = clusters.difference(a, b)
    p = clusters.p_value(difference)
    assert p is not None
    assert (p < 0.05) == (difference.above(0.0) or difference.below(0.0))


def test_without_an_interval_there_is_no_p_value() -> None:
    clusters = Clusters([1, 1, 2], "users")
    assert clusters.p_value(clusters.difference([1.0, 0.0, 1.0], [0.0, 0.0, 0.0])) is None
