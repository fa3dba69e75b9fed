"""Corrupt lines, and files that come in pieces or again: what lands of each."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from ccml.telemetry import landing
from ccml.telemetry.decode import MAX_LINE_BYTES
from ccml.telemetry.events import KINDS
from ccml_tests.telemetry import stored
from ccml_tests.telemetry.test_landing import event, landed, write

Record: TypeAlias = Callable[[str, object], None]
TAGS = {table: str(kind.__struct_config__.tag) for table, kind in KINDS.items()}


def accepted(small: int, full: int, row: pytest.MarkDecorator) -> pytest.MarkDecorator:
    """The test at a small size, and at the full one as a row of docs/reliability.md."""
    return pytest.mark.parametrize("size", [small, pytest.param(full, marks=[pytest.mark.slow, row])])


def good(number: int) -> bytes:
    return json.dumps(event(number, [*TAGS.values()][number % len(TAGS)])).encode()


def odd(number: int, **fields: Any) -> bytes:
    return json.dumps(event(number, **fields)).encode()


CORRUPT: dict[str, tuple[Callable[[int], bytes], str]] = {
    "no JSON": (lambda n: b"line %d" % n, "not_json"),
    "a list": (lambda n: b"[%s]" % good(n), "not_json"),
    "broken JSON": (lambda n: good(n).replace(b":", b"", 1), "bad_json"),
    "a line cut short": (lambda n: good(n)[:-20], "bad_json"),
    "two objects": (lambda n: good(n) + good(n + 1), "bad_json"),
    "not a number": (lambda n: odd(n, confidence=float("nan")), "bad_json"),
    "half a surrogate": (lambda n: odd(n, request="\ud800"), "bad_json"),
    "bad UTF-8": (lambda n: odd(n, request="?").replace(b"?", b"\xe9"), "bad_encoding"),
    "a NUL byte": (lambda n: odd(n, request="?").replace(b"?", b"\0"), "nul_byte"),
    "an escaped NUL byte": (lambda n: odd(n, request="a\0b"), "nul_byte"),
    "UTF-16": (lambda n: good(n).decode().encode("utf-16-le"), "nul_byte"),
    "256 KiB and a byte": (lambda n: good(n).ljust(MAX_LINE_BYTES + 1), "too_long"),
    "a depth of 1,000": (lambda n: b'{"a":' * 1_000 + b"%d" % n + b"}" * 1_000, "too_deep"),
    "an unknown kind": (lambda n: odd(n, kind="mood"), "unknown_kind"),
    "a missing field": (lambda n: good(n).replace(b'"session_id"', b'"source"'), "missing_field"),
    "an unknown field": (lambda n: odd(n, colour="red"), "unknown_field"),
    "a wrong type": (lambda n: odd(n, request=7), "wrong_type"),
    "an unknown choice": (lambda n: odd(n, action="fly"), "bad_value"),
    "a number out of bounds": (lambda n: odd(n, confidence=2), "bad_value"),
    "a huge number": (lambda n: odd(n, kind="execution", interaction_id="i", output_bytes=10**30), "bad_value"),
    "a time without an offset": (lambda n: odd(n, time="2026-01-01T09:00:00"), "bad_value"),
    "a time to come": (lambda n: odd(n, time="2026-06-03T00:00:00Z"), "future_time"),
    "a time before all": (lambda n: odd(n, time="1999-01-01T00:00:00Z"), "too_old"),
}
GOOD_LINES = 12


def corrupt_file(number: int) -> tuple[list[bytes], dict[int, str], bool]:
    """Lines, reason code of each line that is corrupt, and whether the last line has no line end.

    Each kind stands at each place of some file, in half of the files with another one that is drawn. Every file has a
    blank line too: with a line of two objects it has as many objects as lines.
    """
    draw = random.Random(number)
    first = number * 100
    lines: list[tuple[bytes, str | None]] = [(good(first + each), None) for each in range(GOOD_LINES)]
    names = [*CORRUPT]
    drawn, own = draw.choice(names), names[number % len(names)]
    corrupt = [(drawn, draw.randint(0, GOOD_LINES))] if draw.random() < 0.5 else []
    for name, place in (*corrupt, (own, number // len(names) % (GOOD_LINES + 1))):
        made, code = CORRUPT[name]
        lines.insert(place, (made(first + 50 + len(lines)), code))
    lines.insert(draw.randint(0, len(lines)), (b"", "blank"))
    if cut := number % 3 == 0:
        lines.append((good(first + 99)[:-9], "truncated"))
    return [line for line, _ in lines], {at: code for at, (_, code) in enumerate(lines, 1) if code}, cut


@accepted(
    len(CORRUPT) * (GOOD_LINES + 1),
    7 * len(CORRUPT) * (GOOD_LINES + 1),
    pytest.mark.acceptance(
        "A corrupt line is refused with its file, line and reason, and every other line lands",
        fault=f"{len(CORRUPT) + 1} kinds of corrupt lines at each place of a file, others beside them",
    ),
)
def test_a_corrupt_line_is_refused_and_every_other_line_lands(
    tmp_path: Path, size: int, record_property: Record
) -> None:
    refused: dict[tuple[str, int], tuple[str, str]] = {}
    lands: dict[tuple[str, int], str] = {}
    blank = 0
    for number in range(size):
        lines, codes, cut = corrupt_file(number)
        path = write(tmp_path / "logs" / f"{number:05}.jsonl", *lines, end=b"" if cut else b"\n")
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        for at, line in enumerate(lines, 1):
            if codes.get(at) == "blank":
                blank += 1
            elif at in codes:
                refused[f"logs/{path.name}", at] = (codes[at], hashlib.sha256(line).hexdigest())
            else:
                lands[sha256, at] = json.loads(line)["event_id"]

    report = landed(tmp_path / "logs", lake := tmp_path / "lake")

    rows = stored.quarantine(lake)
    columns = [rows[name] for name in ("path", "line", "reason_code", "line_sha256")]
    found = {(path, line): (code, sha256) for path, line, code, sha256 in zip(*columns, strict=True)}
    assert len(rows) == len(found)
    wrong = {place for place in refused.keys() | found.keys() if refused.get(place) != found.get(place)}
    assert [(place, refused.get(place), found.get(place)) for place in sorted(wrong)[:5]] == []
    assert rows["reason"].str.len().min() > 0
    tables = [stored.arrow(lake, kind, ["file", "line", "event_id"]).to_pylist() for kind in KINDS]
    events = {(row["file"], row["line"]): row["event_id"] for rows in tables for row in rows}
    assert sum(map(len, tables)) == len(events)
    assert events == lands
    assert (report.files, report.blank, report.duplicates) == (size, blank, 0)
    assert (report.landed_lines, report.quarantined.total()) == (len(lands), len(refused))
    assert report.lines == len(lands) + len(refused) + blank
    record_property("size", f"{len(refused):,} of {report.lines:,} lines in {size:,} files")
    record_property("refused otherwise", len(wrong))
    record_property("other lines that did not land", len(lands.keys() - events.keys()))


EVENTS_OF_A_FILE = 10


def whole_files(size: int) -> list[list[bytes]]:
    return [[good(number * EVENTS_OF_A_FILE + each) for each in range(EVENTS_OF_A_FILE)] for number in range(size)]


def everything(lake: Path) -> dict[str, list[dict[str, Any]]]:
    return {kind: stored.arrow(lake, kind).sort_by("event_id").to_pylist() for kind in KINDS}


@accepted(
    20,
    1_000,
    pytest.mark.acceptance(
        "A file lands once, when it is whole, and what came before changes nothing",
        fault="files in pieces, files that grow while they are read; each again ten times, renamed, half re-ordered; "
        "then with other contents under its events' ids",
    ),
)
def test_a_file_lands_once_when_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, record_property: Record
) -> None:
    logs, lake = tmp_path / "logs", tmp_path / "lake"
    files = whole_files(size)
    early = 0
    for lines in (3, 7, EVENTS_OF_A_FILE):  # the writer has not given them their names
        for number, file in enumerate(files):
            write(logs / f"{number}.jsonl.tmp", *file[:lines])
        early += landed(logs, lake, "auto").files
    for number in range(size):
        (logs / f"{number}.jsonl.tmp").rename(logs / f"{number}.jsonl")
    fingerprint, more = landing._fingerprint, itertools.count(size * EVENTS_OF_A_FILE)

    def grows(path: Path) -> tuple[str, int]:
        found = fingerprint(path)
        with path.open("ab") as stream:
            stream.write(good(next(more)) + b"\n")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(landing, "_fingerprint", grows)
        growing = landed(logs, lake, "auto")
    assert growing.changing == size
    early += growing.files
    assert early == 0

    whole = landed(logs, lake, "auto")
    lines = size * (EVENTS_OF_A_FILE + 1)
    assert (whole.files, whole.landed.total(), whole.quarantined) == (size, lines, {})
    landed_first = everything(lake)
    new = 0
    for round_ in range(10):
        for number, path in enumerate(sorted(logs.iterdir())):
            content = path.read_bytes().splitlines()
            path.unlink()
            if round_ % 2:
                random.Random(round_ * size + number).shuffle(content)
            write(logs / f"{round_}-{number:05}.jsonl", *content)
        again = landed(logs, lake, "auto")
        new += again.landed.total()
        assert (again.days, again.quarantined) == ([], {})
        assert (again.already_landed, again.duplicates) == ((0, lines) if round_ % 2 else (size, 0))
    assert new == 0

    for path in logs.iterdir():
        path.write_bytes(path.read_bytes().replace(b'"s-1"', b'"s-2"'))
    other = landed(logs, lake, "auto")
    assert other.quarantined == {"conflicting_duplicate": lines}
    assert other.landed == {}
    assert everything(lake) == landed_first
    record_property("size", f"{size:,} files, {lines:,} events")
    record_property("landed before they were whole", early)
    record_property("new rows of what came again", new)
    record_property("other contents refused", f"{other.quarantined.total():,}")
