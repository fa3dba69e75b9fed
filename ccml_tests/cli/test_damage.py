"""A command that fails on a damaged home names the file and what brings it back, whoever raised the error."""

from __future__ import annotations

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
    "sources.json": "Remove it and name the logs again with --input",
    "lake/landed/read_files.json": "Remove it: the next landing opens every file once more",
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
