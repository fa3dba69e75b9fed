"""A table that is gone or damaged is an error that names it and the cure; only what never landed reads as empty."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccml.erasure.landed import delete_landed
from ccml.erasure.person import Person
from ccml.privacy.pseudonyms import Pseudonyms
from ccml.telemetry.lake import DamagedTableError, check_table, landed_days, landed_keys, read_landed
from ccml.telemetry.landing import LandingReport, land
from ccml.telemetry.mending import mend, mend_quickly
from ccml.telemetry.sources import Source
from ccml.telemetry.totals import landed_totals
from ccml_tests.telemetry import stored

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = "2026-01-01"


def landed(folder: Path) -> LandingReport:
    return land([Source(str(folder / "in"), "native")], folder / "lake", Pseudonyms(b"k" * 32), NOW)


def write(folder: Path, name: str, broken: str = "{") -> None:
    event = {"kind": "interaction", "event_id": name, "time": f"{DAY}T09:00:00Z", "user_id": "a", "session_id": "s"}
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in" / f"{name}.jsonl").write_text(f"{json.dumps(event)}\n{broken}\n")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Logs with an interaction and a refused line each, of which two files have landed."""
    for name in ("first", "second"):
        write(tmp_path, name)
        landed(tmp_path)
    return tmp_path


def _log(table: Path, version: int = 0) -> Path:
    return table / "_delta_log" / f"{version:020}.json"


def _data(table: Path) -> Path:
    return next(table.rglob("*.parquet"))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:60])


def _folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


GONE: dict[str, Callable[[Path], object]] = {
    "the folder is gone": shutil.rmtree,
    "its log is gone": lambda table: shutil.rmtree(table / "_delta_log"),
    "its log is empty": lambda table: [path.unlink() for path in (table / "_delta_log").iterdir()],
}
DAMAGED: dict[str, Callable[[Path], object]] = {
    "the beginning of its log is gone": lambda table: _log(table).unlink(),
    "its log is overwritten": lambda table: _log(table).write_bytes(b"\x00" * 300),
    "its log is cut": lambda table: _cut(_log(table, 1)),
    "a file stands in its place": lambda table: (shutil.rmtree(table), table.write_text("x")),
}
ROWS_DAMAGED: dict[str, Callable[[Path], object]] = {
    "rows are gone": lambda table: _data(table).unlink(),
    "rows are cut": lambda table: _cut(_data(table)),
    "rows are emptied": lambda table: _data(table).write_bytes(b""),
    "a folder stands in place of rows": lambda table: _folder_instead(_data(table)),
}


def test_a_kind_that_never_landed_reads_as_empty(home: Path) -> None:
    lake = home / "lake"

    assert read_landed(lake, "feedback", [DAY]).empty
    assert not [*landed_keys(lake, "feedback", but_of=["file"])]
    assert landed_days(lake, "feedback") == []
    check_table(lake, "feedback")
    assert len(read_landed(lake, "interactions", [DAY])) == 2
    check_table(lake, "interactions")


def test_a_lake_where_nothing_landed_reads_as_empty(tmp_path: Path) -> None:
    assert read_landed(tmp_path, "interactions", [DAY]).empty
    assert landed_totals(tmp_path)["files"] == 0
    check_table(tmp_path, "interactions")


@pytest.mark.parametrize("damage", [*GONE, *DAMAGED, *ROWS_DAMAGED])
def test_reading_a_damaged_table_is_an_error_that_names_it_and_the_cure(home: Path, damage: str) -> None:
    lake = home / "lake"
    table = lake / "landed" / "interactions"
    {**GONE, **DAMAGED, **ROWS_DAMAGED}[damage](table)

    with pytest.raises(DamagedTableError, match=re.escape(str(table))) as error:
        read_landed(lake, "interactions", [DAY])

    assert "run `ccml run`" in str(error.value)
    with pytest.raises(DamagedTableError, match=re.escape(str(table))):
        check_table(lake, "interactions")


@pytest.mark.parametrize("damage", [*GONE, *DAMAGED, *ROWS_DAMAGED])
def test_nothing_lands_beside_a_damaged_table(home: Path, damage: str) -> None:
    table = home / "lake" / "landed" / "interactions"
    {**GONE, **DAMAGED, **ROWS_DAMAGED}[damage](table)
    write(home, "third")

    with pytest.raises(DamagedTableError, match=re.escape(str(table))):
        landed(home)

    assert landed_totals(home / "lake")["files"] == 2


@pytest.mark.parametrize("damage", [*GONE, *DAMAGED])
def test_a_damaged_quarantine_is_an_error_too(home: Path, damage: str) -> None:
    table = home / "lake" / "landed" / "quarantine"
    {**GONE, **DAMAGED}[damage](table)

    with pytest.raises(DamagedTableError, match=re.escape(str(table))):
        landed_totals(home / "lake")


def test_a_table_with_fewer_rows_than_landed_is_found(home: Path) -> None:
    table = home / "lake" / "landed" / "interactions"
    _log(table, 2).unlink()

    with pytest.raises(DamagedTableError, match="1 rows, and the landed files say that 2 landed"):
        check_table(home / "lake", "interactions")


@pytest.mark.parametrize("name", ["interactions", "quarantine", "files"])
@pytest.mark.parametrize("damage", [*GONE, *DAMAGED, *ROWS_DAMAGED])
def test_what_is_damaged_is_set_aside_and_what_is_there_of_the_logs_lands_again(
    home: Path, name: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    lake = home / "lake"
    {**GONE, **DAMAGED, **ROWS_DAMAGED}[damage](lake / "landed" / name)
    write(home, "third")

    mend(lake)
    landed(home)

    assert str(lake / "landed" / name) in caplog.text
    assert sorted(stored.rows(lake, "interactions")["event_id"]) == ["first", "second", "third"]
    assert len(stored.quarantine(lake)) == 3
    assert len(stored.files(lake)) == 3
    check_table(lake, "interactions")
    check_table(lake, "quarantine")
    assert mend(lake) == []


@pytest.mark.parametrize("name", ["interactions", "quarantine", "files"])
@pytest.mark.parametrize("damage", ["empty", "a folder"])
def test_a_newest_commit_that_a_library_would_pass_over_in_silence_is_found(home: Path, name: str, damage: str) -> None:
    lake = home / "lake"
    newest = _log(lake / "landed" / name, 2)
    newest.unlink()
    newest.touch() if damage == "empty" else newest.mkdir()

    assert mend_quickly(lake) == [newest]
    landed(home)

    assert sorted(stored.rows(lake, "interactions")["event_id"]) == ["first", "second"]
    assert len(stored.quarantine(lake)) == len(stored.files(lake)) == 2


@pytest.mark.parametrize("name", ["quarantine", "files"])
def test_damaged_rows_that_no_landing_reads_are_found_as_well(home: Path, name: str) -> None:
    damaged = _data(home / "lake" / "landed" / name)
    _cut(damaged)
    assert mend_quickly(home / "lake") == [damaged]
    landed(home)
    assert landed_totals(home / "lake")["files"] == 2
    check_table(home / "lake", "quarantine")


def test_rows_of_logs_that_are_gone_stay_where_they_are(home: Path) -> None:
    lake = home / "lake"
    (home / "in" / "first.jsonl").unlink()
    _data(lake / "landed" / "quarantine").write_bytes(b"")

    mend(lake)
    landed(home)

    assert sorted(stored.rows(lake, "interactions")["event_id"]) == ["first", "second"]


def test_an_erasure_removes_what_was_set_aside_because_nobody_can_say_whose_it_is(home: Path) -> None:
    lake = home / "lake"
    _cut(_data(lake / "landed" / "interactions"))
    mend(lake)
    landed(home)
    assert [*(lake / "landed" / "damaged").iterdir()]

    delete_landed(lake, Person("somebody", "u-of-nobody-here"))

    assert not (lake / "landed" / "damaged").exists()


def test_nothing_of_a_whole_lake_is_set_aside(home: Path) -> None:
    before = sorted(path for path in (home / "lake").rglob("*"))
    assert mend(home / "lake") == mend_quickly(home / "lake") == []
    assert sorted(path for path in (home / "lake").rglob("*")) == before
