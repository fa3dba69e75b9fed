"""Arrow schemas, columns and the meanings of fields, all read off the declaration in `ccml.telemetry.events`."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec import inspect

from ccml.telemetry.events import KINDS, Event, bare

if TYPE_CHECKING:
    import pyarrow as pa


@functools.cache
def arrow_schema(kind: str) -> pa.Schema:
    """Columns of the table `kind` (a key of `KINDS`): the declared fields, then `day`, the UTC date as `YYYY-MM-DD`.

    Times are microseconds in UTC. A mapping (`model_versions`) is stored as JSON text.
    """
    import pyarrow as pa

    fields = [pa.field(field.name, _arrow_type(field.type), nullable=not field.required) for field in _fields(kind)]
    return pa.schema([*fields, pa.field("day", pa.string(), nullable=False)])


def to_columns(kind: str, events: Sequence[Event]) -> list[pa.Array]:
    """One array per column of `arrow_schema(kind)`, in its order."""
    import pyarrow as pa
    import pyarrow.compute as pc

    schema = arrow_schema(kind)
    columns: list[pa.Array] = []
    for field in _fields(kind):
        values = list(map(operator.attrgetter(field.name), events))
        if isinstance(bare(field.type), inspect.DictType):
            values = [
                None if value is None else msgspec.json.encode(value, order="sorted").decode() for value in values
            ]
        columns.append(pa.array(values, schema.field(field.name).type))
    columns.append(pc.strftime(columns[schema.get_field_index("time")], format="%Y-%m-%d"))
    return columns


def descriptions(kind: str) -> dict[str, str]:
    """Declared field of a kind → its description, where it has one."""
    return {field.name: text for field in _fields(kind) if (text := _meaning(field.type))}


def field_meanings(kind: str) -> dict[str, str]:
    """Declared field of a kind → what it means, what it may hold and what its absence stands for, in sentences."""
    meanings: dict[str, str] = {}
    for field in _fields(kind):
        words = _words(field.type)
        absent = "required" if field.required else f"`{field.default}` if absent" if field.default else "may be absent"
        meanings[field.name] = f"{_meaning(field.type)} {words[0].upper()}{words[1:]}; {absent}.".strip()
    return meanings


@functools.cache
def bounds(kind: str) -> dict[str, tuple[float, float]]:
    """Declared number of a kind → the least and the most that it may be."""
    return {
        field.name: (found.ge, found.le)
        for field in _fields(kind)
        if isinstance(found := bare(field.type), inspect.IntType | inspect.FloatType)
        and found.ge is not None
        and found.le is not None
    }


@functools.cache
def _fields(kind: str) -> tuple[inspect.Field, ...]:
    declared = inspect.type_info(KINDS[kind])
    assert isinstance(declared, inspect.StructType)
    return declared.fields


def _arrow_type(declared: inspect.Type) -> pa.DataType:
    import pyarrow as pa

    match bare(declared):
        case inspect.StrType() | inspect.LiteralType() | inspect.DictType():
            return pa.string()
        case inspect.BoolType():
            return pa.bool_()
        case inspect.IntType():
            return pa.int64()
        case inspect.FloatType():
            return pa.float64()
        case inspect.DateTimeType():
            return pa.timestamp("us", tz="UTC")
        case other:
            raise TypeError(f"no Arrow type is defined for {other}; add one where a declared field first needs it")


def _words(declared: inspect.Type) -> str:
    match bare(declared):
        case inspect.StrType(max_length=longest):
            return f"text, at most {longest:,} characters" if longest else "text"
        case inspect.LiteralType(values=values):
            return " or ".join(f"`{value}`" for value in values)
        case inspect.DictType():
            return "object of text by text"
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType(gt=above, ge=low, le=high) | inspect.FloatType(gt=above, ge=low, le=high) as number:
            kind = "whole number" if isinstance(number, inspect.IntType) else "number"
            bounds = ((">", above), ("≥", low), ("≤", high))
            return ", ".join([kind, *(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)])
        case inspect.DateTimeType():
            return "time"
        case other:
            raise TypeError(f"no words are defined for {other}; add them where a declared field first needs it")


def _meaning(declared: inspect.Type) -> str:
    if isinstance(declared, inspect.Metadata):
        described = (declared.extra_json_schema or {}).get("description")
        return str(described) if described else _meaning(declared.type)
    return ""
