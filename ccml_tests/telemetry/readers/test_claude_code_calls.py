"""What became of a call: it ran, it was not let pass, it ended later, or it was written twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ccml.cleaning.join import clean
from ccml.telemetry.events import REPORTS_EVERY_RUN, AnyEvent, Error, Execution, Feedback, Interaction
from ccml.telemetry.readers import FORMATS
from ccml.telemetry.readers.claude_text import command_line
from ccml_tests.tables import raw_tables
from ccml_tests.telemetry.readers.claude_session import answered, called, record, reported, write
from ccml_tests.telemetry.readers.reading import Reading, read


def cleaned(events: list[AnyEvent]) -> pd.DataFrame:
    return clean(*raw_tables(events)).interactions.set_index("interaction_id")


def session(tmp_path: Path, *records: dict[str, Any]) -> Reading:
    return read(write(tmp_path / "a.jsonl", *records), "claude-code")


WORKAROUND = "IMPORTANT: You *may* attempt to accomplish this action using other tools."
REJECTED = [
    "The user doesn't want to proceed with this tool use. The tool use was rejected.",
    "The user doesn't want to take this action right now. STOP what you are doing.",
    "<tool_use_error>User rejected tool use</tool_use_error>",
    "[Request interrupted by user for tool use]",
    "Permission to use Bash with command rm -rf build has been denied.",
    "Permission to use Bash with command cat <<EOF\nmany\nlines\nEOF has been denied.",
    f"Permission to use Bash has been denied because Claude Code is running in don't ask mode. {WORKAROUND}",
    "Error: Permission to use mcp__db__query has been denied.",
    "Permission for this action has been denied. Reason: it removes files.",
    "Permission for this action was denied by the Claude Code auto mode classifier. Reason: [Cloud Storage].",
    "Auto mode could not evaluate this action and is blocking it for safety.",
    "PreToolUse:Bash hook error: [node guard.mjs]: BLOCKED",
    "PreToolUse:Edit [guard.sh] blocking error",
    "Hook PreToolUse:Bash denied this tool",
    "Execution stopped by PreToolUse hook",
    "Permission denied by hook: use the script",
]
REFUSED = [
    "Claude requested permissions to use Bash, but you haven't granted it yet.",
    "This command requires approval",
    "This Bash command requires approval. It has several operations.",
    "ls in '/etc' was blocked. For security, Claude Code may only list files in the allowed working directories.",
    "m-1 is temporarily unavailable, so auto mode cannot determine the safety of Bash right now.",
    "<tool_use_error>File has not been read yet. Read it first before writing to it.</tool_use_error>",
    "<tool_use_error>InputValidationError: Bash failed due to the following issue</tool_use_error>",
    "<tool_use_error>Error: No such tool available: Bosh</tool_use_error>",
]
CANCELLED = [
    "<tool_use_error>Cancelled: parallel tool call Bash(grep -rn TODO docs) errored</tool_use_error>",
    "<tool_use_error>Sibling tool call errored</tool_use_error>",
    "<tool_use_error>Error: Streaming fallback - tool execution discarded</tool_use_error>",
    "Cancelled: parallel tool call errored",
]
RAN = [
    "Exit code 1\nPermission to use this file has been denied.",
    "Exit code 2\nmake: *** No rule to make target 'test'.  Stop.",
    "ls: cannot access 'types/': No such file or directory",
    "git@host: Permission denied (publickey).",
    "MCP error -32603: Not Found",
]


@pytest.mark.parametrize("result", [*REJECTED, *REFUSED, *CANCELLED, "[Tool result missing due to internal error]"])
def test_a_call_that_never_ran_has_no_outcome_and_teaches_nothing(tmp_path: Path, result: str) -> None:
    reading = session(tmp_path, reported("clean up"), called("t1", "rm -rf build"), answered("t1", result, True))

    assert reading.of(Execution) == []
    row = cleaned(reading.events).loc["t1"]
    assert not row["executed"]
    assert row[["succeeded", "wanted_command", "intent_label", "exit_status"]].isna().all()
    assert (row["request"], row["command"]) == ("clean up", "rm -rf build")


@pytest.mark.parametrize("result", REJECTED)
def test_what_a_person_or_a_rule_did_not_let_pass_is_rejected(tmp_path: Path, result: str) -> None:
    reading = session(tmp_path, called("t1", "rm -rf build"), answered("t1", result, True))

    assert [(each.interaction_id, each.verdict) for each in reading.of(Feedback)] == [("t1", "rejected")]
    assert [each.category for each in reading.of(Error)] == ["rejected"]


@pytest.mark.parametrize("result", [*REFUSED, *CANCELLED])
def test_what_nobody_decided_on_is_no_feedback(tmp_path: Path, result: str) -> None:
    reading = session(tmp_path, called("t1", "rm -rf build"), answered("t1", result, True))

    assert reading.of(Feedback) == []
    assert len(reading.of(Error)) == (result in REFUSED)


@pytest.mark.parametrize("result", RAN)
def test_a_command_that_failed_did_run_whatever_its_output_speaks_of(tmp_path: Path, result: str) -> None:
    reading = session(tmp_path, called("t1", "make"), answered("t1", result, True))

    assert [each.failed for each in reading.of(Execution)] == [True]
    row = cleaned(reading.events).loc["t1"]
    assert (row["executed"], row["succeeded"], row["wanted_command"]) == (True, False, "make")


def test_a_result_that_quotes_a_denial_is_a_result(tmp_path: Path) -> None:
    reading = session(tmp_path, called("t1", "cat log"), answered("t1", REJECTED[4]))

    assert [each.failed for each in reading.of(Execution)] == [False]


def test_a_rejection_can_stand_beside_the_text(tmp_path: Path) -> None:
    reading = session(tmp_path, called("t1", "ls"), answered("t1", "no", True, toolUseResult="User rejected tool use"))

    assert reading.of(Execution) == []
    assert [each.verdict for each in reading.of(Feedback)] == ["rejected"]


@pytest.mark.parametrize("first", ["report", "result"])
@pytest.mark.parametrize(
    "attachment",
    [
        {"type": "hook_blocking_error", "hookEvent": "PreToolUse", "toolUseID": "t1"},
        {"type": "hook_permission_decision", "hookEvent": "PermissionRequest", "decision": "deny", "toolUseID": "t1"},
    ],
)
def test_a_hook_that_blocks_in_its_own_words_is_known_by_its_report(
    tmp_path: Path, attachment: dict[str, Any], first: str
) -> None:
    report = {**record("attachment", None), "attachment": attachment}
    result = answered("t1", "Use the release script instead.", True)
    both = [report, result] if first == "report" else [result, report]

    reading = session(tmp_path, called("t1", "git push"), *both)

    assert reading.of(Execution) == []
    assert [each.verdict for each in reading.of(Feedback)] == ["rejected"]


def test_a_hook_after_the_call_takes_nothing_back(tmp_path: Path) -> None:
    attachment = {"type": "hook_blocking_error", "hookEvent": "PostToolUse", "toolUseID": "t1"}
    report = {**record("attachment", None), "attachment": attachment}

    reading = session(tmp_path, called("t1", "git commit"), answered("t1", "done"), report)

    assert len(reading.of(Execution)) == 1


def test_only_the_call_that_failed_has_an_error_not_those_it_took_with_it(tmp_path: Path) -> None:
    reading = session(
        tmp_path,
        called("t1", "grep TODO docs"),
        called("t2", "pwd"),
        answered("t1", "Exit code 1", True),
        answered("t2", CANCELLED[0], True),
    )

    assert [each.interaction_id for each in reading.of(Error)] == ["t1"]
    assert reading.skipped["not_run"] == 1


def test_a_call_that_never_ran_is_no_recovery(tmp_path: Path) -> None:
    reading = session(
        tmp_path,
        called("t1", "cat missing"),
        answered("t1", "Exit code 1", True),
        called("t2", "rm -rf ."),
        answered("t2", REJECTED[0], True),
        called("t3", "ls"),
        answered("t3", "found"),
    )

    failed = next(each for each in reading.of(Error) if each.interaction_id == "t1")
    assert (failed.recovery_command, failed.recovered) == ("ls", True)


def test_a_call_that_nothing_answered_is_not_known_to_have_run(tmp_path: Path) -> None:
    row = cleaned(session(tmp_path, reported("clean"), called("t1", "rm -rf build")).events).loc["t1"]

    assert not row["executed"]
    assert pd.isna(row["wanted_command"])


def test_a_line_the_person_typed_ran_with_an_unknown_outcome(tmp_path: Path) -> None:
    reading = session(tmp_path, record("user", "<bash-input>git log</bash-input>"))

    (row,) = cleaned(reading.events).to_dict("records")
    assert (row["executed"], row["wanted_command"]) == (True, "git log")
    assert pd.isna(row["succeeded"])


def test_sources_that_report_every_run_are_formats() -> None:
    assert REPORTS_EVERY_RUN.issubset(FORMATS)


def notified(status: str, summary: str, call: str = "t1", task: str = "b7") -> str:
    of_call = f"<tool-use-id>{call}</tool-use-id>\n" if call else ""
    return (
        f"<task-notification>\n<task-id>{task}</task-id>\n{of_call}<status>{status}</status>\n"
        f"<summary>{summary}</summary>\n</task-notification>\nRead the output file to retrieve the result: /tmp/b7"
    )


def in_background(call_id: str = "t1", task: str = "b7") -> dict[str, Any]:
    text = f"Command running in background with ID: {task}. Output is being written to: /tmp/{task}"
    return answered(call_id, text, toolUseResult={"stdout": "", "backgroundTaskId": task})


CARRIERS = {
    "user": lambda text: record("user", text, origin={"kind": "task-notification"}),
    "queue": lambda text: {**record("queue-operation", None), "operation": "enqueue", "content": text},
    "attachment": lambda text: {
        **record("attachment", None),
        "attachment": {"type": "queued_command", "commandMode": "task-notification", "prompt": text},
    },
}


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("named_by", ["call", "task"])
def test_the_end_of_a_background_command_comes_later(tmp_path: Path, carrier: str, named_by: str) -> None:
    text = notified(
        "failed", 'Background command "npm run dev" failed with exit code 3', "t1" if named_by == "call" else ""
    )

    reading = session(
        tmp_path, reported("start it"), called("t1", "npm run dev"), in_background(), CARRIERS[carrier](text)
    )

    (ended,) = reading.of(Execution)
    assert (ended.interaction_id, ended.failed, ended.exit_status) == ("t1", True, 3)
    assert ended.duration_ms == 2_000
    assert [each.interaction_id for each in reading.of(Error)] == ["t1"]
    assert [each.request for each in reading.of(Interaction)] == ["start it"]


@pytest.mark.parametrize(
    ("status", "summary", "failed", "exit_status"),
    [
        ("completed", 'Background command "x" completed (exit code 0)', False, 0),
        ("completed", "done", False, None),
        ("failed", "it failed", True, None),
        ("killed", 'Background command "x" was killed', None, None),
    ],
)
def test_how_a_background_command_ended(
    tmp_path: Path, status: str, summary: str, failed: bool | None, exit_status: int | None
) -> None:
    text = record("user", notified(status, summary))

    (ended,) = session(tmp_path, called("t1", "make"), in_background(), text).of(Execution)

    assert (ended.failed, ended.exit_status) == (failed, exit_status)
    assert ended.ended_at is not None


def test_a_command_moved_to_the_background_is_known_by_its_result(tmp_path: Path) -> None:
    moved = answered("t1", "Command exceeded its timeout and was moved to the background (ID: b7).")

    (ended,) = session(tmp_path, called("t1", "make"), moved, record("user", notified("failed", "x", ""))).of(Execution)

    assert ended.failed is True


def test_an_end_that_lands_after_the_start_completes_it(tmp_path: Path) -> None:
    started = [called("t1", "make"), in_background()]
    before = session(tmp_path, *started)
    after = session(tmp_path, *started, record("user", notified("failed", "exit code 2")))

    (start,), (end,) = before.of(Execution), after.of(Execution)

    assert (start.failed, start.ended_at, start.duration_ms) == (None, None, None)
    assert start.event_id != end.event_id  # else the end would be taken for a repetition of the start
    once = {event.event_id: event for event in [*before.events, *after.events]}
    row = cleaned(list(once.values())).loc["t1"]
    assert (row["succeeded"], row["exit_status"], row["duration_ms"]) == (False, 2, end.duration_ms)


def test_a_first_copy_without_arguments_takes_nothing_from_the_call(tmp_path: Path) -> None:
    empty = record("assistant", [{"type": "tool_use", "id": "t1", "name": "Bash", "input": {}}])

    reading = session(tmp_path, reported("disk"), empty, called("t1", "df -h"), answered("t1", "…"))

    assert [(each.command, each.request) for each in reading.of(Interaction)] == [("df -h", "disk")]


def test_powershell_is_a_shell(tmp_path: Path) -> None:
    call = record(
        "assistant",
        [{"type": "tool_use", "id": "t1", "name": "PowerShell", "input": {"command": "Remove-Item -Recurse .\\build"}}],
        cwd="C:\\Users\\ada\\shop",
    )

    (interaction,) = session(tmp_path, call).of(Interaction)

    assert (interaction.command, interaction.tool) == ("Remove-Item -Recurse .\\build", "powershell")
    assert (interaction.platform, interaction.user_id) == ("windows", "ada")


def test_a_tool_of_a_server_stands_with_all_its_arguments() -> None:
    assert (
        command_line("mcp__db__execute", {"sql": "DROP TABLE x", "n": 3}) == "mcp__db__execute sql='DROP TABLE x' n=3"
    )
    assert command_line("mcp__ec2__terminate", {"ids": ["i-1"]}) == "mcp__ec2__terminate ids='[\"i-1\"]'"
    assert command_line("mcp__clock__now", {}) == "mcp__clock__now"
