"""Children of this process that are killed at a drawn moment. The packages that they use are loaded before the fork, so
a kill costs no four seconds of imports.

A child kills itself before the n-th thing that Python does to a file or a database of a folder, so kills spread over
all stages; or it is killed after a time, also while a library that is not Python writes.
"""

from __future__ import annotations

import faulthandler
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

TOUCHES = ("open", "os.rename", "os.remove", "os.mkdir", "os.truncate", "fcntl.flock", "sqlite3.connect")


@dataclass(frozen=True)
class Kill:
    signal: int = signal.SIGKILL
    touch: int = 0
    """Number of the touch before which the child kills itself; 0: none."""
    seconds: float = inf
    """Age at which the child is killed."""


NEVER = Kill()


@dataclass
class Undisturbed:
    """What a child did that nobody killed: the room in which kills are drawn."""

    touches: int
    seconds: float

    def kill(self, draw: random.Random, number: int) -> Kill:
        if draw.random() < 0.5:
            return Kill(number, touch=draw.randint(1, self.touches))
        return Kill(number, seconds=draw.uniform(0, self.seconds))


@dataclass
class Child:
    pid: int
    printed: Path
    kill: Kill
    begin: float = field(default_factory=time.monotonic)
    status: int | None = None
    """Exit status, or the signal that ended it as a negative number."""
    seconds: float = 0.0
    hung: bool = False

    def look(self, limit: float) -> None:
        """Takes note of its end; kills it when its time has come, or when it hangs."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        self.seconds = time.monotonic() - self.begin
        if pid:
            self.status = os.waitstatus_to_exitcode(status)
        elif self.seconds > limit:
            self.hung = True
            os.kill(self.pid, signal.SIGABRT)  # it prints where it hangs
        elif self.seconds > self.kill.seconds:
            os.kill(self.pid, self.kill.signal)
            self.kill = NEVER

    @property
    def undisturbed(self) -> Undisturbed:
        return Undisturbed(int(_touches_file(self.printed).read_text()), self.seconds)


_touched = 0
_last = Kill()
_watched = ""


def _count_touch(event: str, arguments: tuple[object, ...]) -> None:
    global _touched
    if _watched and event in TOUCHES and (event != "open" or str(arguments[0]).startswith(_watched)):
        _touched += 1
        if _touched == _last.touch:
            os.kill(os.getpid(), _last.signal)


sys.addaudithook(_count_touch)


def start(work: Callable[[], object], watched: Path, printed: Path, kill: Kill = NEVER) -> Child:
    """Begins the work in a child; what it prints goes to the file `printed`."""
    global _last, _watched
    pid = os.fork()
    if pid:
        return Child(pid, printed, kill)
    status = 1
    try:
        with printed.open("wb") as stream:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
        faulthandler.enable()
        _last, _watched = kill, str(watched)
        work()
        status = 0
    except SystemExit as ended:
        status = int(ended.code or 0)
    except BaseException:  # noqa: BLE001  # the child ends here, whatever it was
        traceback.print_exc()
    finally:
        _watched = ""
        _touches_file(printed).write_text(str(_touched))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def wait(children: Sequence[Child], limit: float = inf) -> None:
    """Until all have ended. One that is older than the limit is killed as hung."""
    while at_work := [child for child in children if child.status is None]:
        for child in at_work:
            child.look(limit)
        time.sleep(0.002)


def done(work: Callable[[], object], watched: Path, printed: Path, kill: Kill = NEVER, limit: float = inf) -> Child:
    child = start(work, watched, printed, kill)
    wait([child], limit)
    return child


def _touches_file(printed: Path) -> Path:
    return printed.with_suffix(".touches")
