"""An asset that cannot be made says why, and nothing is made of it."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from ccml.errors import CcmlError, NotBetterError, NotEnoughDataError
from ccml_assets.skips import REASON, skip_reason, skippable

FIRST, SECOND = dg.AssetKey("first"), dg.AssetKey("second")

outcome: dict[str, Any] = {}
"""What `first` does next: an error to raise, or a value."""


@dg.asset(output_required=False, code_version="c0de")
@skippable
def first(context: dg.AssetExecutionContext) -> Any:
    if isinstance(outcome["first"], Exception):
        raise outcome["first"]
    return dg.MaterializeResult(value=outcome["first"])


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
        [first, second], instance=instance, resources={"io_manager": dg.mem_io_manager}, raise_on_error=False
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
    assert [event.step_key for event in result.all_events if event.is_step_skipped] == ["second"]


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
