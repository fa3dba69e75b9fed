"""Small simulations that several tests read; each is made once a test run."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import msgspec
import pandas as pd

from ccml.profiles import SimulationSettings
from ccml.telemetry.events import AnyEvent, Event
from ccml_simulator.drift import Drift, DriftKind
from ccml_simulator.simulate import simulate

END = date(2026, 2, 15)
DRIFT_DAY = date(2026, 2, 8)
SMALL = SimulationSettings(users=10, days=14, interactions=2_000, seed=11)
WORLDS = TemporaryDirectory(prefix="ccml-worlds-")
"""Removed when the test run ends."""


@dataclass(frozen=True)
class World:
    folder: Path
    events: dict[type[Event], list[Any]]
    truth: pd.DataFrame

    @property
    def raw(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted((self.folder / "telemetry").iterdir())}


def make_world(settings: SimulationSettings, folder: Path, drift: Drift | None = None, end: date = END) -> World:
    simulate(settings, folder / "telemetry", folder / "truth", end=end, drift=drift)
    decoder = msgspec.json.Decoder(AnyEvent, strict=True)
    events: defaultdict[type[Event], list[Any]] = defaultdict(list)
    for path in sorted((folder / "telemetry").iterdir()):
        for line in path.read_bytes().splitlines():
            event = decoder.decode(line)
            events[type(event)].append(event)
    return World(folder, dict(events), pd.read_parquet(folder / "truth" / "interactions.parquet"))


@cache
def world(*kinds: DriftKind) -> World:
    """The small world, undisturbed or with these drifts from `DRIFT_DAY` on."""
    drift = Drift(kinds, DRIFT_DAY) if kinds else None
    return make_world(SMALL, Path(mkdtemp(dir=WORLDS.name)), drift)
