"""Files that were read, written into the lake together: many small ones then need few commits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ccml.telemetry.attempts import Attempt, Attempts, note_attempts
from ccml.telemetry.events import KINDS
from ccml.telemetry.finding import FileState, ReadFiles, is_due, write_register
from ccml.telemetry.lake import (
    FILES,
    QUARANTINE,
    landed_keys,
    landed_schema,
    open_table,
    rows_of_files,
    write_once,
)
from ccml.telemetry.landed_file import LandedFile, file_row
from ccml.telemetry.readers import FORMATS

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

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
        self._tried: dict[str, Attempt] = {}
        self._attempts = Attempts(lake, open_table(lake, FILES))
        self._done: set[str] = set()
        self.displaced: set[str] = set()
        """Files to be read once more, because events that kept theirs from landing are gone."""

    @property
    def rows(self) -> int:
        return sum(len(rows) for file in self._files.values() for rows in file.rows.values())

    def has(self, file: str, state: FileState, earlier: FileState | None, now: datetime) -> bool:
        """Has all of the file with this sha256 landed, as it is to be read now?"""
        if file in self._files or file in self._done:
            return True
        if not self._attempts.landed(file) or self._attempts.is_unfinished(file):
            return False
        asked_for = earlier is not None and earlier.file == file and is_due(earlier, now)
        return not asked_for and (file not in self._landed or self._landed[file].format == state.format)

    def as_landed(self, file: str, state: FileState) -> FileState:
        """What the register holds of a file that had landed before."""
        landed = self._landed.get(file)
        return _read(file, state, landed.again_at if landed else None)

    def add(self, file: LandedFile, state: FileState, now: datetime) -> FileState:
        """Returns what the register holds of the file."""
        sha256 = file.report.sha256
        self._files[sha256] = file
        self._tried[sha256] = self._attempts.next(sha256, file.log.format)
        if self._tried[sha256].generation > 1 and file.again_at is not None:
            file.again_at = max(file.again_at, now + _BETWEEN_READINGS)
        return _read(sha256, state, file.again_at)

    def commit(self, now: datetime) -> list[tuple[LandedFile, Attempt]]:
        """Writes events, then refused lines, then the files' own rows; gives the files back, and takes new ones."""
        files, tried = self._files, self._tried
        if not files:
            return []
        events = self._new_events(now)
        self._displace(events)
        note_attempts(self._lake, tried)
        for kind in KINDS:
            write_once(self._lake, kind, events.get(kind, {}), tried)
        refused = {sha256: partial(file.refused.batches, now) for sha256, file in files.items() if len(file.refused)}
        write_once(self._lake, QUARANTINE, refused, tried)
        own = {sha256: _stamped(file_row(file), FILES, now) for sha256, file in files.items()}
        write_once(self._lake, FILES, own, tried)
        self._files, self._tried = {}, {}
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

    def _new_events(self, now: datetime) -> dict[str, dict[str, pa.Table]]:
        """Kind → sha256 → the events that land. Counts what becomes of each line."""
        import pyarrow as pa

        lines_of: dict[str, dict[str, list[np.ndarray]]] = {file: {"landed": [], "all": []} for file in self._files}
        events: dict[str, dict[str, pa.Table]] = {}
        for kind in KINDS:
            for sha256, (is_new, is_conflict) in self._compare(kind).items():
                file = self._files[sha256]
                rows = file.rows[kind]
                file.refuse_conflicts(kind, rows.filter(pa.array(is_conflict)))
                lines = rows["line"].to_numpy()
                lines_of[sha256]["all"].append(lines)
                lines_of[sha256]["landed"].append(lines[is_new])
                fresh = rows.filter(pa.array(is_new))
                if len(fresh):
                    file.report.landed[kind] = len(fresh)
                    file.report.days = sorted({*file.report.days, *fresh["day"].unique().to_pylist()})
                    events.setdefault(kind, {})[sha256] = _stamped(fresh, kind, now)
        for sha256, file in self._files.items():
            file.account(lines_of[sha256])
        return events

    def _compare(self, kind: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """For each file's rows: which are new (bool), and which contradict an event that came before (bool)."""
        import numpy as np

        holders = {sha256: file for sha256, file in self._files.items() if kind in file.rows}
        if not holders:
            return {}
        before = landed_keys(self._lake, kind, but_of=list(self._files))
        sizes = [len(file.rows[kind]) for file in holders.values()]
        keys, contents = (
            np.concatenate([before[name].to_numpy(), *(file.rows[kind][name].to_numpy() for file in holders.values())])
            for name in ("event_key", "content_key")
        )
        _, first, place = np.unique(keys, return_index=True, return_inverse=True)
        first_of_each = first[place]  # (rows,) position of the first row with the same event id
        is_new = first_of_each == np.arange(len(keys))
        differs = ~is_new & (contents != contents[first_of_each])
        cuts = len(before) + np.cumsum([0, *sizes])
        compared: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for (sha256, file), start, end in zip(holders.items(), cuts[:-1], cuts[1:], strict=True):
            conflicts = FORMATS[file.log.format].repeats == "conflict"
            compared[sha256] = (is_new[start:end], differs[start:end] & conflicts)
        return compared

    def _displace(self, events: dict[str, dict[str, pa.Table]]) -> None:
        """Where events go with the rows that are replaced, asks for the files that may hold them too.

        Asked for before anything is written: after a kill in between, nothing would know of it.
        """
        import numpy as np

        repeated = [file for file, attempt in self._tried.items() if attempt.generation > 1]
        for kind in KINDS if repeated else ():
            had = rows_of_files(self._lake, kind, ["event_key"], files=repeated)["event_key"].to_numpy()
            have = [rows["event_key"].to_numpy() for rows in events.get(kind, {}).values()]
            if len(np.setdiff1d(had, np.concatenate(have) if have else [])):
                waiting = {file for file, landed in self._landed.items() if landed.kept_others_out}
                waiting -= {*self._files, *self.displaced}
                self.displaced |= waiting
                write_register(self._lake, self._known.to_be_read_again(self.displaced))
                return


def _read(file: str, state: FileState, again_at: datetime | None) -> FileState:
    return msgspec.structs.replace(state, file=file, again_at=again_at.timestamp() if again_at else None)


def _stamped(rows: pa.Table, table: str, now: datetime) -> pa.Table:
    import pyarrow as pa

    stamp = pa.repeat(pa.scalar(now.astimezone(UTC), landed_schema(table).field("landed_at").type), len(rows))
    return rows.append_column("landed_at", stamp)
