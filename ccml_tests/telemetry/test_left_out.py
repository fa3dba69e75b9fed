"""A landing knows whose a refused line is, and leaves out what a log holds of an erased person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ccml.errors import DamagedFileError
from ccml.telemetry.left_out import LeftOut, left_out, write_left_out
from ccml.telemetry.readers.owner import stated_owner
from ccml_tests.telemetry import stored
from ccml_tests.telemetry.test_landing import PSEUDONYMS, event, ids, landed, write

ADA = PSEUDONYMS.of("user", "ada")
BOB = PSEUDONYMS.of("user", "bob")


@pytest.mark.parametrize(
    ("line", "owner"),
    [
        (b'{"user_id": "bob", "x": 1}', "bob"),
        (b'{"user_id":"b\\u00f6b"', "b\u00f6b"),
        ('{"user_id": "b\u00f6b"'.encode(), "b\u00f6b"),
        (b'{"user_id": ["bob"]}', ""),
        (b"user_id: bob", ""),
        (b'{"user_id": "' + b"b" * 300_000, ""),
    ],
)
def test_the_owner_of_a_refused_line_is_what_it_says_however_damaged_it_is(line: bytes, owner: str) -> None:
    assert stated_owner(line) == owner


def test_a_refused_line_is_stored_with_the_pseudonym_of_whoever_wrote_it(tmp_path: Path) -> None:
    refused: list[dict[str, Any] | bytes] = [
        event(1, colour=1, user_id="bob"),
        event(0, request="another"),
        b"no event",
    ]
    landed(write(tmp_path / "in" / "two.jsonl", event(0), event(2, user_id="bob"), *refused), tmp_path / "lake")
    landed(write(tmp_path / "in" / "one.jsonl", event(3), b"no event"), tmp_path / "lake")

    quarantine = stored.quarantine(tmp_path / "lake").sort_values("line")
    found = [(Path(path).name, user) for path, user in zip(quarantine["path"], quarantine["user_id"], strict=True)]
    # Of a line that does not say it, the owner is known where the file holds one person's events only.
    assert found == [("one.jsonl", ADA), ("two.jsonl", BOB), ("two.jsonl", ADA), ("two.jsonl", None)]


def test_nothing_of_a_person_who_is_left_out_lands_and_every_line_is_counted(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    write_left_out(lake, LeftOut().begun(ADA))
    lines: list[dict[str, Any] | bytes] = [
        event(0),
        event(1, user_id="bob"),
        event(2, colour=1),
        event(3, user_id="bob", colour=1),
        b"broken",
    ]

    report = landed(write(tmp_path / "log.jsonl", *lines), lake)

    assert ids(lake) == ["interaction-1"]
    assert stored.quarantine(lake)["line"].tolist() == [4, 5]
    assert report.skipped == {"erased": 2}
    assert (report.lines, report.landed_lines) == (5, 1)


def test_a_file_of_a_person_who_is_left_out_gives_no_refused_line(tmp_path: Path) -> None:
    write_left_out(tmp_path / "lake", LeftOut().begun(ADA))
    report = landed(write(tmp_path / "log.jsonl", event(0), b"broken", event(1, colour=2)), tmp_path / "lake")
    assert (report.skipped, report.quarantined, report.examples) == ({"erased": 3}, {}, [])
    assert stored.quarantine(tmp_path / "lake").empty


def test_the_list_of_those_left_out_names_nobody_and_says_what_is_unfinished(tmp_path: Path) -> None:
    write_left_out(tmp_path, left_out(tmp_path).begun(ADA).begun(BOB).ended(BOB))
    stored_list = (tmp_path / "landed" / "left_out.json").read_text()
    assert ADA[2:] not in stored_list
    known = left_out(tmp_path)
    assert (ADA in known, BOB in known, PSEUDONYMS.of("user", "eve") in known) == (True, True, False)
    assert known.unfinished < known.people
    assert len(json.loads(stored_list)["unfinished"]) == 1


def test_a_damaged_list_stops_the_landing_or_erased_rows_would_come_back(tmp_path: Path) -> None:
    write_left_out(tmp_path / "lake", LeftOut().begun(ADA))
    (tmp_path / "lake" / "landed" / "left_out.json").write_bytes(b"{")
    with pytest.raises(DamagedFileError, match="left_out"):
        landed(write(tmp_path / "log.jsonl", event(0)), tmp_path / "lake")
