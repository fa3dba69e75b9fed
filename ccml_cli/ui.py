"""`ccml ui`: webserver and daemon side by side; if one ends, so does the other."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from ccml.errors import CcmlError
from ccml.home import Home
from ccml_cli.instance import CODE, DEFINITIONS, instance_of


def run_ui(port: int, profile: str | None) -> int:
    """Returns the exit status of whichever of the two ended first; 0 after an interrupt.

    Raises:
        CcmlError: another program holds the port.
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
    bin_folder = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{bin_folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    # A terminated parent would leave both running, and the port taken, with nobody to stop them.
    signal.signal(signal.SIGTERM, _stop)
    processes = [subprocess.Popen(command, env=environment) for command in (webserver, daemon)]  # noqa: S603
    print(f"CCML is at http://127.0.0.1:{port} — Ctrl-C ends it.", flush=True)  # noqa: T201
    try:
        while all(process.poll() is None for process in processes):
            time.sleep(0.5)
        return next(process.returncode for process in processes if process.returncode is not None)
    except KeyboardInterrupt:
        return 0
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()


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
