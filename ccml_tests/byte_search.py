"""Searches every byte below a folder: each file as it is, and what its own library reads in it."""

from __future__ import annotations

import gzip
import sqlite3
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path


def contents(path: Path) -> Iterator[bytes]:
    """The bytes of a file, and what its library reads in them."""
    raw = path.read_bytes()
    yield raw
    if raw[:4] == b"PAR1":
        import pyarrow.parquet as pq

        for column in pq.read_table(path).to_pydict().values():
            yield "\n".join(map(str, column)).encode("utf-8", "replace")
    elif raw[:2] == b"\x1f\x8b":
        yield gzip.decompress(raw)
    elif raw[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield archive.read(name)
    elif raw[:15] == b"SQLite format 3":
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            for (table,) in database.execute("select name from sqlite_master where type = 'table'").fetchall():
                for row in database.execute(f'select * from "{table}"'):  # names of its own tables
                    yield "\n".join(map(str, row)).encode("utf-8", "replace")


def files_with(root: Path, private: Sequence[str]) -> dict[str, list[str]]:
    """Private text → files that hold it, in UTF-8, in UTF-16 or escaped."""
    forms = {
        text: [text.encode(), text.encode("utf-16-le"), "".join(f"\\u{ord(c):04x}" for c in text).encode()]
        for text in private
    }
    found: dict[str, list[str]] = {}
    for path in (path for path in root.rglob("*") if path.is_file()):
        where = str(path.relative_to(root))
        held = [where.encode("utf-8", "surrogateescape"), *contents(path)]
        for text, spellings in forms.items():
            if any(spelling in content for spelling in spellings for content in held):
                found.setdefault(text, []).append(where)
    return found
