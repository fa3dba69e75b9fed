"""Ticks of the real conditions of the daily tables, as the daemon evaluates them."""

import shutil
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import RunFailureReason
from dagster._core.execution.retries import auto_reexecution_should_retry_run

from ccml.errors import CcmlError
from ccml.home import Home
from ccml_assets.partitions import DAYS as PARTITIONS
from ccml_assets.sensors import MOST_ATTEMPTS, prepare_landed_days
from ccml_assets.staleness import LANDED_DAYS
from ccml_tests.assets import evening
from ccml_tests.assets.daemon import Automation
from ccml_tests.assets.platform import DAYS, Platform


@pytest.fixture
def automation(platform: Platform) -> Automation:
    return Automation(platform)


def land(platform: Platform, *days: str) -> None:
    known = platform.instance.get_dynamic_partitions(PARTITIONS)
    platform.instance.add_dynamic_partitions(PARTITIONS, [day for day in days if day not in known])
    for day in days:
        platform.instance.report_runless_asset_event(dg.AssetMaterialization(LANDED_DAYS, partition=day))


def prepare(platform: Platform, first: str, last: str) -> dg.ExecuteInProcessResult:
    return platform.run("prepare", days=(first, last))


def test_landed_days_are_asked_for_once_and_no_others(platform: Platform, automation: Automation) -> None:
    assert automation.tick() == []
    platform.put("evening.jsonl", evening.EVENTS)
    platform.run("ingest")
    assert automation.tick() == DAYS[:2]
    assert automation.tick() == [], "what was asked for is not asked for again"
    assert prepare(platform, DAYS[0], DAYS[1]).success
    assert [automation.tick() for _ in range(3)] == [[], [], []]
    assert len(platform.table("clean", "interactions")) == len(evening.TURNS)


def test_days_that_landed_before_the_daemon_ever_ran_are_asked_for(platform: Platform, automation: Automation) -> None:
    land(platform, *DAYS)
    assert automation.tick() == DAYS


def test_a_day_is_asked_for_again_when_something_lands_on_it(platform: Platform, automation: Automation) -> None:
    land(platform, *DAYS)
    automation.tick()
    prepare(platform, DAYS[0], DAYS[-1])
    automation.tick()
    land(platform, DAYS[1])
    assert automation.tick() == [DAYS[1]]
    assert automation.tick() == []


@pytest.mark.parametrize("ticks", [1, 2], ids=["before the next tick", "after it"])
def test_a_day_that_lands_again_while_it_is_made_is_asked_for_again(
    platform: Platform, automation: Automation, ticks: int
) -> None:
    land(platform, *DAYS)
    assert automation.tick() == DAYS
    for _ in range(ticks - 1):
        automation.tick()
    prepare(platform, DAYS[0], DAYS[-1])
    land(platform, DAYS[1])
    assert [automation.tick() for _ in range(3)] == [[DAYS[1]], [], []]


def test_a_day_older_than_all_others_is_asked_for(platform: Platform, automation: Automation) -> None:
    land(platform, *DAYS)
    automation.tick()
    prepare(platform, DAYS[0], DAYS[-1])
    land(platform, "2019-05-01")
    assert automation.tick() == ["2019-05-01"]
    assert prepare(platform, "2019-05-01", "2019-05-01").success
    assert automation.tick() == []


def test_other_code_of_any_table_asks_for_every_day_whole(
    platform: Platform, automation: Automation, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.put("evening.jsonl", evening.EVENTS)
    platform.run("ingest")
    automation.tick()
    assert prepare(platform, DAYS[0], DAYS[1]).success
    automation.tick()
    for group in ("features", "clean", "raw"):
        monkeypatch.setattr(platform, "defs", with_other_code(platform, group))
        assert [automation.tick() for _ in range(2)] == [DAYS[:2], []], group


def with_other_code(platform: Platform, group: str) -> dg.Definitions:
    return platform.defs.map_resolved_asset_specs(
        func=lambda spec: spec.replace_attributes(code_version="other"), selection=dg.AssetSelection.groups(group)
    )


def test_a_run_that_failed_is_left_to_its_retries_until_the_day_lands_again(
    platform: Platform, automation: Automation, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ccml.telemetry import lake

    def broken(*_: object) -> None:
        raise CcmlError("the disk is gone")

    land(platform, DAYS[0])
    assert automation.tick() == [DAYS[0]]
    with monkeypatch.context() as patch:
        patch.setattr(lake, "read_landed", broken)
        assert not prepare(platform, DAYS[0], DAYS[0]).success
    assert [automation.tick() for _ in range(3)] == [[], [], []]
    land(platform, DAYS[0])
    assert automation.tick() == [DAYS[0]]


@dg.asset
def broken() -> None:
    raise CcmlError("the disk is gone")


def broken_job() -> dg.JobDefinition:
    made = dg.Definitions([broken], jobs=[dg.define_asset_job("fails", "*")], executor=dg.in_process_executor)
    return made.resolve_job_def("fails")


def test_a_failed_run_is_started_again_by_dagster_but_not_for_ever(tmp_path: Path) -> None:
    settings = {"run_retries": {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False}}
    again = list[bool]()
    root: str | None = None
    with dg.instance_for_test(overrides=settings, temp_dir=str(tmp_path)) as instance:
        for _ in range(MOST_ATTEMPTS):
            options = dg.ReexecutionOptions(root) if root else None
            with dg.execute_job(
                dg.reconstructable(broken_job),
                instance,
                tags={**prepare_landed_days.run_tags, **({"dagster/root_run_id": root} if root else {})},
                reexecution_options=options,
                raise_on_error=False,
            ) as failed:
                assert not failed.success
            root = root or failed.run_id
            run = instance.get_run_by_id(failed.run_id)
            assert run is not None
            again.append(auto_reexecution_should_retry_run(instance, run, RunFailureReason.STEP_FAILURE))
    assert again == [True, True, False]


def test_the_conditions_are_evaluated_without_a_person_switching_them_on(platform: Platform) -> None:
    assert prepare_landed_days.default_status is dg.DefaultSensorStatus.RUNNING
    names = {sensor.name for sensor in platform.defs.get_repository_def().sensor_defs}
    assert "default_automation_condition_sensor" not in names


def test_a_moved_home_gets_its_days_back_with_the_next_landing(prepared: Platform, home: Home) -> None:
    shutil.copytree(prepared.home.root, home.root)
    moved = Platform(home)
    assert moved.instance.get_dynamic_partitions(PARTITIONS) == []
    moved.run("ingest")
    assert moved.instance.get_dynamic_partitions(PARTITIONS) == DAYS
    assert Automation(moved).tick() == DAYS
