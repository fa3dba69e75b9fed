"""`ccml run` on a log that is too small to train on: everything real up to the reason why not."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ccml.home import Home
from ccml_cli.run import run_circle
from ccml_cli.summary import print_summary
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
        first = run_circle(log, "auto", None, quiet=True)
        written = json.loads((home.reports / "summary.json").read_bytes())
        assert written == first
        second = run_circle(log, "auto", None, quiet=True)
        with log.open("ab") as stream:
            stream.writelines(encode_event(event).replace(b"late-0", b"more-0") + b"\n" for event in EVENTS[:2])
        command = [str(Path(sys.executable).with_name("ccml")), "run", "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Runs(home, first, second, json.loads(done.stdout), done.stderr)


def printed(summary: dict[str, Any]) -> str:
    text = io.StringIO()
    print_summary(Console(file=text, width=400, highlight=False), summary, Path("summary.json"))
    return text.getvalue()


def test_the_summary_counts_what_came_in(runs: Runs) -> None:
    told = runs.first["interactions"]
    assert (told["files"], told["lines"], told["landed_lines"]) == (1, len(EVENTS), len(EVENTS))
    assert (told["kept"], told["rejected"], told["quarantined"]) == (len(TURNS), 0, 0)


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
    told = printed(runs.first)
    assert f"{len(EVENTS)} lines in 1 files; {len(EVENTS)} landed, 0 quarantined" in told
    assert "4 interactions kept" in told
    assert "skipped The telemetry holds 4 interactions" in " ".join(told.split())
    assert "alerts none" in told
    assert "summary.json" in told


def test_a_person_reads_that_there_was_nothing_to_do(runs: Runs) -> None:
    assert "Nothing new: no file, no day and no asset had to be made again." in printed(runs.second)
    assert "Nothing new" not in printed(runs.first)
