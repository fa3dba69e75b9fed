"""One conversation of a Claude Code session: its tool calls in order with what became of each, and who asked for them.

A call's events are made when its whole file has been read. What became of it may stand far below it: a task that runs
in the background ends later, and the first copy of a call that is streamed has no arguments yet.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from ccml.telemetry.decode import Rejection, make_event
from ccml.telemetry.events import Error, Event, Execution, Feedback, Interaction
from ccml.telemetry.readers.claude_result import Fate, TaskEnd, exit_status
from ccml.telemetry.readers.claude_text import human_request
from ccml.telemetry.readers.failures import error_category, excerpt

Outcome: TypeAlias = Event | Rejection


@dataclass
class Call:
    """One tool call and what became of it."""

    id: str
    tool: str
    command: str
    request: str
    common: dict[str, Any]
    time: datetime
    answered: bool = False
    """By a result, or by the person who interrupted it."""
    denied: bool = False
    """A hook reported that it let the call not pass; the result then holds whatever text the hook gave."""
    result: Result | None = None
    background: str | None = None
    """The task that it runs as in the background."""
    end: TaskEnd | None = None
    """The end of that task."""
    recovery: Call | None = None

    @property
    def ran(self) -> bool:
        return self.result is not None and self.result.fate == "ran"

    @property
    def ended_at(self) -> datetime | None:
        if self.background is not None:
            return self.end.time if self.end else None
        return self.result.time if self.result else None

    @property
    def failed(self) -> bool | None:
        if not self.ran or self.result is None:
            return None
        if self.background is not None and not self.result.failed:
            return self.end.failed if self.end else None
        return self.result.failed

    def events(self, now: datetime) -> list[Outcome]:
        fields = {**self.common, "event_id": self.id, "time": self.time, "request": self.request}
        return [make_event(Interaction, {**fields, "command": self.command, "tool": self.tool.lower()}, now=now)]


@dataclass
class Result:
    """The answer to a call."""

    call_id: str
    call: Call | None
    """None where the call stands in another file."""
    common: dict[str, Any]
    time: datetime
    output: str
    failed: bool
    said: Fate

    @property
    def fate(self) -> Fate:
        return "rejected" if self.call is not None and self.call.denied else self.said

    def events(self, now: datetime) -> list[Outcome]:
        """An execution only where the call ran; an error where it failed or was not let pass; the rejection."""
        events: list[Outcome] = []
        refers = _refers(self.common, self.call_id)
        if self.fate == "ran":
            events.append(make_event(Execution, refers | self._execution(), now=now))
        call, end = self.call, self.call.end if self.call else None
        failed = self.failed if call is None or self.fate != "ran" else call.failed
        if (failed and self.fate in ("ran", "refused")) or self.fate == "rejected":
            message = end.summary if end is not None and not self.failed else self.output
            category = "rejected" if self.fate == "rejected" else error_category(message)
            error: dict[str, Any] = {"event_id": f"{self.call_id}:error", "category": category}
            error["message"] = excerpt(message)
            error["time"] = end.time if end is not None and not self.failed else self.time
            events.append(make_event(Error, refers | error | self._recovery(), now=now))
        if self.fate == "rejected":
            events.append(rejection(self.common, self.call_id, self.time, now))
        return events

    def _execution(self) -> dict[str, Any]:
        call, end = self.call, self.call.end if self.call else None
        started = min(call.time, self.time) if call else self.time
        execution: dict[str, Any] = {"time": started, "output_bytes": len(self.output.encode(errors="replace"))}
        if call is None or call.background is None or self.failed:
            status = exit_status(self.output) if self.failed else None
            took = (self.time - started).total_seconds() * 1_000 if call else None
            execution |= {"event_id": f"{self.call_id}:result", "ended_at": self.time, "duration_ms": took}
            return execution | {"exit_status": status, "failed": self.failed}
        if end is None:  # it has only been started
            return {"event_id": f"{self.call_id}:result", "time": started, "failed": None}
        # An id of its own: the start may have landed before the end was known.
        ended: dict[str, Any] = {"event_id": f"{self.call_id}:end", "time": started, "ended_at": max(started, end.time)}
        ended |= {"failed": end.failed, "exit_status": end.exit_status}
        return ended | {"duration_ms": (ended["ended_at"] - started).total_seconds() * 1_000}

    def _recovery(self) -> dict[str, Any]:
        call = self.call
        if call is None or call.recovery is None:
            return {}
        later = call.recovery
        recovered = None if later.failed is None else not later.failed
        fields: dict[str, Any] = {"recovery_command": later.command, "recovered": recovered}
        if recovered and later.ended_at and call.ended_at and later.ended_at >= call.ended_at:
            fields["recovery_ms"] = (later.ended_at - call.ended_at).total_seconds() * 1_000
        return fields


def rejection(common: dict[str, Any], call_id: str, time: datetime, now: datetime) -> Outcome:
    feedback = {"event_id": f"{call_id}:feedback", "time": time, "verdict": "rejected"}
    return make_event(Feedback, _refers(common, call_id) | feedback, now=now)


def _refers(common: dict[str, Any], call_id: str) -> dict[str, Any]:
    return {key: common[key] for key in ("user_id", "session_id", "source")} | {"interaction_id": call_id}


@dataclass
class Asked:
    """What a person asked, or typed behind `!`. An interaction of its own unless a call carries it."""

    request: str
    command: str
    event_id: str
    common: dict[str, Any]
    time: datetime
    carried: bool = False

    def events(self, now: datetime) -> list[Outcome]:
        if self.carried:
            return []
        fields = {**self.common, "event_id": self.event_id, "time": self.time, "request": self.request}
        if not self.command:
            return [make_event(Interaction, fields | {"tool": ""}, now=now)]
        ran = _refers(self.common, self.event_id) | {"event_id": f"{self.event_id}:result", "time": self.time}
        typed = make_event(Interaction, fields | {"command": self.command, "tool": "bash"}, now=now)
        return [typed, make_event(Execution, ran, now=now)]


@dataclass
class Conversation:
    """The main conversation of a session, or one sub-agent's."""

    request: str = ""
    asked: Asked | None = None
    """The request that no call has carried yet."""
    calls: list[Call] = field(default_factory=list)
    queue: list[str] = field(default_factory=list)
    """What was typed while Claude worked and has not been passed on."""
    passed_on: list[tuple[int, datetime, str]] = field(default_factory=list)
    """(record, when, text) of what left the queue and stands nowhere else so far."""

    def unanswered(self) -> list[Call]:
        """The calls at the end of the conversation that nothing has answered yet."""
        return list(itertools.takewhile(lambda call: not call.answered, reversed(self.calls)))

    def unqueue(self, text: str) -> str:
        """Takes a text out of the queue, the oldest where none is named."""
        if text in self.queue:
            self.queue.remove(text)
        elif not text and self.queue:
            text = self.queue.pop(0)
        return text

    def stands_in(self, text: str) -> None:
        """A record repeats what left the queue, perhaps with something around it."""
        request = human_request(text)
        self.passed_on = [
            each for each in self.passed_on if each[2].strip() not in text and human_request(each[2]) != request
        ]

    def recoveries(self) -> Iterator[tuple[Call, Call]]:
        """(failed call, the next call of the same tool that ran, made after the failure was known)."""
        for position, call in enumerate(self.calls):
            ended_at = call.ended_at
            if not call.failed or ended_at is None:
                continue
            following = (later for later in self.calls[position + 1 :] if later.tool == call.tool)
            # A call that was sent before the failure was known is no reaction to it, one that never ran no recovery.
            next_call = next((later for later in following if later.time >= ended_at and later.ran), None)
            if next_call is not None:
                yield call, next_call
