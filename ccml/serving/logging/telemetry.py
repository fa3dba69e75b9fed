"""An answer and its feedback as native telemetry events, the form in which the next ingest reads them."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import asdict

from ccml.intents.tables import OUT_OF_SCOPE
from ccml.models.kinds import COMMAND, INTENT, POLICY
from ccml.serving.schema import ActRequest, Answer, FeedbackRequest
from ccml.serving.turn import Turn
from ccml.telemetry.events import AnyEvent, Error, Execution, Feedback, Interaction, SystemState

SOURCE = "served"


def answer_events(asked: ActRequest, turn: Turn, answer: Answer, host: str) -> Iterator[AnyEvent]:
    """The interaction and a state: of the client's machine as far as it was sent, and of this process's memory.

    What the model took the intent for is kept apart from `intent`: trained on its own guesses, a model would only
    confirm itself.
    """
    session = asked.session
    time = turn.context.time
    top = answer.commands[0] if answer.commands else None
    parts = (
        (COMMAND.name, answer.command_served_by, answer.command_version),
        (INTENT.name, answer.intent.served_by, answer.intent.version),
        (POLICY.name, answer.action.served_by, answer.action.version),
    )
    yield Interaction(
        event_id=answer.interaction_id,
        time=time,
        user_id=session.user_id,
        session_id=session.session_id,
        source=SOURCE,
        request=asked.request,
        command=top.command if top else "",
        directory=session.directory,
        host=host,
        platform=session.platform,
        predicted_intent=OUT_OF_SCOPE if answer.intent.out_of_scope else answer.intent.label,
        action=answer.action.name,  # type: ignore[arg-type]  # verified to be one of ACTIONS
        propensity=answer.action.propensity,
        policy_version=answer.action.version,
        confidence=top.confidence if top else None,
        model_versions={
            name: version for name, responder, version in parts if version and responder in ("champion", "previous")
        },
        served_by=answer.served_by,
        latency_ms=answer.latency_ms,
    )
    yield SystemState(
        event_id=f"{answer.interaction_id}-state",
        time=time,
        user_id=session.user_id,
        session_id=session.session_id,
        source=SOURCE,
        host=host,
        interaction_id=answer.interaction_id,
        platform=session.platform,
        process_memory_mb=resident_memory_mb(),
        **(_known(asdict(session.state)) if session.state else {}),
    )


def resident_memory_mb() -> float:
    """Of this process, in MiB: now on Linux, at its highest so far elsewhere. Takes microseconds."""
    if sys.platform.startswith("linux"):
        with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123 - a Path would cost more than the reading
            pages = int(statm.read().split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 2)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)  # bytes on macOS


def feedback_events(given: FeedbackRequest, proposed: str, digest: str) -> list[AnyEvent]:
    """An execution, an error and a feedback event, each only where the feedback has one of its fields.

    A command that was run instead of the proposed one is a correction, whether or not the client calls it one.

    Args:
        digest: of the feedback; makes the ids of several feedbacks on one interaction differ.
    """
    common: Any = {
        "time": datetime.now(UTC),
        "user_id": given.user_id,
        "session_id": given.session_id,
        "source": SOURCE,
        "interaction_id": given.interaction_id,
    }
    corrected = given.corrected_command
    if corrected is None and given.executed_command and given.executed_command != proposed:
        corrected = given.executed_command
    ran: Any = {
        "exit_status": given.exit_status,
        "duration_ms": given.duration_ms,
        "cpu_ms": given.cpu_ms,
        "memory_mb": given.memory_mb,
        "output_bytes": given.output_bytes,
    }
    failed: Any = {
        "message": given.error_message,
        "category": given.error_category,
        "recovery_command": given.recovery_command,
        "recovered": given.recovered,
        "recovery_ms": given.recovery_ms,
    }
    opinion: Any = {
        "rating": given.rating,
        "verdict": given.verdict,
        "corrected_command": corrected,
        "corrected_intent": given.corrected_intent,
    }
    events: list[AnyEvent] = []
    if given.executed_command is not None or _known(ran):
        events.append(Execution(event_id=f"{given.interaction_id}-execution-{digest[:8]}", **common, **_known(ran)))
    if _known(failed):
        events.append(Error(event_id=f"{given.interaction_id}-error-{digest[:8]}", **common, **_known(failed)))
    if _known(opinion):
        events.append(Feedback(event_id=f"{given.interaction_id}-feedback-{digest[:8]}", **common, **_known(opinion)))
    return events


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
