"""Train again? Each cause in its order of strength, each evidence once, nothing while an earlier retrain is at work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from ccml.evaluation.statistics import Interval
from ccml.monitoring.alerts import Alert, judge
from ccml.monitoring.decisions import COOL_DOWN, Evidence, RetrainDecision, decide_retraining
from ccml.monitoring.drift import DriftFinding, DriftReport
from ccml.monitoring.quality import QualityReport

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CALM = DriftReport(
    report_id="calm",
    reference_rows=900,
    current_rows=300,
    false_alarm_rate=0.005,
    findings=[DriftFinding(column="platform", distance=0.05, threshold=0.2, drifted=False)],
)
DRIFTED = msgspec.structs.replace(
    CALM,
    report_id="drifted",
    findings=[*CALM.findings, DriftFinding(column="unknown_words", distance=0.3, threshold=0.1, drifted=True)],
)
FELL = judge("command_predictor_drop", Interval(0.3, 0.2, 0.4), 0.1, "below its release")
WATCHED = judge("command_predictor_drop", Interval(0.15, 0.05, 0.4), 0.1, "below its release")
STRAINED = judge("memory", Interval(600, 600, 600), 512, "MB")
SLOW = judge("latency_p95", Interval(300, 200, 400), 100, "ms")


FEW_NEW = Interval(0.04, 0.02, 0.06)


def evidence(*alerts: Alert, drift: DriftReport | None = CALM, new: Interval | None = FEW_NEW) -> Evidence:
    return Evidence(drift=drift, quality=QualityReport(findings=[], new_commands=new), alerts=list(alerts))


def decide(
    given: Evidence, *, answered: tuple[str, ...] = (), hours_ago: float | None = None, now: datetime = NOW
) -> RetrainDecision:
    last = None if hours_ago is None else now - timedelta(hours=hours_ago)
    return decide_retraining(given, answered=frozenset(answered), last_retrain=last, now=now)


@pytest.mark.parametrize(
    ("given", "trigger", "said"),
    [
        (evidence(FELL, STRAINED, drift=DRIFTED), "accuracy_fell", "command_predictor_drop: 0.300 [0.200, 0.400]"),
        (evidence(STRAINED, drift=DRIFTED, new=Interval(0.3, 0.2, 0.4)), "drift", "unknown_words over 300 served"),
        (evidence(STRAINED, new=Interval(0.2, 0.11, 0.3)), "new_commands", "have no class"),
        (evidence(STRAINED), "resources", "600"),
    ],
    ids=["fall", "drift", "new commands", "memory"],
)
def test_the_strongest_cause_gives_the_trigger_and_the_reason(given: Evidence, trigger: str, said: str) -> None:
    decision = decide(given)
    assert decision.retrain
    assert decision.trigger == trigger
    assert said in decision.reason
    assert decision.cool_down_until is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (evidence(), "No drift, no fall, nothing new in 300 served answers."),
        (evidence(WATCHED), "No drift"),
        (evidence(new=Interval(0.2, 0.09, 0.3)), "No drift"),
        (evidence(SLOW), "No drift"),
        (evidence(drift=None, new=None), "Too little was served to tell."),
        (Evidence(drift=None, quality=None, alerts=[]), "Too little was served to tell."),
    ],
    ids=["calm", "only watched", "perhaps new commands", "slow: training makes nothing faster", "little", "nothing"],
)
def test_without_a_cause_the_answer_is_no_with_its_reason(given: Evidence, said: str) -> None:
    decision = decide(given)
    assert not decision.retrain
    assert decision.trigger == "none"
    assert decision.reason.startswith(said)


def test_the_drift_report_is_the_evidence_and_is_answered_once() -> None:
    first = decide(evidence(drift=DRIFTED))
    assert first.evidence_id == "drifted"
    again = decide(evidence(drift=DRIFTED), answered=("drifted",))
    assert not again.retrain
    assert "already answered" in again.reason
    assert again.cool_down_until is None, "nothing to wait for: it is over"


def test_without_a_drift_report_another_fall_is_other_evidence() -> None:
    worse = judge("command_predictor_drop", Interval(0.5, 0.4, 0.6), 0.1, "below its release")
    ids = [decide(evidence(alert, drift=None)).evidence_id for alert in (FELL, FELL, worse)]
    assert ids[0] == ids[1] != ids[2]


def test_new_evidence_waits_for_the_cool_down_and_not_longer() -> None:
    held = decide(evidence(drift=DRIFTED), hours_ago=1)
    assert not held.retrain
    assert held.trigger == "none"
    assert "unknown_words" in held.reason
    assert held.cool_down_until == (NOW - timedelta(hours=1) + COOL_DOWN).isoformat()
    hours = COOL_DOWN / timedelta(hours=1)
    assert not decide(evidence(drift=DRIFTED), hours_ago=hours - 0.01).retrain
    assert decide(evidence(drift=DRIFTED), hours_ago=hours).retrain


def test_a_calm_window_never_waits() -> None:
    assert decide(evidence(), hours_ago=1).cool_down_until is None
