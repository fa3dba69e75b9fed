"""Ends servers whose command was killed: `python -m ccml_cli.guard SECONDS`, with a pipe from the command as its input.

A command that is killed ends nothing itself, but the kernel closes its end of the pipe. The command writes the process
group of each server that it starts, a line each, and `done` when it has ended them itself.
"""

import os
import signal
import sys
import time
from contextlib import suppress

LOOK_EVERY = 0.1


def main(patience: float) -> None:
    lines = [line.strip() for line in sys.stdin]  # until the other end is closed
    if "done" in lines:
        return
    groups = [int(line) for line in lines]
    for group in groups:
        _signal(group, signal.SIGTERM)
    end = time.monotonic() + patience
    while any(_is_there(group) for group in groups) and time.monotonic() < end:
        time.sleep(LOOK_EVERY)
    for group in groups:
        _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def _is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main(float(sys.argv[1]))
