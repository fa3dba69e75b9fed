"""`ccml ingest`: what landed, what did not, and why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ccml.home import Home
from ccml.telemetry.sources import named_sources
from ccml.telemetry.totals import landed_totals
from ccml_simulator.simulate import encode_event
from ccml_tests.assets.evening import EVENTS, FIRST_EVENING
from ccml_tests.cli.conftest import Call

BROKEN = b'{"kind":"interaction","event_id":"half'


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Four good lines and, at the end, half of one."""
    path = tmp_path / "logs" / "assistant.jsonl"
    path.parent.mkdir()
    path.write_bytes(b"".join(encode_event(event) + b"\n" for event in FIRST_EVENING) + BROKEN)
    return path


def test_it_prints_the_counts_and_names_the_broken_line(ccml: Call, log: Path) -> None:
    done = ccml("ingest", log)
    assert done.code == 0
    shown = " ".join(done.out.split())
    assert "1 file with 5 lines: 4 events landed on 1 day from 4 lines; 1 line quarantined (1 truncated)" in shown
    assert f"quarantined {log}:5: truncated: the file ends inside this line" in shown
    assert "[ 1/2] ✓ landing/files" in shown


def test_as_json_it_prints_the_same_and_nothing_else(ccml: Call, log: Path) -> None:
    facts = ccml("ingest", log, "--json").facts
    assert (facts["files"], facts["lines"], facts["landed_lines"]) == (1, 5, 4)
    assert facts["landed"] == {"interactions": 2, "executions": 2}
    assert facts["quarantined"] == {"truncated": 1}
    assert [example.split(": ")[0] for example in facts["quarantine_examples"]] == [f"{log}:5"]


def test_the_second_time_nothing_is_new(ccml: Call, log: Path) -> None:
    ccml("ingest", log)
    done = ccml("ingest", log)
    assert done.code == 0
    assert done.out == "Nothing new: every file had landed before.\n"
    assert ccml("ingest", log, "--json").facts == {"files": 0}


def test_a_folder_is_remembered_and_what_is_new_in_it_lands(ccml: Call, home: Home, log: Path) -> None:
    ccml("ingest", log.parent, "--format", "native")
    assert [source.path for source in named_sources(home)] == [str(log.parent)]
    (log.parent / "more.jsonl").write_bytes(encode_event(EVENTS[-1]) + b"\n")
    facts = ccml("ingest", log.parent, "--format", "native", "--json").facts
    assert (facts["files"], facts["already_landed"]) == (1, 1)


def test_no_more_than_ten_broken_lines_are_shown(ccml: Call, tmp_path: Path) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_bytes((BROKEN + b"\n") * 12)
    done = ccml("ingest", path)
    assert "12 lines quarantined" in " ".join(done.out.split())
    assert done.out.count("quarantined /") == 10


def test_a_key_that_others_may_read_fails_the_landing_in_one_sentence(ccml: Call, home: Home, log: Path) -> None:
    home.root.mkdir(parents=True)
    home.key_file.write_bytes(b"k" * 32)
    home.key_file.chmod(0o644)
    done = ccml("ingest", log)
    assert done.code == 4
    assert done.err.startswith("ccml: landing/files failed: ")
    assert str(home.key_file) in done.err
    assert "Traceback" not in done.err


def test_two_commands_at_once_on_a_new_home_both_land_their_logs(home: Home, tmp_path: Path) -> None:
    logs = [tmp_path / "first.jsonl", tmp_path / "second.jsonl"]
    for log, event in zip(logs, EVENTS, strict=False):
        log.write_bytes(encode_event(event) + b"\n")
    command = [str(Path(sys.executable).with_name("ccml")), "ingest"]
    started = [subprocess.Popen([*command, str(log)], stderr=subprocess.PIPE, text=True) for log in logs]
    ended = [process.communicate()[1] for process in started]
    assert [process.returncode for process in started] == [0, 0], ended
    assert {source.path for source in named_sources(home)} == {str(log) for log in logs}
    assert landed_totals(home.lake)["files"] == 2
