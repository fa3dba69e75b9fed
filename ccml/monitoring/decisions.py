"""Train again, or not? Every answer carries its reason and its evidence, and a cool-down keeps one event from being
answered twice while its retrain is still at work.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

import msgspec

from ccml.monitoring.alerts import Alert
from ccml.monitoring.drift import DriftReport
from ccml.monitoring.quality import QualityReport

COOL_DOWN = timedelta(hours=6)
NEW_COMMAND_SHARE = 0.1
"""When even the low end of the interval says that a tenth of the corrections have no class, the vocabulary is old."""

Trigger: TypeAlias = Literal["drift", "accuracy_fell", "new_commands", "resources", "none"]


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
    """Digest of the evidence window; the run key of the retrain, so that one window asks at most once."""
    cool_down_until: str | None
    """UTC, ISO 8601; set where the answer is no only because of an earlier yes."""


def decide_retraining(
    evidence: Evidence, *, answered: frozenset[str], last_retrain: datetime | None, now: datetime
) -> RetrainDecision:
    """
    Args:
        answered: evidence ids that a retrain was already asked for.
        last_retrain: when the last one was asked for.
    """
    # Without a drift report the rest is the evidence: a second fall must not pass for the first one.
    rest = hashlib.sha256(msgspec.json.encode(evidence)).hexdigest()[:16]
    evidence_id = evidence.drift.report_id if evidence.drift else rest

    def no(reason: str, until: datetime | None = None) -> RetrainDecision:
        return RetrainDecision(
            retrain=False,
            trigger="none",
            reason=reason,
            evidence_id=evidence_id,
            cool_down_until=until.isoformat() if until else None,
        )

    trigger, reason = _cause(evidence)
    if trigger == "none":
        return no(reason)
    if evidence_id in answered:
        return no(f"This evidence was already answered with a retrain ({reason}).")
    if last_retrain is not None and now < last_retrain + COOL_DOWN:
        return no(f"Cooling down after the last retrain; waiting is: {reason}.", last_retrain + COOL_DOWN)
    return RetrainDecision(retrain=True, trigger=trigger, reason=reason, evidence_id=evidence_id, cool_down_until=None)


def _cause(evidence: Evidence) -> tuple[Trigger, str]:
    """The first criterion that holds, strongest first (O3)."""
    fallen = [alert for alert in evidence.alerts if alert.name.endswith("_drop") and alert.level == "alert"]
    if fallen:
        return "accuracy_fell", "; ".join(f"{alert.name}: {alert.reason}" for alert in fallen)
    if evidence.drift is not None and evidence.drift.drifted:
        return (
            "drift",
            f"drift in {', '.join(evidence.drift.drifted)} over {evidence.drift.current_rows} served answers",
        )
    share = evidence.quality.new_commands if evidence.quality else None
    if share is not None and share.low > NEW_COMMAND_SHARE:
        return "new_commands", f"{share} of corrected commands have no class"
    strained = [alert for alert in evidence.alerts if alert.name == "memory" and alert.level == "alert"]
    if strained:
        return "resources", f"the server holds {strained[0].reason}"
    if evidence.drift is None:
        return "none", "Too little was served to tell."
    return "none", f"No drift, no fall, nothing new in {evidence.drift.current_rows} served answers."
