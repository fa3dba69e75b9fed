"""`ccml doctor`: what is there, what is missing, where state lies, which logs were found."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccml.home import Home
from ccml.privacy.pseudonyms import Pseudonyms
from ccml.telemetry.landing import land
from ccml.telemetry.readers import FORMATS
from ccml.telemetry.sources import Source
from ccml_cli import doctor
from ccml_tests.cli.conftest import Call


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory with nothing in it."""
    folder = tmp_path / "user"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


def test_as_json_it_gives_facts_and_nothing_else(ccml: Call, home: Home, user: Path) -> None:
    facts = ccml("doctor", "--json").facts
    assert facts["profile"] == "smoke"
    assert facts["state"] == {"home": str(home.root), "exists": False, "releases": {}}
    assert facts["own_logs"] == []
    assert facts["packages"]["serving (ccml serve, ask)"]["numpy"]


def test_a_missing_package_is_listed_beside_its_feature(
    ccml: Call, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(doctor.FEATURES, "flying", ("no-such-package",))
    assert ccml("doctor", "--json").facts["packages"]["flying"] == {"no-such-package": None}
    assert [line.split() for line in ccml("doctor").out.splitlines() if "no-such" in line] == [
        ["flying", "no-such-package", "missing"]
    ]


def test_logs_of_the_user_are_found_with_the_command_that_reads_them(ccml: Call, user: Path) -> None:
    (user / ".bash_history").write_text("ls\n")
    session = user / ".claude" / "projects" / "app" / "one.jsonl"
    session.parent.mkdir(parents=True)
    session.write_text("{}\n")
    found = {logs["format"]: logs for logs in ccml("doctor", "--json").facts["own_logs"]}
    assert sorted(found) == ["bash-history", "claude-code"]
    assert found["bash-history"]["bytes"] == 3
    assert found["claude-code"]["files"] == 1
    assert found["claude-code"]["command"] == f"ccml run --input {user}/.claude/projects --format claude-code"


def test_a_further_format_is_looked_for_where_its_logs_usually_lie(
    ccml: Call, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FORMATS, "diary", replace(FORMATS["native"], name="diary", usual_place="~/diary"))
    assert "~/diary" in ccml("doctor").out
    (user / "diary" / "2026").mkdir(parents=True)
    (user / "diary" / "2026" / "monday.jsonl").write_text("{}\n")
    (user / "diary" / "2026" / "drawing.png").write_text("no log")
    (found,) = ccml("doctor", "--json").facts["own_logs"]
    assert (found["format"], found["files"]) == ("diary", 1)


def test_each_damaged_thing_is_named_with_its_cure_and_the_rest_goes_on(ccml: Call, home: Home, user: Path) -> None:
    policy = home.models / "policy"
    (policy / "1.0.0").mkdir(parents=True)
    (home.lake / "landed").mkdir(parents=True)
    broken = [
        home.settings,
        home.models / "stray.txt",
        policy / "champion.json",
        policy / "notes",
        home.root / "sources.json",
        home.lake / "landed" / "read_files.json",
        home.root / "mlflow.db",
    ]
    for path in broken:
        path.write_text("{half " * 200)
    found = {one["file"]: one for one in ccml("doctor", "--json").facts["damaged"]}
    assert set(found) == {str(path) for path in [*broken, policy / "1.0.0"]}
    assert "manifest.json" in found[str(policy / "1.0.0")]["found"]
    assert all(one["cure"] for one in found.values())
    shown = ccml("doctor")
    assert shown.code == 0
    assert sum(line.startswith("damaged ") for line in shown.out.splitlines()) == len(found)
    assert "numpy" in shown.out


def test_a_landed_table_that_lost_rows_is_damaged(ccml: Call, home: Home, user: Path, tmp_path: Path) -> None:
    event = {"kind": "interaction", "event_id": "i", "time": "2026-01-01T09:00:00Z", "user_id": "a", "session_id": "s"}
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps(event) + "\n")
    land([Source(str(log), "native")], home.lake, Pseudonyms(b"k" * 32), datetime(2026, 6, 1, tzinfo=UTC))
    assert ccml("doctor", "--json").facts["damaged"] == []
    table = home.lake / "landed" / "interactions"
    next(table.rglob("*.parquet")).unlink()
    (found,) = ccml("doctor", "--json").facts["damaged"]
    assert found["file"] == str(table)
    assert "run `ccml run`: it sets aside what is damaged" in found["cure"]


def test_a_database_that_is_damaged_behind_its_header_is_named(ccml: Call, home: Home, user: Path) -> None:
    home.root.mkdir(parents=True)
    store = home.root / "mlflow.db"
    with closing(sqlite3.connect(store)) as database, database:
        database.execute("CREATE TABLE runs (name TEXT PRIMARY KEY)")
        database.executemany("INSERT INTO runs VALUES (?)", [(f"run {number}" * 20,) for number in range(500)])
    assert ccml("doctor", "--json").facts["damaged"] == []
    content = bytearray(store.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"x" * 4096
    store.write_bytes(content)
    (found,) = ccml("doctor", "--json").facts["damaged"]
    assert found["file"] == str(store)


def test_a_folder_of_no_model_is_named(ccml: Call, home: Home, user: Path) -> None:
    (home.models / "policy_of_last_year").mkdir(parents=True)
    (found,) = ccml("doctor", "--json").facts["damaged"]
    assert found["file"] == str(home.models / "policy_of_last_year")
    assert "command_predictor" in found["found"]


def test_without_logs_it_says_where_it_looked(ccml: Call, user: Path) -> None:
    assert "No logs of your own at ~/.claude/projects" in ccml("doctor").out


def test_every_package_it_asks_for_is_one_that_the_project_declares() -> None:
    import re
    import tomllib

    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text())["project"]
    declared = [
        *project["dependencies"],
        *(one for extra in project["optional-dependencies"].values() for one in extra),
    ]
    names = {re.split(r"[\[<>=~! ;]", one)[0] for one in declared}
    assert {name for packages in doctor.FEATURES.values() for name in packages} - names == set()
