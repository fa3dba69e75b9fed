"""The outermost layer of the server: decides before anything is parsed whether a request is taken in.

Refusing inside the endpoint costs nearly as much as answering, so an overloaded server that does so falls to a tenth
of its throughput; refused here, with the body unread, it keeps about half. Health and metrics are never refused, as
they would be by uvicorn's `limit_concurrency`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from ccml.serving.http.refusal import RefusedError, refuse
from ccml.serving.routes import ACT, FEEDBACK

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
            if guarded and self._in_flight >= self._settings.in_flight:
                raise RefusedError(503, "overloaded", "The server is busy; try again after the time in Retry-After.")
        except RefusedError as error:
            if guarded:
                self._meter.refused(scope["path"], error.status)
            await refuse(error)(scope, receive, send)
            return
        if not guarded:
            await self.app(scope, receive, send)
            return
        started = scope[_STARTED] = time.monotonic()
        self._count(+1)
        try:
            await self.app(scope, receive, send)
        finally:
            self._count(-1)
            self._meter.duration(scope["path"], time.monotonic() - started)

    def _count(self, change: int) -> None:
        self._in_flight += change
        self._meter.in_flight.set(self._in_flight)


def started_at(scope: Scope) -> float:
    """`time.monotonic()` of the admission."""
    started: float = scope[_STARTED]
    return started


def _check_host(scope: Scope) -> None:
    """A web page can point a name of its own at 127.0.0.1 and so reach this server; its Host header gives it away.

    Starlette's `TrustedHostMiddleware` looks at the first Host header of several, and answers in plain text, past the
    metrics.
    """
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if len(hosts) != 1 or _without_port(hosts[0]) not in _LOOPBACK_NAMES:
        problem = "Expected one Host header that names this machine's loopback, such as 127.0.0.1."
        raise RefusedError(421, "host", problem)


def _without_port(host: bytes) -> bytes:
    name, colon, port = host.rpartition(b":")
    return name if colon and port.isdigit() else host


def _closing(send: Send) -> Send:
    """Asks a client of a server that is about to stop not to reuse the connection."""

    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
        await send(message)

    return closing
