"""The lake's landed tables: five kinds of events by day, the quarantine, and one row per landed file.

Delta tables under `<lake>/landed/`. A table takes the rows of a file at most once a generation (`attempts`): the file's
sha256 is the id of a Delta application transaction, whose version is the generation; it is looked up and committed on
the same `DeltaTable` object. With two objects a second writer could commit in between, and the rows would be there
twice.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from ccml.errors import DamagedFileError, IntegrityError
from ccml.telemetry.attempts import Attempt
from ccml.telemetry.data_files import DataFiles
from ccml.telemetry.events import KINDS
from ccml.telemetry.schema import arrow_schema

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from deltalake import DeltaTable

    Rows: TypeAlias = pa.Table | Callable[[], Iterator[pa.RecordBatch]]
    """Of one file, as a whole or batch by batch."""

QUARANTINE = "quarantine"
FILES = "files"
COMMIT_ATTEMPTS = 20
REMOVED = "rows removed"
"""Id of the Delta transaction whose version is how many rows somebody has removed."""
_STATISTICS = {"delta.dataSkippingStatsColumns": "landed_at"}
"""Delta's log keeps the smallest and largest value of every column with statistics, and keeps them after the row has
been erased. So no column that came from a log has any."""


class DamagedTableError(DamagedFileError):
    """A landed table is gone, cannot be read or has lost rows."""

    def __init__(self, path: Path, reason: str) -> None:
        cure = (
            "Restore the folder from a copy of the home; or run `ccml run`: it sets aside what is damaged, and what is "
            "still there of the logs lands again"
        )
        super().__init__(path, reason, cure)


@functools.cache
def landed_schema(table: str) -> pa.Schema:
    """Columns as stored. A kind's table has, beside the declared fields, where each row came from.

    `file` is the sha256 of the file, `line` the line in it, `event_key` and `content_key` are 64-bit hashes of the
    event's id and of the whole event, by which duplicates are found without reading any text.
    """
    import pyarrow as pa

    time = pa.timestamp("us", tz="UTC")
    if table in KINDS:
        numbers = [pa.field(name, pa.int64()) for name in ("line", "event_key", "content_key")]
        return pa.schema([*arrow_schema(table), pa.field("file", pa.string()), *numbers, pa.field("landed_at", time)])
    text = ("file", "path", "format")
    if table == QUARANTINE:
        columns = [*((name, pa.string()) for name in text), ("line", pa.int64())]
        columns += [(name, pa.string()) for name in ("reason_code", "reason", "line_sha256", "shape")]
        columns += [("bytes", pa.int64()), ("user_id", pa.string())]
    else:
        columns = [(name, pa.string()) for name in text]
        columns += [
            (name, pa.int64()) for name in ("bytes", "lines", "landed_lines", "duplicates", "quarantined", "blank")
        ]
        columns += [(name, pa.string()) for name in ("landed", "skipped", "facts")] + [("days", pa.list_(pa.string()))]
        columns += [("again_at", time)]
    return pa.schema([*columns, ("landed_at", time)])


def open_table(lake: Path, name: str) -> DeltaTable | None:
    """The table as it stands now, or None where there is none.

    Raises:
        DamagedTableError: its log cannot be read.
    """
    from deltalake import DeltaTable

    path = _path(lake, name)
    with _damage_named(path):
        return DeltaTable(path) if DeltaTable.is_deltatable(str(path)) else None


def open_landed(lake: Path, name: str) -> DeltaTable | None:
    """The table of a kind or of refused lines as it stands now, or None where nothing has landed in it.

    Raises:
        DamagedTableError: its log cannot be read, or it is gone although rows of it have landed.
    """
    table = open_table(lake, name)
    if table is not None or not _landed_rows(lake, name):
        return table
    # A file's own row is written last. If the table was made by another writer after the first look, it is there now.
    table = open_table(lake, name)
    if table is None:
        raise DamagedTableError(
            _path(lake, name), "the table is gone, although the landed files say that rows of it landed"
        )
    return table


def check_table(lake: Path, name: str) -> None:
    """Does the table of a kind or of refused lines hold what has landed?

    Raises:
        DamagedTableError: it is gone, cannot be read, or has fewer rows than the landed files say.
    """
    table = open_landed(lake, name)
    if table is None:
        return
    with _damage_named(_path(lake, name)):
        rows = table.to_pyarrow_table(columns=["file"]).num_rows
    landed = _landed_rows(lake, name) - (table.transaction_version(REMOVED) or 0)
    if rows < landed:
        reason = f"the table has {rows} rows, and the landed files say that {landed} landed"
        raise DamagedTableError(_path(lake, name), reason)


def open_or_create_table(lake: Path, name: str) -> DeltaTable:
    table = open_table(lake, name) if name == FILES else open_landed(lake, name)
    return table if table is not None else create_table(lake, name)


def create_table(lake: Path, name: str) -> DeltaTable:
    from deltalake import DeltaTable

    path = _path(lake, name)
    path.mkdir(parents=True, exist_ok=True)
    DeltaTable.create(
        path,
        landed_schema(name),
        mode="ignore",
        partition_by=["day"] if name in KINDS else None,
        configuration=_STATISTICS,
    )
    return DeltaTable(path)


def write_once(lake: Path, name: str, rows: Mapping[str, Rows], attempts: Mapping[str, Attempt]) -> None:
    """Give the table the rows (sha256 → rows) of these attempts at files, leaving out what it has.

    The rows of a file that has none yet are added. Those of an earlier attempt are replaced, by nothing if the file has
    no rows for this table now. Rows that a function gives batch by batch are never in memory as a whole.

    Raises:
        IntegrityError: other writers were faster each time.
    """
    from deltalake import CommitProperties, Transaction, write_deltalake
    from deltalake.exceptions import CommitFailedError

    repeated = {file for file, attempt in attempts.items() if attempt.generation > 1}
    if not rows and (not repeated or open_table(lake, name) is None):
        return
    table = open_or_create_table(lake, name)
    written, of = DataFiles(_path(lake, name)), list[str]()  # what waits for the next commit
    had = _generations(table, {*rows, *repeated})
    for _ in range(COMMIT_ATTEMPTS):
        added = [file for file in rows if not had[file]]
        replaced = [file for file in sorted(repeated) if 0 < had[file] < attempts[file].generation]
        if added != of:
            written.remove_unless_in(table)
            written.write(_batches([rows[file] for file in added]))
            of = added
        if not added and not replaced:
            return
        files = added or replaced  # in one commit
        commit = CommitProperties(app_transactions=[Transaction(file, attempts[file].generation) for file in files])
        try:
            _declare_columns(table, landed_schema(name))
            if added:
                days = table.metadata().partition_columns
                table.create_write_transaction(
                    [*written.added], "append", table.schema(), days, commit_properties=commit
                )
            else:
                fresh = _together([rows[file] for file in replaced if file in rows], landed_schema(name))
                write_deltalake(table, fresh, mode="overwrite", predicate=of_files(replaced), commit_properties=commit)
        except CommitFailedError:
            table.update_incremental()
            had = _generations(table, had)
        else:
            table.update_incremental()
            had |= {file: attempts[file].generation for file in files}
            written, of = DataFiles(_path(lake, name)), []
    written.remove_unless_in(table)
    raise IntegrityError(f"{_path(lake, name)}: {COMMIT_ATTEMPTS} commits lost against other writers; land again.")


def of_files(files: Iterable[str]) -> str:
    return f"file IN ({', '.join(repr(file) for file in files)})"


def _generations(table: DeltaTable, files: Iterable[str]) -> dict[str, int]:
    """File → the generation of it that the table has; 0 for none."""
    return {file: table.transaction_version(file) or 0 for file in files}


def _declare_columns(table: DeltaTable, schema: pa.Schema) -> None:
    """A field added to the declaration becomes a column of an older table."""
    import pyarrow as pa
    from deltalake import Schema

    stored = {field.name for field in table.schema().fields}
    added = [field for field in schema if field.name not in stored]
    if added:
        table.alter.add_columns(Schema.from_arrow(pa.schema(added)).fields)


def _batches(rows: Sequence[Rows]) -> Iterator[pa.RecordBatch]:
    for each in rows:
        yield from each() if callable(each) else each.to_batches()


def _together(rows: Sequence[Rows], schema: pa.Schema) -> pa.RecordBatchReader:
    import pyarrow as pa

    return pa.RecordBatchReader.from_batches(schema, _batches(rows))


def landed_keys(lake: Path, kind: str, *, but_of: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """`event_key` and `content_key` of every row of a kind, leaving out the rows of some files.

    Raises:
        DamagedTableError: the table is gone or damaged.
    """
    import pyarrow.dataset as ds

    table = open_landed(lake, kind)
    if table is None:
        return
    others = ~ds.field("file").isin(list(but_of))
    with _damage_named(_path(lake, kind)):
        yield from table.to_pyarrow_dataset().to_batches(columns=["event_key", "content_key"], filter=others)


def rows_of_files(
    lake: Path, name: str, columns: Sequence[str], *, files: Sequence[str] | None = None, reason: str | None = None
) -> pa.Table:
    """Columns of a table's rows, of some files or refused for one reason; no rows where there is no table."""
    import pyarrow as pa
    import pyarrow.dataset as ds

    table = open_landed(lake, name)
    if table is None:
        return pa.schema([landed_schema(name).field(column) for column in columns]).empty_table()
    wanted = ds.field("file").isin(pa.array(files, pa.string())) if files is not None else ds.scalar(True)
    if reason is not None:
        wanted &= ds.field("reason_code") == reason
    # Commands end right after they have asked for rows. A thread of Arrow that still reads a file in Python when the
    # interpreter ends takes the process down with it, so all is read in this thread.
    here = ds.ParquetFragmentScanOptions(pre_buffer=False)
    with _damage_named(_path(lake, name)):
        rows = table.to_pyarrow_dataset().scanner(
            columns=list(columns), filter=wanted, use_threads=False, fragment_scan_options=here
        )
        return rows.to_table()


def landed_days(lake: Path, kind: str | None = None) -> list[str]:
    """Days (`YYYY-MM-DD`, UTC) that hold events, of one kind or of any, in order."""
    tables = [open_table(lake, name) for name in ([kind] if kind else KINDS)]
    return sorted({str(part["day"]) for table in tables if table is not None for part in table.partitions()})


def landed_states(lake: Path) -> dict[str, str]:
    """Day → a digest of what the tables hold of it: another one after each landing that adds to the day or takes away.

    Read off the tables' logs, without opening a data file.
    """
    import pyarrow as pa

    files: dict[str, list[str]] = {}
    for kind in KINDS:
        table = open_table(lake, kind)
        if table is not None:
            actions = pa.table(table.get_add_actions(flatten=True))
            for day, path in zip(actions["partition.day"].to_pylist(), actions["path"].to_pylist(), strict=True):
                files.setdefault(day, []).append(path)
    return {day: hashlib.sha256("\0".join(sorted(files[day])).encode()).hexdigest() for day in sorted(files)}


def read_landed(lake: Path, kind: str, days: Sequence[str], *, but_of: Sequence[str] = ()) -> pd.DataFrame:
    """The events of a kind on some days, in the columns of `arrow_schema(kind)`, in order of time.

    Events with one time keep the order of their log, because shells write times in whole seconds. There is one row per
    event id. Two writers at work at the same moment can leave several; then the one that landed first is read. Whole
    numbers are `Int64`, truth values `boolean`, times `datetime64[us, UTC]`, absent text None. A kind that never
    landed has no rows.

    Args:
        but_of: files whose rows are left out.

    Raises:
        DamagedTableError: the table is gone although rows of it have landed, or it is damaged.
    """
    import pandas as pd
    import pyarrow as pa

    rows = _first_landed(_rows(lake, kind, days, but_of))
    nullable = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    ordered = rows.sort_by([(name, "ascending") for name in ("time", "file", "line", "event_id")])
    return ordered.select(arrow_schema(kind).names).to_pandas(types_mapper=nullable.get)


def _path(lake: Path, name: str) -> Path:
    return lake / "landed" / name


def _landed_rows(lake: Path, name: str) -> int:
    """How many rows of a table have landed, by the rows of the landed files."""
    files = open_table(lake, FILES)
    if files is None:
        return 0
    column = "quarantined" if name == QUARANTINE else "landed"
    with _damage_named(_path(lake, FILES)):
        stored = files.to_pyarrow_table(columns=[column])[column].to_pylist()
    if name == QUARANTINE:
        return sum(stored)
    return sum(msgspec.json.decode(each, type=dict[str, int]).get(name, 0) for each in stored)


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Turns what the libraries raise over a damaged table into an error that names the table and the cure."""
    import pyarrow as pa
    from deltalake.exceptions import DeltaError

    try:
        yield
    except (DeltaError, OSError, pa.ArrowInvalid) as error:
        raise DamagedTableError(path, f"the table cannot be read: {str(error).partition(chr(10))[0]}") from error


def _rows(lake: Path, kind: str, days: Sequence[str], but_of: Sequence[str]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.dataset as ds

    schema = landed_schema(kind)
    table = open_landed(lake, kind)
    if table is None or not days:
        return schema.empty_table()
    with _damage_named(_path(lake, kind)):
        others = ~ds.field("file").isin(pa.array(but_of, pa.string()))
        wanted = ds.field("day").isin(list(days)) & others
        found = table.to_pyarrow_dataset().to_table(filter=wanted)
    # A column declared after the table was made is absent until a row with it lands.
    columns = [
        found[field.name].cast(field.type) if field.name in found.column_names else pa.nulls(len(found), field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _first_landed(rows: pa.Table) -> pa.Table:
    """The row that landed first of each event id."""
    import numpy as np
    import pyarrow as pa

    rows = rows.sort_by([("landed_at", "ascending"), ("file", "ascending"), ("line", "ascending")])
    _, first = np.unique(rows["event_key"].to_numpy(), return_index=True)
    return rows.take(pa.array(np.sort(first)))
