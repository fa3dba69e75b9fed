"""A decision in the form that leaves the server."""

from __future__ import annotations

import secrets
import time

from ccml.serving.schema import ActionAnswer, Answer, IntentAnswer
from ccml.serving.turn import Decision


def answer_of(decision: Decision, started: float) -> Answer:
    """
    Args:
        started: `time.monotonic()` of the admission.
    """
    return Answer(
        interaction_id=f"i-{secrets.token_hex(12)}",
        intent=IntentAnswer(
            label=decision.intent.label,
            confidence=decision.intent.confidence,
            out_of_scope=decision.intent.out_of_scope,
            served_by=decision.intent_responder,
            version=decision.intent.version,
        ),
        commands=decision.proposal.commands,
        command_served_by=decision.proposal_responder,
        command_version=decision.proposal.version,
        action=ActionAnswer(
            name=decision.choice.action,
            propensity=decision.choice.propensity,
            served_by=decision.choice_responder,
            version=decision.choice.version,
        ),
        degraded=decision.degraded,
        reasons=decision.reasons,
        served_by=decision.served_by,
        latency_ms=round((time.monotonic() - started) * 1000, 3),
    )
