"""Whose words a text is, and which call it belongs to."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from ccml.telemetry.events import Feedback, Interaction
from ccml.telemetry.readers.claude_text import human_request
from ccml_tests.telemetry.readers.claude_session import answered, called, record, reported, write
from ccml_tests.telemetry.readers.reading import Reading, read


def session(tmp_path: Path, *records: dict[str, Any]) -> Reading:
    return read(write(tmp_path / "a.jsonl", *records), "claude-code")


def requests(reading: Reading) -> list[tuple[str, str]]:
    return [(each.request, each.command) for each in reading.of(Interaction)]


def operation(name: str, **fields: Any) -> dict[str, Any]:
    return {**record("queue-operation", None), "operation": name, **fields}


def attached(prompt: Any, **fields: Any) -> dict[str, Any]:
    attachment = {"type": "queued_command", "prompt": prompt, "commandMode": "prompt", **fields}
    return {**record("attachment", None), "attachment": attachment}


FIRST, SECOND = "list the log files", "count the python files instead"


def interrupted_work(tmp_path: Path, *queued: dict[str, Any]) -> Reading:
    """A prompt waits while the first call runs, and is passed on before the second."""
    return session(
        tmp_path, reported(FIRST), called("t1", "ls logs"), answered("t1"), *queued, called("t2", "ls *.py | wc -l")
    )


@pytest.mark.parametrize(
    "queued",
    [
        lambda: [operation("enqueue", content=SECOND), operation("remove"), attached(SECOND)],
        lambda: [operation("enqueue", content=SECOND), operation("dequeue"), reported(SECOND)],
        lambda: [operation("enqueue", content=SECOND), operation("remove", reason="absorbed_mid_turn")],
        lambda: [operation("enqueue", content=SECOND), operation("dequeue")],
        lambda: [attached([{"type": "text", "text": SECOND}, {"type": "image"}], origin={"kind": "human"})],
        lambda: [
            operation("enqueue", content=SECOND),
            operation("dequeue"),
            reported(f"<ide_selection>a.py</ide_selection>\n{SECOND}"),
        ],
    ],
    ids=["attachment", "user record", "absorbed", "no other record", "attachment with an image", "with a wrapper"],
)
def test_a_prompt_typed_while_claude_works_is_the_request_of_the_next_call(tmp_path: Path, queued: Any) -> None:
    assert requests(interrupted_work(tmp_path, *queued())) == [(FIRST, "ls logs"), (SECOND, "ls *.py | wc -l")]


@pytest.mark.parametrize(
    "queued",
    [
        lambda: [operation("enqueue", content=SECOND), operation("popAll", content=SECOND)],
        lambda: [operation("enqueue", content=SECOND), operation("popAll")],
        lambda: [operation("enqueue", content=SECOND), operation("remove", reason="cancelled")],
        lambda: [operation("enqueue", content=SECOND)],
        lambda: [attached(SECOND, origin={"kind": "peer"})],
        lambda: [attached(SECOND, commandMode="task-notification")],
    ],
    ids=["taken back", "all taken back", "removed", "still waiting", "another agent", "notification"],
)
def test_what_was_not_passed_on_or_not_typed_is_no_request(tmp_path: Path, queued: Any) -> None:
    assert requests(interrupted_work(tmp_path, *queued())) == [(FIRST, "ls logs"), (FIRST, "ls *.py | wc -l")]


def test_a_question_passed_on_without_a_call_is_an_interaction(tmp_path: Path) -> None:
    answer = record("assistant", [{"type": "text", "text": "It does."}])
    reading = session(
        tmp_path, reported(FIRST), called("t1", "ls"), answered("t1"), operation("enqueue", content="does it work?"),
        operation("dequeue"), answer,
    )  # fmt: skip

    assert requests(reading) == [(FIRST, "ls"), ("does it work?", "")]


CLIENT_TEXTS = [
    "This session is being continued from a previous conversation that ran out of context. …",
    '<teammate-message teammate_id="reviewer" color="blue">I finished</teammate-message>',
    '<agent-message from="a1">done</agent-message>',
    "<cross-session-message>done</cross-session-message>",
    '<channel name="ops">deploy now</channel>',
    "<task-notification>\n<status>completed</status>\n</task-notification>\nFull transcript available at: /tmp/x",
    "<system-reminder>be brief</system-reminder>",
    "Stop hook feedback:\n[lint.sh]: run the linter first",
    "[SYSTEM NOTIFICATION - NOT USER INPUT]\nthe task ended",
    "Continue from where you left off.",
]


@pytest.mark.parametrize("text", CLIENT_TEXTS)
def test_a_text_that_the_client_or_an_agent_put_in_is_not_the_persons(tmp_path: Path, text: str) -> None:
    reading = session(
        tmp_path, reported("fix the test"), called("t1", "pytest"), reported(text), called("t2", "git diff")
    )

    assert requests(reading) == [("fix the test", "pytest"), ("fix the test", "git diff")]


@pytest.mark.parametrize(
    "flags",
    [
        {"isMeta": True},
        {"isCompactSummary": True},
        {"isVisibleInTranscriptOnly": True},
        {"origin": {"kind": "coordinator"}},
        {"promptSource": "system"},
    ],
)
def test_a_flag_says_that_a_text_is_not_the_persons(tmp_path: Path, flags: dict[str, Any]) -> None:
    reading = session(tmp_path, reported("fix the test"), reported("go on", **flags), called("t1", "pytest"))

    assert requests(reading) == [("fix the test", "pytest")]


@pytest.mark.parametrize(
    "flags", [{"origin": {"kind": "human"}}, {"promptSource": "typed"}, {"promptSource": "queued"}]
)
def test_a_flag_says_that_a_text_is_the_persons(tmp_path: Path, flags: dict[str, Any]) -> None:
    assert requests(session(tmp_path, reported("go on", **flags), called("t1", "ls"))) == [("go on", "ls")]


@pytest.mark.parametrize(
    "text", ["why does <teammate-message> appear?", "is 1 < 2?", "parse <channel name='a'> and <tick> please"]
)
def test_words_about_a_wrapper_are_the_persons(tmp_path: Path, text: str) -> None:
    assert requests(session(tmp_path, reported(text), called("t1", "ls"))) == [(text, "ls")]


def test_a_text_of_many_marks_is_read_in_linear_time() -> None:
    began = time.perf_counter()

    for mark in ("<channel>", "<channel", "<command-name>", "<command-name>" + " " * 200, "<task-notification>", "<"):
        human_request("a " + mark * (256 * 1024 // len(mark)))

    assert time.perf_counter() - began < 3


def test_a_teammate_is_asked_by_the_agent_that_leads_it(tmp_path: Path) -> None:
    prompt = reported('<teammate-message teammate_id="team-lead">review module A</teammate-message>', isSidechain=True)
    call = called("t1", "git diff", isSidechain=True, parentUuid=prompt["uuid"])

    assert requests(session(tmp_path, prompt, call)) == [("review module A", "git diff")]


def test_an_interruption_between_prompts_rejects_the_call_that_waits(tmp_path: Path) -> None:
    reading = session(tmp_path, reported("go"), called("t1", "make"), reported("[Request interrupted by user]"))

    assert [each.interaction_id for each in reading.of(Feedback)] == ["t1"]


def fork(found: dict[str, Any], *, names_origin: bool) -> dict[str, Any]:
    """The record as the client copies it into the file of a fork."""
    copy = {**found, "sessionId": "session-2", "uuid": f"copy-{found['uuid']}"}
    origin = {"forkedFrom": {"sessionId": "session-1", "messageUuid": found["uuid"]}} if names_origin else {}
    return copy | origin


@pytest.mark.parametrize("names_origin", [True, False])
@pytest.mark.parametrize("order", ["original first", "fork first"])
def test_what_a_fork_copied_is_one_event(tmp_path: Path, order: str, names_origin: bool) -> None:
    shared = [reported("what does it do?"), record("assistant", [{"type": "text", "text": "It reads."}])]
    shared += [reported("list the tests"), called("t1", "ls tests"), answered("t1", "a.py")]
    own = [reported("run them", sessionId="session-2"), called("t2", "pytest", sessionId="session-2")]
    original = write(tmp_path / "a.jsonl", *shared)
    forked = write(tmp_path / "b.jsonl", *[fork(each, names_origin=names_origin) for each in shared], *own)
    files = [original, forked] if order == "original first" else [forked, original]

    events = [event for path in files for event in read(path, "claude-code").events]

    once = {event.event_id: event for event in reversed(events)}
    asked = sorted((each.request, each.command) for each in once.values() if isinstance(each, Interaction))
    assert asked == [("list the tests", "ls tests"), ("run them", "pytest"), ("what does it do?", "")]
    if names_origin:
        of_session = {each.request: each.session_id for each in once.values() if isinstance(each, Interaction)}
        assert of_session == dict.fromkeys(["what does it do?", "list the tests"], "session-1") | {
            "run them": "session-2"
        }
