"""`ccml ui`: webserver and daemon side by side; if one ends, so does the other."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from ccml.errors import CcmlError
from ccml.home import Home
from ccml_cli.instance import CODE, DEFINITIONS, instance_of

PATIENCE = 20.0
"""Seconds that each of the two has to end by itself."""


def run_ui(port: int, profile: str | None) -> int:
    """Serves until Ctrl-C or SIGTERM; returns 0.

    Raises:
        CcmlError: another program holds the port, or one of the two ended by itself.
    """
    home = Home.from_environment()
    if profile:
        os.environ["CCML_PROFILE"] = profile
    require_free(port)
    with instance_of(home):
        pass  # made, and its orphans failed, before anything watches it
    # Warnings and errors only: a line a tick of each sensor would hide them.
    code = ["-m", DEFINITIONS, "-d", str(CODE), "--code-server-log-level", "warning"]
    webserver = ["dagster-webserver", "-h", "127.0.0.1", "-p", str(port), "--dagster-log-level", "warning", *code]
    daemon = ["dagster-daemon", "run", "--log-level", "warning", *code]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    log = home.logs / "ui.log"
    try:
        with _running([webserver, daemon], log) as processes:
            print(f"CCML is at http://127.0.0.1:{port} — Ctrl-C ends it. Dagster's log: {log}", flush=True)  # noqa: T201
            while all(process.poll() is None for process in processes):
                time.sleep(0.5)
            ended = next(process for process in processes if process.poll() is not None)
    except KeyboardInterrupt:
        return 0
    raise CcmlError(f"{Path(str(ended.args[0])).name} ended with status {ended.returncode}; {log} has its last words.")  # type: ignore[index]


@contextmanager
def _running(commands: list[list[str]], log: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Both with their output, and that of the runs they start, in the log. Each is in a session of its own: a
    terminal's Ctrl-C would interrupt them in the middle, and each would print where.
    """
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    log.parent.mkdir(parents=True, exist_ok=True)
    processes: list[subprocess.Popen[bytes]] = []
    with log.open("wb") as output:
        try:
            for command in commands:
                processes.append(  # noqa: PERF401  # those that started must end, also where the next does not
                    subprocess.Popen(  # noqa: S603
                        command, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
                    )
                )
            yield processes
        finally:
            # A second Ctrl-C would leave both running, and the port taken, with nobody to stop them.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            for process in processes:
                process.terminate()
            for process in processes:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=PATIENCE)
                # What it started and did not end: code servers, runs, or itself.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM if process.returncode is not None else signal.SIGKILL)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def require_free(port: int) -> None:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CcmlError(f"Port {port} of 127.0.0.1 is in use; give another with --port.") from None
