"""`ccml run` on a log that is too small to train on: everything real up to the reason why not."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from rich.console import Console

from ccml.home import Home
from ccml.privacy.pseudonyms import Pseudonyms
from ccml.telemetry.landing import land
from ccml.telemetry.sources import Source
from ccml.telemetry.totals import landed_totals
from ccml_cli.instance import DEFINITIONS, instance_of
from ccml_cli.run import run_circle
from ccml_cli.summary import _print_interactions, print_summary
from ccml_simulator.simulate import encode_event
from ccml_tests.assets.evening import EVENTS, TURNS


@dataclass(frozen=True)
class Runs:
    """The summaries of three runs: over a log, over the same again, over the log with one more turn; the third in a
    process of its own, as JSON.
    """

    home: Home
    first: dict[str, Any]
    second: dict[str, Any]
    third: dict[str, Any]
    errors_of_third: str
    seen: str
    """What a person saw of the first."""
    recorded: Sequence[dg.DagsterRun]
    made: list[dg.DagsterEvent]
    """Materializations of the first run."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("runs")
    log = folder / "assistant.jsonl"
    log.write_bytes(b"".join(encode_event(event) + b"\n" for event in EVENTS))
    with pytest.MonkeyPatch.context() as environment:
        home = Home(folder / "ccml")
        environment.setenv("CCML_HOME", str(home.root))
        environment.setenv("CCML_PROFILE", "smoke")
        environment.setenv("DAGSTER_HOME", str(home.dagster))
        terminal = folder / "terminal.txt"
        first = _on_a_terminal(terminal, lambda: run_circle(log, "auto", None, quiet=False))
        with instance_of(home) as instance:
            recorded = instance.get_runs()
            made = [
                entry.dagster_event
                for run in recorded
                for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
                if entry.dagster_event is not None
            ]
        written = json.loads((home.reports / "summary.json").read_bytes())
        assert written == first
        second = run_circle(log, "auto", None, quiet=True)
        with log.open("ab") as stream:
            stream.writelines(encode_event(event).replace(b"late-0", b"more-0") + b"\n" for event in EVENTS[:2])
        command = [str(Path(sys.executable).with_name("ccml")), "run", "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Runs(home, first, second, json.loads(done.stdout), done.stderr, terminal.read_text(), recorded, made)


def _on_a_terminal(file: Path, run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The run with the process's own output in a file: that is where progress goes, past Python's `sys.stdout`."""
    kept = os.dup(1)
    with file.open("w") as stream:
        os.dup2(stream.fileno(), 1)
        try:
            return run()
        finally:
            os.dup2(kept, 1)
            os.close(kept)


def printed(summary: dict[str, Any]) -> str:
    text = io.StringIO()
    print_summary(Console(file=text, width=400, highlight=False), summary, Home(Path("ccml")), Path("summary.json"))
    return text.getvalue()


def test_the_summary_counts_what_came_in(runs: Runs) -> None:
    shown = runs.first["interactions"]
    assert (shown["files"], shown["lines"], shown["landed_lines"]) == (1, len(EVENTS), len(EVENTS))
    assert (shown["kept"], shown["rejected"], shown["quarantined"]) == (len(TURNS), 0, 0)


def test_the_summary_says_why_nothing_was_trained(runs: Runs) -> None:
    assert "at least 40 are needed" in runs.first["skipped"]["datasets/splits"]
    assert all("at least 40 are needed" in model["skipped"] for model in runs.first["models"].values())
    assert {gate["answer"] for gate in runs.first["gates"].values()} == {"skipped"}
    assert set(runs.first["releases"].values()) == {None}
    assert runs.first["alerts"] == []


def test_a_second_run_makes_nothing_again(runs: Runs) -> None:
    assert runs.first["assets_made"] > 0
    assert runs.second["assets_made"] == 0
    same = ("interactions", "models", "gates", "releases", "skipped")
    assert [runs.second[name] for name in same] == [runs.first[name] for name in same]


def test_what_was_added_to_a_log_that_was_named_once_is_found(runs: Runs) -> None:
    assert runs.third["interactions"]["kept"] == len(TURNS) + 1
    assert "holds 5 interactions" in runs.third["skipped"]["datasets/splits"]


def test_beside_the_facts_nothing_is_printed(runs: Runs) -> None:
    assert runs.errors_of_third == ""


def test_a_run_leaves_no_sample_telemetry_beside_the_users_own(runs: Runs) -> None:
    assert not runs.home.landing.exists()


def test_a_person_reads_the_same_facts(runs: Runs) -> None:
    shown = printed(runs.first)
    assert f"lines {len(EVENTS)} in 1 files = {len(EVENTS)} landed" in shown
    assert "kept 4 interactions" in shown
    assert "skipped. The telemetry holds 4 interactions" in " ".join(shown.split())
    assert "alerts none" in shown
    assert "summary.json" in shown


@pytest.mark.parametrize("row", ["lines", "events"])
def test_what_is_printed_adds_up_on_its_line(tmp_path: Path, row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every kind of line that a file can hold: landed, quarantined, twice, blank, of no use."""
    home = Home(tmp_path / "ccml")
    lines = [encode_event(event) for event in EVENTS]
    log, session = tmp_path / "assistant.jsonl", tmp_path / "claude.jsonl"
    log.write_bytes(b"\n".join([*lines, lines[0], b"", b"{half"]) + b"\n")
    session.write_text('{"type":"summary","summary":"a talk","leafUuid":"1"}\n')
    sources = [Source(str(log), "native"), Source(str(session), "claude-code")]
    land(sources, home.lake, Pseudonyms(b"k" * 32), now=datetime.now(UTC))
    totals = landed_totals(home.lake)
    assert totals["quarantined"]
    assert totals["blank"]
    assert totals["skipped"]
    text = io.StringIO()
    _print_interactions(Console(file=text, width=400, highlight=False), {**totals, "kept": 0, "rejected": 0})
    line = next(line for line in text.getvalue().splitlines() if line.startswith(row))
    whole, parts = line.split(" = ")
    assert int(whole.split()[1]) == sum(int(part.split()[0]) for part in parts.split(" + "))


def test_only_what_was_made_is_counted(runs: Runs) -> None:
    made = Counter(event.asset_key for event in runs.made)
    assert dg.AssetKey(["datasets", "splits"]) not in made
    assert runs.first["assets_made"] == len(made)


def test_each_run_belongs_to_its_job_in_the_code_location_of_the_ui(runs: Runs) -> None:
    assert {run.job_name for run in runs.recorded} == {"ingest", "prepare", "learn", "monitor"}
    origins = [run.remote_job_origin for run in runs.recorded]
    assert {(one.location_name, one.job_name) for one in origins if one} == {
        (DEFINITIONS, run.job_name) for run in runs.recorded
    }
    assert None not in origins


def test_a_skipped_part_is_one_line_with_its_reason(runs: Runs) -> None:
    shown = [line for line in runs.seen.splitlines() if "datasets/splits" in line]
    assert len(shown) == 1
    assert "– datasets/splits skipped: The telemetry holds 4 interactions" in shown[0]
    assert sum("datasets/episodes" in line for line in runs.seen.splitlines()) == 1


def test_only_the_lines_of_the_command_are_on_the_terminal(runs: Runs) -> None:
    """Dagster's warnings, one for each check of a skipped asset, are in the log."""
    before, _ = runs.seen.split("\n\n")
    expected = re.compile(r"Profile |ingest |prepare |\[ ?\d+/\d+\] [✓–!] |        \w+/\w+: ")
    assert [line for line in before.splitlines() if not expected.match(line)] == []
    assert not re.search(r"\bNone\b|[{}]|\w+\(", before)
    assert "Blocking asset check" in (runs.home.logs / "ccml.log").read_text()


def test_parts_that_were_skipped_with_what_they_are_made_from_share_a_line(runs: Runs) -> None:
    shared = [line for line in runs.seen.splitlines() if "skipped with what they are made from" in line]
    assert any("models/policy" in line and "checks" in line for line in shared)
    assert len(shared) <= 2


def test_a_person_reads_that_there_was_nothing_to_do(runs: Runs) -> None:
    assert "Nothing new: no file, no day and no asset had to be made again." in printed(runs.second)
    assert "Nothing new" not in printed(runs.first)
