"""Which files has no landing looked at as they stand now? Told by path, size and time of change, without reading them:
the question is asked at every tick of a sensor.

Content decides what lands (`ccml.telemetry.landing`); this only decides whether to look.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from ccml import atomic
from ccml.telemetry.readers import find_files
from ccml.telemetry.sources import Source

Snapshot: TypeAlias = dict[str, tuple[int, int]]
"""Path → size in bytes and time of change in nanoseconds."""


def snapshot(sources: Sequence[Source]) -> Snapshot:
    """
    Raises:
        InputError: a path or a format that cannot be read.
    """
    files: Snapshot = {}
    for file in find_files(sources):
        try:
            status = file.path.stat()
        except FileNotFoundError:  # rotated away since the folder was listed
            continue
        files[str(file.path.resolve())] = (status.st_size, status.st_mtime_ns)
    return files


def unread(sources: Sequence[Source], lake: Path) -> Snapshot:
    """Files that are new or have changed since `remember` was last told of them."""
    read = _read(lake)
    return {path: written for path, written in snapshot(sources).items() if read.get(path) != written}


def remember(files: Snapshot, lake: Path) -> None:
    """To be called after a landing with the snapshot taken before it: what changed meanwhile stays unread."""
    atomic.write_bytes(_register(lake), msgspec.json.encode(files))


def _read(lake: Path) -> Snapshot:
    register = _register(lake)
    return msgspec.json.decode(register.read_bytes(), type=Snapshot) if register.exists() else {}


def _register(lake: Path) -> Path:
    return lake / "landed" / "read_files.json"
