"""The least and the most that each declared field may hold, through landing and cleaning."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import inspect

from ccml.cleaning.join import clean
from ccml.privacy.pseudonyms import Pseudonyms
from ccml.telemetry.events import KINDS, bare
from ccml.telemetry.lake import landed_days, read_landed
from ccml.telemetry.landing import land
from ccml.telemetry.schema import bounds
from ccml.telemetry.sources import Source

NOW = datetime(2026, 6, 1, tzinfo=UTC)
WHO = {"user_id": "ada", "session_id": "s", "time": "2026-03-03T09:00:00Z"}
FAR_OUT = (9.2e12, 1.7e15, 1e308, 5e-324, 2**63, 2**200, -1, -9.3e18)


def values(declared: inspect.Type) -> list[Any]:
    """What stands at the bounds of the declaration, and far beyond them where it is a number."""
    match bare(declared):
        case inspect.IntType(ge=low, le=high) | inspect.FloatType(ge=low, le=high):
            return [low, high, *FAR_OUT]
        case inspect.StrType(min_length=shortest, max_length=longest):
            return ["x" * (shortest or 0), "x" * (longest or 1), "\u00e9\U0001f600" * ((longest or 2) // 2), "\u202e"]
        case inspect.LiteralType(values=allowed):
            return list(allowed)
        case inspect.DateTimeType():
            return [
                "2009-01-01T00:00:00Z",
                "2026-06-01T23:59:59.999999+14:00",
                "0001-01-01T00:00:00Z",
                "9999-12-31T23:59:59Z",
            ]
        case inspect.BoolType():
            return [True, False]
        case _:
            return [{}, {"": ""}]


def events() -> list[dict[str, Any]]:
    """One event for each value of each field of each kind, each on an interaction of its own."""
    found: list[dict[str, Any]] = []
    for name, kind in KINDS.items():
        declared = inspect.type_info(kind)
        assert isinstance(declared, inspect.StructType)
        for field in declared.fields:
            for number, value in enumerate(values(field.type)):
                turn = f"{name}-{field.name}-{number}"
                event = {"kind": kind.__struct_config__.tag, "event_id": turn, **WHO}
                if name != "interactions":
                    found.append({"kind": "interaction", "event_id": f"{turn}-turn", "command": "ls", **WHO})
                    event |= {"interaction_id": f"{turn}-turn"}
                found.append(event | {field.name: value})
    return found


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extremes")
    log = folder / "log.jsonl"
    log.write_text("".join(f"{json.dumps(event)}\n" for event in events()))
    report = land([Source(str(log), "native")], folder / "lake", Pseudonyms(b"k" * 32), NOW)
    assert report.quarantined.total() > 50
    assert report.landed_lines > 150
    return folder / "lake"


def test_every_extreme_event_lands_or_is_quarantined_and_the_landed_are_cleaned(lake: Path) -> None:
    days = landed_days(lake)
    cleaned = clean(*(read_landed(lake, kind, days) for kind in KINDS), days=days)
    assert len(cleaned.interactions) > 100


def test_a_valid_row_does_not_overflow_beside_an_extreme_one(lake: Path) -> None:
    days = landed_days(lake)
    executions = read_landed(lake, "executions", days)
    assert executions["duration_ms"].max() <= 1e12
    propensities = read_landed(lake, "interactions", days)["propensity"].dropna()
    assert (1 / propensities).max() <= 1e6


@pytest.mark.parametrize("value", [1.7e15, 9.3e18, 1e308, 5e-324, -1e300, float("inf"), float("nan")])
def test_a_number_that_landed_before_its_bounds_were_declared_is_missing_in_the_clean_tables(
    lake: Path, value: float
) -> None:
    days = landed_days(lake)
    tables = {kind: read_landed(lake, kind, days) for kind in KINDS}
    usual = clean(*tables.values(), days=days).interactions
    for kind, table in tables.items():
        for field in bounds(kind):
            if table[field].dtype == "float64" or (value.is_integer() and abs(value) < 2**63):
                table[field] = table[field].mask(table[field].notna(), value)
    found = clean(*tables.values(), days=days).interactions
    assert len(found) == len(usual)
    for column in ("duration_ms", "cpu_ms", "recovery_ms"):
        assert found[column].dropna().between(0, 1e12).all()
    assert found["propensity"].dropna().between(1e-6, 1).all()


def test_the_declaration_bounds_every_number() -> None:
    for kind in KINDS.values():
        declared = inspect.type_info(kind)
        assert isinstance(declared, inspect.StructType)
        for field in declared.fields:
            found = bare(field.type)
            if isinstance(found, inspect.IntType | inspect.FloatType):
                assert found.ge is not None, field.name
                assert found.le is not None, field.name
