"""An asset that cannot be made says why, and nothing is made of it."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from ccml.errors import CcmlError, NotBetterError, NotEnoughDataError
from ccml_assets.skips import CODE_VERSION, REASON, skip_reason, skip_with_reason

FIRST, SECOND = dg.AssetKey("first"), dg.AssetKey("second")

outcome: dict[str, Any] = {}
"""What `first` does next: an error to raise, or a value."""


@dg.asset(output_required=False, code_version="c0de")
def first(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
    with skip_with_reason(context):
        if isinstance(outcome["first"], Exception):
            raise outcome["first"]
        yield dg.MaterializeResult(value=outcome["first"])


@dg.asset_check(asset=first, blocking=True)
def first_is_odd(first: Any) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=first % 2 == 1)


@dg.asset
def second(first: Any) -> Any:
    return first


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def attempt(instance: dg.DagsterInstance, does: Any) -> dg.ExecuteInProcessResult:
    outcome["first"] = does
    return dg.materialize(
        [first, first_is_odd, second],
        instance=instance,
        resources={"io_manager": dg.mem_io_manager},
        raise_on_error=False,
    )


@pytest.mark.parametrize("reason", [NotEnoughDataError("Three rows; expected 40."), NotBetterError("not better")])
def test_a_skip_leaves_the_run_a_success_and_the_reason_an_observation(
    instance: dg.DagsterInstance, reason: Exception
) -> None:
    result = attempt(instance, reason)
    assert result.success
    (observed,) = result.get_asset_observation_events()
    assert observed.asset_observation_data.asset_observation.metadata[REASON].value == str(reason)
    assert skip_reason(instance, FIRST) == str(reason)


def test_nothing_is_made_of_what_was_skipped(instance: dg.DagsterInstance) -> None:
    result = attempt(instance, NotEnoughDataError("Too little."))
    assert result.get_asset_materialization_events() == []
    skipped = [event.step_key for event in result.all_events if event.is_step_skipped]
    assert sorted(skipped) == ["first_first_is_odd", "second"]


def test_a_check_of_what_was_skipped_is_not_evaluated(instance: dg.DagsterInstance) -> None:
    result = attempt(instance, NotEnoughDataError("Too little."))
    assert result.get_asset_check_evaluations() == []
    record = instance.get_latest_asset_check_evaluation_record(first_is_odd.check_key)
    assert record is not None
    assert record.status.value == "PLANNED", "the UI shows a planned check of a finished run as skipped"


@pytest.mark.parametrize(("value", "made"), [(3, [FIRST, SECOND]), (4, [FIRST])])
def test_a_check_of_what_was_made_is_evaluated_and_stops_what_follows(
    instance: dg.DagsterInstance, value: int, made: list[dg.AssetKey]
) -> None:
    result = attempt(instance, value)
    (evaluation,) = result.get_asset_check_evaluations()
    assert evaluation.passed is (len(made) == 2)
    assert [event.asset_key for event in result.get_asset_materialization_events()] == made


def test_a_skip_with_several_assets_names_each(instance: dg.DagsterInstance) -> None:
    @dg.multi_asset(outs={name: dg.AssetOut(is_required=False, code_version=name) for name in ("one", "two")})
    def both(context: dg.AssetExecutionContext) -> Any:
        with skip_with_reason(context, dg.AssetKey("one"), dg.AssetKey("two")):
            raise NotEnoughDataError("Too little.")
            yield

    result = dg.materialize([both], instance=instance)
    observed = [event.asset_observation_data.asset_observation for event in result.get_asset_observation_events()]
    assert [(one.asset_key.to_user_string(), one.metadata[CODE_VERSION].value) for one in observed] == [
        ("one", "one"),
        ("two", "two"),
    ]


def test_what_is_not_skipped_is_made_with_what_follows(instance: dg.DagsterInstance) -> None:
    result = attempt(instance, 3)
    assert result.output_for_node("second") == 3
    assert skip_reason(instance, FIRST) is None


def test_a_later_success_ends_the_skip(instance: dg.DagsterInstance) -> None:
    attempt(instance, NotEnoughDataError("Too little."))
    attempt(instance, 3)
    assert skip_reason(instance, FIRST) is None


def test_a_later_skip_is_the_reason_again(instance: dg.DagsterInstance) -> None:
    attempt(instance, 3)
    attempt(instance, NotBetterError("The champion is better."))
    assert skip_reason(instance, FIRST) == "The champion is better."


@pytest.mark.parametrize("error", [ValueError("a bug"), CcmlError("a broken disk")])
def test_any_other_error_fails_the_run(instance: dg.DagsterInstance, error: Exception) -> None:
    result = attempt(instance, error)
    assert not result.success
    assert skip_reason(instance, FIRST) is None


def test_an_asset_that_nobody_tried_has_no_reason(instance: dg.DagsterInstance) -> None:
    assert skip_reason(instance, FIRST) is None


def test_an_observation_by_someone_else_is_no_skip(instance: dg.DagsterInstance) -> None:
    instance.report_runless_asset_event(dg.AssetObservation(FIRST, metadata={"looked": True}))
    assert skip_reason(instance, FIRST) is None
