"""Locks between processes: files that the kernel unlocks when their holder ends, however it ends.

A process id in a file would outlive a kill, and after a restart of the machine it can be another program's.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_LOOK_EVERY = 0.1
"""Seconds between two attempts to get a lock that another process holds."""


@contextmanager
def locked(path: Path, waits: Callable[[str], None] | None = None) -> Iterator[int]:
    """Holds the lock inside the block, and waits for it before. Gives its descriptor: a process that inherits it holds
    the lock as well.

    Args:
        waits: called once, with the process that holds the lock (`process 1234`), where it has to be waited for.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _taken(descriptor):
            if waits is not None:
                waits(f"process {os.pread(descriptor, 20, 0).decode() or 'unknown'}")
            while not _taken(descriptor):
                time.sleep(_LOOK_EVERY)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Does any process, this one included, hold the lock?"""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not _taken(descriptor)
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
