"""Claude Code sessions as they lie under `~/.claude/projects`: JSON Lines, one record a line.

    type              becomes
    assistant         one interaction per tool call; a line without a call is left out and counted
    user              text: the request of the calls that follow, or, where none follows, an interaction without a
                      command; tool results: an execution, and an error where the call failed
    attachment        a prompt typed while Claude worked: like a user's text
    queue-operation   the same prompt where no attachment and no user record repeats it
    others            left out and counted by type (progress, system, summary, file-history-snapshot, …)

A call has an execution only where it ran. One that a person, a rule, a hook or the classifier did not let pass becomes
feedback `rejected` and an error of category `rejected`; one that the client refused becomes an error; one that was
cancelled because another failed becomes neither. A call in the background has the outcome that a later notification
tells of. Sub-agents (`isSidechain`) are sessions of their own, and their prompt is their request.

The same record is often found twice: in one file, or in the file of a resumed or forked session, with another session
id. Event ids are made of the ids of the calls, or of time and text of a request, so the second is counted as a
duplicate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from ccml.telemetry.decode import Rejection, decode_object, rfc_3339
from ccml.telemetry.events import Event
from ccml.telemetry.readers import claude_text as text_of
from ccml.telemetry.readers.claude_conversation import Asked, Call, Conversation, Outcome, Result, rejection
from ccml.telemetry.readers.claude_result import background_id, fate, task_ends
from ccml.telemetry.readers.json_lines import read_json_lines
from ccml.telemetry.readers.lines import Line
from ccml.telemetry.readers.owner import home_owner, path_text, platform_of
from ccml.telemetry.readers.record import Facts, Reader, Record, Sample
from ccml.telemetry.readers.unread import is_other_message

_MAX_LINE_BYTES = 16 * 1024 * 1024
"""A pasted screenshot is on its line in base64; a megabyte is common."""
_decoder = msgspec.json.Decoder(dict[str, Any])

_Part: TypeAlias = Call | Result | Asked | Event | Rejection | None
"""What a line holds; None for what was met before."""


class _MalformedError(Exception):
    """A readable JSON object that is no Claude Code record."""


@dataclass
class _Draft:
    """A line whose events are made when the whole file has been read."""

    line: Line
    parts: list[_Part] = field(default_factory=list)
    skipped: str = "client_note"
    """Why the line has no event, where it has none."""


def read(path: Path, now: datetime, facts: Facts) -> Iterator[Record]:
    facts["files"] += 1
    session = _SessionFile(path, now, facts)
    for found in read_json_lines(path, partial(decode_object, decoder=_decoder), _MAX_LINE_BYTES):
        session.take(found)
    yield from session.records()


class _SessionFile:
    def __init__(self, path: Path, now: datetime, facts: Facts) -> None:
        self.path = path
        self.now = now
        self.facts = facts
        self.drafts: list[_Draft | Record] = []
        self.conversations: dict[str, Conversation] = {}
        self.calls: dict[str, Call] = {}
        self.tasks: dict[str, Call] = {}
        """Id of a background task → the call that started it."""
        self.denied: set[str] = set()
        self.seen: set[str] = set()
        """Ids of results and requests met before."""
        self.roots: dict[str, str] = {}
        """uuid of a sub-agent's record → uuid of the sub-agent's first record."""
        self.local_command_follows = False

    def records(self) -> Iterator[Record]:
        for conversation in self.conversations.values():
            for call, next_call in conversation.recoveries():
                call.recovery = next_call
        for draft in self.drafts:
            yield draft if isinstance(draft, Record) else _to_record(draft, self.now)

    def take(self, found: tuple[Line, dict[str, Any]] | Record) -> None:
        if isinstance(found, Record):
            self.drafts.append(found)
            return
        line, record = found
        draft = _Draft(line)
        self.drafts.append(draft)
        try:
            self._read(draft, record)
        except _MalformedError as error:
            draft.parts.append(Rejection("wrong_type", str(error)))

    def _read(self, draft: _Draft, record: dict[str, Any]) -> None:
        kind = record.get("type")
        if not isinstance(kind, str):
            draft.parts.append(Rejection("missing_field", "expected a record type at `$.type`"))
            return
        if kind in ("attachment", "queue-operation"):
            self._waiting(draft, kind, record)
            return
        if kind not in ("user", "assistant"):
            draft.skipped = kind[:60]
            return
        message = record.get("message")
        if not isinstance(message, dict):
            raise _MalformedError("expected an object at `$.message`")
        time = rfc_3339(record.get("timestamp"))
        if isinstance(time, Rejection):
            draft.parts.append(time)
            return
        conversation, common = self._conversation(record)
        content = message.get("content")
        blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
        if kind == "assistant":
            draft.skipped = "api_error" if record.get("isApiErrorMessage") else "assistant_text"
            self._adopt_queued(conversation, common)
            self._calls(draft, blocks, conversation, common, time)
        else:
            self._results(draft, blocks, record, common, time)
            text = text_of.plain_text(content)
            if text or not draft.parts:
                self._typed(draft, text, record, conversation, common, time)

    def _calls(
        self,
        draft: _Draft,
        blocks: list[dict[str, Any]],
        conversation: Conversation,
        common: dict[str, Any],
        time: datetime,
    ) -> None:
        for block in blocks:
            if block.get("type") != "tool_use":
                continue
            call_id, tool, given = block.get("id"), block.get("name"), block.get("input")
            if not (isinstance(call_id, str) and isinstance(tool, str) and isinstance(given, dict)):
                raise _MalformedError("expected a tool call with text `id` and `name` and an object `input`")
            command = text_of.command_line(tool, given)
            self.facts["tool_calls"] += 1
            self.facts["bash_commands"] += tool == "Bash"
            if call_id in self.calls:
                # The first copy of a streamed call can have no arguments, or only some.
                met = self.calls[call_id]
                met.command = max(met.command, command, key=len)
                draft.parts.append(None)
                continue
            self.facts["tool_calls_unique"] += 1
            self.facts["bash_commands_unique"] += tool == "Bash"
            call = Call(call_id, tool, command, conversation.request, common, time, denied=call_id in self.denied)
            self.calls[call_id] = call
            conversation.calls.append(call)
            if conversation.asked is not None:
                conversation.asked.carried = True
                conversation.asked = None
            draft.parts.append(call)

    def _results(
        self,
        draft: _Draft,
        blocks: list[dict[str, Any]],
        record: dict[str, Any],
        common: dict[str, Any],
        time: datetime,
    ) -> None:
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
                draft.parts.append(None)
                continue
            self.seen.add(f"{call_id}:result")
            self.facts["errors_unique"] += failed
            details = record.get("toolUseResult") if len(blocks) == 1 else None
            output = text_of.plain_text(block.get("content"))
            call = self.calls.get(call_id)
            said = fate(output, is_error=failed, details=details)
            result = Result(call_id, call, common, time, output, failed, said)
            draft.skipped = "not_run"
            draft.parts.append(result)
            if call is not None:
                call.answered, call.result = True, result
                call.background = background_id(output, details) if not failed else None
                if call.background:
                    self.tasks[call.background] = call

    def _typed(
        self,
        draft: _Draft,
        text: str,
        record: dict[str, Any],
        conversation: Conversation,
        common: dict[str, Any],
        time: datetime,
    ) -> None:
        """What the text of a user's record counts as: a request, a typed command, an interruption, or nothing."""
        self._end_tasks(text, time)
        conversation.stands_in(text)
        local_command, self.local_command_follows = self.local_command_follows, text_of.is_local_command(text)
        if self.local_command_follows or (local_command and "<command-name>" in text):
            draft.skipped = "local_command"
        elif text_of.is_interruption(text):
            draft.skipped = "interruption"
            for call in conversation.unanswered():
                call.answered = True
                draft.parts.append(rejection(call.common, call.id, time, self.now))
        elif not record.get("isSidechain") and not text_of.is_typed_by_person(record):
            draft.skipped = "meta" if record.get("isMeta") or record.get("isCompactSummary") else "client_note"
        elif record.get("isMeta"):
            draft.skipped = "meta"
        else:
            self._asked(draft, text, conversation, common, time, delegated=bool(record.get("isSidechain")))

    def _asked(
        self,
        draft: _Draft,
        text: str,
        conversation: Conversation,
        common: dict[str, Any],
        time: datetime,
        *,
        delegated: bool = False,
    ) -> None:
        command = text_of.typed_command(text) or ""
        request = text_of.delegated_request(text) if delegated else "" if command else text_of.human_request(text)
        if not command and not request:
            draft.skipped = "client_note"
            return
        identity = hashlib.sha256(f"{time.isoformat()}\0{command or request}".encode(errors="replace")).hexdigest()
        if identity in self.seen:
            draft.parts.append(None)
            return
        self.seen.add(identity)
        if delegated and not command:
            # A prompt to a sub-agent is the input of a call that has landed already.
            self.facts["delegated_requests"] += 1
            conversation.request, conversation.asked = request, None
            draft.skipped = "delegated_request"
            return
        self.facts["typed_commands" if command else "requests"] += 1
        asked = Asked(request, command, f"request:{identity[:24]}", common, time)
        if not command:
            conversation.request, conversation.asked = request, asked
        draft.skipped = "request"
        draft.parts.append(asked)

    def _waiting(self, draft: _Draft, kind: str, record: dict[str, Any]) -> None:
        """What was typed, or notified, while Claude worked."""
        draft.skipped = kind
        time = rfc_3339(record.get("timestamp"))
        if isinstance(time, Rejection):
            return
        conversation, common = self._conversation(record)
        if kind == "attachment":
            attached = record.get("attachment")
            self._attached(draft, attached if isinstance(attached, dict) else {}, conversation, common, time)
            return
        text = text_of.plain_text(record.get("content"))
        self._end_tasks(text, time)
        operation, reason = record.get("operation"), record.get("reason")
        if operation == "enqueue":
            conversation.queue.append(text)
        elif operation == "popAll" and not text:
            conversation.queue.clear()
        elif operation in ("dequeue", "remove", "popAll"):
            text = conversation.unqueue(text)
            taken_back = operation == "popAll" or reason not in (None, "absorbed_mid_turn")
            if text and not taken_back:
                conversation.passed_on.append((len(self.drafts) - 1, time, text))

    def _attached(
        self,
        draft: _Draft,
        attached: dict[str, Any],
        conversation: Conversation,
        common: dict[str, Any],
        time: datetime,
    ) -> None:
        if attached.get("type") == "queued_command":
            text = text_of.plain_text(attached.get("prompt"))
            self._end_tasks(text, time)
            if attached.get("commandMode", "prompt") == "bash":
                text = f"<bash-input>{text}</bash-input>"
            conversation.stands_in(text)
            if attached.get("commandMode", "prompt") in ("prompt", "bash") and text_of.is_typed_by_person(attached):
                self._asked(draft, text, conversation, common, time)
            return
        blocked = attached.get("type") == "hook_blocking_error" and attached.get("hookEvent") == "PreToolUse"
        denied = attached.get("type") == "hook_permission_decision" and attached.get("decision") == "deny"
        call_id = attached.get("toolUseID")
        if (blocked or denied) and isinstance(call_id, str):
            self.denied.add(call_id)
            if call_id in self.calls:
                self.calls[call_id].denied = True

    def _adopt_queued(self, conversation: Conversation, common: dict[str, Any]) -> None:
        """Claude has answered: what left the queue and stands in no record of its own was asked when it left."""
        for position, time, text in conversation.passed_on:
            draft = self.drafts[position]
            if isinstance(draft, _Draft):
                self._asked(draft, text, conversation, common, time)
        conversation.passed_on = []

    def _end_tasks(self, text: str, time: datetime) -> None:
        for end in task_ends(text, time):
            call = self.calls.get(end.call) or self.tasks.get(end.task)
            if call is not None and call.background is not None and call.end is None:
                call.end = end

    def _conversation(self, record: dict[str, Any]) -> tuple[Conversation, dict[str, Any]]:
        """The conversation of a record, and the fields that its events share."""
        directory = record.get("cwd")
        directory = directory[:1_000] if isinstance(directory, str) else ""
        session = record.get("sessionId")
        session = session if isinstance(session, str) and session else path_text(self.path)[-100:]
        forked = record.get("forkedFrom")
        origin = forked.get("sessionId") if isinstance(forked, dict) else None
        uuid, parent, agent = record.get("uuid"), record.get("parentUuid"), record.get("agentId")
        suffix = ""
        if record.get("isSidechain"):
            root = self.roots.get(str(parent), str(uuid))
            self.roots[str(uuid)] = root
            suffix = f"/{agent if isinstance(agent, str) else root}"
        conversation = self.conversations.setdefault(f"{session}{suffix}", Conversation())
        common = {
            "user_id": home_owner(directory, path_text(self.path)),
            # What a fork copied belongs to the session that it was copied from, whichever file is read first.
            "session_id": f"{origin if isinstance(origin, str) and origin else session}{suffix}"[:200],
            "source": "claude-code",
            "directory": directory,
            "platform": platform_of(directory),
        }
        return conversation, common


def _to_record(draft: _Draft, now: datetime) -> Record:
    outcomes: list[Outcome] = []
    for part in draft.parts:
        if isinstance(part, Call | Result | Asked):
            outcomes += part.events(now)
        elif part is not None:
            outcomes.append(part)
    events = tuple(outcome for outcome in outcomes if isinstance(outcome, Event))
    refused = next((outcome for outcome in outcomes if isinstance(outcome, Rejection)), None)
    if refused is not None:
        return Record.refused(draft.line, refused, events)  # type: ignore[arg-type]
    if events:
        return Record(draft.line.number, events)  # type: ignore[arg-type]
    return Record(draft.line.number, skipped="duplicate" if None in draft.parts else draft.skipped)


def fits(sample: Sample) -> bool:
    return any(
        isinstance(found.get("type"), str)
        and bool({"sessionId", "uuid", "leafUuid", "messageId"} & found.keys())
        # Others keep the same envelope around messages of another form.
        and not is_other_message(found.get("message"))
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
