"""A command that fails on a damaged home names the file and what brings it back, whoever raised the error."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from ccml.home import Home
from ccml_resources.lake import documents, tables
from ccml_simulator.simulate import encode_event
from ccml_tests.assets.evening import EVENTS, FIRST_EVENING
from ccml_tests.cli.conftest import Call

CURES = {
    "mlflow.db": "restore it from a copy, or move it away with its history",
    "dagster/history/runs.db": "restore it from a copy, or move it away with its history",
    "dagster/schedules/schedules.db": "restore it from a copy, or move it away with its history",
}


@pytest.mark.parametrize("name", CURES)
def test_a_failure_on_a_damaged_home_names_the_file_and_the_cure(
    ccml: Call, home: Home, tmp_path: Path, name: str
) -> None:
    log = tmp_path / "assistant.jsonl"
    log.write_bytes(b"".join(encode_event(event) + b"\n" for event in FIRST_EVENING))
    assert ccml("ingest", log).code == 0
    damaged = home.root / name
    damaged.write_text("{half " * 200)
    log.write_bytes(b"".join(encode_event(event) + b"\n" for event in EVENTS))
    done = ccml("ingest", log)
    assert done.code == 4
    assert done.err.startswith("ccml: ")
    assert str(damaged) in done.err
    assert done.err.count(CURES[name]) == 1
    assert "Traceback" not in done.err


@pytest.mark.parametrize("name", ["sources.json", "lake/landed/read_files.json"])
def test_a_damaged_list_is_named_and_does_not_stop_the_command(
    ccml: Call, home: Home, tmp_path: Path, name: str
) -> None:
    log = tmp_path / "assistant.jsonl"
    log.write_bytes(b"".join(encode_event(event) + b"\n" for event in FIRST_EVENING))
    assert ccml("ingest", log).code == 0
    (home.root / name).write_text("{half " * 200)
    log.write_bytes(b"".join(encode_event(event) + b"\n" for event in EVENTS))
    done = ccml("ingest", log, "--json")
    assert done.code == 0
    assert done.facts["files"] == 1
    assert done.err.startswith(f"warning: {home.root / name}: it cannot be read")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("sign", ["?", "[", "%20"])
def test_a_home_whose_path_the_stores_would_misread_is_refused_in_one_sentence(
    ccml: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sign: str
) -> None:
    monkeypatch.setenv("CCML_HOME", str(tmp_path / f"a{sign}b" / "home"))
    done = ccml("ingest", tmp_path)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert sign in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow  # Dagster waits half a minute for the lock
def test_a_locked_database_is_waited_for_and_then_named(ccml: Call, home: Home, tmp_path: Path) -> None:
    log = tmp_path / "assistant.jsonl"
    log.write_bytes(b"".join(encode_event(event) + b"\n" for event in FIRST_EVENING))
    assert ccml("ingest", log).code == 0
    log.write_bytes(b"".join(encode_event(event) + b"\n" for event in EVENTS))
    path = home.dagster / "history" / "runs.db"
    with closing(sqlite3.connect(path)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        done = ccml("ingest", log)
    assert done.code == 1
    assert f"locked {path}: another program writes to it" in done.err
    assert ccml("ingest", log).code == 0


def test_a_failure_on_a_whole_home_names_nothing(ccml: Call, home: Home, tmp_path: Path) -> None:
    done = ccml("ingest", tmp_path / "nowhere.jsonl")
    assert done.code == 2
    assert "cure" not in done.err


def test_a_damaged_table_or_document_of_the_lake_is_named_with_its_asset(ccml: Call, home: Home) -> None:
    splits, gate = dg.AssetKey(["datasets", "splits"]), dg.AssetKey(["releases", "policy_gate"])
    table, document = tables(home).folder(splits) / "all.parquet", documents(home).path(gate)
    for path in (table, document):
        path.parent.mkdir(parents=True)
    pd.DataFrame({"split": ["train"]}).to_parquet(table)
    document.write_text("{}")
    assert ccml("doctor", "--json").facts["damaged"] == []
    table.write_bytes(table.read_bytes()[:60])
    document.write_text("{half")
    found = {one["file"]: one["cure"] for one in ccml("doctor", "--json").facts["damaged"]}
    assert found == {
        str(table): "Materialize datasets/splits again",
        str(document): "Materialize releases/policy_gate again",
    }


@pytest.mark.slow
def test_damaged_rows_that_a_run_meets_while_it_prepares_are_set_aside_and_land_again(
    ccml: Call, home: Home, tmp_path: Path
) -> None:
    log = tmp_path / "assistant.jsonl"
    log.write_bytes(b"".join(encode_event(event) + b"\n" for event in EVENTS))
    assert ccml("ingest", log).code == 0
    damaged = next((home.lake / "landed" / "executions").rglob("*.parquet"))
    damaged.write_bytes(damaged.read_bytes()[:100])
    done = ccml("run", "--input", log, "--json")
    assert done.code == 0, done.err
    assert f"warning: {damaged}: it cannot be read" in done.err
    assert done.facts["interactions"]["kept"] == 4
