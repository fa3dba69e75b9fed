"""The server as a process: what it imports, how it starts, drains, and comes back after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from ccml.home import Home
from ccml.telemetry.events import Interaction
from ccml_tests.serving.server import body, logged, until
from ccml_tests.serving.tiny import release_all

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "torch",
    "transformers",
    "pandas",
    "dagster",
    "pyarrow",
    "sklearn",
    "scipy",
    "mlflow",
    "deltalake",
    "onnx",
    "fastapi",
    "pydantic",
)

SERVE = """
import logging, sys
from ccml.home import Home
from ccml.serving.http.server import serve
from ccml.serving.settings import ServingSettings
logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
serve(Home.from_environment(), 0, ServingSettings(log_idle_seconds=60, drain_notice_seconds=0.3))
"""


@contextmanager
def serving(home: Home) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE],
        env={**os.environ, "CCML_HOME": str(home.root)},
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        url = next(line.split()[-1] for line in process.stderr if "http://127.0.0.1" in line)
        threading.Thread(target=process.stderr.read, daemon=True).start()
        with httpx.Client(base_url=url, timeout=10) as client:
            yield process, client
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    "module", ["ccml.serving", "ccml.serving.http.app", "ccml.serving.http.server", "ccml.serving.http.client"]
)
def test_a_server_imports_nothing_of_the_training_stack(module: str) -> None:
    code = f"import {module}, sys, json; print(json.dumps(sorted(m.split('.')[0] for m in sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(json.loads(out)).isdisjoint(HEAVY)


def test_it_is_ready_soon_and_small(home: Home) -> None:
    release_all(home.models)
    started = time.monotonic()
    with serving(home) as (_, client):
        assert client.get("/readyz").status_code == 200
        assert time.monotonic() - started < 8.0
        assert client.post("/v1/act", json=body("list files")).status_code == 200
        rss = next(
            float(line.split()[1])
            for line in client.get("/metrics").text.splitlines()
            if line.startswith("process_resident_memory_bytes")
        )
        assert rss < 160e6


def test_on_sigterm_every_admitted_request_is_answered_and_the_log_is_complete(home: Home) -> None:
    release_all(home.models)
    answered: list[str] = []
    failed: list[object] = []

    def ask(url: str) -> None:
        with httpx.Client(base_url=url, timeout=10) as own:
            while True:
                try:
                    response = own.post("/v1/act", json=body("list files"))
                except httpx.TransportError:
                    return  # the door is closed
                if response.status_code == 200:
                    answered.append(response.json()["interaction_id"])
                else:
                    failed.append(response.status_code)

    with serving(home) as (process, client):
        threads = [threading.Thread(target=ask, args=(str(client.base_url),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        until(lambda: len(answered) > 20)
        process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        until(lambda: client.get("/readyz").status_code == 503, 2)
        assert process.wait(11) == 0
        assert time.monotonic() - started < 11
        for thread in threads:
            thread.join()
    assert failed == []
    ids = {event.event_id for event in logged(home.landing / "served")}
    assert set(answered) <= ids
    assert list((home.landing / "served").glob("*.tmp")) == []


def test_after_a_kill_the_next_start_finishes_the_log(home: Home) -> None:
    release_all(home.models)
    folder = home.landing / "served"
    with serving(home) as (process, client):
        ids = [client.post("/v1/act", json=body("list files")).json()["interaction_id"] for _ in range(5)]
        until(lambda: any(path.read_bytes().count(b"\n") == 10 for path in folder.glob("*.tmp")))
        process.kill()
        process.wait()
    assert list(folder.glob("*.jsonl")) == []
    with serving(home):
        assert [event.event_id for event in logged(folder) if isinstance(event, Interaction)] == ids


def test_a_taken_port_is_one_sentence(home: Home) -> None:
    from ccml.errors import InputError
    from ccml.serving.http.server import listen, serve

    taken = listen(0)
    taken.listen()
    with pytest.raises(InputError, match=r"cannot be used .* choose another --port"):
        serve(home, taken.getsockname()[1])
    taken.close()
