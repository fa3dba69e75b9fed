"""The three answers, when each is given, and how often the gate is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats  # noqa: TID253  # tests load what they compare with

from benchmarks.gate_error_rates import called_better
from ccml.evaluation.report import Unit
from ccml.evaluation.statistics import Clusters, clusters_of
from ccml.profiles import GateSettings
from ccml.releases.gate import GateDecision, decide

GATE = GateSettings(margin=0.0, minimum_rows=100)


def gated(
    candidate: np.ndarray,
    baselines: dict[str, np.ndarray],
    champion: np.ndarray | None = None,
    clusters: np.ndarray | None = None,
    gate: GateSettings = GATE,
) -> GateDecision:
    return decide(
        "intent_classifier",
        "top-1 accuracy",
        candidate,
        unit="share",
        champion=champion,
        baselines=baselines,
        clusters=Clusters(np.arange(len(candidate)) if clusters is None else clusters, "users"),
        gate=gate,
    )


def hits(rows: int, share: float, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random(rows) < share).astype(float)


def test_a_clear_gain_over_all_is_better() -> None:
    decision = gated(hits(800, 0.8, 0), {"frequency": hits(800, 0.3, 1), "tf-idf": hits(800, 0.6, 2)})
    assert decision.answer == "better"
    assert decision.passed
    assert [one.reference for one in decision.comparisons] == ["tf-idf", "frequency"]
    assert len(decision.reasons) == 1
    assert decision.reasons[0].startswith("Better than the best baseline tf-idf: top-1 accuracy 78.")


def test_no_better_than_the_best_baseline_is_not_better_even_without_champion() -> None:
    decision = gated(hits(800, 0.6, 0), {"frequency": hits(800, 0.3, 1), "tf-idf": hits(800, 0.6, 2)})
    assert decision.answer == "not better"
    assert "the best baseline tf-idf" in decision.reasons[0]


def test_better_than_baselines_but_not_than_the_champion_is_not_better() -> None:
    decision = gated(hits(800, 0.8, 0), {"frequency": hits(800, 0.3, 1)}, champion=hits(800, 0.8, 3))
    assert decision.answer == "not better"
    assert decision.comparisons[0].role == "champion"
    assert "the champion" in decision.reasons[0]


def test_worse_than_the_champion_is_named_as_the_reason() -> None:
    decision = gated(hits(800, 0.7, 0), {"frequency": hits(800, 0.3, 1)}, champion=hits(800, 0.85, 3))
    assert decision.reasons[0].startswith("Worse than the champion")


def test_the_reason_that_decided_comes_first() -> None:
    ours = hits(400, 0.8, 0)
    steady = np.where(np.arange(400) < 320, ours, 0.0)  # never right where the candidate is wrong
    wild = np.where(np.arange(400) < 8, 1.0 - ours, ours)  # right elsewhere, nearly as often

    decision = gated(ours, {"steady": steady, "frequency": hits(400, 0.3, 1)}, champion=wild)

    assert [one.better for one in decision.comparisons] == [False, True, True]
    assert "the champion" in decision.reasons[0]

    better = np.where(np.arange(400) < 60, 0.0, ours)
    decision = gated(ours, {"wild": wild, "steady": steady}, champion=better)

    assert decision.answer == "not better"
    assert [one.reference for one in decision.comparisons if not one.better] == ["wild"]
    assert not decision.reasons[0].startswith("Better than")
    assert "baseline wild" in decision.reasons[0]
    assert decision.reasons[1].startswith("Better than the champion")


def test_a_gain_below_the_margin_is_not_better() -> None:
    candidate, baseline = hits(4_000, 0.80, 0), hits(4_000, 0.70, 1)
    assert gated(candidate, {"b": baseline}, gate=GateSettings(margin=0.0, minimum_rows=100)).passed
    decision = gated(candidate, {"b": baseline}, gate=GateSettings(margin=0.1, minimum_rows=100))
    assert decision.answer == "not better"
    assert "needed above +10.0 points" in decision.reasons[0]


@pytest.mark.parametrize(("rows", "answer"), [(99, "not enough data"), (100, "better")])
def test_one_row_below_the_minimum_there_is_no_verdict(rows: int, answer: str) -> None:
    decision = gated(np.ones(rows), {"b": hits(rows, 0.2, 0)})
    assert decision.answer == answer
    if rows == 99:
        assert decision.reasons == ["99 held-out rows; at least 100 are needed."]
        assert decision.comparisons == []


@pytest.mark.parametrize(("users", "answer"), [(7, "not enough data"), (8, "better")])
def test_many_rows_of_few_users_are_not_enough(users: int, answer: str) -> None:
    assert gated(np.ones(800), {"b": hits(800, 0.2, 0)}, clusters=np.arange(800) % users).answer == answer


def test_the_same_scores_are_not_better() -> None:
    scores = hits(500, 0.7, 0)
    assert gated(scores, {"b": scores}).answer == "not better"


def test_rows_of_one_user_do_not_count_as_independent() -> None:
    rng = np.random.default_rng(1)
    users = np.repeat(np.arange(20), 50)
    better_for_some = np.repeat(rng.normal(0.04, 0.3, 20), 50)  # one draw per user, fifty equal rows
    baseline = np.zeros(1_000)
    assert gated(better_for_some, {"b": baseline}).answer == "better"
    assert gated(better_for_some, {"b": baseline}, clusters=users).answer == "not better"


@pytest.mark.parametrize(
    ("candidate", "baselines", "message"),
    [
        (np.ones(200), {"b": np.ones(199)}, "b: scores of shape"),
        (np.full(200, np.nan), {"b": np.ones(200)}, "200 scores are not finite"),
        (np.ones(200), {}, "without a baseline"),
    ],
)
def test_scores_that_cannot_be_compared_are_refused(
    candidate: np.ndarray, baselines: dict[str, np.ndarray], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        gated(candidate, baselines)


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_an_answer_never_contradicts_its_comparisons(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, levels = 300, rng.uniform(0.4, 0.8, 4)
    scores = [hits(rows, level, seed + n) for n, level in enumerate(levels)]
    decision = gated(scores[0], {"a": scores[1], "b": scores[2]}, champion=scores[3], clusters=np.arange(rows) // 5)
    assert decision.passed == all(one.difference.low > one.margin for one in decision.comparisons)
    baselines = [one.reference_score for one in decision.comparisons if one.role == "baseline"]
    assert baselines == sorted(baselines, reverse=True)


@pytest.mark.parametrize(
    ("unit", "reason"),
    [
        (
            "share",
            "Worse than the best baseline b: accuracy 40.0 % against 60.0 %, difference −20.0 points [−20.0, −20.0], "
            "needed above 0.",
        ),
        (
            "reward",
            "Worse than the best baseline b: accuracy 0.400 against 0.600, difference −0.200 [−0.200, −0.200], "
            "needed above 0.",
        ),
    ],
)
def test_a_reason_is_spelt_as_the_report_page_spells_figures(unit: Unit, reason: str) -> None:
    rows = np.arange(1_000)
    decision = decide(
        "m",
        "accuracy",
        (rows % 5 < 2).astype(float),
        unit=unit,
        champion=None,
        baselines={"b": (rows % 5 < 3).astype(float)},
        clusters=Clusters(rows // 5, "users"),
        gate=GATE,
    )
    assert decision.reasons == [reason]


def test_the_shortage_names_the_numbers() -> None:
    decision = gated(np.ones(800), {"b": hits(800, 0.2, 0)}, clusters=np.arange(800) % 5)
    assert decision.reasons == ["The 800 held-out rows come from 5 users; at least 8 are needed."]
    assert decision.comparisons == []


def test_rows_of_few_users_and_few_sessions_never_count_as_independent() -> None:
    """Between eight and twenty sessions rows used to be taken as independent, below eight too."""
    for sessions in (2, 5, 7, 8, 12, 19):
        frame = {"user_id": ["ada"] * 800, "session_id": [f"s-{n % sessions}" for n in range(800)]}
        clusters = clusters_of(frame)
        assert (clusters.unit, clusters.count) == ("sessions", sessions)
        decision = decide(
            "m",
            "accuracy",
            np.ones(800),
            unit="share",
            champion=None,
            baselines={"b": np.zeros(800)},
            clusters=clusters,
            gate=GATE,
        )
        assert decision.answer == ("better" if sessions >= 8 else "not enough data"), sessions


STATED = 0.025


@pytest.mark.parametrize("correlation", [0.0, 0.3])
@pytest.mark.parametrize("users", [8, 12, 19, 30, 60])
def test_an_equal_candidate_is_called_better_no_more_often_than_stated(users: int, correlation: float) -> None:
    repeats = 1_000
    wrong = called_better(users, correlation, 0.0, repeats)
    assert more_than_stated(wrong, repeats) > 0.001, f"{wrong} of {repeats}"


@pytest.mark.slow
@pytest.mark.parametrize("correlation", [0.0, 0.1, 0.3, 0.6])
@pytest.mark.parametrize("users", [8, 12, 19, 30, 60, 250])
def test_an_equal_candidate_is_called_better_no_more_often_than_stated_over_many_repeats(
    users: int, correlation: float
) -> None:
    repeats = 5_000
    wrong = called_better(users, correlation, 0.0, repeats)
    assert more_than_stated(wrong, repeats) > 0.0005, f"{wrong} of {repeats}"
    assert wrong > 0, "a gate that never errs has no power"


def test_a_real_gain_is_found_with_many_users() -> None:
    assert called_better(250, 0.1, 0.03, 100) > 70


def more_than_stated(wrong: int, repeats: int) -> float:
    """Probability of as many wrong answers or more if each is wrong as often as the gate states."""
    return float(stats.binomtest(wrong, repeats, STATED, alternative="greater").pvalue)
