from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccml.cleaning.join import clean
from ccml.telemetry.events import Error, Execution, Feedback, Interaction
from ccml_tests.tables import raw_tables
from ccml_tests.telemetry.readers.reading import read, read_folder

ASKED = 1_775_784_986.5


def step(number: int, command: str, returncode: int, output: str = "", **outcome: Any) -> list[dict[str, Any]]:
    asked = ASKED + 10 * number
    return [
        {
            "role": "assistant",
            "content": "I will look.",
            "extra": {"actions": [{"command": command, "tool_call_id": f"call-{number}"}], "timestamp": asked},
        },
        {
            "role": "tool",
            "tool_call_id": f"call-{number}",
            "content": output,
            "extra": {"raw_output": output, "returncode": returncode, "timestamp": asked + 0.25, **outcome},
        },
    ]


def trajectory(path: Path, *messages: dict[str, Any]) -> Path:
    task = (
        "<pr_description>\nConsider the following PR description:\nFix the parser\nIt drops dates.\n</pr_description>"
    )
    document = {
        "info": {"config": {"model": {"model_name": "m-1"}, "environment": {"cwd": "/testbed"}}},
        "messages": [{"role": "system", "content": "…"}, {"role": "user", "content": task}, *messages],
        "trajectory_format": "mini-swe-agent-1.1",
        "instance_id": "shop-1",
    }
    path.write_text(json.dumps(document))
    return path


def test_a_step_becomes_an_interaction_an_execution_and_where_it_failed_an_error(tmp_path: Path) -> None:
    path = trajectory(
        tmp_path / "a.traj.json",
        *step(0, "cat parser.py", 1, "cat: parser.py: No such file or directory"),
        *step(1, "ls", 0, "src"),
    )

    reading = read(path, "mini-swe-agent")

    first, second = reading.of(Interaction)
    assert (first.request, first.command, first.directory) == (
        "Fix the parser\nIt drops dates.",
        "cat parser.py",
        "/testbed",
    )
    assert (second.session_id, second.user_id) == ("shop-1:m-1", "mini-swe-agent:m-1")
    assert [found.exit_status for found in reading.of(Execution)] == [1, 0]
    assert reading.of(Execution)[0].duration_ms == 250
    (error,) = reading.of(Error)
    assert (error.category, error.recovery_command, error.recovered, error.recovery_ms) == (
        "not_found",
        "ls",
        True,
        10_000,
    )
    assert [record.line for record in reading.records] == [1, 2, 3, 4, 5, 6]
    assert reading.skipped == {"system": 1, "user": 1, "tool": 2}


def test_a_command_that_ran_into_its_time_limit_is_an_error_by_its_exception(tmp_path: Path) -> None:
    path = trajectory(tmp_path / "a.traj.json", *step(0, "pytest", -1, exception_info="timed out after 60 seconds"))

    (error,) = read(path, "mini-swe-agent").of(Error)

    assert (error.category, error.message) == ("timeout", "timed out after 60 seconds")


def test_commands_are_found_where_older_versions_wrote_them(tmp_path: Path) -> None:
    called = {"function": {"name": "bash", "arguments": '{"command": "pwd"}'}, "id": "c"}
    broken = {"function": {"name": "bash", "arguments": "{pwd"}, "id": "d"}
    path = trajectory(
        tmp_path / "a.traj.json",
        {"role": "assistant", "content": "", "tool_calls": [called, broken]},
        {"role": "tool", "tool_call_id": "c", "content": "<returncode>0</returncode>\n/testbed"},
        {"role": "assistant", "content": "THOUGHT: look\n```bash\nls -la\n```"},
        {"role": "user", "content": "<returncode>2</returncode>\nno"},
    )

    reading = read(path, "mini-swe-agent")

    assert [event.command for event in reading.of(Interaction)] == ["pwd", "ls -la"]
    assert [event.exit_status for event in reading.of(Execution)] == [0, 2]


def test_a_file_that_is_no_trajectory_is_one_refused_line(tmp_path: Path) -> None:
    (tmp_path / "cut.traj.json").write_text('{"messages": [{"role": "user"')
    (tmp_path / "other.traj.json").write_text('{"messages": "none"}')

    assert read(tmp_path / "cut.traj.json", "mini-swe-agent").refused == {1: "truncated"}
    assert read(tmp_path / "other.traj.json", "mini-swe-agent").refused == {1: "wrong_type"}


def test_a_table_of_steps_gives_the_same_events_as_the_trajectory_it_was_made_from(tmp_path: Path) -> None:
    path = trajectory(tmp_path / "a.traj.json", *step(0, "make", 2, "make: *** no rule"), *step(1, "ls", 0))
    rows = [
        {"run": "r", "instance": "shop-1", "step": number, "command": command, "returncode": code}
        | {"asked_at": int(ASKED), "done_at": ASKED + 10 * number + 0.25, "exception": None, "output_chars": 3}
        for number, command, code in ((0, "make", 2), (1, "ls", 0))
    ]
    table = tmp_path / "steps.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"run": "r"}\n{"ru')

    reading = read(table, "mini-swe-agent")

    assert [event.event_id for event in reading.events] == [
        event.event_id for event in read(path, "mini-swe-agent").events
    ]
    assert reading.of(Error)[0].recovered is True
    assert reading.refused == {3: "missing_field", 4: "truncated"}


_WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["role", "content", "extra", "actions", "command", "timestamp", "tool_calls", "returncode"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(st.tuples(st.sampled_from(["assistant", "tool", "user"]), _WILD, _WILD, _WILD), max_size=5))
def test_whatever_the_messages_hold_each_is_accounted_for(
    tmp_path_factory: Any, found: list[tuple[str, Any, Any, Any]]
) -> None:
    messages = [
        {"role": role, "content": content, "extra": extra, "tool_calls": calls} for role, content, extra, calls in found
    ]
    path = trajectory(tmp_path_factory.mktemp("swe") / "a.traj.json", *messages)

    records = read(path, "mini-swe-agent").records

    assert len(records) == len(messages) + 2 or records[0].rejection is not None


def test_real_trajectories_and_steps_give_what_an_independent_count_finds(shared_data: Path) -> None:
    folder = shared_data / "agent_sessions" / "mini_swe_agent"
    commands = errors = 0
    for path in (folder / "raw").glob("*.traj.json"):
        for message in json.loads(path.read_text())["messages"]:
            commands += len(message.get("tool_calls") or [])
            errors += message["role"] == "tool" and message["extra"]["returncode"] != 0
    rows = [json.loads(line) for line in (folder / "steps.jsonl").read_text().splitlines()]

    trajectories = read_folder(folder / "raw", "*.traj.json", "mini-swe-agent")
    steps = read(folder / "steps.jsonl", "mini-swe-agent")

    assert trajectories.facts["tool_calls"] == len(trajectories.of(Interaction)) == commands
    assert trajectories.facts["errors"] == len(trajectories.of(Error)) == errors
    assert all(event.request for event in trajectories.of(Interaction))
    assert len(steps.of(Interaction)) == len({event.event_id for event in steps.of(Interaction)}) == len(rows)
    assert len(steps.of(Error)) == sum(row["returncode"] != 0 for row in rows)
    assert [event.command for event in steps.of(Interaction)] == [row["command"] for row in rows]


def response(number: int, *commands: str, parsed: bool = True) -> dict[str, Any]:
    """An assistant's message as the agent stores an answer of the Responses API."""
    calls = [
        {
            "type": "function_call",
            "call_id": f"call-{number}-{place}",
            "name": "bash",
            "arguments": json.dumps({"command": command}),
        }
        for place, command in enumerate(commands)
    ]
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I will look."}]}
    actions = [{"command": command, "tool_call_id": f"call-{number}-{place}"} for place, command in enumerate(commands)]
    extra = {"timestamp": ASKED + 10 * number} | ({"actions": actions} if parsed else {})
    return {"object": "response", "output": [{"type": "reasoning"}, said, *calls], "extra": extra}


def responded(number: int, returncode: int, output: str = "", place: int = 0, **extra: Any) -> dict[str, Any]:
    timestamp = ASKED + 10 * number + 0.25 + place
    return {
        "type": "function_call_output",
        "call_id": f"call-{number}-{place}",
        "output": f"<returncode>{returncode}</returncode>\n<output>\n{output}\n</output>",
        "extra": {"raw_output": output, "returncode": returncode, "timestamp": timestamp, **extra},
    }


@pytest.mark.parametrize("parsed", [True, False], ids=["parsed by the agent", "as the model called"])
def test_a_trajectory_of_the_responses_api_gives_its_commands(tmp_path: Path, parsed: bool) -> None:
    path = trajectory(
        tmp_path / "a.traj.json",
        response(0, "ls -la", parsed=parsed),
        responded(0, 0, "total 0"),
        response(1, "pytest -q", parsed=parsed),
        responded(1, 1, "1 failed"),
    )

    reading = read(path, "mini-swe-agent")

    assert [(each.command, each.request) for each in reading.of(Interaction)] == [
        ("ls -la", "Fix the parser\nIt drops dates."),
        ("pytest -q", "Fix the parser\nIt drops dates."),
    ]
    assert [(each.exit_status, each.failed, each.duration_ms) for each in reading.of(Execution)] == [
        (0, False, 250.0),
        (1, True, 250.0),
    ]
    assert [each.message for each in reading.of(Error)] == ["1 failed"]
    assert reading.skipped == {"system": 1, "user": 1, "function_call_output": 2}


def test_a_trajectory_in_which_no_command_is_found_is_refused_and_does_not_vanish(tmp_path: Path) -> None:
    path = trajectory(tmp_path / "a.traj.json", {"role": "assistant", "content": "", "calls_of_tomorrow": ["ls"]})

    assert read(path, "mini-swe-agent").refused == {1: "bad_value"}


def batch(*results: dict[str, Any]) -> list[dict[str, Any]]:
    actions = [{"command": "make", "tool_call_id": "a"}, {"command": "rm -rf build", "tool_call_id": "b"}]
    asked = {"role": "assistant", "content": "", "extra": {"actions": actions, "timestamp": ASKED}}
    return [asked, *results]


def observed(call: str, returncode: int, **extra: Any) -> dict[str, Any]:
    extra = {"raw_output": "", "returncode": returncode, "timestamp": ASKED + 1, **extra}
    return {"role": "tool", "tool_call_id": call, "content": f"<returncode>{returncode}</returncode>", "extra": extra}


def test_the_later_commands_of_a_batch_that_broke_off_did_not_run(tmp_path: Path) -> None:
    never = observed("b", -1, exception_info="action was not executed")
    reading = read(trajectory(tmp_path / "a.traj.json", *batch(observed("a", 0), never)), "mini-swe-agent")

    rows = clean(*raw_tables(reading.events)).interactions.set_index("command")
    assert rows["executed"].to_dict() == {"make": True, "rm -rf build": False}
    assert rows["wanted_command"].dropna().tolist() == ["make"]
    assert rows.loc["rm -rf build", ["succeeded", "exit_status", "intent_label"]].isna().all()
    assert reading.of(Error) == []


def test_a_command_that_was_cut_off_did_run(tmp_path: Path) -> None:
    cut = observed("a", -1, exception_info="An error occurred while executing the command: timed out")
    reading = read(trajectory(tmp_path / "a.traj.json", *batch(cut)), "mini-swe-agent")

    assert [each.failed for each in reading.of(Execution)] == [True]


def test_a_command_that_a_person_rejects_is_rejected_and_did_not_run(tmp_path: Path) -> None:
    text = "Command not executed. The user rejected your command with the following message:\nno"
    rejected = {"role": "user", "content": text, "extra": {"interrupt_type": "UserRejection"}}
    asked = step(0, "rm -rf build", 0)[0]

    reading = read(trajectory(tmp_path / "a.traj.json", asked, rejected), "mini-swe-agent")

    assert reading.of(Execution) == []
    assert [each.verdict for each in reading.of(Feedback)] == ["rejected"]


@pytest.mark.parametrize(("status", "ran"), [("Submitted", 1), ("LimitsExceeded", 0)])
def test_the_command_that_submits_ran_though_nothing_answers_it(tmp_path: Path, status: str, ran: int) -> None:
    path = trajectory(tmp_path / "a.traj.json", step(0, "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT", 0)[0])
    document = json.loads(path.read_text())
    document["info"]["exit_status"] = status
    path.write_text(json.dumps(document))

    assert [each.failed for each in read(path, "mini-swe-agent").of(Execution)] == [None] * ran
