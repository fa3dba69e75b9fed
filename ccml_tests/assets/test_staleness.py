"""What a run would have to do: which days, which assets."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar

import dagster as dg
import pytest

from ccml.errors import NotEnoughDataError
from ccml.privacy.pseudonyms import Pseudonyms
from ccml.telemetry.landing import land
from ccml.telemetry.sources import all_sources
from ccml_assets.landing import report_days
from ccml_assets.partitions import with_days_beside
from ccml_assets.skips import skip_with_reason
from ccml_assets.staleness import LANDED_DAYS, last_event, pending_days, ranges, stale_assets
from ccml_tests.assets import evening
from ccml_tests.assets.platform import DAYS, Platform

MADE = dg.AssetKey(["features", "made"])


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def lands(instance: dg.DagsterInstance, *days: str) -> None:
    for day in days:
        instance.report_runless_asset_event(dg.AssetMaterialization(LANDED_DAYS, partition=day))


def prepares(instance: dg.DagsterInstance, *days: str, code: str = "1", key: dg.AssetKey = MADE) -> None:
    for day in days:
        instance.report_runless_asset_event(
            dg.AssetMaterialization(key, partition=day, tags={"dagster/code_version": code})
        )


def pending(instance: dg.DagsterInstance, code: str = "1", *more: dg.AssetKey) -> list[str]:
    return pending_days(instance, dict.fromkeys((MADE, *more), code))


def test_nothing_landed_leaves_nothing_pending(instance: dg.DagsterInstance) -> None:
    assert pending(instance) == []


def test_landed_days_are_pending_in_order(instance: dg.DagsterInstance) -> None:
    lands(instance, "2026-03-05", "2026-01-01")
    assert pending(instance) == ["2026-01-01", "2026-03-05"]


def test_prepared_days_are_not_pending(instance: dg.DagsterInstance) -> None:
    lands(instance, "2026-03-04", "2026-03-05")
    prepares(instance, "2026-03-04", "2026-03-05")
    assert pending(instance) == []


def test_a_new_file_makes_its_days_pending_and_no_others(instance: dg.DagsterInstance) -> None:
    lands(instance, "2026-03-01", "2026-03-03", "2026-03-05")
    prepares(instance, "2026-03-01", "2026-03-03", "2026-03-05")
    lands(instance, "2026-03-03", "2026-03-09")
    assert pending(instance) == ["2026-03-03", "2026-03-09"]


def test_a_landing_of_nothing_new_makes_no_day_pending(instance: dg.DagsterInstance) -> None:
    lands(instance, "2026-03-01")
    prepares(instance, "2026-03-01")
    lands(instance)
    assert pending(instance) == []


def test_a_day_and_those_beside_it_have_another_state_when_something_lands_on_it() -> None:
    states = {"2026-03-01": "a", "2026-03-02": "b", "2026-03-03": "c", "2026-03-05": "d"}
    before, after = with_days_beside(states), with_days_beside({**states, "2026-03-02": "e"})
    assert [day for day in states if before[day] != after[day]] == ["2026-03-01", "2026-03-02", "2026-03-03"]
    after = with_days_beside({**states, "2026-03-04": "f"})
    assert [day for day in sorted(after) if before.get(day) != after[day]] == ["2026-03-03", "2026-03-04", "2026-03-05"]


def test_days_whose_landing_died_before_it_reported_them_are_reported_by_the_next_look(platform: Platform) -> None:
    platform.put("evening.jsonl", evening.EVENTS)
    home = platform.home
    land(all_sources(home), home.lake, Pseudonyms(b"k" * 32), now=datetime.now(UTC))  # a landing, up to its report
    assert platform.pending() == []
    assert report_days(platform.instance, home) == [DAYS[0], DAYS[1]]
    assert platform.pending() == [DAYS[0], DAYS[1]]
    assert report_days(platform.instance, home) == []


def test_other_code_makes_every_landed_day_pending(instance: dg.DagsterInstance) -> None:
    lands(instance, "2026-01-01", "2026-03-05")
    prepares(instance, "2026-01-01", "2026-03-05", code="1")
    assert pending(instance, "2") == ["2026-01-01", "2026-03-05"]


def test_after_a_change_of_code_days_that_an_interrupted_run_left_stay_pending(
    instance: dg.DagsterInstance,
) -> None:
    lands(instance, "2026-01-01", "2026-03-05")
    prepares(instance, "2026-01-01", "2026-03-05", code="1")
    prepares(instance, "2026-03-05", code="2")
    assert pending(instance, "2") == ["2026-01-01"]


def test_a_day_is_pending_until_every_table_of_it_is_made(instance: dg.DagsterInstance) -> None:
    other = dg.AssetKey(["features", "other"])
    lands(instance, "2026-03-05")
    prepares(instance, "2026-03-05")
    assert pending(instance, "1", other) == ["2026-03-05"]
    prepares(instance, "2026-03-05", key=other)
    assert pending(instance, "1", other) == []


@pytest.mark.parametrize(
    ("pending", "expected"),
    [
        ("", []),
        ("e", ["ee"]),
        ("gfe", ["eg"]),
        ("ah", ["ah"]),
        ("ai", ["aa", "ii"]),
        ("cak", ["ac", "kk"]),
    ],
)
def test_days_less_than_a_week_of_landed_days_apart_share_a_run(pending: str, expected: list[str]) -> None:
    assert [first + last for first, last in ranges(pending, "abcdefghijk")] == expected


def test_a_range_follows_the_order_in_which_days_were_added() -> None:
    assert ranges(["2025-01-01", "2026-03-02"], ["2026-03-01", "2026-03-02", "2025-01-01"]) == [
        ("2026-03-02", "2025-01-01")
    ]


def test_what_lands_after_midnight_is_added_to_the_evening_before(platform: Platform) -> None:
    platform.put("evening.jsonl", evening.FIRST_EVENING)
    platform.run("ingest")
    platform.run("prepare", days=(DAYS[0], DAYS[0]))
    assert platform.pending() == []
    platform.put("morning.jsonl", evening.NEXT_MORNING)
    platform.run("ingest")
    assert platform.pending() == [DAYS[0], DAYS[1]]
    platform.run("prepare", days=(DAYS[0], DAYS[1]))
    clean = platform.table("clean", "interactions").set_index("interaction_id")
    assert clean.loc[evening.RATED, "rating"] == 5
    assert clean.loc[list(evening.TURNS), "position"].tolist() == [0, 1, 2, 3]
    assert platform.pending() == []


def test_after_the_jobs_no_day_is_pending(prepared: Platform) -> None:
    assert prepared.pending() == []


# A small graph of its own: source → middle → end, and beside → end.

does: dict[str, Any] = {}
"""An asset's name → the error it skips with."""


def graph(**code: str) -> dg.Definitions:
    def asset(name: str, *upstream: str) -> dg.AssetsDefinition:
        @dg.asset(
            name=name,
            ins={one: dg.AssetIn(one) for one in upstream},
            output_required=False,
            code_version=code.get(name, "1"),
        )
        def made(context: dg.AssetExecutionContext, **inputs: Any) -> Iterator[dg.MaterializeResult[str]]:
            with skip_with_reason(context):
                if name in does:
                    raise NotEnoughDataError(does[name])
                yield dg.MaterializeResult(value=name)

        return made

    return dg.Definitions(
        [asset("source"), asset("middle", "source"), asset("beside"), asset("end", "middle", "beside")]
    )


@pytest.fixture(autouse=True)
def _nothing_skips() -> Iterator[None]:
    does.clear()
    yield
    does.clear()


class Kept(dg.IOManager):
    """Values that outlive the run that made them."""

    values: ClassVar[dict[dg.AssetKey, Any]] = {}

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        self.values[context.asset_key] = obj

    def load_input(self, context: dg.InputContext) -> Any:
        return self.values[context.asset_key]


def make(instance: dg.DagsterInstance, *names: str) -> None:
    defs = graph()
    chosen = dg.AssetSelection.assets(*names) if names else dg.AssetSelection.all()
    assets = [defs.resolve_assets_def(name) for name in ("source", "middle", "beside", "end")]
    assert dg.materialize(assets, selection=chosen, instance=instance, resources={"io_manager": Kept()}).success


def stale(instance: dg.DagsterInstance, selection: dg.AssetSelection | None = None, **code: str) -> list[str]:
    found = stale_assets(instance, graph(**code), selection or dg.AssetSelection.all())
    return [key.to_user_string() for key in found]


def test_what_was_never_made_is_stale_upstream_first(instance: dg.DagsterInstance) -> None:
    found = stale(instance)
    assert sorted(found) == ["beside", "end", "middle", "source"]
    assert found.index("source") < found.index("middle") < found.index("end")


def test_nothing_is_stale_after_a_run(instance: dg.DagsterInstance) -> None:
    make(instance)
    assert stale(instance) == []


def test_what_is_below_a_newer_input_is_stale(instance: dg.DagsterInstance) -> None:
    make(instance)
    make(instance, "source")
    assert stale(instance) == ["middle", "end"]


def test_a_changed_code_version_makes_the_asset_and_what_is_below_it_stale(instance: dg.DagsterInstance) -> None:
    make(instance)
    assert stale(instance, middle="2") == ["middle", "end"]
    assert stale(instance, end="2") == ["end"]


def test_a_newer_input_outside_the_selection_counts(instance: dg.DagsterInstance) -> None:
    make(instance)
    make(instance, "source")
    assert stale(instance, dg.AssetSelection.assets("middle")) == ["middle"]


def test_what_was_skipped_is_not_tried_again(instance: dg.DagsterInstance) -> None:
    does["middle"] = "Too little."
    make(instance)
    assert stale(instance) == []


def test_what_was_skipped_is_tried_again_once_its_input_is_newer(instance: dg.DagsterInstance) -> None:
    does["middle"] = "Too little."
    make(instance)
    make(instance, "source")
    assert stale(instance) == ["middle", "end"]


def test_what_was_skipped_is_tried_again_by_other_code(instance: dg.DagsterInstance) -> None:
    does["middle"] = "Too little."
    make(instance)
    assert stale(instance, middle="2") == ["middle", "end"]


def test_an_input_that_is_skipped_for_now_makes_nothing_below_it_stale(instance: dg.DagsterInstance) -> None:
    make(instance)
    does["middle"] = "The gate refused."
    make(instance, "source")
    make(instance, "middle")
    assert stale(instance) == []
    assert stale(instance, dg.AssetSelection.assets("end")) == []


def test_a_newer_input_beside_a_skipped_one_is_not_enough(instance: dg.DagsterInstance) -> None:
    does["middle"] = "Too little."
    make(instance)
    make(instance, "beside")
    assert stale(instance) == []


def test_the_last_event_is_the_newer_of_a_value_and_a_skip(instance: dg.DagsterInstance) -> None:
    key = dg.AssetKey("middle")
    assert last_event(instance, key) is None
    make(instance)
    value = last_event(instance, key)
    does["middle"] = "Too little."
    make(instance, "middle")
    skip = last_event(instance, key)
    assert value is not None
    assert skip is not None
    assert value[1:] == ("1", False)
    assert skip[1:] == ("1", True)
    assert skip[0] > value[0]
