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
    Interval,
    Resampling,
    bootstrap_interval,
    paired_difference,
    quantile_interval,
    resampling_unit,
    two_proportions,
    wilson,
)

REPETITIONS = 300


def clustered_hits(rng: np.random.Generator, users: int, a: float, b: float) -> tuple[Any, Any]:
    """0/1 rows of users who differ in skill (beta) and in number of rows (geometric, mean 20)."""
    rows = rng.geometric(1 / 20, users)
    skill = np.repeat(rng.beta(a, b, users), rows)
    return rng.binomial(1, skill).astype(float), np.repeat(np.arange(users), rows)


def share_covered(intervals: list[Interval], truth: float) -> float:
    return float(np.mean([interval.low <= truth <= interval.high for interval in intervals]))


@pytest.mark.parametrize(("users", "a", "b"), [(25, 7.0, 3.0), (60, 6.0, 4.0), (60, 9.5, 0.5)])
def test_the_interval_of_a_mean_covers_the_truth_when_users_differ(users: int, a: float, b: float) -> None:
    rng = np.random.default_rng(1)
    intervals = []
    for _ in range(REPETITIONS):
        values, clusters = clustered_hits(rng, users, a, b)
        intervals.append(bootstrap_interval(values, clusters=clusters, replicates=500))
    assert 0.90 <= share_covered(intervals, a / (a + b)) <= 0.99


def test_ignoring_the_clusters_would_cover_far_too_rarely() -> None:
    rng = np.random.default_rng(2)
    intervals = [bootstrap_interval(clustered_hits(rng, 60, 2.0, 2.0)[0], replicates=300) for _ in range(REPETITIONS)]
    assert share_covered(intervals, 0.5) < 0.75


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_the_interval_of_a_proportion_covers_the_truth_even_near_zero_and_one(share: float) -> None:
    rng = np.random.default_rng(3)
    intervals = [
        bootstrap_interval(rng.binomial(1, share, 150).astype(float), replicates=400) for _ in range(REPETITIONS)
    ]
    assert 0.90 <= share_covered(intervals, share) <= 0.995


def test_the_interval_of_a_weighted_mean_covers_the_truth_when_weights_are_skewed() -> None:
    rng = np.random.default_rng(4)
    logged, target, reward = np.array([0.8, 0.15, 0.05]), np.array([0.2, 0.5, 0.3]), np.array([0.4, 0.7, 0.6])
    intervals = []
    for _ in range(REPETITIONS):
        action = rng.choice(3, 800, p=logged)
        values = rng.binomial(1, reward[action]).astype(float)
        intervals.append(bootstrap_interval(values, weights=(target / logged)[action], replicates=500))
    assert 0.90 <= share_covered(intervals, float(target @ reward)) <= 0.99


@pytest.mark.parametrize("disagreement", [0.01, 0.05, 0.4])
def test_two_equally_good_models_are_rarely_called_different(disagreement: float) -> None:
    rng = np.random.default_rng(5)
    better = worse = 0
    for _ in range(REPETITIONS):
        users = np.repeat(np.arange(40), 10)
        a = rng.binomial(1, 0.7, 400).astype(float)
        b = np.where(rng.random(400) < disagreement, rng.binomial(1, 0.7, 400), a)
        difference = paired_difference(a, b, clusters=users, replicates=500)
        better += difference.low > 0
        worse += difference.high < 0
    assert better / REPETITIONS <= 0.05
    assert worse / REPETITIONS <= 0.05


def test_a_real_difference_is_found_on_the_same_rows_where_separate_intervals_would_overlap() -> None:
    rng = np.random.default_rng(6)
    hard = rng.random(2_000)
    a, b = (hard < 0.62).astype(float), (hard < 0.60).astype(float)
    assert paired_difference(a, b).low > 0
    assert bootstrap_interval(b).high > bootstrap_interval(a).low


def test_five_rows_that_all_favour_one_model_are_no_evidence_and_eight_are() -> None:
    same = np.ones(500)
    five, eight = same.copy(), same.copy()
    five[:5], eight[:8] = 0.0, 0.0
    assert paired_difference(same, five).low < 0 < paired_difference(same, five).high
    assert paired_difference(same, eight).low > 0


def test_a_model_compared_with_itself_differs_by_exactly_nothing() -> None:
    scores = np.random.default_rng(7).random(50)
    assert paired_difference(scores, scores) == Interval(0.0, 0.0, 0.0)


def test_the_standard_error_agrees_with_scipys_bootstrap_on_independent_rows() -> None:
    values = np.random.default_rng(8).gamma(2.0, size=400)
    ours = bootstrap_interval(values, replicates=4_000)
    golden = stats.bootstrap((values,), np.mean, n_resamples=4_000, method="BCa", rng=9).confidence_interval
    width = golden.high - golden.low
    assert abs(ours.low - golden.low) < 0.08 * width
    assert abs(ours.high - golden.high) < 0.08 * width


def test_the_interval_of_a_function_of_sums_agrees_with_scipys_bca() -> None:
    values = np.random.default_rng(10).gamma(2.0, size=300)

    def deviation(sums: Any) -> Any:
        n, total, squares = sums[..., 0], sums[..., 1], sums[..., 2]
        return np.sqrt(np.maximum(squares / n - (total / n) ** 2, 0.0))

    columns = np.column_stack([np.ones(300), values, values**2])
    ours = Resampling(300, replicates=4_000).statistic(columns, deviation)
    golden = stats.bootstrap((values,), np.std, n_resamples=4_000, method="BCa", rng=11).confidence_interval
    assert ours.estimate == pytest.approx(values.std())
    assert abs(ours.low - golden.low) < 0.08 * (golden.high - golden.low)
    assert abs(ours.high - golden.high) < 0.08 * (golden.high - golden.low)


def test_replicate_sums_are_the_sums_of_the_clusters_drawn() -> None:
    rng = np.random.default_rng(12)
    values, clusters = rng.random((60, 2)), rng.integers(0, 7, 60)
    resampling = Resampling(60, clusters, replicates=300, seed=13)
    fast = resampling.replicate_sums(resampling.cluster_sums(values))
    for r in (0, 255, 256, 299):
        times = resampling._times_drawn[r]
        slow = sum(int(times[c]) * values[clusters == label].sum(axis=0) for c, label in enumerate(np.unique(clusters)))
        assert fast[r] == pytest.approx(slow)
        assert times.sum() == 7


def test_equal_arguments_give_equal_intervals() -> None:
    values = np.random.default_rng(14).random(80)
    assert bootstrap_interval(values, seed=3) == bootstrap_interval(values, seed=3)
    assert bootstrap_interval(values, seed=3) != bootstrap_interval(values, seed=4)


def test_one_cluster_is_not_enough_data() -> None:
    with pytest.raises(NotEnoughDataError, match="at least two"):
        bootstrap_interval([0.1, 0.2, 0.3], clusters=["u-1"] * 3)


def test_a_perfect_score_still_has_an_interval() -> None:
    interval = bootstrap_interval(np.ones(100))
    assert interval.estimate == interval.high == 1.0
    assert 0.95 < interval.low < 0.98


def test_a_value_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="1 of the values"):
        bootstrap_interval([0.1, float("nan"), 0.3])


def test_scores_of_different_rows_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="shape"):
        paired_difference([1.0, 0.0], [1.0, 0.0, 1.0])


@given(st.lists(st.booleans(), min_size=2, max_size=60), st.integers(1, 12))
def test_the_interval_of_a_proportion_lies_around_it_and_within_zero_and_one(hits: list[bool], users: int) -> None:
    values = np.array(hits, float)
    clusters = np.arange(len(values)) % max(2, users)
    interval = bootstrap_interval(values, clusters=clusters, replicates=200)
    assert 0.0 <= interval.low <= interval.estimate <= interval.high <= 1.0


@given(st.integers(0, 50), st.integers(1, 50))
def test_wilson_agrees_with_scipy(hits: int, extra: int) -> None:
    trials = hits + extra
    golden = stats.binomtest(hits, trials).proportion_ci(method="wilson")
    ours = wilson(hits, trials)
    assert ours.low == pytest.approx(golden.low, abs=1e-9)
    assert ours.high == pytest.approx(golden.high, abs=1e-9)


def test_two_proportions_gives_newcombes_published_example() -> None:
    # Newcombe 1998, table II, case (a): 56/70 − 48/80, method 10.
    difference = two_proportions(56, 70, 48, 80)
    assert difference.estimate == pytest.approx(0.2)
    assert (difference.low, difference.high) == (pytest.approx(0.0524, abs=1e-4), pytest.approx(0.3339, abs=1e-4))


def test_the_interval_of_a_quantile_covers_the_truth() -> None:
    rng = np.random.default_rng(15)
    intervals = [quantile_interval(rng.exponential(size=200), 0.95) for _ in range(REPETITIONS)]
    assert 0.92 <= share_covered(intervals, float(-np.log(0.05))) <= 0.995


def test_users_are_resampled_where_there_are_many_and_sessions_where_there_are_few() -> None:
    few = {"user_id": ["u"] * 60, "session_id": [f"s{i // 2}" for i in range(60)]}
    many = {"user_id": [f"u{i // 2}" for i in range(60)], "session_id": [f"s{i}" for i in range(60)]}
    none = {"user_id": ["u"] * 60, "session_id": ["s"] * 60}
    assert [resampling_unit(frame)[0] for frame in (few, many, none)] == ["sessions", "users", "rows"]
