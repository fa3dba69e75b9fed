"""Ctrl-C in a terminal, which reaches every process of the foreground."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ccml.home import Home
from ccml_cli.instance import instance_of

CTRL_C = b"\x03"


@pytest.mark.parametrize("after", ["prepare", "models/policy"])
def test_an_interrupted_run_says_so_in_one_sentence_and_leaves_no_run_at_work(home: Home, after: str) -> None:
    """`after`: the word of the progress at which somebody presses Ctrl-C: between two steps, and in a training."""
    status, printed = interrupted([str(Path(sys.executable).with_name("ccml")), "run"], after.encode())
    assert status == 130, printed
    assert "ccml: interrupted; the same command goes on from here" in printed
    assert "Traceback" not in printed
    with instance_of(home) as instance:
        assert [run.status for run in instance.get_runs() if not run.is_finished] == []


def interrupted(command: list[str], sign: bytes) -> tuple[int, str]:
    """Runs the command in a terminal of its own and presses Ctrl-C half a second after it printed the sign.

    And again every ten seconds, as a person does: Python drops an interrupt that comes within a destructor.
    """
    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", *command], stdin=inside, stdout=inside, stderr=inside, start_new_session=True
    )
    os.close(inside)
    printed, end, pressed = b"", time.monotonic() + 180, 0.0
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                printed += os.read(terminal, 65536)
            except OSError:  # its other end is closed
                break
        if sign in printed and time.monotonic() > pressed + 10:
            time.sleep(0.5)
            os.write(terminal, CTRL_C)
            pressed = time.monotonic()
    os.close(terminal)
    return process.wait(60), printed.decode(errors="replace")
