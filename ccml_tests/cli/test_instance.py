"""The instance of a home: the settings that the project keeps, and what a crash left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from ccml import quiet
from ccml.home import Home
from ccml.locks import is_locked
from ccml_assets.at_work import OF_COMMAND, at_work, end_orphans
from ccml_assets.definitions import definitions_of
from ccml_cli.instance import CODE, DEFINITIONS, instance_of, prepare


@pytest.fixture(autouse=True)
def _environment_is_given_back(monkeypatch: pytest.MonkeyPatch, home: Home) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(home.dagster))
    for name, value in quiet.NO_REPORTS.items():
        monkeypatch.setenv(name, os.environ.get(name, value))


@pytest.fixture
def instance(home: Home) -> Iterator[dg.DagsterInstance]:
    with instance_of(home) as instance:
        yield instance


def test_it_lies_in_the_home(instance: dg.DagsterInstance, home: Home) -> None:
    assert instance.root_directory == str(home.dagster)
    assert (home.dagster / "dagster.yaml").read_bytes() == (CODE / "dagster.yaml").read_bytes()


def test_it_reports_to_nobody(instance: dg.DagsterInstance) -> None:
    assert instance.telemetry_enabled is False


def test_it_runs_two_at_a_time_and_one_in_each_pool(instance: dg.DagsterInstance) -> None:
    limits = instance.get_concurrency_config()
    assert limits.run_queue_config is not None
    assert limits.run_queue_config.max_concurrent_runs == 2
    assert limits.pool_config.default_pool_limit == 1
    assert str(limits.pool_config.pool_granularity).endswith("OP")


def test_it_watches_its_runs_and_frees_what_the_dead_held(instance: dg.DagsterInstance) -> None:
    assert instance.run_monitoring_enabled
    assert instance.run_monitoring_start_timeout_seconds == 120
    assert instance.run_monitoring_max_runtime_seconds == 21_600
    assert instance.run_monitoring_max_resume_run_attempts == 0
    assert instance.run_monitoring_settings["free_slots_after_run_end_seconds"] == 30


def test_it_retries_killed_workers_and_not_failed_assets(instance: dg.DagsterInstance) -> None:
    assert instance.run_retries_enabled
    assert instance.run_retries_max_retries == 2
    assert instance.run_retries_retry_on_asset_or_op_failure is False


def test_a_change_of_the_projects_settings_reaches_a_home_that_exists(home: Home) -> None:
    prepare(home)
    (home.dagster / "dagster.yaml").write_text("telemetry:\n  enabled: true\n")
    prepare(home)
    assert (home.dagster / "dagster.yaml").read_bytes() == (CODE / "dagster.yaml").read_bytes()


def test_the_workspace_file_at_the_top_names_the_module_that_the_command_serves() -> None:
    (location,) = yaml.safe_load((CODE / "workspace.yaml").read_text())["load_from"]
    assert location["python_module"]["module_name"] == DEFINITIONS


@dg.op
def _nothing() -> int:
    return 1


JOB = dg.define_asset_job("one", selection="*")


def started(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus = dg.DagsterRunStatus.STARTED, **tags: str
) -> str:
    defs = dg.Definitions([dg.AssetsDefinition.from_op(_nothing)], jobs=[JOB])
    return instance.create_run_for_job(defs.resolve_job_def("one"), status=status, tags=tags).run_id


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


@pytest.mark.parametrize("tags", [{OF_COMMAND: "1"}, {}], ids=["of a command", "of the daemon"])
def test_a_run_that_nobody_works_on_is_failed_at_the_next_start_and_its_slot_freed(
    home: Home, tags: dict[str, str]
) -> None:
    with instance_of(home) as instance:
        orphan = started(instance, **tags)
        storage = instance.event_log_storage
        storage.initialize_concurrency_limit_to_default("landing")
        assert storage.claim_concurrency_slot("landing", orphan, "a_step").is_claimed
    with instance_of(home) as instance:
        assert status(instance, orphan) is dg.DagsterRunStatus.FAILURE
        assert instance.event_log_storage.get_concurrency_info("landing").active_slot_count == 0


def test_a_slot_that_a_run_held_to_its_end_is_freed(instance: dg.DagsterInstance) -> None:
    ended = started(instance, dg.DagsterRunStatus.FAILURE)
    storage = instance.event_log_storage
    storage.initialize_concurrency_limit_to_default("landing")
    storage.claim_concurrency_slot("landing", ended, "a_step")
    assert end_orphans(instance) == 0
    assert storage.get_concurrency_info("landing").active_slot_count == 0


def test_a_run_that_a_process_works_on_is_left_alone(instance: dg.DagsterInstance) -> None:
    run = started(instance)
    with at_work(instance, run):
        assert end_orphans(instance) == 0
    assert status(instance, run) is dg.DagsterRunStatus.STARTED


def test_a_run_that_is_being_launched_is_left_to_a_daemon_while_there_may_be_one(instance: dg.DagsterInstance) -> None:
    run = started(instance, dg.DagsterRunStatus.STARTING)
    assert end_orphans(instance) == 0
    assert end_orphans(instance, launcher_gone=True) == 1
    assert status(instance, run) is dg.DagsterRunStatus.FAILURE


def test_every_run_of_the_platform_is_marked_while_it_is_at_work(home: Home, instance: dg.DagsterInstance) -> None:
    """Also those that Dagster starts: the mark is the executor's."""
    seen = []

    @dg.asset
    def looks(context) -> None:  # type: ignore[no-untyped-def]  # Dagster reads the annotation, which is text here
        seen.append(is_locked(home.dagster / "at_work" / f"{context.run_id}.lock"))

    job = dg.Definitions([looks], jobs=[JOB], executor=definitions_of(home).executor).resolve_job_def("one")
    run = instance.create_run_for_job(job)
    assert execute_run(InMemoryJob(job), run, instance).success
    assert seen == [True]
    assert list((home.dagster / "at_work").iterdir()) == []
