"""Train again? Each cause in its order of strength, each evidence once, nothing while an earlier one is at work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ccml.monitoring.alerts import Alert
from ccml.monitoring.decisions import Evidence, PastRetrain, RetrainDecision, decide_retraining
from ccml.monitoring.drift import DriftReport
from ccml.monitoring.quality import QualityReport
from ccml_tests.monitoring.evidence import LIMITS, NO_QUALITY, corrected, drift, fell, slow, strained

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CALM, DRIFTED = drift(0, changed=False), drift(1, changed=True)
FEW_NEW, SOME_NEW, MANY_NEW = corrected(8, 192), corrected(24, 176), corrected(60, 140)
COOL_DOWN = timedelta(hours=LIMITS.retrain.cool_down_hours)


def evidence(*alerts: Alert, drift: DriftReport | None = CALM, quality: QualityReport | None = FEW_NEW) -> Evidence:
    return Evidence(drift=drift, quality=quality, alerts=list(alerts))


def decide(given: Evidence, *past: PastRetrain, now: datetime = NOW) -> RetrainDecision:
    return decide_retraining(given, past=past, now=now, limits=LIMITS.retrain)


def asked(hours_ago: float, evidence_id: str = "another", *, failed: bool = False) -> PastRetrain:
    return PastRetrain(evidence_id, NOW - timedelta(hours=hours_ago), failed)


@pytest.mark.parametrize(
    ("given", "trigger", "reason"),
    [
        (evidence(fell(), strained(), drift=DRIFTED), "accuracy_fell", "command_predictor_drop: 37.5 % ["),
        (evidence(strained(), drift=DRIFTED, quality=MANY_NEW), "drift", "unknown_words) over 300 served"),
        (
            evidence(strained(), quality=MANY_NEW),
            "new_classes",
            "of the corrections have no class in command_predictor",
        ),
        (evidence(strained()), "resources", "600 MB"),
    ],
    ids=["fall", "drift", "new classes", "memory"],
)
def test_the_strongest_cause_gives_the_trigger_and_the_reason(given: Evidence, trigger: str, reason: str) -> None:
    decision = decide(given)
    assert decision.retrain
    assert decision.trigger == trigger
    assert reason in decision.reason
    assert decision.cool_down_until is None


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (evidence(), "No drift, no fall, nothing new in 300 served answers."),
        (evidence(fell(30)), "No drift"),
        (evidence(quality=SOME_NEW), "No drift"),
        (evidence(slow()), "No drift"),
        (evidence(drift=None, quality=NO_QUALITY), "Too little was served to tell."),
        (Evidence(drift=None, quality=None, alerts=[]), "Too little was served to tell."),
    ],
    ids=["calm", "only watched", "perhaps new classes", "slow: training makes nothing faster", "little", "nothing"],
)
def test_without_a_cause_the_answer_is_no_with_its_reason(given: Evidence, reason: str) -> None:
    decision = decide(given)
    assert not decision.retrain
    assert decision.trigger == "none"
    assert decision.reason.startswith(reason)


def test_the_drift_report_is_the_evidence_and_is_answered_once() -> None:
    first = decide(evidence(drift=DRIFTED))
    assert first.evidence_id == DRIFTED.report_id
    again = decide(evidence(drift=DRIFTED), asked(1, DRIFTED.report_id))
    assert not again.retrain
    assert "already answered" in again.reason
    assert again.cool_down_until is None, "nothing to wait for: it is over"


def test_without_a_drift_report_another_fall_is_other_evidence() -> None:
    ids = [decide(evidence(alert, drift=None)).evidence_id for alert in (fell(50), fell(50), fell(70))]
    assert ids[0] == ids[1] != ids[2]


def test_new_evidence_waits_for_the_cool_down_and_not_longer() -> None:
    held = decide(evidence(drift=DRIFTED), asked(1))
    assert not held.retrain
    assert held.trigger == "none"
    assert "unknown_words" in held.reason
    assert held.cool_down_until == (NOW - timedelta(hours=1) + COOL_DOWN).isoformat()
    hours = LIMITS.retrain.cool_down_hours
    assert not decide(evidence(drift=DRIFTED), asked(hours - 0.01)).retrain
    assert decide(evidence(drift=DRIFTED), asked(hours)).retrain


def test_a_calm_window_never_waits() -> None:
    assert decide(evidence(), asked(1)).cool_down_until is None


def test_a_training_that_failed_answers_nothing_and_does_not_cool_down() -> None:
    for evidence_id in (DRIFTED.report_id, "another"):
        again = decide(evidence(drift=DRIFTED), asked(0.1, evidence_id, failed=True))
        assert again.retrain
        assert again.reason.endswith("the last training failed, this is attempt 2")


def test_what_has_failed_three_times_waits_for_other_evidence_and_that_for_the_cool_down() -> None:
    failed = [asked(3 - hour, DRIFTED.report_id, failed=True) for hour in range(3)]
    same = decide(evidence(drift=DRIFTED), *failed)
    assert not same.retrain
    assert same.reason.startswith("The training for this evidence failed 3 times")
    other = evidence(drift=drift(2, changed=True))
    held = decide(other, *failed)
    assert held.reason.startswith("Cooling down")
    assert decide(other, *failed, now=NOW + COOL_DOWN).retrain


def test_where_every_training_fails_each_new_window_does_not_ask_for_three_of_its_own() -> None:
    """Traffic goes on, so every report is other evidence; at most three trainings start in a cool-down's time."""
    past: list[PastRetrain] = []
    for minute in range(0, 360, 5):
        now = NOW + timedelta(minutes=minute)
        decision = decide(evidence(drift=drift(3 + minute % 10, changed=True)), *past, now=now)
        if decision.retrain:
            past.append(PastRetrain(decision.evidence_id, now, True))
    assert len(past) == LIMITS.retrain.attempts


def test_after_a_training_that_went_well_earlier_failures_are_over() -> None:
    past = [asked(20, failed=True), asked(19)]
    assert not decide(evidence(drift=DRIFTED), *past, asked(1)).retrain
    assert "attempt" not in decide(evidence(drift=DRIFTED), *past).reason
