"""A command whose pool is held by another run waits without spinning, says for whom, and goes on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import dagster as dg
import psutil
import pytest

from ccml.home import Home
from ccml_assets.at_work import at_work
from ccml_assets.definitions import definitions_of
from ccml_cli.instance import instance_of
from ccml_simulator.simulate import encode_event
from ccml_tests.assets.evening import EVENTS


@pytest.fixture
def instance(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", str(home.dagster))
    with instance_of(home) as instance:
        yield instance


def held(instance: dg.DagsterInstance, home: Home) -> str:
    """A run that is at work, as those of a daemon are, and has the pool of the landing."""
    job = definitions_of(home).resolve_job_def("ingest")
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED).run_id
    storage = instance.event_log_storage
    storage.initialize_concurrency_limit_to_default("landing")
    assert storage.claim_concurrency_slot("landing", run, "landing__files").is_claimed
    return run


@pytest.mark.parametrize("ends", ["frees its slot", "dies"])
def test_a_command_waits_for_a_pool_without_spinning_says_for_whom_and_goes_on(
    home: Home, instance: dg.DagsterInstance, tmp_path: Path, ends: str
) -> None:
    log = tmp_path / "assistant.jsonl"
    log.write_bytes(b"".join(encode_event(event) + b"\n" for event in EVENTS))
    run = held(instance, home)
    with ExitStack() as holder:
        holder.enter_context(at_work(instance, run))
        command = [str(Path(sys.executable).with_name("ccml")), "ingest", str(log)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        assert process.stdout is not None
        for line in process.stdout:
            if "waiting" in line:
                break
        assert line == f"landing is held by run {run[:8]} of ingest; waiting for its end\n"
        time.sleep(1)  # it has written its line to the log by then
        before, begin = sum(psutil.Process(process.pid).cpu_times()[:2]), time.monotonic()
        time.sleep(4)
        share = (sum(psutil.Process(process.pid).cpu_times()[:2]) - before) / (time.monotonic() - begin)
        assert process.poll() is None
        assert share < 0.15
        if ends == "frees its slot":
            instance.event_log_storage.free_concurrency_slots_for_run(run)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0, rest
    assert "landing/files" in rest
