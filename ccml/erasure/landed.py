"""A person's rows out of the landed tables, their logs included: nothing of them stays in a file or in Delta's log.

Delta keeps the files that a delete has replaced, and its log keeps the condition of the delete. So the tables are
vacuumed without a grace period, their logs are summed up in a checkpoint, and what came before it is removed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ccml.erasure.person import Person
from ccml.telemetry.events import KINDS
from ccml.telemetry.lake import FILES, QUARANTINE, open_table
from ccml.telemetry.landed_file import ERASED
from ccml.telemetry.mending import remove_set_aside

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable

_KEEP_NO_LOG = {"delta.logRetentionDuration": "interval 0 days"}
_KEEP_LOG = {"delta.logRetentionDuration": "interval 30 days"}
"""Delta's own default."""


def refused_lines(lake: Path, person: Person) -> int:
    """Lines of theirs in the quarantine."""
    refused = _refused(lake)
    return 0 if refused is None else len(refused.filter(_whose(refused, person, _files_of_one(lake, person))))


def count_without(lake: Path, person: Person, rewritten: Mapping[str, str]) -> None:
    """Corrects the landed files' own rows: what was landed or quarantined of the person counts as `erased`.

    It comes before the rows themselves go: a table with fewer rows than its files say would be taken for damaged. Done
    a second time it gives the same sums.

    Args:
        rewritten: sha256 of a log before and after the person's lines were taken out; the new bytes have landed too.
    """
    from deltalake import CommitProperties, Transaction, write_deltalake

    files = open_table(lake, FILES)
    if files is None:
        return
    stored = files.to_pyarrow_table()
    kept = _Kept.of(lake, person)
    rows = [_corrected(row, kept, person) for row in stored.to_pylist()]
    new = [after for before, after in rewritten.items() if files.transaction_version(before) is not None]
    missing = [Transaction(sha256, 1) for sha256 in new if files.transaction_version(sha256) is None]
    if rows != stored.to_pylist() or missing:
        import pyarrow as pa

        table = pa.Table.from_pylist(rows, schema=stored.schema)
        write_deltalake(files, table, mode="overwrite", commit_properties=CommitProperties(app_transactions=missing))


def delete_landed(lake: Path, person: Person) -> None:
    """Refused lines, then events. May be repeated; interrupted, it goes on where it ended."""
    import pyarrow.dataset as ds

    _delete_refused(lake, person)
    for kind in KINDS:
        table = open_table(lake, kind)
        if table is None:
            continue
        data = table.to_pyarrow_dataset()
        theirs = data.to_table(columns=["day"], filter=ds.field("user_id") == person.pseudonym)
        days = theirs["day"].unique().to_pylist()
        if days:
            kept = data.scanner(filter=ds.field("day").isin(days) & (ds.field("user_id") != person.pseudonym))
            named = ", ".join(f"'{day}'" for day in days)
            _overwrite(table, kept.projected_schema, kept.to_batches(), f"day in ({named})")
    for name in (*KINDS, QUARANTINE, FILES):
        table = open_table(lake, name)
        if table is not None:
            _forget_the_past(table)
    remove_set_aside(lake)


def _delete_refused(lake: Path, person: Person) -> None:
    """A log that is named after the person is named otherwise in the lines of others."""
    import pyarrow as pa

    table = open_table(lake, QUARANTINE)
    if table is None:
        return
    whole = _files_of_one(lake, person)
    data = table.to_pyarrow_dataset()
    paths = data.to_table(columns=["path"])["path"].unique().to_pylist()
    renamed = {path: person.without_name(path) for path in paths if person.named_in(path)}
    if not renamed and not refused_lines(lake, person):
        return

    def kept() -> Iterator[pa.RecordBatch]:
        for batch in data.to_batches():
            rows = pa.Table.from_batches([batch])
            rows = rows.filter(_not(_whose(rows, person, whole)))
            masked = pa.array([renamed.get(path, path) for path in rows["path"].to_pylist()], pa.string())
            yield from rows.set_column(rows.schema.get_field_index("path"), "path", masked).to_batches()

    _overwrite(table, data.schema, kept(), None)


def _overwrite(table: DeltaTable, schema: pa.Schema, batches: Iterable[pa.RecordBatch], where: str | None) -> None:
    """Delta's own delete would give the text columns another type, which no reader of the lake compares with a text."""
    import pyarrow as pa
    from deltalake import write_deltalake

    rows = pa.RecordBatchReader.from_batches(schema, (batch.cast(schema) for batch in batches if len(batch)))
    write_deltalake(table, rows, mode="overwrite", predicate=where)


def _forget_the_past(table: DeltaTable) -> None:
    """Leaves the table as it stands now and nothing of how it came to be."""
    from deltalake import DeltaTable

    table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False, full=True)
    table = DeltaTable(table.table_uri)
    table.alter.set_table_properties(_KEEP_NO_LOG)
    table = DeltaTable(table.table_uri)
    table.create_checkpoint()
    table.cleanup_metadata()
    table.alter.set_table_properties(_KEEP_LOG)


class _Kept(msgspec.Struct, frozen=True):
    """What stays of the files that hold something of the person, by the files' sha256."""

    landed: dict[str, dict[str, int]]
    lines: dict[str, set[int]]
    refused: dict[str, list[int]]

    @classmethod
    def of(cls, lake: Path, person: Person) -> _Kept:
        whole = _files_of_one(lake, person)
        touched = {*_files_with(lake, person), *whole}
        kept = cls({file: {} for file in touched}, defaultdict(set), defaultdict(list))
        for kind in KINDS:
            for file, lines in _lines_of_others(lake, kind, person, touched):
                kept.landed[file][kind] = len(lines)
                kept.lines[file].update(lines)
        refused = _refused(lake)
        if refused is not None:
            stay = refused.filter(_not(_whose(refused, person, whole)))
            for file, line in zip(stay["file"].to_pylist(), stay["line"].to_pylist(), strict=True):
                if file in touched:
                    kept.refused[file].append(line)
        return kept


def _corrected(row: dict[str, Any], kept: _Kept, person: Person) -> dict[str, Any]:
    row = {**row, "path": person.without_name(row["path"])}
    file = row["file"]
    if file not in kept.landed:
        return row
    before = msgspec.json.decode(row["landed"], type=dict[str, int])
    landed = {kind: min(count, kept.landed[file].get(kind, 0)) for kind, count in before.items()}
    skipped = msgspec.json.decode(row["skipped"], type=dict[str, int])
    skipped.pop(ERASED, None)
    refused = kept.refused[file]
    landed_lines = len(kept.lines[file] - set(refused))
    accounted = landed_lines + row["duplicates"] + len(refused) + row["blank"] + sum(skipped.values())
    skipped[ERASED] = max(0, row["lines"] - accounted)
    return {
        **row,
        "landed_lines": landed_lines,
        "quarantined": len(refused),
        "landed": msgspec.json.encode({kind: count for kind, count in landed.items() if count}).decode(),
        "skipped": msgspec.json.encode(skipped).decode(),
    }


def _files_with(lake: Path, person: Person) -> set[str]:
    """sha256 of the files that hold events or refused lines of the person."""
    import pyarrow.dataset as ds

    found: set[str] = set()
    for name in (*KINDS, QUARANTINE):
        table = open_table(lake, name)
        if table is not None and _has_users(table):
            own = ds.field("user_id") == person.pseudonym
            rows = table.to_pyarrow_dataset().to_table(columns=["file"], filter=own)
            found.update(rows["file"].unique().to_pylist())
    return found


def _files_of_one(lake: Path, person: Person) -> set[str]:
    """sha256 of the files all of whose events are the person's: the lines in them that say no owner are theirs too."""
    import pyarrow.dataset as ds

    touched = _files_with(lake, person)
    for kind in KINDS:
        table = open_table(lake, kind)
        if table is not None and touched:
            of_others = ds.field("file").isin(sorted(touched)) & (ds.field("user_id") != person.pseudonym)
            rows = table.to_pyarrow_dataset().to_table(columns=["file"], filter=of_others)
            touched -= set(rows["file"].unique().to_pylist())
    return touched


def _lines_of_others(lake: Path, kind: str, person: Person, files: set[str]) -> Iterable[tuple[str, Sequence[int]]]:
    import pyarrow.dataset as ds

    table = open_table(lake, kind)
    if table is None or not files:
        return
    wanted = ds.field("file").isin(sorted(files)) & (ds.field("user_id") != person.pseudonym)
    rows = table.to_pyarrow_dataset().to_table(columns=["file", "line"], filter=wanted)
    for row in rows.group_by("file").aggregate([("line", "list")]).to_pylist():
        yield row["file"], row["line_list"]


def _refused(lake: Path) -> pa.Table | None:
    table = open_table(lake, QUARANTINE)
    if table is None:
        return None
    return table.to_pyarrow_table(columns=["file", "line", *(["user_id"] if _has_users(table) else [])])


def _whose(refused: pa.Table, person: Person, whole: set[str]) -> Any:
    """(rows,) whether a refused line is the person's."""
    import pyarrow as pa
    import pyarrow.compute as pc

    theirs = pc.is_in(refused["file"], value_set=pa.array(sorted(whole), pa.string()))
    if "user_id" in refused.column_names:
        theirs = pc.or_(theirs, pc.fill_null(pc.equal(refused["user_id"], person.pseudonym), False))
    return theirs


def _not(mask: Any) -> Any:
    import pyarrow.compute as pc

    return pc.invert(mask)


def _has_users(table: DeltaTable) -> bool:
    """Quarantines of earlier versions do not say whose a line is."""
    return any(field.name == "user_id" for field in table.schema().fields)
