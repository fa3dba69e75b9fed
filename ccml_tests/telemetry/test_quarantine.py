"""The refused lines as people use them: each once, found by reason or place, read again, given up."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccml.errors import InputError
from ccml.telemetry import decode
from ccml.telemetry.lake import check_table
from ccml.telemetry.quarantine import Wanted, ask_again, by_file, by_reason, give_up, refused
from ccml.telemetry.sources import Source
from ccml.telemetry.totals import landed_totals
from ccml_tests.telemetry import stored
from ccml_tests.telemetry.test_landing import event, ids, landed, write

NESTED = {"model_versions": {"intent_classifier": "1.0.0"}}


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    write(tmp_path / "in" / "a.jsonl", event(0), b"broken", b"{", event(1, colour="red"))
    write(tmp_path / "in" / "below" / "b.jsonl", event(2), b"broken too", end=b"\n{half")
    landed(tmp_path / "in", tmp_path / "lake")
    return tmp_path / "lake"


def places(lake: Path, word: str | None = None) -> list[tuple[str, int]]:
    rows = refused(lake, Wanted.of(lake, word)).to_pylist()
    return sorted((Path(row["path"]).name, row["line"]) for row in rows)


def test_lines_are_counted_by_reason_and_by_file(lake: Path) -> None:
    rows = refused(lake, Wanted())
    assert [(one.name, one.lines, one.others) for one in by_reason(rows)] == [
        ("not_json", 2, 2),
        ("bad_json", 1, 1),
        ("truncated", 1, 1),
        ("unknown_field", 1, 1),
    ]
    assert [(Path(one.name).name, one.lines, one.others) for one in by_file(rows)] == [
        ("a.jsonl", 3, 3),
        ("b.jsonl", 2, 2),
    ]


def test_lines_are_found_by_reason_by_file_and_by_folder(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert places(lake, "not_json") == [("a.jsonl", 2), ("b.jsonl", 2)]
    assert places(lake, str(lake.parent / "in" / "a.jsonl")) == [("a.jsonl", 2), ("a.jsonl", 3), ("a.jsonl", 4)]
    assert places(lake, str(lake.parent / "in" / "below")) == [("b.jsonl", 2), ("b.jsonl", 3)]
    assert len(places(lake, str(lake.parent / "in/"))) == len(places(lake)) == 5
    monkeypatch.chdir(lake.parent)
    assert places(lake, "in/below/b.jsonl") == [("b.jsonl", 2), ("b.jsonl", 3)]


def test_what_names_no_refused_line_is_an_error_that_says_what_would(lake: Path) -> None:
    with pytest.raises(
        InputError, match=r"No refused line is of truncate; expected .* `ccml quarantine list` .*truncated"
    ):
        Wanted.of(lake, "truncate")


def test_a_quarantine_where_nothing_was_refused_is_empty(tmp_path: Path) -> None:
    assert len(refused(tmp_path, Wanted())) == 0
    assert by_reason(refused(tmp_path, Wanted())) == []
    assert give_up(tmp_path, Wanted()) == 0


def test_a_line_of_a_log_that_grows_counts_once(tmp_path: Path) -> None:
    log, lake = tmp_path / "a.jsonl", tmp_path / "lake"
    for grown in range(1, 5):
        write(log, b"broken", event(0, request="one"), event(0, request="two"), *map(event, range(1, grown)))
        landed(log, lake)
    assert len(stored.quarantine(lake)) > 2
    assert places(lake) == [("a.jsonl", 1), ("a.jsonl", 3)]


def test_lines_that_todays_code_reads_land_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, lake = write(tmp_path / "a.jsonl", event(0), event(1, **NESTED), b"broken"), tmp_path / "lake"
    with monkeypatch.context() as older:
        older.setattr(decode, "MAX_DEPTH", 1)
        assert landed(log, lake).quarantined == {"too_deep": 1, "not_json": 1}
    assert landed(log, lake).files == 0

    asked = ask_again(lake, [Source(str(log), "native")], Wanted(reason="too_deep"))
    report = landed(log, lake)

    assert (asked.files, asked.gone) == (1, 0)
    assert (report.again, report.quarantined) == (1, {"not_json": 1})
    assert ids(lake) == ["interaction-0", "interaction-1"]
    assert places(lake) == [("a.jsonl", 3)]
    assert landed_totals(lake)["quarantined"] == 1
    assert landed(log, lake).files == 0


def test_earlier_versions_of_a_log_are_given_up_for_its_present_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, lake = tmp_path / "a.jsonl", tmp_path / "lake"
    with monkeypatch.context() as older:
        older.setattr(decode, "MAX_DEPTH", 1)
        for grown in (2, 3, 4):
            write(log, event(0, **NESTED), b"broken", *map(event, range(2, 2 + grown)))
            landed(log, lake)
    assert len(stored.quarantine(lake)) == 6

    ask_again(lake, [Source(str(log), "native")], Wanted())
    landed(log, lake)

    assert places(lake) == [("a.jsonl", 2)]
    assert len(stored.quarantine(lake)) == 1
    assert len(ids(lake)) == 5
    check_table(lake, "quarantine")


def test_lines_of_a_log_that_was_rotated_away_stay(tmp_path: Path) -> None:
    log, lake = write(tmp_path / "a.jsonl", event(0), b"broken"), tmp_path / "lake"
    landed(log, lake)
    write(log, event(1), b"broken anew")
    landed(log, lake)

    asked = ask_again(lake, [Source(str(log), "native")], Wanted())
    landed(log, lake)

    assert (asked.files, len(stored.quarantine(lake))) == (1, 2)


def test_lines_of_a_file_that_is_gone_are_said_to_be(lake: Path) -> None:
    (lake.parent / "in" / "below" / "b.jsonl").unlink()
    asked = ask_again(lake, [Source(str(lake.parent / "in"), "native")], Wanted())
    assert (asked.files, asked.gone) == (1, 2)
    landed(lake.parent / "in", lake)
    assert len(places(lake)) == 5


def test_a_renamed_file_is_read_again_by_its_content(lake: Path) -> None:
    log = lake.parent / "in" / "a.jsonl"
    log.rename(log.with_name("renamed.jsonl"))
    landed(lake.parent / "in", lake)
    asked = ask_again(lake, [Source(str(lake.parent / "in"), "native")], Wanted(reason="unknown_field"))
    assert (asked.files, asked.gone) == (1, 0)


def test_lines_that_are_given_up_are_gone_and_the_sums_stay(lake: Path) -> None:
    before = landed_totals(lake)
    assert give_up(lake, Wanted.of(lake, "not_json")) == 2
    assert give_up(lake, Wanted.of(lake, str(lake.parent / "in" / "below"))) == 1
    assert places(lake) == [("a.jsonl", 3), ("a.jsonl", 4)]
    assert landed_totals(lake) | {"reasons": {}} == before | {"reasons": {}}
    check_table(lake, "quarantine")
    assert give_up(lake, Wanted()) == 2
    assert places(lake) == []
    assert landed(lake.parent / "in", lake, "native").files == 0
    check_table(lake, "quarantine")
