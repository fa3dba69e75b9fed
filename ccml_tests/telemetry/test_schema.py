from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest

from ccml.telemetry.events import KINDS, Execution, Interaction, SystemState
from ccml.telemetry.schema import arrow_schema, field_meanings, to_columns

WHO = {"user_id": "u", "session_id": "s"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_has_a_column_for_every_declared_field_and_the_day(kind: str) -> None:
    assert arrow_schema(kind).names == [*KINDS[kind].__struct_fields__, "day"]


def test_columns_take_the_declared_types() -> None:
    schema = arrow_schema("executions")

    assert schema.field("time").type == pa.timestamp("us", tz="UTC")
    assert schema.field("exit_status").type == pa.int64()
    assert schema.field("failed").type == pa.bool_()
    assert schema.field("cpu_ms").type == pa.float64()
    assert not schema.field("interaction_id").nullable
    assert schema.field("cpu_ms").nullable


def test_the_day_is_the_date_in_utc_not_in_the_event_s_own_offset() -> None:
    late = datetime(2026, 1, 5, 23, 30, tzinfo=timezone(-timedelta(hours=2)))
    state = SystemState(event_id="x", time=late, **WHO)

    rows = pa.table(to_columns("system_states", [state]), schema=arrow_schema("system_states"))

    assert rows["day"].to_pylist() == ["2026-01-06"]
    assert rows["time"].to_pylist() == [late.astimezone(UTC)]


def test_absent_values_stay_absent_and_mappings_become_json() -> None:
    time = datetime(2026, 1, 5, tzinfo=UTC)
    plain = Interaction(event_id="a", time=time, **WHO)
    served = Interaction(event_id="b", time=time, model_versions={"policy": "1.0.0", "intent": "2.0.0"}, **WHO)

    rows = pa.table(to_columns("interactions", [plain, served]), schema=arrow_schema("interactions"))

    assert rows["model_versions"].to_pylist() == [None, '{"intent":"2.0.0","policy":"1.0.0"}']
    assert rows["propensity"].to_pylist() == [None, None]


def test_the_largest_allowed_numbers_fit_their_columns() -> None:
    time = datetime(2026, 1, 5, tzinfo=UTC)
    large = Execution(event_id="a", time=time, interaction_id="i", exit_status=2**32, output_bytes=2**53, **WHO)

    rows = pa.table(to_columns("executions", [large]), schema=arrow_schema("executions"))

    assert rows["output_bytes"].to_pylist() == [2**53]


@pytest.mark.parametrize("kind", KINDS)
def test_every_declared_field_has_a_meaning(kind: str) -> None:
    assert list(field_meanings(kind)) == list(KINDS[kind].__struct_fields__)
    assert all(meaning.endswith(".") for meaning in field_meanings(kind).values())


def test_a_meaning_states_what_the_field_may_hold_and_what_its_absence_stands_for() -> None:
    meanings = field_meanings("interactions")

    assert meanings["directory"] == "Working directory. Text, at most 1,000 characters; may be absent."
    assert meanings["tool"].endswith("Text, at most 1,000 characters; `bash` if absent.")
    assert "Number, ≥ 1e-06, ≤ 1; may be absent." in meanings["propensity"]
    assert meanings["user_id"].endswith("Text, at most 200 characters; required.")
