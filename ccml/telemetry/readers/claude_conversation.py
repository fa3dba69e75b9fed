"""One conversation of a Claude Code session: its tool calls in order, which of them have no answer yet, and which call
came after a failed one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class Call:
    """One tool call and what became of it."""

    id: str
    tool: str
    command: str
    time: datetime
    answered: bool = False
    """By a result, or by the person who interrupted it."""
    ended_at: datetime | None = None
    failed: bool | None = None
    error_record: int | None = None
    """Index of the record that carries its error."""


@dataclass
class Conversation:
    """The main conversation of a session, or one sub-agent's."""

    session_id: str
    request: str = ""
    request_record: int | None = None
    """Index of the record of a request that no call has carried yet."""
    calls: list[Call] = field(default_factory=list)

    def unanswered(self) -> list[Call]:
        """The calls at the end of the conversation that nothing has answered yet."""
        return list(itertools.takewhile(lambda call: not call.answered, reversed(self.calls)))

    def recoveries(self) -> Iterator[tuple[Call, Call]]:
        """(failed call, the next call of the same tool made after the failure was known)."""
        for position, call in enumerate(self.calls):
            if call.error_record is None or call.ended_at is None:
                continue
            following = (later for later in self.calls[position + 1 :] if later.tool == call.tool)
            # A call that was sent before the failure was known is no reaction to it.
            next_call = next((later for later in following if later.time >= call.ended_at), None)
            if next_call is not None:
                yield call, next_call
