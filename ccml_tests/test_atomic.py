"""What is written beside its place: whole or not there, and gone once its writer is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ccml import atomic

DIES = """
import os, signal, sys
from pathlib import Path
from ccml import atomic

with atomic.beside(Path(sys.argv[1]), folder=sys.argv[2] == "folder") as made:
    if made.is_dir():
        (made / "part.json").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def killed_writer(path: Path, kind: str) -> None:
    assert subprocess.run([sys.executable, "-c", DIES, str(path), kind]).returncode == -9


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_process_wrote_beside_is_removed_and_its_neighbours_stay(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "lake" / "all.parquet"
    atomic.write_bytes(path, b"old")
    killed_writer(path, kind)
    assert len(list(path.parent.iterdir())) == 2
    atomic.remove_unfinished(tmp_path, but=tmp_path / "landing")
    assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("folder", [False, True])
def test_what_a_living_process_writes_beside_is_left_alone(tmp_path: Path, folder: bool) -> None:
    with atomic.beside(tmp_path / "new", folder=folder) as made:
        atomic.remove_unfinished(tmp_path, but=tmp_path / "landing")
        made.rename(tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_what_others_write_is_left_alone(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    killed_writer(landing / "log.jsonl", "file")
    (tmp_path / ".note.tmp").write_text("a person's")
    atomic.remove_unfinished(tmp_path, but=landing)
    assert len(list(landing.iterdir())) == 1
    assert (tmp_path / ".note.tmp").exists()


def test_a_block_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), atomic.beside(tmp_path / "new") as made:
        made.write_bytes(b"%d" % (1 // 0))
    assert list(tmp_path.iterdir()) == []
