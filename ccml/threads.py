"""How threads of one computation wait for each other. Call it before torch loads: OpenMP reads the environment once."""

from __future__ import annotations

import os


def sleep_while_waiting() -> None:
    """Threads that wait for the slowest one sleep instead of spinning. What the user set already stays.

    By default they spin. On two virtual cores, where the host may take one away at any moment, the spinning thread
    keeps the other from its work: a training step of 10 ms then takes 290 ms, for minutes on end. Sleeping, it takes
    19 ms, always.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
