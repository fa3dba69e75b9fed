"""The refused lines as a table that people use: which there are, which are read again, which are given up.

A log that grows lands as a whole each time, and the lines of it that are refused are stored with each of its versions.
Here a line of a path counts once, as it was refused last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ccml.errors import InputError, IntegrityError
from ccml.privacy.redaction import redact
from ccml.telemetry.decode import REASON_CODES
from ccml.telemetry.finding import files_read, list_files, stored_path, write_register
from ccml.telemetry.lake import (
    COMMIT_ATTEMPTS,
    QUARANTINE,
    REMOVED,
    landed_schema,
    of_files,
    open_landed,
    rows_of_files,
)
from ccml.telemetry.readers.owner import storable
from ccml.telemetry.sources import Source

if TYPE_CHECKING:
    import pyarrow as pa

_IDENTITY = ("path", "line", "line_sha256", "reason_code")


@dataclass(frozen=True)
class Wanted:
    """Which refused lines are meant: those of one reason, those of one file or folder, or all."""

    reason: str | None = None
    path: str | None = None
    """As the rows have it: redacted, and from the home's root for what lies in there."""

    @classmethod
    def of(cls, lake: Path, word: str | None) -> Wanted:
        """What somebody named on the command line: a reason code, or a file or folder."""
        if word is None:
            return cls()
        if word in REASON_CODES:
            return cls(reason=word)
        on_disk = Path(word).expanduser()
        named = {word, *(_shown(str(path), lake) for path in (on_disk.absolute(), on_disk.resolve()))}
        known = set(rows_of_files(lake, QUARANTINE, ["path"])["path"].unique().to_pylist())
        for one in sorted(named):
            if any(_lies_in(path, one) for path in known):
                return cls(path=one)
        raise InputError(
            f"No refused line is of {word}; expected a file or folder that `ccml quarantine list` shows, or one of "
            f"{', '.join(REASON_CODES)}."
        )


def refused(lake: Path, wanted: Wanted, columns: Sequence[str] = ()) -> pa.Table:
    """One row a line, the last refused first: `path`, `line`, `reason_code`, `landed_at`, `file` and more `columns`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    names = list(dict.fromkeys([*_IDENTITY, "landed_at", "file", *columns]))
    rows = rows_of_files(lake, QUARANTINE, names, reason=wanted.reason)
    if wanted.path is not None:
        inside = [path for path in rows["path"].unique().to_pylist() if _lies_in(path, wanted.path)]
        rows = rows.filter(pc.is_in(rows["path"], value_set=pa.array(inside, pa.string())))
    order = [("landed_at", "descending"), ("path", "ascending"), ("line", "ascending")]
    return _once(rows.sort_by(order)).sort_by(order)


def _once(rows: pa.Table) -> pa.Table:
    """Each line as it was refused last. Only a path with several versions in the quarantine can repeat any."""
    import pyarrow as pa
    import pyarrow.compute as pc

    versions = rows.group_by("path").aggregate([("file", "count_distinct")])
    several = versions.filter(pc.greater(versions["file_count_distinct"], 1))["path"]
    repeated = pc.is_in(rows["path"], value_set=several.combine_chunks())
    groups = rows.filter(repeated).group_by([*_IDENTITY], use_threads=False)
    others = [name for name in rows.column_names if name not in _IDENTITY]
    last = groups.aggregate([(name, "first") for name in others])
    last = last.rename_columns([name.removesuffix("_first") for name in last.column_names]).select(rows.column_names)
    return pa.concat_tables([rows.filter(pc.invert(repeated)), last.cast(rows.schema)])


@dataclass(frozen=True)
class Group:
    """Refused lines that have a reason or a file in common."""

    name: str
    lines: int
    others: int
    """Files of a reason, or reasons of a file."""
    newest: datetime


def by_reason(rows: pa.Table) -> list[Group]:
    return _grouped(rows, "reason_code", "path")


def by_file(rows: pa.Table) -> list[Group]:
    return _grouped(rows, "path", "reason_code")


def _grouped(rows: pa.Table, name: str, other: str) -> list[Group]:
    sums = rows.group_by(name).aggregate([("line", "count"), (other, "count_distinct"), ("landed_at", "max")])
    ordered = sums.sort_by([("line_count", "descending"), (name, "ascending")]).to_pylist()
    return [
        Group(row[name], row["line_count"], row[f"{other}_count_distinct"], row["landed_at_max"]) for row in ordered
    ]


@dataclass(frozen=True)
class AskedAgain:
    files: int
    """Files of the refused lines that are there, and are read again by the next landing."""
    gone: int
    """Refused lines of files that are gone, or lie in no folder that is read."""


def ask_again(lake: Path, sources: Sequence[Source], wanted: Wanted) -> AskedAgain:
    """Has the files of these lines read again, as they are read today, by the next landing.

    A file that has grown since is the same file. The lines that earlier versions of it left in the quarantine are given
    up for those of its present one, which holds them too.
    """
    rows = rows_of_files(lake, QUARANTINE, ["path", "file", "reason_code"], reason=wanted.reason)
    pairs = rows.group_by(["path", "file"]).aggregate([([], "count_all")]).to_pylist()
    pairs = [pair for pair in pairs if wanted.path is None or _lies_in(pair["path"], wanted.path)]
    paths, files = {pair["path"] for pair in pairs}, {pair["file"] for pair in pairs}
    known = files_read(lake)
    asked: dict[str, str] = {}
    found: dict[str, str] = {}
    for path in list_files(sources):
        state, shown = known.get(path), _shown(path, lake)
        if state is not None and (shown in paths or state.file in files):
            asked[path] = shown
            found[shown] = state.file or ""
    write_register(lake, known.to_be_read_again(paths=asked))
    _give_up_earlier_versions(lake, found)
    gone = sum(pair["count_all"] for pair in pairs if pair["path"] not in found and pair["file"] not in found.values())
    return AskedAgain(len(asked), gone)


def _give_up_earlier_versions(lake: Path, found: dict[str, str]) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = rows_of_files(lake, QUARANTINE, ["path", "file", "line", "line_sha256"])
    rows = rows.filter(pc.is_in(rows["path"], value_set=pa.array(list(found), pa.string())))
    # A conflicting line has no hash of its own.
    line = pc.binary_join_element_wise(rows["line_sha256"], pc.cast(rows["line"], pa.string()), rows["path"], ":")
    rows = rows.append_column("identity", line)
    now = rows.filter(pc.is_in(rows["file"], value_set=pa.array([*found.values()], pa.string())))
    rows = rows.append_column("there", pc.is_in(rows["identity"], value_set=now["identity"].combine_chunks()))
    files = rows.group_by("file").aggregate([("there", "all")])
    earlier = [row["file"] for row in files.to_pylist() if row["there_all"] and row["file"] not in found.values()]
    if earlier:
        _remove(lake, files=earlier)


def give_up(lake: Path, wanted: Wanted) -> int:
    """Removes these lines from the quarantine; how many rows those were."""
    files = None
    if wanted.path is not None:
        rows = rows_of_files(lake, QUARANTINE, ["path", "file"]).group_by(["path", "file"]).aggregate([]).to_pylist()
        files = [row["file"] for row in rows if _lies_in(row["path"], wanted.path)]
    return _remove(lake, files=files, reason=wanted.reason)


def _shown(path: str, lake: Path) -> str:
    return redact(storable(stored_path(path, lake)))


def _lies_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def _remove(lake: Path, *, files: Sequence[str] | None = None, reason: str | None = None) -> int:
    """Removes refused lines of some files or refused for one reason; how many.

    Raises:
        IntegrityError: other writers were faster each time.
    """
    from deltalake import CommitProperties, Transaction, write_deltalake
    from deltalake.exceptions import CommitFailedError

    words = [of_files(files)] if files is not None else []
    words += [f"reason_code = {reason!r}"] if reason is not None else []
    for _ in range(COMMIT_ATTEMPTS):
        table = open_landed(lake, QUARANTINE)
        rows = len(rows_of_files(lake, QUARANTINE, ["file"], files=files, reason=reason))
        if table is None or not rows:
            return 0
        removed = Transaction(REMOVED, (table.transaction_version(REMOVED) or 0) + rows)
        try:
            # `DeltaTable.delete` writes what remains with another type of text, on which Arrow's filters fail.
            write_deltalake(
                table,
                landed_schema(QUARANTINE).empty_table(),
                mode="overwrite",
                predicate=" AND ".join(words) or "true",
                commit_properties=CommitProperties(app_transactions=[removed]),
            )
        except CommitFailedError:
            continue
        return rows
    raise IntegrityError(f"The refused lines stay: {COMMIT_ATTEMPTS} commits lost against other writers; try again.")
