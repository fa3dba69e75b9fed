"""Fields that are missing, changed or unknown, and tables that an older version made: what lands and what is read."""

from __future__ import annotations

import itertools
import json
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from ccml.telemetry import schema
from ccml.telemetry.events import KINDS, Event, bare
from ccml.telemetry.lake import landed_days, landed_schema, read_landed
from ccml_tests.telemetry import stored
from ccml_tests.telemetry.test_landing import event, landed, write
from ccml_tests.telemetry.test_landing_accepted import TAGS, Record, accepted


def declared(table: str) -> dict[str, inspect.Field]:
    found = inspect.type_info(KINDS[table])
    assert isinstance(found, inspect.StructType)
    return {field.name: field for field in found.fields}


OF_ALL = {field.name for field in typing.cast(inspect.StructType, inspect.type_info(Event)).fields}
VALUES: dict[str, Any] = {
    "text": "x",
    "part": 0.5,
    "whole": 1,
    "truth": True,
    "list": [],
    "object": {},
    "nothing": None,
}


def fitting(field: inspect.Field) -> set[str]:
    """Which of `VALUES` the declared field may hold."""
    fit = {"nothing"} if field.default is None else set()
    match bare(field.type):
        case inspect.StrType():
            return fit | {"text"}
        case inspect.BoolType():
            return fit | {"truth"}
        case inspect.IntType():
            return fit | {"whole"}
        case inspect.FloatType():
            return fit | {"part", "whole"}
        case inspect.DictType():
            return fit | {"object"}
    return fit


@accepted(
    1,
    20,
    pytest.mark.acceptance(
        "A missing optional field lands; a changed type and an unknown field are refused by their name",
        fault="each field of each kind missing, in seven types and under another name",
    ),
)
def test_a_missing_optional_field_lands_and_a_changed_or_unknown_one_is_refused_by_its_name(
    tmp_path: Path, size: int, record_property: Record
) -> None:
    lines: list[bytes] = []
    reasons: dict[int, str] = {}
    lands: dict[str, dict[str, tuple[str, Any]]] = {kind: {} for kind in KINDS}
    for (kind, tag), _ in itertools.product(TAGS.items(), range(size)):
        for (name, of), value in itertools.product(declared(kind).items(), ("missing", "renamed", *VALUES)):
            line = event(len(lines), tag)
            key, had = line["event_id"], line.pop(name, "x")
            if value == "renamed":
                line["colour"] = had
            elif value != "missing":
                line[name] = had if value == "text" and name == "event_id" else VALUES[value]
            lines.append(json.dumps(line).encode())
            if value in fitting(of) or (value == "missing" and not of.required):
                lands[kind][key] = (name, line.get(name, of.default))
            elif value == "missing":
                reasons[len(lines)] = f"missing required field `{name}`"
            else:
                reasons[len(lines)] = "`colour`" if value == "renamed" else f"`$.{name}`"
    write(tmp_path / "a.jsonl", *lines)

    report = landed(tmp_path / "a.jsonl", lake := tmp_path / "lake")

    rows = stored.quarantine(lake)
    assert sorted(rows["line"]) == sorted(reasons)
    found_reasons = zip(rows["line"], rows["reason"], strict=True)
    silent = [(line, reason) for line, reason in found_reasons if reasons[line] not in reason]
    assert silent == []
    assert set(report.quarantined) == {"missing_field", "unknown_field", "wrong_type", "bad_value"}
    for kind in KINDS:
        found = {row["event_id"]: row for row in stored.arrow(lake, kind).to_pylist()}
        assert found.keys() == lands[kind].keys()
        for name, (field, value) in lands[kind].items():
            if field not in ("user_id", "host", "time", "model_versions"):  # stored in another form
                assert found[name][field] == value
    record_property("size", f"{len(lines):,} lines, {sum(len(declared(kind)) for kind in KINDS)} fields")
    record_property("landed", f"{report.landed.total():,}")
    record_property("refused without their field's name", len(silent))


EVOLUTIONS = 5


@contextmanager
def declaration(version: int) -> Iterator[dict[str, list[str]]]:
    """The kinds as an older version could have declared them: each of five evolutions has added a fifth of the optional
    fields of each kind, not the last ones. Gives table → its fields.
    """
    caches = (schema._fields, schema.arrow_schema, landed_schema)
    with pytest.MonkeyPatch.context() as patch:
        fields: dict[str, list[str]] = {}
        for table, kind in [*KINDS.items()]:
            hints = typing.get_type_hints(kind, include_extras=True)
            own = [field for name, field in declared(table).items() if name not in OF_ALL]
            kept = [field for at, field in enumerate(own) if field.required or at % EVOLUTIONS < version]
            made = [(each.name, hints[each.name], *([] if each.required else [each.default])) for each in kept]
            fields[table] = [*OF_ALL, *(each.name for each in kept)]
            older = msgspec.defstruct(kind.__name__, made, bases=(Event,), frozen=True, kw_only=True, tag=TAGS[table])
            patch.setitem(KINDS, table, typing.cast(type[Event], older))
        for cache in caches:
            cache.cache_clear()
        try:
            yield fields
        finally:
            for cache in caches:
                cache.cache_clear()


def value_of(field: inspect.Field, number: int) -> Any:
    match bare(field.type):
        case inspect.LiteralType(values=values):
            return values[number % len(values)]
        case inspect.BoolType():
            return number % 2 == 0
        case inspect.IntType():
            return 1 + number % 5
        case inspect.FloatType():
            return (1 + number % 8) / 8
        case inspect.DictType():
            return {"intent": f"{number}"}
        case inspect.DateTimeType():
            return "2026-01-04T09:00:00+00:00"
    return f"{field.name} {number}"


def as_stored(value: Any, column: str) -> Any:
    if isinstance(value, dict):
        return json.dumps(value, separators=(",", ":"))
    return datetime.fromisoformat(value) if column in ("time", "ended_at") and value else value


def differing(lake: Path, table: str, fields: list[str], expected: dict[str, dict[str, Any]]) -> int:
    """Rows that are read otherwise than written, by the declaration of now; a field of a later version is absent."""
    rows = read_landed(lake, table, landed_days(lake))
    assert set(rows.columns) == {*fields, "day"}
    found = {row["event_id"]: row for row in rows.astype(object).where(rows.notna(), None).to_dict("records")}
    assert found.keys() == expected.keys()
    plain = [field for field in fields if field not in ("user_id", "host")]  # of these, pseudonyms are stored
    return sum(any(found[name][field] != row.get(field) for field in plain) for name, row in expected.items())


@accepted(
    10,
    2_000,
    pytest.mark.acceptance(
        "Tables of older versions are read and added to", fault="five evolutions, each with more columns in every table"
    ),
)
def test_tables_of_older_versions_are_read_and_added_to(tmp_path: Path, size: int, record_property: Record) -> None:
    lake, original = tmp_path / "lake", {table: declared(table) for table in KINDS}
    expected: dict[str, dict[str, dict[str, Any]]] = {table: {} for table in KINDS}
    unreadable = 0
    for version in range(EVOLUTIONS + 1):
        with declaration(version) as fields:
            # What an older version made is read before this one has added any column to it.
            unreadable += sum(differing(lake, table, fields[table], expected[table]) for table in KINDS)
            lines = []
            for number in range(version * size, (version + 1) * size):
                for table, tag in TAGS.items():
                    line = event(number, tag)
                    optional = [name for name in fields[table] if name not in line and name not in OF_ALL]
                    line |= {name: value_of(original[table][name], number) for name in optional if number % 3}
                    lines.append(json.dumps(line).encode())
                    row = {name: line.get(name, original[table][name].default) for name in fields[table]}
                    expected[table][line["event_id"]] = {name: as_stored(row[name], name) for name in row}
            report = landed(write(tmp_path / f"{version}.jsonl", *lines), lake)
            assert report.landed == dict.fromkeys(KINDS, size)
            unreadable += sum(differing(lake, table, fields[table], expected[table]) for table in KINDS)
    assert unreadable == 0
    logs = [tmp_path / f"{version}.jsonl" for version in range(EVOLUTIONS + 1)]
    again = [line for log in logs for line in log.read_bytes().splitlines()]
    repeated = landed(write(tmp_path / "again.jsonl", *reversed(again)), lake)
    assert (repeated.landed, repeated.duplicates) == ({}, len(again))
    record_property(
        "size", f"{len(again):,} events of {EVOLUTIONS + 1} versions, up to {sum(map(len, original.values()))} fields"
    )
    record_property("rows read otherwise than written", unreadable)
    record_property("new rows of what came again", repeated.landed.total())
