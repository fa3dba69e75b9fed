"""Files that appear whole or not at all: written beside, synced, renamed.

Written in place, a file that is being replaced when the process dies is lost in its old and its new form. What a killed
process had written beside is removed by the next command: it can hold what a person has since asked to have erased.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_UNFINISHED = re.compile(r"\..+\.[0-9a-f]{8}\.tmp", re.DOTALL)


def write_bytes(path: Path, data: bytes) -> None:
    """Replaces `path` with `data`, making its folder if needed. A reader sees the old bytes or the new ones."""
    with beside(path) as written:
        with written.open("r+b") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        written.replace(path)
    sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode("utf-8"))


@contextmanager
def beside(path: Path, *, folder: bool = False) -> Iterator[Path]:
    """An empty file, or folder, on the disk of `path`, for the block to fill and rename; what it leaves is removed.

    It is locked meanwhile. The kernel frees the lock of a process that was killed: `remove_unfinished` knows by it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        made = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
        if folder:
            made.mkdir()
        else:
            made.touch(0o600, exist_ok=False)
        with suppress(FileNotFoundError):  # another command took it for an orphan's before the lock was ours
            descriptor = os.open(made, os.O_RDONLY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if made.exists():
                break
            os.close(descriptor)
    try:
        yield made
    finally:
        _remove(made)
        os.close(descriptor)


def remove_unfinished(root: Path, *, but: Path) -> None:
    """Removes what was written beside its place by processes that were killed, anywhere below the folder.

    Args:
        but: a folder that others write to; what is unfinished there is theirs.
    """
    for folder, folders, files in os.walk(root):
        for name in filter(_UNFINISHED.fullmatch, (*folders, *files)):
            with suppress(OSError):  # renamed by now, or its writer is alive; what stays is tried again
                descriptor = os.open(Path(folder, name), os.O_RDONLY)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    _remove(Path(folder, name))
                finally:
                    os.close(descriptor)
        folders[:] = [name for name in folders if not _UNFINISHED.fullmatch(name) and Path(folder, name) != but]


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)  # the next command may be removing it, too
    else:
        path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Makes a rename in `folder` survive a power cut; without it the name may be lost though the bytes are not."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
