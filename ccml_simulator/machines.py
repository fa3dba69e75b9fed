"""Machines whose load matters: CPU, memory and disk over time, every five minutes, for each host.

CPU follows the working day plus a slow random walk and bursts; memory drifts and is hogged now and then; disks fill up
and are cleaned.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

_STEP_SECONDS = 300
_STEPS_A_DAY = 86_400 // _STEP_SECONDS


@dataclass(frozen=True)
class MachineState:
    cpu_percent: float
    memory_percent: float
    disk_percent: float
    load_1m: float
    processes: int
    slowdown: float = 1.0
    """Factor on every duration; 1 on a healthy machine."""

    @property
    def strain(self) -> float:
        """0 on an idle machine to 1 on one that cannot take more: what makes heavy commands fail."""
        worst = max(self.cpu_percent - 50.0, self.memory_percent - 60.0, 0.0) / 30.0
        return min(1.0, worst + (0.35 if self.slowdown > 1.0 else 0.0))


class Machines:
    """The load of `hosts` machines over `days` days from `start` (midnight UTC)."""

    def __init__(self, seed: int, hosts: int, start: datetime, days: int, slower_from: datetime | None = None) -> None:
        self._start = start
        self._slower_from = slower_from
        steps = (days + 1) * _STEPS_A_DAY
        rng = np.random.default_rng([seed, 900_001])
        self._cores = rng.choice([4, 8, 16], hosts)
        base = rng.uniform(12, 34, hosts)
        hour = np.arange(steps) % _STEPS_A_DAY / (_STEPS_A_DAY / 24)
        working_day = 16 * np.exp(-(((hour - 14.0) / 4.5) ** 2))  # (steps,)
        walk = _slow_walk(rng, steps, hosts, keep=0.985, spread=2.0)  # (steps, hosts)
        burst = _bursts(rng, steps, hosts, chance=0.006, height=52.0, keep=0.88)
        self._cpu = np.clip(base + working_day[:, None] + walk + burst, 1.0, 99.5)
        hog = _bursts(rng, steps, hosts, chance=0.004, height=40.0, keep=0.93)
        self._memory = np.clip(rng.uniform(32, 52, hosts) + _slow_walk(rng, steps, hosts, 0.99, 1.1) + hog, 8.0, 99.0)
        fill = rng.uniform(0.6, 2.4, hosts) * np.arange(steps)[:, None] / _STEPS_A_DAY + rng.uniform(25, 80, hosts)
        self._disk = 20.0 + (fill - 20.0) % 77.0
        self._processes = rng.integers(140, 420, hosts)

    def state(self, host: int, time: datetime) -> MachineState:
        step = int((time - self._start) / timedelta(seconds=_STEP_SECONDS)) % len(self._cpu)
        cpu, memory = float(self._cpu[step, host]), float(self._memory[step, host])
        slowdown = 1.0
        if self._slower_from is not None and time >= self._slower_from:
            cpu, slowdown = min(99.5, cpu + 30.0), 2.5
        return MachineState(
            cpu_percent=round(cpu, 1),
            memory_percent=round(memory, 1),
            disk_percent=round(float(self._disk[step, host]), 1),
            load_1m=round(cpu / 100 * float(self._cores[host]) * 1.15, 2),
            processes=int(self._processes[host]) + int(cpu),
            slowdown=slowdown,
        )


def _slow_walk(rng: np.random.Generator, steps: int, hosts: int, keep: float, spread: float) -> np.ndarray:
    """First-order autoregression with marginal spread about `spread / sqrt(1 - keep²)`."""
    noise = rng.normal(0.0, spread, (steps, hosts))
    walk = np.zeros((steps, hosts))
    for step in range(1, steps):
        walk[step] = keep * walk[step - 1] + noise[step]
    return walk


def _bursts(rng: np.random.Generator, steps: int, hosts: int, chance: float, height: float, keep: float) -> np.ndarray:
    """Sudden jumps that decay: `chance` a step, `keep` of the height left after each step."""
    jumps = (rng.random((steps, hosts)) < chance) * rng.uniform(0.5, 1.3, (steps, hosts)) * height
    level = np.zeros((steps, hosts))
    for step in range(1, steps):
        level[step] = np.maximum(keep * level[step - 1], jumps[step])
    return level
