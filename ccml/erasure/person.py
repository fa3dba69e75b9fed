"""Who is erased, and by which texts what was made of their rows is recognised."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ccml.telemetry.events import KINDS
from ccml.telemetry.lake import open_table
from ccml.telemetry.schema import arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa

_NO_TEXT: Final = frozenset({"event_id", "interaction_id", "user_id", "host", "source", "tool", "platform", "category"})
"""Columns that hold an id, a pseudonym, or a word that the platform itself chose."""
_WORD: Final = re.compile(r"[\w./@~+%-]{4,}")


@dataclass(frozen=True)
class Person:
    """One user of the logs."""

    name: str
    """As in the logs, or the pseudonym where that was given."""
    pseudonym: str

    def named_in(self, text: str) -> bool:
        return bool(self._mention.search(text))

    def without_name(self, text: str) -> str:
        return self._mention.sub("<user>", text)

    @property
    def _mention(self) -> re.Pattern[str]:
        return re.compile(rf"(?i)(?<![^\W_]){re.escape(self.name)}(?![^\W_])")


@dataclass(frozen=True)
class Traces:
    """What the landed tables hold of a person, and what of it nobody else wrote."""

    rows: dict[str, int]
    """Table → rows."""
    days: list[str]
    interactions: frozenset[str]
    events: frozenset[str]
    texts: frozenset[str]
    """Requests, commands, templates, folders and so on that no other user has."""
    words: frozenset[str]
    """Words of these texts that stand in no text of another user."""

    def __bool__(self) -> bool:
        return bool(self.rows)

    def text_digests(self) -> set[str]:
        return {hashlib.sha256(text.encode()).hexdigest() for text in self.texts}

    def in_text(self, text: str) -> bool:
        """Does it hold a word that only this person wrote?"""
        return not self.words.isdisjoint(_words(text))

    def left_out_of(self, text: str) -> str:
        return _WORD.sub(lambda found: "…" if found[0] in self.words else found[0], text)


def traces_of(lake: Path, person: Person) -> Traces:
    """Reads the landed tables and the templates of the clean one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rows: dict[str, int] = {}
    days: set[str] = set()
    ids: dict[str, set[str]] = {"event_id": set(), "interaction_id": set()}
    theirs: set[str] = set()
    others: set[str] = set()
    for kind, table in _tables(lake):
        own = pc.equal(table["user_id"], pa.scalar(person.pseudonym))
        mine, rest = table.filter(own), table.filter(pc.invert(own))
        if kind is not None and len(mine):
            rows[kind] = len(mine)
        days.update(mine["day"].unique().to_pylist())
        for name in mine.column_names:
            values = mine[name].unique().drop_null().to_pylist()
            if name in ids:
                ids[name].update(values)
            elif name not in ("user_id", "day"):
                theirs.update(values)
                others.update(rest[name].unique().drop_null().to_pylist())
        if kind == "interactions":
            ids["interaction_id"].update(mine["event_id"].to_pylist())
    texts = theirs - others - {""}
    words = set(_all_words(texts))
    words.difference_update(_all_words(others))
    return Traces(
        rows,
        sorted(days),
        frozenset(ids["interaction_id"]),
        frozenset(ids["event_id"]),
        frozenset(texts),
        frozenset(word for word in words if any(map(str.isalpha, word))),
    )


def _tables(lake: Path) -> Iterator[tuple[str | None, pa.Table]]:
    import pyarrow as pa
    import pyarrow.dataset as ds

    for kind in KINDS:
        table = open_table(lake, kind)
        if table is not None:
            texts = [one.name for one in arrow_schema(kind) if pa.types.is_string(one.type)]
            wanted = [name for name in texts if name not in _NO_TEXT]
            wanted += [name for name in ("event_id", "interaction_id", "user_id") if name in texts]
            data = table.to_pyarrow_dataset()
            yield kind, data.to_table(columns=[name for name in {*wanted, "day"} if name in data.schema.names])
    clean = sorted((lake / "clean" / "interactions").glob("*.parquet"))
    for path in clean:
        part = ds.dataset(path)
        if {"user_id", "template", "day"} <= set(part.schema.names):
            found = part.to_table(columns=["user_id", "template", "day"])
            yield None, found.cast(pa.schema([(name, pa.string()) for name in found.column_names]))


def _words(text: str) -> Iterable[str]:
    return _WORD.findall(text)


def _all_words(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from _words(text)


def strings_in(value: Any) -> Iterator[str]:
    """Every text of a JSON value, and the keys that are no names of fields."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            if not re.fullmatch(r"[A-Za-z_]+", key):
                yield key
            yield from strings_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings_in(one)
