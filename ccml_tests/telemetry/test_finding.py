"""What a landing remembers of the files it has read."""

from __future__ import annotations

import logging
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccml.errors import InputError
from ccml.home import Home
from ccml.privacy.pseudonyms import Pseudonyms
from ccml.telemetry.finding import files_to_read, find_files
from ccml.telemetry.landing import LandingReport, land
from ccml.telemetry.sources import Source, all_sources, name_source, named_sources
from ccml_simulator.simulate import encode_event
from ccml_tests.assets.evening import EVENTS
from ccml_tests.telemetry.stored import files, quarantine


def landed(home: Home) -> LandingReport:
    return land(all_sources(home), home.lake, Pseudonyms(b"k" * 32), now=datetime.now(UTC))


def home_with_logs(folder: Path) -> tuple[Home, Path]:
    """A home whose landing zone holds one log, and a log outside of it; each has one broken line."""
    home, outside = Home(folder / "home"), folder / "outside.jsonl"
    home.landing.mkdir(parents=True)
    (home.landing / "day.jsonl").write_bytes(b"".join(encode_event(event) + b"\n" for event in EVENTS) + b"{half\n")
    outside.write_bytes(encode_event(EVENTS[0]) + b"\n{other half\n")
    name_source(home, outside, "native")
    landed(home)
    return home, outside


def test_a_moved_home_has_read_its_files_and_those_outside(tmp_path: Path) -> None:
    home, outside = home_with_logs(tmp_path)
    moved = Home(home.root.rename(tmp_path / "moved home"))
    assert files_to_read(all_sources(moved), moved.lake, datetime.now(UTC)) == {}
    with outside.open("ab") as stream:
        stream.write(b"\n")
    (moved.landing / "next.jsonl").touch()
    waiting = files_to_read(all_sources(moved), moved.lake, datetime.now(UTC))
    assert set(waiting) == {str(outside), str(moved.landing / "next.jsonl")}


def test_a_file_of_the_home_is_kept_by_its_path_within_it(tmp_path: Path) -> None:
    home, outside = home_with_logs(tmp_path)
    assert set(files(home.lake)["path"]) == {"landing/day.jsonl", str(outside)}
    assert set(quarantine(home.lake)["path"]) == {"landing/day.jsonl", str(outside)}


def test_a_home_reached_through_a_link_is_the_same_home(tmp_path: Path) -> None:
    home, _ = home_with_logs(tmp_path)
    (tmp_path / "link").symlink_to(home.root)
    linked = Home(tmp_path / "link")
    assert files_to_read(all_sources(linked), linked.lake, datetime.now(UTC)) == {}


def test_a_copied_home_opens_its_files_once_more_and_lands_nothing(tmp_path: Path) -> None:
    home, _ = home_with_logs(tmp_path)
    copied = Home(tmp_path / "copy")
    shutil.copytree(home.root, copied.root)
    report = landed(copied)
    assert (report.files, report.already_landed) == (0, 2)
    assert files_to_read(all_sources(copied), copied.lake, datetime.now(UTC)) == {}


def write(path: Path, events: int = len(EVENTS)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(encode_event(event) + b"\n" for event in EVENTS[:events]))
    return path


def not_utf8(folder: Path) -> Path:
    write(folder / "day.jsonl").rename(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.jsonl"))
    return folder


def without_logs(home: Home, folder: Path) -> None:
    """A folder that was named when it held a log, and holds only a text now."""
    log = write(folder / "day.jsonl")
    name_source(home, folder, "auto")
    log.unlink()
    (folder / "README").write_text("See the wiki.")


def unreadable(path: Path) -> None:
    path.symlink_to("/proc/self/mem")  # reading it fails for everybody, also for root


BAD = {
    "a stray text": lambda home, _: (home.landing / "notes.txt").write_text("roses are red"),
    "an unreadable file": lambda home, _: unreadable(home.landing / "memory.jsonl"),
    "a folder without logs": lambda home, beside: without_logs(home, beside / "was logs"),
    "a name that is not UTF-8": lambda home, _: not_utf8(home.landing / "strange"),
}


@pytest.mark.parametrize("bad", BAD)
def test_one_bad_thing_never_stops_the_rest(home: Home, tmp_path: Path, bad: str) -> None:
    home.landing.mkdir(parents=True)
    BAD[bad](home, tmp_path)
    write(home.landing / "good" / "log.jsonl")
    assert landed(home).landed.total() == len(EVENTS)
    write(home.landing / "later.jsonl", events=1)
    landed(home)
    assert str(home.landing / "later.jsonl") not in files_to_read(all_sources(home), home.lake, datetime.now(UTC))


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ("a stray text", "notes.txt"),
        ("an unreadable file", "/mem cannot be read: "),
        ("a folder without logs", "was logs"),
    ],
)
def test_what_is_set_aside_is_named(home: Home, tmp_path: Path, bad: str, named: str) -> None:
    write(home.landing / "log.jsonl")
    BAD[bad](home, tmp_path)
    assert any(named in sentence for sentence in landed(home).set_aside)


def test_a_landing_zone_that_holds_a_text_alone_is_no_failure(home: Home) -> None:
    home.landing.mkdir(parents=True)
    (home.landing / "notes.txt").write_text("roses are red")
    assert landed(home).files == 0
    assert files_to_read(all_sources(home), home.lake, datetime.now(UTC)) == {}


def test_a_file_whose_name_is_not_utf8_lands_once_and_can_be_named(home: Home, tmp_path: Path) -> None:
    (log,) = not_utf8(tmp_path / "strange").iterdir()
    name_source(home, log, "auto")
    assert [source.path for source in named_sources(home)] == [str(log)]
    assert landed(home).landed.total() == len(EVENTS)
    assert files_to_read(all_sources(home), home.lake, datetime.now(UTC)) == {}


@pytest.mark.parametrize("wrong", ["bash-history", "claude-code"])
def test_a_format_that_the_content_contradicts_is_refused(tmp_path: Path, wrong: str) -> None:
    log = write(tmp_path / "day.jsonl")
    with pytest.raises(InputError, match=f"no {wrong} log: its content is native"):
        find_files([Source(str(log), wrong)])


@pytest.mark.parametrize("name", ["sources.json", "lake/landed/read_files.json"])
def test_a_damaged_list_is_set_aside_with_a_warning_that_names_it(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    home, _ = home_with_logs(tmp_path)
    (home.root / name).write_text("{half")
    write(home.landing / "next.jsonl", events=1)
    with caplog.at_level(logging.WARNING, "ccml"):
        landed(home)
    assert [str(home.root / name) in record.getMessage() for record in caplog.records] == [True]
    assert (home.root / f"{name}.damaged").read_text() == "{half"
    assert len(files(home.lake)) == 3
    assert files_to_read(all_sources(home), home.lake, datetime.now(UTC)) == {}


def test_sources_that_are_named_at_once_are_all_remembered(home: Home, tmp_path: Path) -> None:
    logs = [write(tmp_path / f"{number}.jsonl") for number in range(40)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda log: name_source(home, log, "native"), logs))
    assert {source.path for source in named_sources(home)} == {str(log) for log in logs}
