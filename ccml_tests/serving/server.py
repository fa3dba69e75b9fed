"""A real server on a real socket, inside this process so that a test can also look at its parts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import uvicorn

from ccml.privacy.pseudonyms import Pseudonyms
from ccml.serving.http.admission import Admission
from ccml.serving.http.app import Service, create_app
from ccml.serving.http.server import listen
from ccml.serving.settings import ServingSettings
from ccml.telemetry.events import AnyEvent

KEY = b"k" * 32


@dataclass
class Running:
    url: str
    service: Service
    admission: Admission
    client: httpx.Client
    log_dir: Path

    def act(self, request: str, **fields: Any) -> httpx.Response:
        return self.client.post("/v1/act", json=body(request, **fields))

    def answer(self, request: str, **fields: Any) -> dict[str, Any]:
        response = self.act(request, **fields)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def metric(self, metric: str, /, **labels: str) -> float:
        """The sum over all series of this name that have these labels."""
        total = 0.0
        for line in self.client.get("/metrics").text.splitlines():
            head, _, value = line.rpartition(" ")
            if head.split("{")[0] == metric and all(f'{key}="{wanted}"' in head for key, wanted in labels.items()):
                total += float(value)
        return total


def body(request: str, **fields: Any) -> dict[str, Any]:
    """A valid request; `fields` of the session, and `deadline_ms`."""
    top = {"deadline_ms": fields.pop("deadline_ms")} if "deadline_ms" in fields else {}
    session = {"session_id": "s-1", "user_id": "ada", "directory": "/srv/app", "platform": "linux", "history": []}
    return {"request": request, "session": {**session, **fields}, **top}


@contextmanager
def running(models: Path, log_dir: Path, **settings: Any) -> Iterator[Running]:
    # Most tests ask who answers, not how fast; on a busy machine the usual deadline would answer for the models.
    usual = {"poll_seconds": 0.05, "seed": 1, "log_seconds": 0.2, "log_idle_seconds": 0.2, "deadline_ms": 10_000}
    chosen = ServingSettings(**{**usual, **settings})
    admission = create_app(models, log_dir, Pseudonyms(KEY), chosen)
    service: Service = admission.app.state.service
    listening = listen(0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    config = uvicorn.Config(admission, log_config=None, access_log=False, timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server ended while starting"
        time.sleep(0.01)
    try:
        with httpx.Client(base_url=url, timeout=30.0) as client:
            yield Running(url, service, admission, client, log_dir)
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()
        assert not thread.is_alive(), "the server did not stop"


def logged(log_dir: Path) -> list[AnyEvent]:
    """Every event of the finished files, decoded strictly as native telemetry."""
    lines = [line for path in sorted(log_dir.glob("*.jsonl")) for line in path.read_bytes().splitlines()]
    return [msgspec.json.decode(line, type=AnyEvent, strict=True) for line in lines]


def until(true: Any, seconds: float = 10.0) -> None:
    """Waits for something that another thread is about to do."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
