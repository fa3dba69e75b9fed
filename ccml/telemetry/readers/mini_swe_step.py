"""One command of a mini-SWE-agent run, whichever kind of file it was read from, and the events it becomes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ccml.telemetry.decode import Rejection, make_event
from ccml.telemetry.events import Error, Event, Execution, Feedback, Interaction
from ccml.telemetry.readers.failures import error_category, excerpt


@dataclass
class Step:
    """One command, with the same fields for both kinds of file. Times are seconds since 1970."""

    instance: str
    agent: str
    session_id: str
    request: str
    directory: str
    command: str
    asked_at: float
    done_at: float | None
    duration_ms: float | None
    returncode: int | None
    output: str
    output_bytes: int | None
    exception: str
    ran: bool = True
    """Not a later command of a batch that broke off, nor one that a person refused."""
    rejected: bool = False
    next_step: Step | None = None

    @property
    def event_id(self) -> str:
        moment = f"asked {self.asked_at!r}" if self.done_at is None else repr(self.done_at)
        digest = hashlib.sha256(f"{self.instance}\0{moment}\0{self.command}".encode()).hexdigest()
        return f"mini-swe-agent:{digest[:24]}"

    @property
    def failed(self) -> bool:
        return self.ran and (bool(self.exception) or self.returncode not in (0, None))


def connect(steps: list[Step]) -> None:
    """Give every step the next one of its session that ran."""
    last: dict[str, Step] = {}
    for step in steps:
        if not step.ran:
            continue
        if step.session_id in last:
            last[step.session_id].next_step = step
        last[step.session_id] = step


def step_events(step: Step, now: datetime) -> list[Event | Rejection]:
    asked_at, done_at = _utc(step.asked_at), None if step.done_at is None else _utc(step.done_at)
    if asked_at is None:
        return [Rejection("bad_value", f"expected seconds since 1970, found {step.asked_at}")]
    who = {"user_id": step.agent, "session_id": step.session_id, "source": "mini-swe-agent"}
    interaction = {"event_id": step.event_id, "time": asked_at, "request": step.request, "command": step.command}
    outcomes: list[Event | Rejection] = [
        make_event(Interaction, who | interaction | {"directory": step.directory, "platform": "linux"}, now=now)
    ]
    refers = who | {"interaction_id": step.event_id}
    if step.rejected:
        feedback = {"event_id": f"{step.event_id}:feedback", "time": done_at or asked_at, "verdict": "rejected"}
        outcomes.append(make_event(Feedback, refers | feedback, now=now))
    if step.ran:
        known = step.done_at is not None or step.returncode is not None or step.failed
        execution = {
            "event_id": f"{step.event_id}:result",
            "time": asked_at,
            "ended_at": done_at,
            "exit_status": step.returncode,
            "failed": step.failed if known else None,
            "duration_ms": step.duration_ms,
            "output_bytes": step.output_bytes,
        }
        outcomes.append(make_event(Execution, refers | execution, now=now))
    if step.failed:
        message = step.exception or step.output
        error: dict[str, Any] = {"event_id": f"{step.event_id}:error", "time": done_at or asked_at}
        error |= {"message": excerpt(message), "category": error_category(message)}
        next_step = step.next_step
        if next_step is not None and next_step.returncode is not None:
            error |= {"recovery_command": next_step.command, "recovered": not next_step.failed}
            if not next_step.failed and next_step.done_at and step.done_at and next_step.done_at >= step.done_at:
                error["recovery_ms"] = (next_step.done_at - step.done_at) * 1_000
        outcomes.append(make_event(Error, refers | error, now=now))
    return outcomes


def _utc(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
