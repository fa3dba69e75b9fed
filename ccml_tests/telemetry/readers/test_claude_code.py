from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ccml.telemetry.events import Error, Execution, Feedback, Interaction
from ccml.telemetry.readers.claude_text import command_line, human_request
from ccml_tests.telemetry.readers.claude_session import answered, called, record, reported, write
from ccml_tests.telemetry.readers.reading import read, read_folder


def test_a_call_carries_the_latest_request_and_its_outcome(tmp_path: Path) -> None:
    session = write(
        tmp_path / "a.jsonl",
        reported("list the files"),
        called("t1", "ls -la"),
        answered("t1", "total 0"),
        reported("now the disk"),
        called("t2", "df -h"),
        answered("t2", "Exit code 1\ndf: permission denied", is_error=True),
    )

    reading = read(session, "claude-code")

    first, second = reading.of(Interaction)
    assert (first.event_id, first.request, first.command, first.tool) == ("t1", "list the files", "ls -la", "bash")
    assert (second.request, second.directory, second.user_id, second.platform) == (
        "now the disk",
        "/home/ada/shop",
        "ada",
        "linux",
    )
    fine, failed = reading.of(Execution)
    assert (fine.interaction_id, fine.failed, fine.output_bytes, fine.duration_ms) == ("t1", False, 7, 1_000.0)
    assert (failed.failed, failed.exit_status) == (True, 1)
    (error,) = reading.of(Error)
    assert (error.interaction_id, error.category) == ("t2", "permission")
    assert reading.skipped == {"request": 2}
    assert reading.facts["errors"] == 1


def test_the_next_call_of_the_same_tool_is_the_recovery(tmp_path: Path) -> None:
    session = write(
        tmp_path / "a.jsonl",
        called("t1", "cat missing"),
        answered("t1", "cat: missing: No such file or directory", is_error=True),
        called("t2", "notes.md", tool="Read"),
        answered("t2", "…"),
        called("t3", "cat found"),
        answered("t3", "here"),
    )

    (error,) = read(session, "claude-code").of(Error)

    assert (error.category, error.recovery_command, error.recovered) == ("not_found", "cat found", True)
    assert error.recovery_ms == 4_000


def test_a_call_sent_together_with_the_failed_one_is_no_recovery(tmp_path: Path) -> None:
    session = write(
        tmp_path / "a.jsonl",
        called("t1", "cat missing"),
        called("t2", "ls"),
        answered("t1", "no", is_error=True),
        answered("t2", "fine"),
    )

    (error,) = read(session, "claude-code").of(Error)

    assert (error.recovery_command, error.recovered) == (None, None)


def test_a_call_the_person_refuses_never_ran(tmp_path: Path) -> None:
    refusal = "The user doesn't want to proceed with this tool use. The tool use was rejected."
    session = write(tmp_path / "a.jsonl", called("t1", "rm -r build"), answered("t1", refusal, is_error=True))

    reading = read(session, "claude-code")

    assert reading.of(Execution) == []
    assert [(found.interaction_id, found.verdict) for found in reading.of(Feedback)] == [("t1", "rejected")]
    assert [found.category for found in reading.of(Error)] == ["rejected"]


def test_an_interruption_rejects_the_calls_that_wait_and_no_others(tmp_path: Path) -> None:
    session = write(
        tmp_path / "a.jsonl",
        called("t1", "make"),
        answered("t1", "done"),
        called("t2", "make install"),
        reported("[Request interrupted by user for tool use]"),
        reported("[Request interrupted by user]"),
    )

    reading = read(session, "claude-code")

    assert [found.interaction_id for found in reading.of(Feedback)] == ["t2"]
    assert reading.skipped == {"interruption": 1}


def test_a_request_without_a_call_is_an_interaction_without_a_command(tmp_path: Path) -> None:
    session = write(
        tmp_path / "a.jsonl", reported("what is a monad?"), record("assistant", [{"type": "text", "text": "…"}])
    )

    (interaction,) = read(session, "claude-code").of(Interaction)

    assert (interaction.request, interaction.command, interaction.tool) == ("what is a monad?", "", "")


def test_a_call_or_a_request_met_twice_is_one_event(tmp_path: Path) -> None:
    question, call, result = reported("why?"), called("t1", "ls"), answered("t1", "x", is_error=True)
    again = [{**found, "uuid": f"copy-{found['uuid']}"} for found in (question, call, result)]
    session = write(tmp_path / "a.jsonl", question, call, result, *again)

    reading = read(session, "claude-code")

    assert [type(event) for event in reading.events] == [Interaction, Execution, Error]
    assert reading.skipped == {"request": 1, "duplicate": 3}
    assert (reading.facts["tool_calls"], reading.facts["tool_calls_unique"]) == (2, 1)
    assert (reading.facts["errors"], reading.facts["errors_unique"]) == (2, 1)


def test_a_sub_agent_is_a_session_of_its_own_with_its_prompt_as_request(tmp_path: Path) -> None:
    prompt = reported("run the tests", isSidechain=True)
    call = called("t2", "pytest", isSidechain=True, parentUuid=prompt["uuid"])
    session = write(tmp_path / "a.jsonl", reported("is it green?"), called("t1", "git status"), prompt, call)

    main, delegated = read(session, "claude-code").of(Interaction)

    assert (main.session_id, main.request) == ("session-1", "is it green?")
    assert (delegated.session_id, delegated.request) == (f"session-1/{prompt['uuid']}", "run the tests")


def test_bad_lines_are_named_and_the_rest_lands(tmp_path: Path) -> None:
    session = write(
        tmp_path / "a.jsonl",
        "// exported with a tool",
        '{"type": "assistant", "message":',
        json.dumps({**reported("hello"), "timestamp": None}),
        json.dumps({**reported("hello"), "timestamp": "soon"}),
        json.dumps({**reported("hello"), "message": "text"}),
        json.dumps({"uuid": "x"}),
        "",
        called("t1", "ls"),
        {"type": "progress", "uuid": "x"},
        {"type": "a-kind-of-tomorrow"},
    )

    reading = read(session, "claude-code")

    assert reading.refused == {
        1: "not_json",
        2: "bad_json",
        3: "missing_field",
        4: "bad_value",
        5: "wrong_type",
        6: "missing_field",
    }
    assert reading.skipped == {"blank": 1, "progress": 1, "a-kind-of-tomorrow": 1}
    assert [event.event_id for event in reading.events] == ["t1"]


def test_a_last_line_that_was_cut_short_is_refused_as_truncated(tmp_path: Path) -> None:
    session = tmp_path / "a.jsonl"
    session.write_text(json.dumps(called("t1", "ls")) + "\n" + json.dumps(answered("t1"))[:-10])

    assert read(session, "claude-code").refused == {2: "truncated"}


def test_what_the_client_adds_around_a_request_is_not_the_request() -> None:
    opened = "<ide_opened_file>The user opened the file /a/b.py</ide_opened_file>"

    assert human_request(f"{opened}\nfix it") == "fix it"
    assert human_request("<task-notification>\n<status>completed</status>\n</task-notification>") == ""
    slash = "<command-message>init is analyzing…</command-message>\n<command-name>/init</command-name>"
    assert human_request(slash) == "/init"
    assert human_request(slash + "\n<command-args>in German</command-args>") == "/init in German"
    assert human_request("is 1 < 2 > 0?") == "is 1 < 2 > 0?"


def test_a_command_the_client_answers_itself_is_no_request(tmp_path: Path) -> None:
    session = write(
        tmp_path / "a.jsonl",
        record("user", "<local-command-caveat>Caveat: …</local-command-caveat>", isMeta=True),
        record("user", "<command-name>/plugin</command-name>"),
        record("user", "<local-command-stdout>(no content)</local-command-stdout>"),
        record("user", "<command-name>/init</command-name>"),
    )

    reading = read(session, "claude-code")

    assert [event.request for event in reading.of(Interaction)] == ["/init"]
    assert reading.skipped == {"local_command": 2, "client_note": 1}


def test_a_shell_line_the_person_typed_is_a_command_without_a_request(tmp_path: Path) -> None:
    session = write(
        tmp_path / "a.jsonl",
        record("user", "<bash-input>git log</bash-input>"),
        record("user", "<bash-stdout>commit 1</bash-stdout><bash-stderr></bash-stderr>"),
    )

    (typed,) = read(session, "claude-code").of(Interaction)

    assert (typed.request, typed.command, typed.tool) == ("", "git log", "bash")


def test_other_tools_read_like_commands() -> None:
    assert command_line("Read", {"file_path": "src/my file.py", "limit": 3}) == "Read 'src/my file.py'"
    assert command_line("Grep", {"pattern": "TODO", "path": "src"}) == "Grep TODO src"
    assert command_line("TodoWrite", {"todos": []}) == "TodoWrite"


_WILD = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=6) | st.sampled_from(["tool_use", "text", "t1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "id", "name", "input", "content", "tool_use_id"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(
    st.lists(st.tuples(st.sampled_from(["user", "assistant", "system"]), _WILD, st.booleans()), max_size=5),
    st.binary(max_size=40),
)
def test_whatever_a_session_holds_every_line_is_accounted_for(
    tmp_path_factory: Any, found: list[tuple[str, Any, bool]], noise: bytes
) -> None:
    path = tmp_path_factory.mktemp("claude") / "a.jsonl"
    lines = [json.dumps(record(kind, content, isSidechain=side)).encode() for kind, content, side in found]
    path.write_bytes(b"\n".join([*lines, noise.replace(b"\n", b"")]) + b"\n")

    records = read(path, "claude-code").records

    assert sorted(each.line for each in records) == list(range(1, len(lines) + 2))
    assert all(each.rejection or each.events or each.skipped is not None for each in records)


def test_real_sessions_give_what_an_independent_count_finds(shared_data: Path) -> None:
    folder = shared_data / "agent_sessions" / "claude_code"
    calls: dict[str, str] = {}
    errors: set[str] = set()
    counts: Counter[str] = Counter()
    for path in folder.rglob("*.jsonl"):
        for line in path.read_text().split("\n"):
            if not line.startswith("{"):
                counts["not JSON"] += bool(line)
                continue
            message = json.loads(line).get("message", {})
            blocks = message.get("content") if isinstance(message.get("content"), list) else []
            for block in blocks:
                if block["type"] == "tool_use":
                    counts["calls"] += 1
                    counts["Bash"] += block["name"] == "Bash"
                    calls[block["id"]] = block["name"]
                elif block["type"] == "tool_result" and block.get("is_error"):
                    counts["errors"] += 1
                    errors.add(block["tool_use_id"])

    reading = read_folder(folder, "*.jsonl", "claude-code")

    facts = reading.facts
    assert (facts["tool_calls"], facts["bash_commands"], facts["errors"]) == (
        counts["calls"],
        counts["Bash"],
        counts["errors"],
    )
    commands = {event.event_id: event for event in reading.of(Interaction) if event.event_id in calls}
    assert commands.keys() == calls.keys()
    assert facts["tool_calls_unique"] == len(calls)
    assert sum(event.tool == "bash" for event in commands.values()) == list(calls.values()).count("Bash")
    assert {event.interaction_id for event in reading.of(Error)} == errors
    assert len(reading.refused) > 0
    assert sum(record.rejection is not None for record in reading.records) == counts["not JSON"]
