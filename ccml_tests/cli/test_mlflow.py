"""`ccml mlflow`: one line, and it leads to the trainings."""

from __future__ import annotations

import signal
import subprocess
import sys

import httpx
import pytest

from ccml.home import Home
from ccml_tests.cli.test_ui import of_home, port, until  # noqa: F401  # a fixture is found by its name


@pytest.mark.parametrize("signalled", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_one_line_whose_address_shows_the_trainings_and_leaves_no_process(
    home: Home,
    port: int,  # noqa: F811
    signalled: signal.Signals,
) -> None:
    command = [sys.executable, "-m", "ccml_cli.main", "mlflow", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        until(lambda: alive(port), 90)
        process.send_signal(signalled)
        rest, _ = process.communicate(timeout=60)
    assert (rest, process.returncode) == ("", 0)
    assert of_home(home) == []
    address = f"http://127.0.0.1:{port}/#/experiments/1/runs?workflowType=machine_learning"
    assert first == f"The trainings are at {address} — Ctrl-C ends it. MLflow's log: {home.logs / 'mlflow.log'}\n"
    assert "MLflow" in (home.logs / "mlflow.log").read_text()


def alive(port: int) -> bool:  # noqa: F811
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
    except httpx.HTTPError:
        return False
