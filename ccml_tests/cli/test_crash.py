"""The machine goes down under `ccml ui` with a run at work: everything ends at once, and nothing can be tidied up."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest

from ccml.home import Home
from ccml_simulator.simulate import encode_event
from ccml_tests.assets.evening import EVENTS
from ccml_tests.cli.test_ui import port, started, terminated, until

__all__ = ["port"]

Record = Callable[[str, object], None]

FAULT = "every process is killed at once while a run of the daemon is at work"


def crash(home: Home) -> None:
    """Kills every process of the home; twice, for those that were just being started."""
    for _ in range(2):
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.pid != os.getpid() and process.environ().get("CCML_HOME") == str(home.root):
                    process.send_signal(signal.SIGKILL)


def statuses(home: Home) -> dict[str, str]:
    """Run → status."""
    path = home.dagster / "history" / "runs.db"
    if not path.exists():
        return {}
    with closing(sqlite3.connect(path, timeout=30)) as database:
        return dict(database.execute("SELECT run_id, status FROM runs"))


def prepared_days(home: Home) -> int:
    return len(list((home.lake / "clean" / "interactions").glob("*.parquet")))


@pytest.fixture
def crashed(home: Home, port: int) -> str:
    """A home after the crash; the run that was at work."""
    home.landing.mkdir(parents=True)
    (home.landing / "evening.jsonl").write_bytes(b"".join(encode_event(event) + b"\n" for event in EVENTS))
    process = started(port)
    assert process.stdout is not None
    process.stdout.readline()
    end = time.monotonic() + 180
    while not (at_work := [run for run, status in statuses(home).items() if status == "STARTED"]):
        assert time.monotonic() < end, (home.logs / "ui.log").read_text()
        time.sleep(0.02)
    crash(home)
    process.wait()
    assert statuses(home)[at_work[0]] == "STARTED"
    return at_work[0]


@pytest.mark.slow
@pytest.mark.acceptance("After a crash `ccml ui` fails the run, and its sensors ask for its days again", fault=FAULT)
def test_after_a_crash_the_run_is_failed_and_the_sensors_go_on(
    home: Home, port: int, crashed: str, record_property: Record
) -> None:
    begin = time.monotonic()
    process = started(port)
    until(lambda: statuses(home)[crashed] == "FAILURE", 60)
    failed_after = time.monotonic() - begin
    until(lambda: prepared_days(home) == 2, 300)
    prepared_after = time.monotonic() - begin
    terminated(process)
    assert process.wait(60) == 0
    record_property("size", "1 crash")
    record_property("run failed after", f"{failed_after:.0f} s")
    record_property("days prepared after", f"{prepared_after:.0f} s")
    assert failed_after < 30


@pytest.mark.slow
@pytest.mark.acceptance(
    "After a crash under `ccml ui` the next `ccml run` fails the run and does its work", fault=FAULT
)
def test_after_a_crash_a_command_does_what_the_run_was_to_do(home: Home, crashed: str, record_property: Record) -> None:
    begin = time.monotonic()
    command = [str(Path(sys.executable).with_name("ccml")), "run", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["interactions"]["kept"] == 4
    assert statuses(home)[crashed] == "FAILURE"
    assert {status for run, status in statuses(home).items() if run != crashed} == {"SUCCESS"}
    record_property("size", "1 crash")
    record_property("everything done after", f"{time.monotonic() - begin:.0f} s")
