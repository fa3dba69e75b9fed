"""Files that were read, written into the lake together: many small ones then need few commits."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from ccml.telemetry.attempts import Attempt, Attempts, note_attempts
from ccml.telemetry.events import KINDS
from ccml.telemetry.finding import FileState, ReadFiles, is_due, write_register
from ccml.telemetry.lake import (
    FILES,
    QUARANTINE,
    open_table,
    rows_of_files,
    write_once,
)
from ccml.telemetry.landed_file import LandedFile
from ccml.telemetry.repeats import compare

_BETWEEN_READINGS = timedelta(hours=1)
"""A file that was read again and still has lines in the future waits at least so long: a log of a machine whose clock
is ahead would else be read as a whole for each line that comes."""


class _Landed(NamedTuple):
    """What the file's own row says."""

    format: str
    again_at: datetime | None
    kept_others_out: bool
    """Lines of it did not land because an event of another file has the same id."""


class Batch:
    """Takes files until `commit` writes them; a file that is in it or has landed is not to be read."""

    def __init__(self, lake: Path, known: ReadFiles) -> None:
        self._lake = lake
        self._known = known
        self._files: dict[str, LandedFile] = {}
        self.rows = 0
        """Events that wait."""
        self.bytes = 0
        self._tried: dict[str, Attempt] = {}
        self._attempts = Attempts(lake, open_table(lake, FILES))
        self._done: set[str] = set()
        self.displaced: set[str] = set()
        """Files to be read once more, because events that kept theirs from landing are gone."""

    def has(self, file: str, state: FileState, earlier: FileState | None, now: datetime) -> bool:
        """Has all of the file with this sha256 landed, as it is to be read now?"""
        if file in self._files or file in self._done:
            return True
        if not self._attempts.landed(file) or self._attempts.is_unfinished(file):
            return False
        asked_for = earlier is not None and earlier.file in (None, file) and is_due(earlier, now)
        return not asked_for and (file not in self._landed or self._landed[file].format == state.format)

    def as_landed(self, file: str, state: FileState) -> FileState:
        """What the register holds of a file that had landed before."""
        landed = self._landed.get(file)
        return _read(file, state, landed.again_at if landed else None)

    def add(self, file: LandedFile, state: FileState, now: datetime) -> FileState:
        """Returns what the register holds of the file."""
        sha256 = file.report.sha256
        self._files[sha256] = file
        self.rows += len(file.events)
        self.bytes += file.bytes
        self._tried[sha256] = self._attempts.next(sha256, file.log.format)
        if self._tried[sha256].generation > 1 and file.again_at is not None:
            file.again_at = max(file.again_at, now + _BETWEEN_READINGS)
        return _read(sha256, state, file.again_at)

    def commit(self, now: datetime) -> list[tuple[LandedFile, Attempt]]:
        """Writes events, then refused lines, then the files' own rows; gives the files back, and takes new ones."""
        files, tried = self._files, self._tried
        if not files:
            return []
        self._compare()
        self._displace()
        note_attempts(self._lake, tried)
        for kind in KINDS:
            landing = {sha256: file for sha256, file in files.items() if file.report.landed[kind]}
            new = {sha256: partial(file.new_rows, kind, now) for sha256, file in landing.items()}
            write_once(self._lake, kind, new, tried)
        refused = {sha256: partial(file.refused.batches, now) for sha256, file in files.items() if len(file.refused)}
        write_once(self._lake, QUARANTINE, refused, tried)
        own = {sha256: partial(file.own_row, now) for sha256, file in files.items()}
        write_once(self._lake, FILES, own, tried)
        self._files, self._tried = {}, {}
        self.rows = self.bytes = 0
        self._done.update(files)
        self._attempts = Attempts(self._lake, open_table(self._lake, FILES))
        return [(file, tried[sha256]) for sha256, file in files.items()]

    @cached_property
    def _landed(self) -> dict[str, _Landed]:
        """sha256 → what the row of the landed file says. Read when a file is opened that has landed: seldom."""
        table = open_table(self._lake, FILES)
        if table is None:
            return {}
        stored = set(table.schema().to_arrow().names)
        names = [name for name in ("file", "format", "duplicates", "again_at") if name in stored]
        rows = table.to_pyarrow_table(columns=[*names]).to_pylist()
        conflicts = set(
            rows_of_files(self._lake, QUARANTINE, ["file"], reason="conflicting_duplicate")["file"].to_pylist()
        )
        return {
            row["file"]: _Landed(row["format"], row.get("again_at"), row["duplicates"] > 0 or row["file"] in conflicts)
            for row in rows
        }

    def _compare(self) -> None:
        """Finds out which events are new, and counts what becomes of each line."""
        for kind in KINDS:
            offered = {
                sha256: file.events.keys[kind] for sha256, file in self._files.items() if kind in file.events.keys
            }
            for sha256, found in compare(kind, offered, self._lake, but_of=[*self._files]).items():
                self._files[sha256].compared(kind, found)
        for file in self._files.values():
            file.account()

    def _displace(self) -> None:
        """Where events go with the rows that are replaced, asks for the files that may hold them too.

        Asked for before anything is written: after a kill in between, nothing would know of it.
        """
        import numpy as np

        repeated = [file for file, attempt in self._tried.items() if attempt.generation > 1]
        for kind in KINDS if repeated else ():
            had = rows_of_files(self._lake, kind, ["event_key"], files=repeated)["event_key"].to_numpy()
            for file in self._files.values():
                for keys in file.new_keys(kind):
                    had = np.setdiff1d(had, keys)
            if len(had):
                waiting = {file for file, landed in self._landed.items() if landed.kept_others_out}
                waiting -= {*self._files, *self.displaced}
                self.displaced |= waiting
                write_register(self._lake, self._known.to_be_read_again(files=self.displaced))
                return


def _read(file: str, state: FileState, again_at: datetime | None) -> FileState:
    return msgspec.structs.replace(state, file=file, again_at=again_at.timestamp() if again_at else None)
