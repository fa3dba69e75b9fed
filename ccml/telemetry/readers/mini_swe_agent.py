"""mini-SWE-agent runs: trajectories (`*.traj.json`, one JSON document each) and tables of steps made from them.

In a trajectory the `line` of a record is the number of the message, from 1. The request of every command is the task:
the text between `<pr_description>` and `</pr_description>` in the first user message. The id of an event is made of the
instance, the command and the time at which it was done, so a step that is read from both kinds of file is one event.

The messages have two forms. In that of chat completions an assistant's message has a `role`; in that of the Responses
API it is the `response` itself, with its calls in `output`, and a result is a `function_call_output`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import msgspec

from ccml.telemetry.decode import Rejection, decode_object, explain
from ccml.telemetry.events import AnyEvent, Event
from ccml.telemetry.readers.json_lines import read_json_lines
from ccml.telemetry.readers.lines import Line
from ccml.telemetry.readers.mini_swe_step import Step, connect, step_events
from ccml.telemetry.readers.owner import path_text
from ccml.telemetry.readers.record import Facts, Reader, Record, Sample

_MAX_DOCUMENT_BYTES = 256 * 1024 * 1024
_LONGEST_TEXT = 32_768
_TASK = re.compile(
    r"<(?:pr_description|task)>\s*(?:Consider the following PR description:)?\s*(.*?)\s*</(?:pr_description|task)>",
    re.DOTALL,
)
_FENCED_COMMAND = re.compile(r"```(?:bash|sh|mswea_bash_command)\s*\n(.*?)\n```", re.DOTALL)
_NOT_EXECUTED = re.compile(r"\b(?:action|command)s? (?:was|were) not (?:executed|run)\b", re.IGNORECASE)
_REJECTED = re.compile(r"\s*Commands? not executed\. The user rejected", re.IGNORECASE)
_SUBMITS = "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"
_OBSERVED_RETURN_CODE = re.compile(r"<returncode>\s*(-?\d{1,9})\s*</returncode>")


def read(path: Path, now: datetime, facts: Facts) -> Iterator[Record]:
    facts["files"] += 1
    if path.suffix == ".jsonl":
        yield from _read_steps(path, now, facts)
    else:
        yield from _read_trajectory(path, now, facts)


def _read_trajectory(path: Path, now: datetime, facts: Facts) -> Iterator[Record]:
    size = path.stat().st_size
    raw = path.read_bytes() if size <= _MAX_DOCUMENT_BYTES else b""
    document = Line(1, raw, size, None, ended=True)
    if size > _MAX_DOCUMENT_BYTES:
        reason = f"expected a document of at most {_MAX_DOCUMENT_BYTES} bytes, found {size}"
        yield Record.refused(document, Rejection("too_long", reason))
        return
    if not raw.strip():
        return
    try:
        found = msgspec.json.decode(raw)
        steps_of = _trajectory_steps(path, found)
    except msgspec.ValidationError as error:
        yield Record.refused(document, explain(error))
        return
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        code = "truncated" if "truncated" in str(error) else "bad_json"
        yield Record.refused(document, Rejection(code, f"expected one JSON document: {error}"))
        return
    facts["requests"] += any(step.request for steps in steps_of.values() for step in steps)
    for number, message in enumerate(found["messages"], start=1):
        outcomes: list[Event | Rejection] = []
        for step in steps_of.get(number, []):
            facts["tool_calls"] += 1
            facts["bash_commands"] += 1
            facts["errors"] += step.failed
            outcomes += step_events(step, now)
        refused = any(isinstance(outcome, Rejection) for outcome in outcomes)
        line = Line(number, msgspec.json.encode(message) if refused else b"", 0, None, ended=True)
        kind = message.get("role") or message.get("type") or message.get("object")
        yield _to_record(line, outcomes, skipped=str(kind or "message")[:60])


def _trajectory_steps(path: Path, document: Any) -> dict[int, list[Step]]:
    """Number of the assistant's message → its commands.

    Raises:
        msgspec.ValidationError: the document is no trajectory.
    """
    messages = document.get("messages") if isinstance(document, dict) else None
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise msgspec.ValidationError("Expected `array of objects`, got something else - at `$.messages`")
    config = _object(_object(document, "info"), "config")
    agent = str(_object(config, "model").get("model_name") or "unknown")[:100]
    instance = str(document.get("instance_id") or path_text(path).removesuffix(".json").removesuffix(".traj"))[-100:]
    task = next((text for message in messages if message.get("role") == "user" and (text := _text(message))), "")
    described = _TASK.search(task)
    # Trajectories of older versions have no times: each message gets a second, the last one the time of the file.
    written_at = path.stat().st_mtime - len(messages)
    results = {str(found): message for message in messages if (found := _answered_call(message))}
    submitted = _object(document, "info").get("exit_status") == "Submitted"
    last = max((number for number, message in enumerate(messages, 1) if _is_assistants(message)), default=0)
    steps: dict[int, list[Step]] = {}
    for number, message in enumerate(messages, start=1):
        if not _is_assistants(message):
            continue
        extra = _object(message, "extra")
        asked_at = _number(extra.get("timestamp")) or _number(_object(extra, "response").get("created"))
        asked_at = asked_at or _number(message.get("created_at"))
        following = messages[number] if number < len(messages) else {}
        commands = _commands(message, extra)
        # Where calls have no ids, the next message answers; with ids, it may answer another call of the batch.
        unnamed = following.get("role") in ("user", "tool") and (
            not _answered_call(following) or not any(call_id for call_id, _ in commands)
        )
        for call_id, command in commands:
            result = results.get(call_id) or (following if unnamed else {})
            outcome = _object(result, "extra")
            output = outcome.get("raw_output")
            output = output if isinstance(output, str) else _text(result)
            done_at = _number(outcome.get("timestamp"))
            code = outcome.get("returncode")
            observed = _OBSERVED_RETURN_CODE.search(_text(result))
            rejected = outcome.get("interrupt_type") == "UserRejection" or bool(_REJECTED.match(_text(result)))
            exception = str(outcome.get("exception_info") or "")
            # The command that submits ends the run, so nothing answers it.
            ended_run = submitted and number == last and (len(commands) == 1 or _SUBMITS in command)
            answered = bool(result) and "interrupt_type" not in outcome and not _is_not_executed(exception, result)
            steps.setdefault(number, []).append(
                Step(
                    instance,
                    f"mini-swe-agent:{agent}",
                    f"{instance}:{agent}"[:200],
                    (described[1] if described else task)[:_LONGEST_TEXT],
                    str(_object(config, "environment").get("cwd") or "")[:1_000],
                    command,
                    asked_at or written_at + number,
                    done_at,
                    (done_at - asked_at) * 1_000 if done_at and asked_at and done_at >= asked_at else None,
                    code if isinstance(code, int) else int(observed[1]) if observed else None,
                    output,
                    len(output.encode(errors="replace")) if result else None,
                    exception,
                    ran=not rejected and (answered or ended_run),
                    rejected=rejected,
                )
            )
    if last and not steps:
        raise msgspec.ValidationError("Expected commands in the agent's messages, found none - at `$.messages`")
    connect([step for of_message in steps.values() for step in of_message])
    return steps


def _is_assistants(message: dict[str, Any]) -> bool:
    if "role" in message:
        return bool(message["role"] == "assistant")
    return message.get("object") == "response" or message.get("type") == "function_call"


def _answered_call(message: dict[str, Any]) -> object:
    """Id of the call that a message answers."""
    by_response = message.get("call_id") if message.get("type") == "function_call_output" else None
    return message.get("tool_call_id") or by_response


def _is_not_executed(exception: str, result: dict[str, Any]) -> bool:
    # A command's own output may hold these words; the agent gives -1 where there was none.
    unfinished = exception or (_text(result) if _object(result, "extra").get("returncode") == -1 else "")
    return _NOT_EXECUTED.search(unfinished) is not None


def _commands(message: dict[str, Any], extra: dict[str, Any]) -> list[tuple[str, str]]:
    """(id of the call, command): as the agent parsed them, else as the model called them, else as it wrote them."""
    actions = extra.get("actions")
    found: list[tuple[str, str]] = []
    for action in actions if isinstance(actions, list) else []:
        command = action.get("command") if isinstance(action, dict) else action
        if isinstance(command, str):
            found.append((str(action.get("tool_call_id", "")) if isinstance(action, dict) else "", command))
    for call_id, arguments in [] if found else _called(message):
        try:
            given = msgspec.json.decode(arguments) if isinstance(arguments, str) else arguments
        except msgspec.DecodeError:  # the model wrote broken JSON: the agent ran nothing
            continue
        if isinstance(given, dict) and isinstance(given.get("command"), str):
            found.append((str(call_id or ""), given["command"]))
    if not found:
        written = _FENCED_COMMAND.findall(_text(message))
        found = [("", written[0])] if len(written) == 1 else []  # the agent refuses a message with several
    return [(call_id, command[:_LONGEST_TEXT]) for call_id, command in found]


def _called(message: dict[str, Any]) -> Iterator[tuple[object, object]]:
    """(id, arguments) of each call, in both forms of messages."""
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else []:
        if isinstance(call, dict):
            yield call.get("id"), _object(call, "function").get("arguments")
    output = message.get("output")
    for item in [message, *(output if isinstance(output, list) else [])]:
        if isinstance(item, dict) and item.get("type") == "function_call":
            yield item.get("call_id") or item.get("id"), item.get("arguments")


class _Row(msgspec.Struct):
    """One line of a table of steps; what it holds beside these fields is left out."""

    run: str
    instance: str
    step: int
    command: str
    asked_at: float
    done_at: float
    returncode: int | None = None
    exception: str | None = None
    output_chars: Annotated[int, msgspec.Meta(ge=0)] | None = None


_row_decoder = msgspec.json.Decoder(_Row)


def _read_steps(path: Path, now: datetime, facts: Facts) -> Iterator[Record]:
    read_rows: list[tuple[Line, Step]] = []
    for found in read_json_lines(path, partial(decode_object, decoder=_row_decoder)):
        if isinstance(found, Record):
            yield found
            continue
        line, row = found
        # The time between asking and done is mostly the model's thinking, so the command's own duration is unknown.
        step = Step(
            instance=row.instance,
            agent=f"mini-swe-agent:{row.run}"[:200],
            session_id=f"{row.instance}:{row.run}"[:200],
            request="",
            directory="",
            command=row.command[:_LONGEST_TEXT],
            asked_at=row.asked_at,
            done_at=row.done_at,
            duration_ms=None,
            returncode=row.returncode,
            output="",
            output_bytes=row.output_chars,
            exception=row.exception or "",
        )
        read_rows.append((line, step))
    connect([step for _, step in read_rows])
    for line, step in read_rows:
        facts["tool_calls"] += 1
        facts["bash_commands"] += 1
        facts["errors"] += step.failed
        yield _to_record(line, step_events(step, now), skipped="")


def _to_record(line: Line, outcomes: list[Event | Rejection], skipped: str) -> Record:
    events: tuple[AnyEvent, ...] = tuple(outcome for outcome in outcomes if not isinstance(outcome, Rejection))  # type: ignore[misc]
    refused = next((outcome for outcome in outcomes if isinstance(outcome, Rejection)), None)
    if refused is not None:
        return Record.refused(line, refused, events)
    return Record(line.number, events, skipped=None if events else skipped)


def _object(parent: dict[str, Any], key: str) -> dict[str, Any]:
    found = parent.get(key)
    return found if isinstance(found, dict) else {}


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if content is None:
        content = message.get("output")
        if isinstance(content, list):
            items = [item.get("content") for item in content if isinstance(item, dict)]
            content = [part for parts in items if isinstance(parts, list) for part in parts]
    if isinstance(content, list):
        content = "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _number(found: object) -> float | None:
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def fits(sample: Sample) -> bool:
    if any({"run", "instance", "step", "command"} <= found.keys() for found in sample.objects):
        return True
    return sample.head.lstrip().startswith(b"{") and (
        b'"trajectory_format"' in sample.head or (b'"model_stats"' in sample.head and b'"api_calls"' in sample.head)
    )


MINI_SWE_AGENT = Reader(
    "mini-swe-agent",
    "mini-SWE-agent trajectories (*.traj.json) and tables of steps",
    ("*.traj.json", "*steps*.jsonl"),
    fits,
    read,
    document_suffixes=(".json",),
)
