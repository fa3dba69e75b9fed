"""A tick and a landing cost what is new: files that have landed and stand as they were are not opened again."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ccml.home import Home
from ccml_assets.landing import files_waiting
from ccml_tests.assets import evening
from ccml_tests.assets.platform import Platform
from ccml_tests.telemetry import stored

LANDED = 300

_watched: list[tuple[str, list[str]]] = []


def _note_opened(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str):
        for folder, opened in _watched:
            if arguments[0].startswith(folder):
                opened.append(Path(arguments[0]).name)


sys.addaudithook(_note_opened)


@contextmanager
def files_opened(folder: Path) -> Iterator[list[str]]:
    """Names of the files below `folder` that this process opens inside the block."""
    opened: list[str] = []
    _watched.append((f"{folder}/", opened))
    try:
        yield opened
    finally:
        _watched.remove((f"{folder}/", opened))


def digest(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    platform = Platform(Home(tmp_path_factory.mktemp("home")))
    platform.put("evening.jsonl", evening.EVENTS)
    for number in range(LANDED - 1):
        (platform.home.landing / f"{number}.jsonl").write_text(f"broken {number}\n")
    assert platform.run("ingest").success
    assert len(stored.files(platform.home.lake)) == LANDED
    return platform


def test_a_tick_with_nothing_new_opens_no_landed_file(landed: Platform) -> None:
    with files_opened(landed.home.landing) as opened:
        assert files_waiting(landed.home) == {}
    assert opened == []


def test_a_landing_opens_the_one_new_file_and_no_other(landed: Platform) -> None:
    (landed.home.landing / "new.jsonl").write_text("broken anew\n")
    with files_opened(landed.home.landing) as opened:
        assert [Path(path).name for path in files_waiting(landed.home)] == ["new.jsonl"]
        assert landed.run("ingest").success
    assert set(opened) == {"new.jsonl"}
    assert digest("broken anew") in stored.quarantine(landed.home.lake)["line_sha256"].tolist()


def test_a_file_that_fits_no_format_is_opened_once(landed: Platform) -> None:
    (landed.home.landing / "poem.txt").write_text("roses are red\n")
    assert landed.run("ingest").success
    with files_opened(landed.home.landing) as opened:
        assert files_waiting(landed.home) == {}
        assert landed.run("ingest").success
    assert opened == []


@pytest.mark.parametrize("how", ["it grew", "it was replaced", "it was rewritten in place"])
def test_a_file_that_changed_is_read_again(landed: Platform, how: str) -> None:
    path = landed.home.landing / f"{how}.jsonl"
    path.write_text(f"{how}: old\n")
    assert landed.run("ingest").success
    if how == "it grew":
        path.write_text(f"{how}: old\n{how}: new\n")
    elif how == "it was replaced":
        before = path.stat()
        beside = path.with_suffix(".tmp")
        beside.write_text(f"{how}: new\n")
        os.utime(beside, ns=(before.st_atime_ns, before.st_mtime_ns))  # a copy that keeps the time, and is as long
        beside.replace(path)
    else:
        path.write_text(f"{how}: new\n")

    with files_opened(landed.home.landing) as opened:
        assert len(files_waiting(landed.home)) == 1
        assert landed.run("ingest").success

    assert set(opened) == {path.name}
    assert digest(f"{how}: new") in stored.quarantine(landed.home.lake)["line_sha256"].tolist()


def test_without_the_register_every_file_is_opened_and_nothing_lands_twice(landed: Platform) -> None:
    rows = len(stored.rows(landed.home.lake, "interactions")), len(stored.quarantine(landed.home.lake))
    (landed.home.lake / "landed" / "read_files.json").unlink()

    with files_opened(landed.home.landing) as opened:
        assert landed.run("ingest").success

    assert len(set(opened)) >= LANDED
    assert (len(stored.rows(landed.home.lake, "interactions")), len(stored.quarantine(landed.home.lake))) == rows
