"""A disk that fills up while a command writes: said in one sentence, and the next command is right."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccml.home import Home
from ccml.telemetry.totals import landed_totals
from ccml_tests.assets.platform import Platform
from ccml_tests.cli.conftest import Call
from ccml_tests.telemetry.test_landing import event, write

EVENTS = 20_000


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MB."""
    disk = tmp_path / "ccml"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a disk takes an administrator")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path, left: int) -> Path:
    filler = disk / "filler"
    with filler.open("wb") as stream:
        stream.write(b"0" * (_free(disk) - left))
    return filler


def _free(disk: Path) -> int:
    import shutil

    return shutil.disk_usage(disk).free


@pytest.mark.parametrize("left", [300_000, *(pytest.param(one, marks=pytest.mark.slow) for one in (0, 600_000))])
def test_a_landing_on_a_full_disk_names_it_and_the_next_one_is_right(
    ccml_process: Call, small: Path, tmp_path: Path, left: int
) -> None:
    assert ccml_process("ingest", write(tmp_path / "first.jsonl", event(0))).code == 0
    filler = fill(small, left)
    log = write(tmp_path / "log.jsonl", *map(event, range(1, EVENTS)))

    full = ccml_process("ingest", log)

    assert full.code == 1
    assert full.err.splitlines()[-1].startswith("ccml: ")
    assert f"the disk that holds {small} is full. Free space there, or move the folder" in full.err.splitlines()[-1]
    assert "stack backtrace" not in full.err
    filler.unlink()
    assert ccml_process("ingest", log).code == 0
    assert landed_totals(small / "lake")["landed"] == {"interactions": EVENTS}


@pytest.mark.slow
@pytest.mark.parametrize("left", [1_200_000, 2_400_000])
def test_a_run_whose_steps_fill_the_disk_names_it_and_the_steps_do_their_work_once_there_is_space(
    ccml_process: Call, home: Home, small: Path, tmp_path: Path, left: int
) -> None:
    events = (event(number, request=f"show {number}", command=f"cat file-{number}") for number in range(EVENTS))
    assert ccml_process("ingest", write(tmp_path / "log.jsonl", *events)).code == 0
    fill(small, left)

    full = ccml_process("run")

    assert full.code == 1
    assert "raw/errors" in full.out, "steps were at work"
    assert f"the disk that holds {small} is full. Free space there, or move the folder" in full.err.splitlines()[-1]
    assert "stack backtrace" not in full.err
    assert [*small.rglob(".*.tmp")] == []
    subprocess.run(["mount", "-o", "remount,size=256m", str(small)], check=True)
    platform = Platform(home)
    assert platform.run("ingest").success
    days = platform.pending()
    assert platform.run("prepare", days=(days[0], days[-1])).success
    assert len(platform.table("clean", "interactions")) == EVENTS
