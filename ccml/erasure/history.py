"""What only one person wrote, out of the databases that Dagster and MLflow keep of past runs.

Their rows are records of runs and stay. In the texts that people read there, such as the metadata of an asset or a
message of a log, a word that only the person wrote becomes `…`. What the programs themselves read is not touched.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec

from ccml.erasure.person import Person, Traces
from ccml.home import Home

_SHOWN: Final = frozenset({"text", "md_str", "description", "message", "user_message", "data", "records"})
"""Fields of Dagster's records that hold text for people."""
_STRUCTURE: Final = re.compile(r"__[a-z]+__")
_EXAMPLES: Final = "quarantine_examples"
"""Metadata of a landing: lines that it refused, by file and number."""


def erase_from_history(home: Home, person: Person, traces: Traces) -> int:
    """Returns how many records were changed. The pages that the databases have freed are overwritten."""
    databases = [home.root / "mlflow.db", *sorted(home.dagster.rglob("*.db"))]
    return sum(_clean_database(path, person, traces) for path in databases if path.exists())


def _clean_database(path: Path, person: Person, traces: Traces) -> int:
    changed = 0
    with closing(sqlite3.connect(path, timeout=60)) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            columns = [
                name for _, name, kind, *_ in database.execute(f'PRAGMA table_info("{table}")') if _is_text(kind)
            ]
            for column in columns:
                changed += _clean_column(database, table, column, person, traces)
        database.commit()
        if changed:
            database.execute("VACUUM")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return changed


def _is_text(declared: str) -> bool:
    return declared.upper().startswith(("TEXT", "VARCHAR", "JSON", "CHAR"))


def _clean_column(database: sqlite3.Connection, table: str, column: str, person: Person, traces: Traces) -> int:
    found = database.execute(f'SELECT rowid, "{column}" FROM "{table}" WHERE "{column}" LIKE \'%_%\'')  # noqa: S608
    updates = [
        (new, row) for row, old in found if isinstance(old, str) and (new := _cleaned(old, person, traces)) != old
    ]
    database.executemany(f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ?', updates)  # noqa: S608
    return len(updates)


def _cleaned(stored: str, person: Person, traces: Traces) -> str:
    cleaned = stored
    if stored[:1] == "{" and (_EXAMPLES in stored or traces.in_text(stored) or person.named_in(stored)):
        try:
            parsed = msgspec.json.decode(stored)
        except msgspec.DecodeError:
            return stored.replace(person.pseudonym, "…")
        without = _without(parsed, person, traces, shown=False)
        cleaned = msgspec.json.encode(without).decode() if without != parsed else stored
    return cleaned.replace(person.pseudonym, "…")


def _without(value: Any, person: Person, traces: Traces, *, shown: bool) -> Any:
    if isinstance(value, str):
        return person.without_name(traces.left_out_of(value)) if shown else value
    if isinstance(value, list):
        return [_without(one, person, traces, shown=shown) for one in value]
    if not isinstance(value, dict):
        return value
    if value.get("label") == _EXAMPLES and isinstance(value.get("entry_data"), dict):
        return {**value, "entry_data": {**value["entry_data"], "data": []}}
    return {
        key: _without(one, person, traces, shown=(shown or key in _SHOWN) and not _STRUCTURE.fullmatch(key))
        for key, one in value.items()
    }
