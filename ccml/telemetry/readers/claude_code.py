"""Claude Code sessions as they lie under `~/.claude/projects`: JSON Lines, one record a line.

    type        becomes
    assistant   one interaction per tool call; a line without a call is left out and counted
    user        text: the request of the calls that follow, or, where none follows, an interaction without a command;
                tool results: an execution, and an error where `is_error` is set
    others      left out and counted by type (progress, system, summary, file-history-snapshot, …)

A tool call that a person refuses becomes feedback `rejected` and an error of category `rejected`. It has no execution,
because it never ran. Sub-agents (`isSidechain`) are sessions of their own, and their prompt is their request.
The same tool call is often found twice: in one file, or in the file of a resumed session. Event ids are made of the ids
of the calls, so the second is counted as a duplicate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from ccml.telemetry.decode import Rejection, decode_object, make_event
from ccml.telemetry.events import AnyEvent, Error, Event, Execution, Feedback, Interaction
from ccml.telemetry.readers import claude_text as text_of
from ccml.telemetry.readers.claude_conversation import Call, Conversation
from ccml.telemetry.readers.failures import error_category, excerpt
from ccml.telemetry.readers.json_lines import read_json_lines
from ccml.telemetry.readers.lines import Line
from ccml.telemetry.readers.owner import home_owner, path_text, platform_of
from ccml.telemetry.readers.record import Facts, Reader, Record, Sample

_MAX_LINE_BYTES = 16 * 1024 * 1024
"""A pasted screenshot is on its line in base64; a megabyte is common."""
_decoder = msgspec.json.Decoder(dict[str, Any])


class _MalformedError(Exception):
    """A readable JSON object that is no Claude Code record."""


def read(path: Path, now: datetime, facts: Facts) -> Iterator[Record]:
    facts["files"] += 1
    session = _SessionFile(path, now, facts)
    for found in read_json_lines(path, partial(decode_object, decoder=_decoder), _MAX_LINE_BYTES):
        session.take(found)
    session.add_recoveries()
    yield from session.records


class _SessionFile:
    def __init__(self, path: Path, now: datetime, facts: Facts) -> None:
        self.path = path
        self.now = now
        self.facts = facts
        self.records: list[Record] = []
        self.conversations: dict[str, Conversation] = {}
        self.calls: dict[str, Call] = {}
        self.seen: set[str] = set()
        """Ids of calls, results and requests met before."""
        self.roots: dict[str, str] = {}
        """uuid of a sub-agent's record → uuid of the sub-agent's first record."""
        self.local_command_follows = False

    def take(self, found: tuple[Line, dict[str, Any]] | Record) -> None:
        if isinstance(found, Record):
            self.records.append(found)
            return
        line, record = found
        try:
            self.records.append(self._record(line, record))
        except _MalformedError as error:
            self.records.append(Record.refused(line, Rejection("wrong_type", str(error))))

    def _record(self, line: Line, record: dict[str, Any]) -> Record:
        kind = record.get("type")
        if not isinstance(kind, str):
            return Record.refused(line, Rejection("missing_field", "expected a record type at `$.type`"))
        if kind not in ("user", "assistant"):
            return Record(line.number, skipped=kind[:60])
        message = record.get("message")
        if not isinstance(message, dict):
            raise _MalformedError("expected an object at `$.message`")
        time = _time(record.get("timestamp"))
        if isinstance(time, Rejection):
            return Record.refused(line, time)
        common = self._common(record)
        conversation = self._conversation(record, common["session_id"])
        common["session_id"] = conversation.session_id
        content = message.get("content")
        blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
        if kind == "assistant":
            outcomes = self._calls(blocks, conversation, common, time)
            skipped = "api_error" if record.get("isApiErrorMessage") else "assistant_text"
        else:
            outcomes = self._results(blocks, record, conversation, common, time)
            typed = self._typed(
                text_of.plain_text(content), record, conversation, common, time, has_results=bool(outcomes)
            )
            skipped = typed if isinstance(typed, str) else ""
            outcomes += typed if isinstance(typed, list) else []
        return _to_record(line, outcomes, skipped)

    def _calls(
        self, blocks: list[dict[str, Any]], conversation: Conversation, common: dict[str, Any], time: datetime
    ) -> list[Event | Rejection | None]:
        """One outcome per tool call: its interaction, why it is none, or None for a call met before."""
        outcomes: list[Event | Rejection | None] = []
        for block in blocks:
            if block.get("type") != "tool_use":
                continue
            call_id, tool, given = block.get("id"), block.get("name"), block.get("input")
            if not (isinstance(call_id, str) and isinstance(tool, str) and isinstance(given, dict)):
                raise _MalformedError("expected a tool call with text `id` and `name` and an object `input`")
            self.facts["tool_calls"] += 1
            self.facts["bash_commands"] += tool == "Bash"
            if call_id in self.calls:
                outcomes.append(None)
                continue
            self.facts["tool_calls_unique"] += 1
            self.facts["bash_commands_unique"] += tool == "Bash"
            call = Call(call_id, tool, text_of.command_line(tool, given), time)
            self.calls[call_id] = call
            conversation.calls.append(call)
            if conversation.request_record is not None:
                self.records[conversation.request_record] = Record(
                    self.records[conversation.request_record].line, skipped="request"
                )
                conversation.request_record = None
            fields = {
                **common,
                "event_id": call_id,
                "time": time,
                "request": conversation.request,
                "command": call.command,
            }
            outcomes.append(make_event(Interaction, {**fields, "tool": tool.lower()}, now=self.now))
        return outcomes

    def _results(
        self,
        blocks: list[dict[str, Any]],
        record: dict[str, Any],
        conversation: Conversation,
        common: dict[str, Any],
        time: datetime,
    ) -> list[Event | Rejection | None]:
        outcomes: list[Event | Rejection | None] = []
        for block in blocks:
            if block.get("type") != "tool_result":
                continue
            call_id = block.get("tool_use_id")
            if not isinstance(call_id, str):
                raise _MalformedError("expected a tool result with text `tool_use_id`")
            failed = block.get("is_error") is True
            self.facts["tool_results"] += 1
            self.facts["errors"] += failed
            if f"{call_id}:result" in self.seen:
                outcomes.append(None)
                continue
            self.seen.add(f"{call_id}:result")
            self.facts["errors_unique"] += failed
            details = record.get("toolUseResult")
            details = details if isinstance(details, dict) and len(blocks) == 1 else {}
            outcomes += self._one_result(
                call_id, text_of.plain_text(block.get("content")), failed, details, common, time
            )
        return outcomes

    def _one_result(
        self, call_id: str, output: str, failed: bool, details: dict[str, Any], common: dict[str, Any], time: datetime
    ) -> list[Event | Rejection | None]:
        call = self.calls.get(call_id)
        refers = {key: common[key] for key in ("user_id", "session_id", "source")} | {"interaction_id": call_id}
        refused = failed and text_of.refused_by_person(output)
        ran = not (refused or (failed and text_of.not_permitted(output)))
        outcomes: list[Event | Rejection | None] = []
        if ran:
            started = min(call.time, time) if call else time
            execution = {
                "event_id": f"{call_id}:result",
                "time": started,
                "ended_at": time,
                "exit_status": text_of.exit_status(output) if failed else None,
                # A command sent to the background has only been started.
                "failed": None if "backgroundTaskId" in details else failed,
                "duration_ms": (time - started).total_seconds() * 1_000 if call else None,
                "output_bytes": len(output.encode()),
            }
            outcomes.append(make_event(Execution, refers | execution, now=self.now))
        if failed:
            category = "rejected" if refused else error_category(output)
            error = {"event_id": f"{call_id}:error", "time": time, "category": category}
            error["message"] = excerpt(output)
            outcomes.append(make_event(Error, refers | error, now=self.now))
        if refused:
            feedback = {"event_id": f"{call_id}:feedback", "time": time, "verdict": "rejected"}
            outcomes.append(make_event(Feedback, refers | feedback, now=self.now))
        if call is not None:
            call.answered = True
        if call is not None and ran:
            call.ended_at = time
            call.failed = None if "backgroundTaskId" in details else failed
            call.error_record = len(self.records) if failed else None
        return outcomes

    def _typed(
        self,
        text: str,
        record: dict[str, Any],
        conversation: Conversation,
        common: dict[str, Any],
        time: datetime,
        *,
        has_results: bool,
    ) -> list[Event | Rejection | None] | str:
        """Outcomes of what a person typed, or the reason why it counts for nothing."""
        if has_results and not text:
            return []
        local_command, self.local_command_follows = self.local_command_follows, text_of.is_local_command(text)
        if self.local_command_follows or (local_command and "<command-name>" in text):
            return "local_command"
        if record.get("isMeta") or record.get("isCompactSummary"):
            return "meta"
        refers = {key: common[key] for key in ("user_id", "session_id", "source")}
        if text_of.is_interruption(text):
            return [self._rejected(call, refers, time) for call in conversation.unanswered()] or "interruption"
        command = text_of.typed_command(text)
        request = "" if command else text_of.human_request(text)
        if not command and not request:
            return "client_note"
        identity = hashlib.sha256(
            f"{conversation.session_id}\0{time.isoformat()}\0{command or request}".encode()
        ).hexdigest()
        if identity in self.seen:
            return [None]
        self.seen.add(identity)
        self.facts[
            "typed_commands" if command else "delegated_requests" if record.get("isSidechain") else "requests"
        ] += 1
        fields = {**common, "event_id": f"request:{identity[:24]}", "time": time, "request": request}
        if not command:
            conversation.request = request
            # A prompt to a sub-agent is the input of a call that has landed already.
            conversation.request_record = None if record.get("isSidechain") else len(self.records)
            if record.get("isSidechain"):
                return "delegated_request"
        tool = {"command": command, "tool": "bash"} if command else {"tool": ""}
        return [make_event(Interaction, fields | tool, now=self.now)]

    def _rejected(self, call: Call, refers: dict[str, Any], time: datetime) -> Event | Rejection:
        call.answered = True
        feedback = {"event_id": f"{call.id}:feedback", "time": time, "interaction_id": call.id, "verdict": "rejected"}
        return make_event(Feedback, refers | feedback, now=self.now)

    def _common(self, record: dict[str, Any]) -> dict[str, Any]:
        directory = record.get("cwd")
        directory = directory[:1_000] if isinstance(directory, str) else ""
        session = record.get("sessionId")
        return {
            "user_id": home_owner(directory, path_text(self.path)),
            "session_id": session if isinstance(session, str) and session else path_text(self.path)[-100:],
            "source": "claude-code",
            "directory": directory,
            "platform": platform_of(directory),
        }

    def _conversation(self, record: dict[str, Any], session_id: str) -> Conversation:
        uuid, parent, agent = record.get("uuid"), record.get("parentUuid"), record.get("agentId")
        if record.get("isSidechain"):
            root = self.roots.get(str(parent), str(uuid))
            self.roots[str(uuid)] = root
            session_id = f"{session_id}/{agent if isinstance(agent, str) else root}"[:200]
        return self.conversations.setdefault(session_id, Conversation(session_id))

    def add_recoveries(self) -> None:
        for conversation in self.conversations.values():
            for call, next_call in conversation.recoveries():
                self._add_recovery(call, next_call)

    def _add_recovery(self, call: Call, next_call: Call) -> None:
        record = self.records[call.error_record or 0]
        lasted = (next_call.ended_at - call.ended_at).total_seconds() if next_call.ended_at and call.ended_at else None
        events: tuple[AnyEvent, ...] = tuple(
            msgspec.structs.replace(
                event,
                recovery_command=next_call.command,
                recovered=None if next_call.failed is None else not next_call.failed,
                recovery_ms=None if lasted is None or lasted < 0 or next_call.failed is not False else lasted * 1_000,
            )
            if isinstance(event, Error) and event.interaction_id == call.id
            else event
            for event in record.events
        )
        self.records[call.error_record or 0] = replace(record, events=events)


def _to_record(line: Line, outcomes: list[Event | Rejection | None], skipped: str) -> Record:
    events = tuple(outcome for outcome in outcomes if isinstance(outcome, Event))
    refused = next((outcome for outcome in outcomes if isinstance(outcome, Rejection)), None)
    if refused is not None:
        return Record.refused(line, refused, events)  # type: ignore[arg-type]
    if events:
        return Record(line.number, events)  # type: ignore[arg-type]
    return Record(line.number, skipped="duplicate" if None in outcomes else skipped or "client_note")


def _time(stamp: object) -> datetime | Rejection:
    if not isinstance(stamp, str):
        return Rejection("missing_field", "expected an RFC 3339 time at `$.timestamp`")
    try:
        time = datetime.fromisoformat(stamp)
    except ValueError:
        return Rejection("bad_value", f"expected an RFC 3339 time at `$.timestamp`, found {stamp[:40]!r}")
    return time if time.tzinfo else Rejection("bad_value", "expected a time with an offset at `$.timestamp`")


def fits(sample: Sample) -> bool:
    return any(
        isinstance(found.get("type"), str) and bool({"sessionId", "uuid", "leafUuid", "messageId"} & found.keys())
        for found in sample.objects
    )


CLAUDE_CODE = Reader(
    "claude-code",
    "Claude Code sessions (~/.claude/projects)",
    ("*.jsonl",),
    fits,
    read,
    usual_place="~/.claude/projects",
)
