"""What a landing remembers of the files it has read."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from ccml.home import Home
from ccml.privacy.pseudonyms import Pseudonyms
from ccml.telemetry.finding import files_to_read
from ccml.telemetry.landing import LandingReport, land
from ccml.telemetry.sources import all_sources, name_source
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
    assert files_to_read(all_sources(moved), moved.lake) == {}
    with outside.open("ab") as stream:
        stream.write(b"\n")
    (moved.landing / "next.jsonl").touch()
    waiting = files_to_read(all_sources(moved), moved.lake)
    assert set(waiting) == {str(outside), str(moved.landing / "next.jsonl")}


def test_a_file_of_the_home_is_kept_by_its_path_within_it(tmp_path: Path) -> None:
    home, outside = home_with_logs(tmp_path)
    assert set(files(home.lake)["path"]) == {"landing/day.jsonl", str(outside)}
    assert set(quarantine(home.lake)["path"]) == {"landing/day.jsonl", str(outside)}


def test_a_home_reached_through_a_link_is_the_same_home(tmp_path: Path) -> None:
    home, _ = home_with_logs(tmp_path)
    (tmp_path / "link").symlink_to(home.root)
    linked = Home(tmp_path / "link")
    assert files_to_read(all_sources(linked), linked.lake) == {}


def test_a_copied_home_opens_its_files_once_more_and_lands_nothing(tmp_path: Path) -> None:
    home, _ = home_with_logs(tmp_path)
    copied = Home(tmp_path / "copy")
    shutil.copytree(home.root, copied.root)
    report = landed(copied)
    assert (report.files, report.already_landed) == (0, 2)
    assert files_to_read(all_sources(copied), copied.lake) == {}
