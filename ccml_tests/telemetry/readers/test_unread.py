"""Files that look like a log and are none, and logs of programs that no reader reads."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ccml.errors import InputError
from ccml.telemetry.finding import ReadFiles, find_files, inspect_files
from ccml.telemetry.readers import fitting_format
from ccml.telemetry.sources import Source
from ccml_tests.telemetry.readers.claude_session import called, reported, write

T = "2026-05-04T09:00:00Z"


def lines(*objects: dict[str, Any]) -> str:
    return "".join(json.dumps(each) + "\n" for each in objects)


UNREAD = {
    "Codex": ("rollout-2026-05-04.jsonl", lines({"timestamp": T, "type": "session_meta", "payload": {"cwd": "/x"}})),
    "Codex ": ("rollout-2025-06.jsonl", lines({"id": "0", "timestamp": T}, {"type": "function_call", "name": "shell"})),
    "Gemini CLI": ("session.json", json.dumps({"sessionId": "s", "projectHash": "p", "messages": []}, indent=1)),
    "SWE-agent": ("a.traj", json.dumps({"trajectory": [{"action": "ls", "observation": "a"}], "history": []})),
    "SWE-agent ": (
        "a.json",
        json.dumps({"trajectory": [{"action": "ls", "observation": "a"}], "info": {"model_stats": {"api_calls": 1}}}),
    ),
    "OpenHands": ("output.jsonl", lines({"instance_id": "x", "instruction": "fix", "history": [{"id": 1}]})),
    "OpenHands ": ("events.json", json.dumps([{"id": 1, "source": "agent", "action": "run", "args": {}}])),
    "aider": ("chat.md", "# aider chat started at 2026-05-04 09:00:00\n\n#### list the tests\n"),
    "aider ": ("input", "\n# 2026-05-04 09:00:00.123456\n+list the tests\n"),
    "Copilot CLI": ("events.jsonl", lines({"type": "session.start", "data": {}, "id": "1", "timestamp": T})),
    "Cline": ("api_conversation_history.json", json.dumps([{"role": "user", "content": "hi"}])),
    "opencode": ("prt.jsonl", lines({"id": "p", "sessionID": "s", "messageID": "m"})),
    "Qwen Code": (
        "s.jsonl",
        lines(
            {"type": "user", "uuid": "u", "sessionId": "s", "timestamp": T, "message": {"role": "user", "parts": []}}
        ),
    ),
    "goose": ("s.jsonl", lines({"working_dir": "/x", "description": "", "message_count": 2})),
    "PowerShell": ("ConsoleHost_history.txt", "Get-ChildItem\n"),
    "tcsh": ("h", "#+1700000000\nls\n"),
    "SQLite": ("history.db", "SQLite format 3\0…"),
}


@pytest.mark.parametrize("program", UNREAD)
def test_a_log_of_another_program_is_named_as_such_with_what_to_do(tmp_path: Path, program: str) -> None:
    name, content = UNREAD[program]
    (tmp_path / name).write_text(content)

    for source in (tmp_path, tmp_path / name):
        with pytest.raises(InputError) as error:
            find_files([Source(str(source), "auto")])
        assert program.strip() in str(error.value)
        assert "native JSON Lines" in str(error.value)


def test_a_log_of_another_program_among_logs_is_named_and_stops_nothing(tmp_path: Path) -> None:
    name, content = UNREAD["Codex"]
    (tmp_path / name).write_text(content)
    write(tmp_path / "a.jsonl", called("t1", "ls"))

    found, (set_aside,) = inspect_files([Source(str(tmp_path), "auto")], ReadFiles("", {}), datetime.now(UTC))

    assert [state.format for state in found.values() if state.format] == ["claude-code"]
    assert name in set_aside
    assert "logs of Codex, which are not read" in set_aside


def test_json_lines_of_nobody_known_are_refused_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "agent.jsonl").write_text(lines({"role": "user", "text": "hi"}, {"role": "tool", "text": "ls"}))

    for source in (tmp_path, tmp_path / "agent.jsonl"):
        with pytest.raises(InputError, match=r"agent|None of the 1 files"):
            find_files([Source(str(source), "auto")])


def test_a_session_that_speaks_of_other_programs_is_a_session(tmp_path: Path) -> None:
    text = " ".join(content for _, content in UNREAD.values())
    session = write(tmp_path / "a.jsonl", reported(text), called("t1", f"echo '{text}'"))

    assert fitting_format(session) == "claude-code"


def test_a_folder_that_holds_only_hidden_files_says_so(tmp_path: Path) -> None:
    (tmp_path / ".bash_history").write_text("ls\n")

    with pytest.raises(InputError) as error:
        find_files([Source(str(tmp_path), "auto")])

    assert f"{tmp_path}/.bash_history" in str(error.value)
    assert "begin with a dot" in str(error.value)
    assert [file.format for file in find_files([Source(str(tmp_path / ".bash_history"), "auto")])] == ["bash-history"]


PROSE = {
    "notes.txt": "There are three kinds.\nzsh writes lines like\n: 1700000000:0;ls -la\nand fish YAML.\nDone.\n",
    "first.txt": ": 1700000000:0;ls -la\nis what zsh writes.\nA second line.\n",
    "alone.md": ": 1700000000:0;ls -la\n",
    "bash.txt": "#1700000000\nThis is a note about stamps.\nSecond line.\n",
    "bash.md": "#1700000000\nThis is a note about stamps.\n",
    "no-suffix": "#1700000000\nThis is a note.\nIt goes on.\nAnd on.\n",
    "fish.md": "- cmd: explains fish\n  when: never\n",
    "fish": "- cmd: explains fish\nand more\n",
}


@pytest.mark.parametrize("name", PROSE)
def test_a_text_with_one_line_like_a_history_is_a_text(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(PROSE[name])

    assert fitting_format(tmp_path / name) is None


@pytest.mark.parametrize(
    ("format", "content"),
    [
        ("zsh-history", ": 1700000000:0;ls\n: 1700000001:0;for i in 1\\\ndo\\\ndone\nid\n"),
        ("bash-history", "#1700000000\ncat <<EOF\na\nb\nEOF\n#1700000001\nls\n"),
        ("fish-history", "- cmd: ls\n  when: 1700000000\n  paths:\n    - a\n"),
    ],
)
def test_a_history_under_another_name_is_recognised_by_its_entries(tmp_path: Path, format: str, content: str) -> None:
    (tmp_path / "backup").write_text(content)

    assert fitting_format(tmp_path / "backup") == format


def test_what_lies_beside_sessions_is_left_out(tmp_path: Path) -> None:
    project = tmp_path / "projects" / "-home-ada-shop"
    (project / "s1" / "tool-results").mkdir(parents=True)
    (project / "memory").mkdir()
    session = write(project / "s1.jsonl", reported("list"), called("t1", "ls"))
    (project / "s1" / "tool-results" / "b1.txt").write_text("#1700000000\nls\n#1700000001\nid\n")
    (project / "s1" / "tool-results" / "b2.txt").write_text(session.read_text())
    (project / "s1" / "journal.jsonl").write_text(lines({"type": "started", "key": "v2:a", "agentId": "a1"}))
    (project / "memory" / "MEMORY.md").write_text("- cmd: ls\n  when: 1700000000\n")
    (tmp_path / "projects" / "history.jsonl").write_text(lines({"display": "list", "timestamp": 1, "project": "/x"}))

    files = find_files([Source(str(tmp_path), "auto")])

    assert [file.path for file in files] == [session]


def test_a_log_that_is_merely_named_like_those_is_read(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text(lines({"kind": "interaction", "event_id": "i", "time": T}))

    assert fitting_format(tmp_path / "journal.jsonl") == "native"
