"""`ccml bench serve`: loads a running server and says what it held: latency, outcomes, memory.

Open loop (`rate`): requests leave on schedule whether or not earlier ones have been answered, and latency counts from
the schedule, so a server that stalls cannot hide it (Tene's "coordinated omission"). Closed loop (`clients`): each
client sends its next request when it has its answer, which finds the most a server can do.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import msgspec
import numpy as np

from ccml.errors import CcmlError, InputError
from ccml.home import Home

REQUESTS: Final = (
    "find the big log files",
    "how much disk space is left",
    "run the tests",
    "show what changed since the last commit",
    "which process is using the most memory",
    "search for TODO in the sources",
    "list the containers",
    "pack this folder",
    "do that again",
    "is the web server running",
)
_HISTORY: Final = ("cd app", "ls -la", "git status", "git pull", "pytest -x", "git diff", "vim app.py", "pytest -x")

_READY: Final = "Answering on "
_SERVE: Final = """
import logging, sys
from pathlib import Path
from ccml.home import Home
from ccml.serving.http.server import serve
logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
serve(Home(Path(sys.argv[1])), 0)
"""


class BenchReport(msgspec.Struct, frozen=True):
    seconds: float
    requests: int
    per_second: float
    outcomes: dict[str, int]
    """Answers by HTTP status; `degraded` ones are those that a champion did not give."""
    p50_ms: float
    p95_ms: float
    p99_ms: float
    largest_ms: float
    server_memory_mb: float
    """Resident memory of the server after the load."""


@contextmanager
def server_for_bench(home: Home) -> Iterator[str]:
    """A server of its own process on the home's releases; yields its address.

    Its log goes to a folder that is thrown away: made-up requests must not land with real telemetry.

    Raises:
        CcmlError: it did not start; says what it printed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        apart = Path(scratch) / "home"
        apart.mkdir()
        (apart / "models").symlink_to(home.models)
        process = subprocess.Popen([sys.executable, "-c", _SERVE, str(apart)], stderr=subprocess.PIPE, text=True)  # noqa: S603 - this interpreter, a program written above
        assert process.stderr is not None
        try:
            printed = []
            for line in process.stderr:
                printed.append(line)
                if _READY in line:
                    break
            else:
                raise CcmlError(f"The server did not start: {''.join(printed)[-2000:]}")
            threading.Thread(target=process.stderr.read, daemon=True).start()
            yield printed[-1].split()[-1]
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def bench(
    url: str,
    *,
    requests: int | None = None,
    seconds: float | None = None,
    rate: float | None = None,
    clients: int = 8,
) -> BenchReport:
    """Loads a running server until so many requests were sent or so many seconds have passed.

    Args:
        rate: requests per second of an open loop; closed loop if not given.
        clients: connections; in an open loop the most that may be busy at once.

    Raises:
        InputError: no server answers at `url`, or `url` is not plain http.
    """
    target = urlsplit(url)
    if target.scheme != "http" or target.hostname is None:
        raise InputError(f"{url} cannot be benchmarked; expected http://HOST:PORT of a running `ccml serve`.")
    try:
        httpx.get(f"{url}/healthz", timeout=5.0).raise_for_status()
    except httpx.HTTPError as error:
        raise InputError(f"No server answers at {url}. Start one with `ccml serve`.") from error
    load = _Load(target.hostname, target.port or 80, requests, seconds)
    started = time.perf_counter()
    asyncio.run(load.open_loop(rate, clients) if rate else load.closed_loop(clients))
    took = time.perf_counter() - started
    latencies = np.asarray(load.latencies or [float("nan")]) * 1000
    p50, p95, p99 = (float(value) for value in np.percentile(latencies, [50, 95, 99]))
    return BenchReport(
        seconds=round(took, 2),
        requests=sum(count for outcome, count in load.outcomes.items() if outcome != "degraded"),
        per_second=round(len(load.latencies) / took, 1),
        outcomes=dict(load.outcomes),
        p50_ms=round(p50, 2),
        p95_ms=round(p95, 2),
        p99_ms=round(p99, 2),
        largest_ms=round(float(latencies.max()), 2),
        server_memory_mb=round(_memory_mb(url), 1),
    )


class _Load:
    """A minimal HTTP/1.1 client: a full one would need more of the shared cores than the server it measures."""

    def __init__(self, host: str, port: int, requests: int | None, seconds: float | None) -> None:
        self._host, self._port = host, port
        self._messages = [_message(host, port, request, number) for number, request in enumerate(REQUESTS)]
        self._most = requests if requests is not None else sys.maxsize
        self._end = time.perf_counter() + (seconds if seconds is not None else math.inf)
        self._sent = 0
        self.latencies: list[float] = []
        """Seconds of the answers with status 200."""
        self.outcomes: Counter[str] = Counter()

    def _goes_on(self) -> bool:
        return self._sent < self._most and time.perf_counter() < self._end

    async def closed_loop(self, clients: int) -> None:
        async def client() -> None:
            connection = _Connection(self._host, self._port)
            while self._goes_on():
                await self._one(connection, time.perf_counter())
            connection.close()

        await asyncio.gather(*(client() for _ in range(clients)))

    async def open_loop(self, rate: float, clients: int) -> None:
        free = [_Connection(self._host, self._port) for _ in range(clients)]
        connections = list(free)
        places = asyncio.Semaphore(clients)
        running: set[asyncio.Task[None]] = set()

        async def send(due: float) -> None:
            async with places:
                connection = free.pop()
                await self._one(connection, due)
                free.append(connection)

        started = time.perf_counter()
        for number in itertools.takewhile(lambda _: self._goes_on(), itertools.count()):
            due = started + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            task = asyncio.create_task(send(due))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.gather(*running)
        for connection in connections:
            connection.close()

    async def _one(self, connection: _Connection, due: float) -> None:
        message = self._messages[self._sent % len(self._messages)]
        self._sent += 1
        try:
            status, body = await connection.exchange(message)
        except (OSError, asyncio.IncompleteReadError):
            connection.close()
            self.outcomes["connection lost"] += 1
            return
        self.outcomes[str(status)] += 1
        if status == 200:
            self.latencies.append(time.perf_counter() - due)
            self.outcomes["degraded"] += b'"degraded":true' in body


class _Connection:
    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def exchange(self, message: bytes) -> tuple[int, bytes]:
        """Status and body."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        writer.write(message)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        body = await reader.readexactly(length)
        if b"connection: close" in head:
            self.close()
        return int(head.split(b" ", 2)[1]), body

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def _message(host: str, port: int, request: str, number: int) -> bytes:
    history = [{"command": line, "succeeded": True} for line in _HISTORY[: number % (len(_HISTORY) + 1)]]
    session = {
        "session_id": f"bench-{number}",
        "user_id": "bench",
        "directory": "/srv/app",
        "platform": "linux",
        "history": history,
        "state": {"cpu_percent": 20.0, "memory_percent": 40.0, "load_1m": 0.5},
    }
    body = json.dumps({"request": request, "session": session}).encode()
    head = f"POST /v1/act HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _memory_mb(url: str) -> float:
    for line in httpx.get(f"{url}/metrics", timeout=5.0).text.splitlines():
        if line.startswith("process_resident_memory_bytes "):
            return float(line.split()[1]) / 1e6
    return float("nan")
