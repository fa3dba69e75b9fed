"""The three answers, what they are said of, and how often the gate is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccml.evaluation.statistics import wilson
from ccml.profiles import EvaluationSettings, GateSettings
from ccml.releases.gate import GateDecision, decide

GATE = GateSettings(margin=0.0, minimum_rows=100)
EVALUATION = EvaluationSettings(bootstrap_replicates=300)


def judge(
    candidate: np.ndarray,
    baselines: dict[str, np.ndarray],
    champion: np.ndarray | None = None,
    clusters: np.ndarray | None = None,
    gate: GateSettings = GATE,
    seed: int = 0,
) -> GateDecision:
    return decide(
        "intent_classifier",
        "top-1 accuracy",
        candidate,
        champion=champion,
        baselines=baselines,
        clusters=clusters,
        gate=gate,
        evaluation=EVALUATION,
        seed=seed,
    )


def hits(rows: int, share: float, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random(rows) < share).astype(float)


def test_a_clear_gain_over_all_is_better() -> None:
    decision = judge(hits(800, 0.8, 0), {"frequency": hits(800, 0.3, 1), "tf-idf": hits(800, 0.6, 2)})
    assert decision.answer == "better"
    assert decision.passed
    assert [one.reference for one in decision.comparisons] == ["tf-idf", "frequency"]
    assert len(decision.reasons) == 1
    assert decision.reasons[0].startswith("Better than the best baseline tf-idf: top-1 accuracy 0.")


def test_no_better_than_the_best_baseline_is_not_better_even_without_champion() -> None:
    decision = judge(hits(800, 0.6, 0), {"frequency": hits(800, 0.3, 1), "tf-idf": hits(800, 0.6, 2)})
    assert decision.answer == "not better"
    assert "the best baseline tf-idf" in decision.reasons[0]


def test_better_than_baselines_but_not_than_the_champion_is_not_better() -> None:
    decision = judge(hits(800, 0.8, 0), {"frequency": hits(800, 0.3, 1)}, champion=hits(800, 0.8, 3))
    assert decision.answer == "not better"
    assert decision.comparisons[0].role == "champion"
    assert "the champion" in decision.reasons[0]


def test_worse_than_the_champion_is_said_so() -> None:
    decision = judge(hits(800, 0.7, 0), {"frequency": hits(800, 0.3, 1)}, champion=hits(800, 0.85, 3))
    assert decision.reasons[0].startswith("Worse than the champion")


def test_a_gain_below_the_margin_is_not_better() -> None:
    candidate, baseline = hits(4_000, 0.80, 0), hits(4_000, 0.70, 1)
    assert judge(candidate, {"b": baseline}, gate=GateSettings(margin=0.0, minimum_rows=100)).passed
    decision = judge(candidate, {"b": baseline}, gate=GateSettings(margin=0.1, minimum_rows=100))
    assert decision.answer == "not better"
    assert "needed above +0.100" in decision.reasons[0]


@pytest.mark.parametrize(("rows", "answer"), [(99, "not enough data"), (100, "better")])
def test_one_row_below_the_minimum_there_is_no_verdict(rows: int, answer: str) -> None:
    decision = judge(np.ones(rows), {"b": hits(rows, 0.2, 0)})
    assert decision.answer == answer
    if rows == 99:
        assert decision.reasons == ["99 held-out rows; at least 100 are needed."]
        assert decision.comparisons == []


@pytest.mark.parametrize(("users", "answer"), [(7, "not enough data"), (8, "better")])
def test_many_rows_of_few_users_are_not_enough(users: int, answer: str) -> None:
    assert judge(np.ones(800), {"b": hits(800, 0.2, 0)}, clusters=np.arange(800) % users).answer == answer


def test_the_same_scores_are_not_better() -> None:
    scores = hits(500, 0.7, 0)
    assert judge(scores, {"b": scores}).answer == "not better"


def test_rows_of_one_user_do_not_count_as_independent() -> None:
    rng = np.random.default_rng(1)
    users = np.repeat(np.arange(20), 50)
    better_for_some = np.repeat(rng.normal(0.08, 0.3, 20), 50)  # one draw per user, fifty equal rows
    baseline = np.zeros(1_000)
    assert judge(better_for_some, {"b": baseline}).answer == "better"
    assert judge(better_for_some, {"b": baseline}, clusters=users).answer == "not better"


@pytest.mark.parametrize(
    ("candidate", "baselines", "told"),
    [
        (np.ones(200), {"b": np.ones(199)}, "b: scores of shape"),
        (np.full(200, np.nan), {"b": np.ones(200)}, "200 scores are not finite"),
        (np.ones(200), {}, "without a baseline"),
    ],
)
def test_scores_that_cannot_be_compared_are_refused(
    candidate: np.ndarray, baselines: dict[str, np.ndarray], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        judge(candidate, baselines)


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_an_answer_never_contradicts_its_comparisons(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, levels = 300, rng.uniform(0.4, 0.8, 4)
    scores = [hits(rows, level, seed + n) for n, level in enumerate(levels)]
    decision = judge(scores[0], {"a": scores[1], "b": scores[2]}, champion=scores[3], clusters=np.arange(rows) // 5)
    assert decision.passed == all(one.difference.low > one.margin for one in decision.comparisons)
    baselines = [one.reference_score for one in decision.comparisons if one.role == "baseline"]
    assert baselines == sorted(baselines, reverse=True)


def test_without_a_difference_it_says_better_about_as_rarely_as_stated() -> None:
    repeats = 400
    wrong = 0
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        shared = (rng.random(600) < 0.7).astype(float)  # two equally good models that often agree
        flips = rng.random((2, 600)) < 0.15
        ours, theirs = (np.where(flip, 1.0 - shared, shared) for flip in flips)
        wrong += judge(ours, {"b": theirs}, clusters=np.arange(600) // 12, seed=seed).passed
    assert wilson(wrong, repeats, 0.99).low <= 0.025, f"{wrong} of {repeats}"
    assert wrong > 0, "a gate that never errs has no power"
