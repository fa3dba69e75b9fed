"""Sets aside what is damaged of the landed tables, and has the logs that are still there read again.

A commit of the log or a file of rows that cannot be read is moved to `<lake>/landed/damaged/`; a table of which the log
cannot be read without it is moved there as a whole. Nothing is removed. Then every file that landings have read counts
as due to be read again: what the tables still have of it is replaced by the same rows, and what they have lost comes
back. Only the lost rows of logs that are gone by now stay lost.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ccml.stored import warn
from ccml.telemetry.events import KINDS
from ccml.telemetry.finding import ReadFiles, files_read, write_register
from ccml.telemetry.lake import FILES, QUARANTINE, DamagedTableError, create_table, open_landed, open_table

TABLES = (FILES, *KINDS, QUARANTINE)


def mend_quickly(lake: Path) -> list[Path]:
    """Looks at the logs of all tables, and at the footers of two whose rows a landing and a run do not all read.

    Returns:
        What was set aside.
    """
    set_aside = [piece for name in TABLES for piece in _mend_log(lake, name)]
    return _finish(
        lake, set_aside + [piece for name in (FILES, QUARANTINE) for piece in _mend_rows(lake, name, whole=False)]
    )


def mend(lake: Path) -> list[Path]:
    """Reads every row of every table."""
    set_aside = [piece for name in TABLES for piece in (*_mend_log(lake, name), *_mend_rows(lake, name, whole=True))]
    return _finish(lake, set_aside)


def remove_set_aside(lake: Path) -> None:
    """It cannot be read, so nobody can say whose rows are in it."""
    shutil.rmtree(_damaged(lake), ignore_errors=True)


def _damaged(lake: Path) -> Path:
    return lake / "landed" / "damaged"


def _finish(lake: Path, set_aside: list[Path]) -> list[Path]:
    if set_aside:
        known = files_read(lake)
        write_register(lake, known.to_be_read_again(files=_files_of(known)))
    return set_aside


def _mend_log(lake: Path, name: str) -> Iterator[Path]:
    folder = lake / "landed" / name
    log = folder / "_delta_log"
    pieces = sorted(log.iterdir()) if log.is_dir() else []
    # A newest commit that is empty, as a power cut leaves it, is read as if it had never been: its rows are gone.
    damaged = [path for path in pieces if not path.is_file() or not path.stat().st_size]
    for path in damaged:
        yield _set_aside(lake, path)
    if _opens(lake, name):
        return
    for path in pieces:
        if path not in damaged and not _is_readable(path):
            yield _set_aside(lake, path)
    if not _opens(lake, name):
        yield _set_aside(lake, folder)
        create_table(lake, name)


def _mend_rows(lake: Path, name: str, *, whole: bool) -> Iterator[Path]:
    import pyarrow as pa

    table = open_table(lake, name)
    if table is None:
        return
    paths = [
        lake / "landed" / name / path for path in pa.table(table.get_add_actions(flatten=True))["path"].to_pylist()
    ]
    damaged = [path for path in paths if not _is_readable(path, whole=whole)]
    for path in damaged:
        yield _set_aside(lake, path)
    if damaged:
        table.repair()


def _opens(lake: Path, name: str) -> bool:
    """Is the table there and can its log be read, or has nothing landed in it?"""
    try:
        if name == FILES:
            return open_table(lake, name) is not None or not any(_files_of(files_read(lake)))
        open_landed(lake, name)
    except DamagedTableError as error:
        return error.path.name != name  # without the landed files nothing is known of it
    return True


def _files_of(known: ReadFiles) -> set[str]:
    """sha256 of the files that have landed, by the register."""
    return {state.file for state in known.by_digest.values() if state.file is not None}


def _is_readable(path: Path, *, whole: bool = True) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():  # Arrow reads a folder in place of a file as a table without rows
        return False
    try:
        if path.suffix == ".parquet":
            pq.read_table(path, partitioning=None) if whole else pq.read_metadata(path)
        elif path.suffix == ".json" or path.name == "_last_checkpoint":
            lines = path.read_bytes().splitlines()
            return bool(lines) and all(isinstance(msgspec.json.decode(line), dict) for line in lines)
    except (OSError, pa.ArrowException, msgspec.DecodeError):
        return False
    return True


def _set_aside(lake: Path, path: Path) -> Path:
    landed, reads = lake / "landed", "the logs that are still there are read again"
    if not path.exists():
        warn(path, "it is gone", reads)
        return path
    kept = _damaged(lake) / f"{uuid.uuid4().hex[:8]}-{'-'.join(path.relative_to(landed).parts)}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    path.rename(kept)
    warn(path, "it cannot be read", f"It is set aside as {kept.relative_to(lake.parent)}; {reads}")
    return path
