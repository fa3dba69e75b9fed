"""Train again, or not? Every answer carries its reason and its evidence. A cool-down keeps one event from being
answered twice while its training is still at work; a training that failed has answered nothing and is asked for again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from ccml.evaluation.spelling import interval
from ccml.monitoring.alerts import Alert
from ccml.monitoring.drift import DriftReport
from ccml.monitoring.quality import QualityReport

if TYPE_CHECKING:
    from ccml.monitoring.limits import RetrainLimits

Trigger: TypeAlias = Literal["drift", "accuracy_fell", "new_classes", "resources", "none"]


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What monitoring knows at one moment; None where too little was served to say."""

    drift: DriftReport | None
    quality: QualityReport | None
    alerts: list[Alert]


class RetrainDecision(msgspec.Struct, frozen=True, kw_only=True):
    retrain: bool
    trigger: Trigger
    reason: str
    evidence_id: str
    """Digest of the evidence window: one window is answered by at most one training that did not fail."""
    cool_down_until: str | None
    """UTC, ISO 8601; set where the answer is no only because of an earlier yes."""


@dataclass(frozen=True)
class PastRetrain:
    """A training that an earlier decision asked for."""

    evidence_id: str
    asked: datetime
    failed: bool


def decide_retraining(
    evidence: Evidence, *, past: Sequence[PastRetrain], now: datetime, limits: RetrainLimits
) -> RetrainDecision:
    """
    Args:
        past: what was asked for so far, oldest first. Trainings that failed in a row are counted together, whatever
            they were to answer: where training itself is broken, each window would else ask for runs of its own.
    """
    evidence_id = _identity(evidence)

    def no(reason: str, until: datetime | None = None) -> RetrainDecision:
        return RetrainDecision(
            retrain=False,
            trigger="none",
            reason=reason,
            evidence_id=evidence_id,
            cool_down_until=until.isoformat() if until else None,
        )

    trigger, reason = _cause(evidence, limits)
    if trigger == "none":
        return no(reason)
    same = [one for one in past if one.evidence_id == evidence_id]
    if any(not one.failed for one in same):
        return no(f"This evidence was already answered with a training ({reason}).")
    if len(same) >= limits.attempts:
        return no(f"The training for this evidence failed {len(same)} times; see the failed runs ({reason}).")
    failed = len(list(takewhile(lambda one: one.failed, reversed(past))))
    rests_until = past[-1].asked + timedelta(hours=limits.cool_down_hours) if past else now
    if failed % limits.attempts == 0 and now < rests_until:
        return no(f"Cooling down after the last training; waiting is: {reason}.", rests_until)
    if failed % limits.attempts:
        reason = f"{reason}; the last training failed, this is attempt {failed % limits.attempts + 1}"
    return RetrainDecision(retrain=True, trigger=trigger, reason=reason, evidence_id=evidence_id, cool_down_until=None)


def _identity(evidence: Evidence) -> str:
    """The drift report's id; without one a digest of the rest, so that a second fall does not pass for the first."""
    if evidence.drift is not None:
        return evidence.drift.report_id
    return hashlib.sha256(msgspec.json.encode(evidence)).hexdigest()[:16]


def _cause(evidence: Evidence, limits: RetrainLimits) -> tuple[Trigger, str]:
    """The first criterion that holds, strongest first."""
    fallen = [alert for alert in evidence.alerts if alert.name.endswith("_drop") and alert.level == "alert"]
    if fallen:
        return "accuracy_fell", "; ".join(f"{alert.name}: {alert.reason}" for alert in fallen)
    if evidence.drift is not None and evidence.drift.drifted:
        return (
            "drift",
            f"drift in {_columns(evidence.drift)} over {evidence.drift.current_rows:,} served answers",
        )
    for one in evidence.quality.findings if evidence.quality else ():
        if one.without_class is not None and one.without_class.above(limits.new_class_share):
            return "new_classes", f"{interval(one.without_class)} of the corrections have no class in {one.model}"
    strained = [alert for alert in evidence.alerts if alert.name == "memory" and alert.level == "alert"]
    if strained:
        return "resources", f"the server holds {strained[0].reason}"
    if evidence.drift is None:
        return "none", "Too little was served to tell."
    return "none", f"No drift, no fall, nothing new in {evidence.drift.current_rows:,} served answers."


def _columns(drift: DriftReport) -> str:
    return ", ".join(f"{one.title} ({one.column})" for one in drift.findings if one.drifted)
