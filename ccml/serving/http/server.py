"""`ccml serve`: the application on a loopback socket, from start to drained stop."""

from __future__ import annotations

import ctypes
import logging
import signal
import socket
import sys
import threading
from types import FrameType

from ccml.errors import InputError
from ccml.home import Home
from ccml.privacy.pseudonyms import Pseudonyms, load_or_create_key
from ccml.serving.settings import ServingSettings

PORT = 8321
_DEFAULT = ServingSettings()
_M_TRIM_THRESHOLD, _M_ARENA_MAX = -1, -8  # malloc.h


def serve(home: Home, port: int = PORT, settings: ServingSettings = _DEFAULT) -> None:
    """Answers on 127.0.0.1 until SIGTERM or SIGINT, then finishes what it has admitted and closes its log.

    The address is not a choice: there is no login, so nothing but this machine may reach it.

    Args:
        port: 0 for any free one.

    Raises:
        InputError: the port is taken.
        IntegrityError: the pseudonym key is damaged or readable by others.
    """
    keep_memory_small()
    import uvicorn

    from ccml.serving.http.app import create_app

    listening = listen(port)
    pseudonyms = Pseudonyms(load_or_create_key(home.key_file))
    admission = create_app(home.models, home.landing / "served", pseudonyms, settings)

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            if admission.draining:
                self.force_exit = sig == signal.SIGINT
                self.should_exit = True
                return
            admission.draining = True

            def stop_accepting() -> None:
                self.should_exit = True

            # Whoever watches /readyz sends new requests elsewhere before the socket closes.
            threading.Timer(settings.drain_notice_seconds, stop_accepting).start()

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            logging.getLogger("ccml.serving").info("Answering on http://127.0.0.1:%d", listening.getsockname()[1])

    config = uvicorn.Config(
        admission,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.drain_seconds,
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=16_384,
    )
    try:
        Server(config).run(sockets=[listening])
    finally:
        listening.close()


def keep_memory_small() -> None:
    """Makes glibc use two arenas and give freed memory back. Call it before any thread starts.

    Without it sixty exchanges of a 39 MB model grew a server from 118 to 262 MB.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # absent in other C libraries, which have neither the arenas nor the problem
        mallopt(_M_ARENA_MAX, 2)
        mallopt(_M_TRIM_THRESHOLD, 131_072)


def listen(port: int) -> socket.socket:
    """A socket bound to loopback; 0 picks a free port.

    Raises:
        InputError: the port is taken.
    """
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise InputError(
            f"127.0.0.1:{port} cannot be used ({error.strerror}); stop what listens there or choose another --port."
        ) from error
    return listening
