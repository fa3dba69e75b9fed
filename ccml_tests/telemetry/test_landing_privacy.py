"""Of a line that was refused nothing is kept that somebody wrote, and no name of a file or folder stands in the lake.

The secrets here have no shape and no name that redaction could know: what cannot be read is not kept at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccml.privacy.redaction import redact
from ccml.telemetry.events import KINDS
from ccml.telemetry.lake import FILES, QUARANTINE
from ccml.telemetry.line_shape import line_shape
from ccml_tests.telemetry import stored
from ccml_tests.telemetry.test_landing import event, landed, write

SECRET = "blauer-Elefant-Kreis"
ESCAPED = "".join(f"\\u{ord(c):04x}" for c in SECRET)


def _line(**fields: object) -> bytes:
    return json.dumps(event(1, **fields)).encode()


REFUSED: dict[str, Callable[[], bytes]] = {
    "an unknown field": lambda: _line(request=f"log in with {SECRET}", colour=1),
    "the name of an unknown field": lambda: _line(**{SECRET: 1}),
    "a name with quoting marks": lambda: _line(**{f"x` {SECRET} '\"": 1}),
    "a value of an enumeration": lambda: _line(action=SECRET),
    "a value with both quotes": lambda: _line(action=f"'{SECRET}\" - at `$.x`"),
    "a kind": lambda: _line(kind=SECRET),
    "a wrong type": lambda: _line(request=[SECRET]),
    "a field beside a bad value": lambda: _line(request=SECRET, confidence=7),
    "escapes": lambda: _line(colour=1)[:-1] + f', "request": "{ESCAPED}"}}'.encode(),
    "quotes in quotes": lambda: _line(colour=json.dumps({"a": json.dumps({"pw": SECRET})})),
    "a NUL": lambda: _line(request=SECRET).replace(b"blauer", b"bl\x00auer"),
    "UTF-16": lambda: _line(request=SECRET).decode().encode("utf-16-le"),
    "UTF-16, big end first": lambda: _line(request=SECRET).decode().encode("utf-16"),
    "Latin-1": lambda: f'{{"request": "é {SECRET}"}}'.encode("latin-1"),
    "broken JSON": lambda: _line(request=SECRET)[:-9],
    "no JSON": lambda: f"password: {SECRET}".encode(),
    "two objects": lambda: _line(request=SECRET) * 2,
    "a line that is too long": lambda: _line(request=SECRET) + b" " * 300_000,
    "a time in the future": lambda: _line(request=SECRET, time="2999-01-01T00:00:00Z"),
    "depth": lambda: b'{"a":' * 50 + json.dumps(SECRET).encode() + b"}" * 50,
}


def held_by(folder: Path, secret: str) -> list[str]:
    """Files below `folder` whose bytes hold the secret, in any of the encodings that a log may have."""
    forms = [secret.encode(form) for form in ("utf-8", "utf-16-le", "utf-16-be")] + [ESCAPED.encode()]
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if any(form in path.read_bytes() for form in forms)]


def rows_of(lake: Path) -> str:
    """Every row of the lake as text: Parquet compresses."""
    return " ".join(stored.rows(lake, name).to_json() for name in (*KINDS, QUARANTINE, FILES))


@pytest.mark.parametrize("where", REFUSED)
def test_nothing_is_kept_of_a_refused_line_but_its_shape(tmp_path: Path, where: str) -> None:
    raw = REFUSED[where]()
    report = landed(write(tmp_path / "log.jsonl", event(0), raw), tmp_path / "lake")

    assert sum(report.quarantined.values()) >= 1
    assert held_by(tmp_path / "lake", SECRET) == []
    everything = rows_of(tmp_path / "lake") + json.dumps(report.metadata())
    assert not [part for part in (SECRET, "Elefant", "E\\u0000l", ESCAPED[:24]) if part in everything]
    row = stored.quarantine(tmp_path / "lake").iloc[-1]
    assert row["bytes"] > 0
    assert len(row["line_sha256"]) == 64
    assert row["line"] >= 2


def test_the_shape_of_a_line_shows_what_a_person_needs_to_mend_it() -> None:
    raw = b'{"kind": "feedback", "rating": 12, "note": "pw is hunter2", "verdict": null}'
    assert line_shape(raw) == '{"kind": "feedback", "rating": 9, "a": "a\u2026a", "verdict": null}'
    assert line_shape(b"x" * 100_000) == "a"
    assert len(line_shape(b"{" * 100_000)) == 200


@given(st.binary(max_size=300))
def test_no_word_of_a_line_stands_in_its_shape(raw: bytes) -> None:
    shape = line_shape(b"\xff {" + raw + b' "Xq7" }')
    assert "Xq7" not in shape
    assert redact(shape) == shape


def test_a_reason_names_a_field_that_somebody_misspelt(tmp_path: Path) -> None:
    landed(write(tmp_path / "log.jsonl", event(0, exit_code=1), event(1, rating="9")), tmp_path / "lake")
    assert stored.quarantine(tmp_path / "lake")["reason"].tolist() == [
        "Object contains unknown field `exit_code`",
        "Object contains unknown field `rating`",
    ]


def test_no_type_of_a_record_that_is_a_secret_is_counted_by_its_name(tmp_path: Path) -> None:
    lines = [{"type": kind, "sessionId": "s", "uuid": kind} for kind in ("progress", f"{SECRET}9", "ghp_" + "a1B2" * 9)]
    write(tmp_path / "log.jsonl", *(dict(line, timestamp="2026-01-05T09:00:00Z") for line in lines))

    report = landed(tmp_path / "log.jsonl", tmp_path / "lake", format="claude-code")

    assert report.skipped == {"progress": 1, "other": 2}


def test_names_of_files_and_folders_with_secrets_stand_nowhere_in_the_lake(tmp_path: Path) -> None:
    token = "ghp_" + "a1B2" * 9
    folder = tmp_path / f"backup-password={SECRET}" / token
    write(folder / "log.jsonl", event(0), b"broken")

    report = landed(folder, tmp_path / "lake")

    assert (report.files, report.quarantined.total()) == (1, 1)
    for private in (token, SECRET):
        assert held_by(tmp_path / "lake", private) == []
        assert private not in rows_of(tmp_path / "lake") + json.dumps(report.metadata())
    again = landed(folder, tmp_path / "lake")
    assert (again.files, again.already_landed) == (0, 1)


def test_the_register_names_no_file(tmp_path: Path) -> None:
    landed(write(tmp_path / "ada-lovelace" / "diary.jsonl", event(0)), tmp_path / "lake")
    register = (tmp_path / "lake" / "landed" / "read_files.json").read_text()
    assert "diary" not in register
    assert "lovelace" not in register
