"""The outermost layer of the server: decides before anything is parsed whether a request is taken in.

Refusing inside the endpoint costs nearly as much as answering, so an overloaded server that does so falls to a tenth
of its throughput; refused here, with the body unread, it keeps about half. Health and metrics are never refused.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

import msgspec

from ccml.serving.routes import ACT, FEEDBACK, Refusal

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ccml.serving.metrics import Meter
    from ccml.serving.settings import ServingSettings

_GUARDED: Final = (ACT, FEEDBACK)
_LOOPBACK_NAMES: Final = frozenset({b"127.0.0.1", b"localhost", b"[::1]"})
_STARTED: Final = "ccml.started"


class Admission:
    """ASGI wrapper. Only requests for the guarded paths are counted and limited."""

    def __init__(self, app: ASGIApp, settings: ServingSettings, meter: Meter) -> None:
        self.app = app
        self._settings = settings
        self._meter = meter
        self._in_flight = 0
        self.draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self.draining:
            send = _closing(send)
        guarded = scope["path"] in _GUARDED
        try:
            _check_host(scope)
            if not guarded:
                await self.app(scope, receive, send)
                return
            if self._in_flight >= self._settings.in_flight:
                raise Refusal(503, "overloaded", "The server is busy; try again after the time in Retry-After.")
        except Refusal as refusal:
            if guarded:
                self._meter.refused(scope["path"], refusal.status)
            await _refuse(send, refusal)
            return
        self._in_flight += 1
        self._meter.in_flight.set(self._in_flight)
        started = time.monotonic()
        try:
            await self._admitted(scope, receive, send, started)
        finally:
            self._in_flight -= 1
            self._meter.in_flight.set(self._in_flight)
            self._meter.duration(scope["path"], time.monotonic() - started)

    async def _admitted(self, scope: Scope, receive: Receive, send: Send, started: float) -> None:
        try:
            if scope["method"] == "POST":
                _check_headers(scope, self._settings)
                seconds = self._settings.deadline_ms / 1000
                body = await asyncio.wait_for(_read_body(receive, self._settings.body_bytes), seconds)
                receive = _replay(body, receive)
        except TimeoutError:
            # Held open, a few slow senders would take every place in flight.
            refusal = Refusal(408, "slow_body", f"The body did not arrive within {self._settings.deadline_ms} ms.")
            self._meter.refused(scope["path"], refusal.status)
            await _refuse(send, refusal)
            return
        except Refusal as refusal:
            self._meter.refused(scope["path"], refusal.status)
            await _refuse(send, refusal)
            return
        except ConnectionAbortedError:
            self._meter.refused(scope["path"], 499)
            return
        scope[_STARTED] = started
        await self.app(scope, receive, send)


def started_at(scope: Scope) -> float:
    """`time.monotonic()` of the admission."""
    started: float = scope[_STARTED]
    return started


def _check_host(scope: Scope) -> None:
    """A web page can point a name of its own at 127.0.0.1 and so reach this server; its Host header gives it away."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if len(hosts) != 1 or _without_port(hosts[0]) not in _LOOPBACK_NAMES:
        raise Refusal(421, "host", "Expected one Host header that names this machine's loopback, such as 127.0.0.1.")


def _without_port(host: bytes) -> bytes:
    name, colon, port = host.rpartition(b":")
    return name if colon and port.isdigit() else host


def _check_headers(scope: Scope, settings: ServingSettings) -> None:
    headers = scope["headers"]
    if len(headers) > settings.headers:
        raise Refusal(431, "headers", f"Expected at most {settings.headers} headers.")
    kinds = [value for name, value in headers if name == b"content-type"]
    if len(kinds) != 1 or kinds[0].split(b";")[0].strip().lower() != b"application/json":
        raise Refusal(415, "content_type", "Expected Content-Type: application/json.")
    if any(name == b"content-encoding" for name, _ in headers):
        # A compressed body of a few kilobytes can unfold to gigabytes.
        raise Refusal(415, "content_encoding", "Expected a body without Content-Encoding.")
    lengths = [value for name, value in headers if name == b"content-length"]
    if len(lengths) > 1 or any(not length.isdigit() for length in lengths):
        raise Refusal(400, "content_length", "Expected at most one Content-Length, a number.")
    if lengths and int(lengths[0][:20]) > settings.body_bytes:
        raise _too_large(settings.body_bytes)


async def _read_body(receive: Receive, limit: int) -> bytes:
    """The whole body; counted as it comes, because a chunked one announces no length."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionAbortedError
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _too_large(limit: int) -> Refusal:
    return Refusal(413, "body", f"The body is larger than {limit} bytes.")


def _replay(body: bytes, receive: Receive) -> Receive:
    replayed = False

    async def replaying() -> Message:
        nonlocal replayed
        if replayed:
            return await receive()  # the next thing to hear of is that the client has gone
        replayed = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replaying


def _closing(send: Send) -> Send:
    """Tells a client of a server that is about to stop not to reuse the connection."""

    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
        await send(message)

    return closing


async def _refuse(send: Send, refusal: Refusal) -> None:
    body = msgspec.json.encode({"error": {"code": refusal.code, "problem": refusal.problem}})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if refusal.status == 503:
        headers.append((b"retry-after", b"1"))
    if refusal.status in (408, 413):
        headers.append((b"connection", b"close"))  # the rest of the body is never read
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
