"""The instance of a home: the settings that the project keeps, and what a crash left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import dagster as dg
import pytest
import yaml

from ccml import quiet
from ccml.home import Home
from ccml_cli.instance import CODE, DEFINITIONS, fail_orphans, instance_of, prepare


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


def started(instance: dg.DagsterInstance, pid: int | None) -> str:
    """A run that says it is at work in the process of this id."""
    job = dg.define_asset_job("one", selection="*")
    defs = dg.Definitions([dg.AssetsDefinition.from_op(_nothing)], jobs=[job])
    run = instance.create_run_for_job(
        defs.resolve_job_def("one"),
        status=dg.DagsterRunStatus.STARTED,
        tags={"ccml/pid": str(pid)} if pid is not None else {},
    )
    return run.run_id


@dg.op
def _nothing() -> int:
    return 1


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def dead_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return process.pid


def test_a_run_whose_process_is_gone_is_failed_at_the_next_start(home: Home) -> None:
    with instance_of(home) as instance:
        orphan = started(instance, dead_process())
    with instance_of(home) as instance:
        assert status(instance, orphan) is dg.DagsterRunStatus.FAILURE


@pytest.mark.parametrize("pid", [os.getpid(), None], ids=["lives", "is not ours"])
def test_a_run_whose_process_lives_or_is_not_ours_is_left_alone(instance: dg.DagsterInstance, pid: int | None) -> None:
    run = started(instance, pid)
    assert fail_orphans(instance) == 0
    assert status(instance, run) is dg.DagsterRunStatus.STARTED
