"""What Dagster shows of a table's check: passed only of what was looked at, and why in its metadata."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from ccml.home import Home
from ccml_assets.checks import expectations
from ccml_resources.platform import Platform
from ccml_tests.monitoring.turns import served
from ccml_tests.tables import raw_tables

TABLE = dg.AssetKey(["raw", "executions"])

given: dict[str, pd.DataFrame] = {}


@dg.asset(key=TABLE)
def executions() -> Any:
    return given["table"]


@dg.asset(ins={"executions": dg.AssetIn(TABLE)})
def downstream(executions: Any) -> Any:
    return len(executions)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def sound(rows: int = 20) -> pd.DataFrame:
    return raw_tables(served(rows))[1]


def checked(home: Home, instance: dg.DagsterInstance, table: pd.DataFrame) -> tuple[dg.AssetCheckEvaluation, bool]:
    """The check's evaluation, and whether what is downstream was made."""
    given["table"] = table
    result = dg.materialize(
        [executions, expectations(TABLE, "executions"), downstream],
        instance=instance,
        resources={"io_manager": dg.mem_io_manager, "platform": Platform(root=str(home.root))},
        raise_on_error=False,
    )
    (evaluation,) = result.get_asset_check_evaluations()
    made = {event.asset_key for event in result.get_asset_materialization_events()}
    return evaluation, dg.AssetKey("downstream") in made


def test_a_sound_table_passes_and_says_what_held(home: Home, instance: dg.DagsterInstance) -> None:
    found, went_on = checked(home, instance, sound())
    assert found.passed
    assert went_on
    assert "rules hold in 20 rows" in str(found.description)
    verdicts = {record.data["verdict"] for record in rules(found)}
    assert verdicts == {"holds", "not evaluated"}


def test_an_empty_table_is_not_shown_as_passed_and_stops_nothing(home: Home, instance: dg.DagsterInstance) -> None:
    found, went_on = checked(home, instance, sound().iloc[:0])
    assert not found.passed
    assert found.severity == dg.AssetCheckSeverity.WARN
    assert found.description == "Not evaluated: 0 rows."
    assert went_on


def test_a_warning_is_shown_and_stops_nothing(home: Home, instance: dg.DagsterInstance) -> None:
    found, went_on = checked(home, instance, sound().assign(exit_status=300))
    assert not found.passed
    assert found.severity == dg.AssetCheckSeverity.WARN
    assert found.description == "`exit_status` is 0 to 255: 20 of 20 rows break it, for example 300, 300, 300."
    assert rules(found)[0].data["verdict"] == "warning"
    assert went_on


def test_a_broken_rule_stops_what_is_downstream_and_stands_first(home: Home, instance: dg.DagsterInstance) -> None:
    table = sound().assign(exit_status=300)
    table.loc[0, "duration_ms"] = -1.0
    found, went_on = checked(home, instance, table)
    assert not found.passed
    assert found.severity == dg.AssetCheckSeverity.ERROR
    assert (
        found.description
        == "`duration_ms` is 0 to 1,000,000,000,000: 1 of 20 rows break it, for example -1 and 1 more."
    )
    assert [record.data["verdict"] for record in rules(found)[:2]] == ["broken", "warning"]
    assert not went_on
    page = found.metadata["Data Docs of the newest validation"].value
    assert page == "reports/data_docs/executions.html"
    assert "duration_ms" in (home.reports / "data_docs" / "executions.html").read_text()


def rules(found: dg.AssetCheckEvaluation) -> list[dg.TableRecord]:
    table = found.metadata["rules"]
    assert isinstance(table, dg.TableMetadataValue)
    return list(table.records)
