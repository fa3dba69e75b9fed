"""Servers of others that a command starts, and that end with it, however it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from ccml.errors import CcmlError

PATIENCE = 20.0
"""Seconds that each has to end by itself."""


def require_free(port: int) -> None:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CcmlError(f"Port {port} of 127.0.0.1 is in use; give another with --port.") from None


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


@contextmanager
def running(
    commands: Sequence[Sequence[str]],
    log: Path,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    lock: int | None = None,
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """All with their output, and that of what they start, in the log. Each is in a session of its own: a terminal's
    Ctrl-C would interrupt them in the middle, and each would print where. On leaving, whatever the reason, they end;
    after a kill of this process a guard ends them.

    Args:
        lock: descriptor of a lock that has to be held until they have ended, also by the guard.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    log.parent.mkdir(parents=True, exist_ok=True)
    processes: list[subprocess.Popen[bytes]] = []
    with log.open("wb") as output, _guard(lock) as guard:
        try:
            for command in commands:
                processes.append(  # those that started must end, also where the next does not
                    subprocess.Popen(  # noqa: S603
                        command,
                        cwd=folder,
                        env=os.environ | {"PATH": path} | dict(environment or {}),
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
                )
                guard(str(processes[-1].pid))
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
            guard("done")


@contextmanager
def _guard(lock: int | None) -> Iterator[Callable[[str], None]]:
    """A process that outlives this one; gives what writes a line to it."""
    command = [sys.executable, "-m", "ccml_cli.guard", str(PATIENCE)]
    held = () if lock is None else (lock,)
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, text=True, bufsize=1, pass_fds=held, start_new_session=True
    ) as process:
        assert process.stdin is not None
        lines = process.stdin

        def write(line: str) -> None:
            with suppress(BrokenPipeError):  # somebody killed it
                lines.write(f"{line}\n")

        yield write


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
