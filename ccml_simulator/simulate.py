"""Sample telemetry: people, machines and an assistant, as native JSON Lines, and the truth they were drawn from.

The truth goes into a folder of its own. Nothing of it stands in the telemetry, and no asset reads it.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ccml.errors import InputError
from ccml.profiles import SimulationSettings
from ccml.telemetry.events import ACTIONS, Event
from ccml_simulator.drift import Drift
from ccml_simulator.logbook import LoggedTurn, log_turn, session_start
from ccml_simulator.machines import Machines
from ccml_simulator.people import User, make_users
from ccml_simulator.sitting import Sitting

_MEAN_TURNS = 9.0
_LEAST_TURNS = 2
_LATEST = timedelta(hours=23, minutes=40)
"""No turn begins later in the day, so a session's events all carry the day it was planned for."""


@dataclass(frozen=True)
class SimulationReport:
    events: dict[str, int]
    """By kind."""
    interactions: int
    users: int
    sessions: int
    first_day: date
    last_day: date
    files: tuple[Path, ...]
    truth: Path


def simulate(
    settings: SimulationSettings, into: Path, truth: Path, *, end: date | None = None, drift: Drift | None = None
) -> SimulationReport:
    """Write one `telemetry-YYYY-MM-DD.jsonl` a day into `into`, and `interactions.parquet`, `people.json` and
    `drift.json` into `truth`. The same settings, end and drift give the same bytes.

    Args:
        end: the last simulated day; yesterday (UTC) if not given.
        drift: what changes, and from which day on.

    Raises:
        InputError: settings that describe no simulation, or a truth folder inside the telemetry folder.
    """
    _check(settings, into, truth)
    last_day = end or (datetime.now(UTC).date() - timedelta(days=1))
    first_day = last_day - timedelta(days=settings.days - 1)
    users = make_users(settings.seed, settings.users)
    machines = make_machines(settings, first_day, settings.days, drift)
    lines: defaultdict[date, list[tuple[datetime, bytes]]] = defaultdict(list)
    events: defaultdict[str, int] = defaultdict(int)
    truths: list[dict[str, Any]] = []
    sessions = 0
    for user, planned in _planned_sessions(settings, users, first_day):
        for day, starts in planned:
            free_from = datetime.combine(day, datetime.min.time(), UTC)
            for number, (start, turns) in enumerate(starts):
                sessions += 1
                rng = np.random.default_rng([settings.seed, user.index, day.toordinal(), number])
                session_id = f"s{settings.seed}-{user.index:03d}-{day:%Y%m%d}-{number}"
                sitting = Sitting(user, machines, drift, day, rng)
                begin = max(free_from + timedelta(minutes=31), start)
                for logged in _hold(sitting, session_id, begin, turns, rng):
                    for event in logged.events:
                        lines[day].append((event.time, encode_event(event)))
                        events[type(event).__name__] += 1
                    if logged.truth is not None:
                        truths.append(logged.truth)
                    free_from = max(free_from, logged.ended)
    files = tuple(_write_day(into, day, lines[day]) for day in sorted(lines))
    _write_truth(truth, truths, users, drift)
    return SimulationReport(
        dict(events), len(truths), settings.users, sessions, first_day, last_day, files, truth / "interactions.parquet"
    )


def make_machines(settings: SimulationSettings, first_day: date, days: int, drift: Drift | None) -> Machines:
    midnight = datetime.combine(first_day, datetime.min.time(), UTC)
    slower = (
        datetime.combine(drift.day, datetime.min.time(), UTC) if drift and "slower_machine" in drift.kinds else None
    )
    return Machines(settings.seed, settings.users, midnight, days, slower)


def encode_event(event: Event) -> bytes:
    """One line of a native log, without the fields that say nothing."""
    body = {name: value for name in event.__struct_fields__ if (value := getattr(event, name)) is not None}
    return msgspec.json.encode({"kind": event.__struct_config__.tag, **body})


def _check(settings: SimulationSettings, into: Path, truth: Path) -> None:
    for name in ("users", "days", "interactions"):
        if getattr(settings, name) < 1:
            raise InputError(f"The simulation's {name} is {getattr(settings, name)}; expected at least 1.")
    if truth.resolve().is_relative_to(into.resolve()):
        raise InputError(f"The truth folder {truth} lies inside the telemetry folder {into}; it must lie beside it.")


def _planned_sessions(
    settings: SimulationSettings, users: list[User], first_day: date
) -> Iterator[tuple[User, list[tuple[date, list[tuple[datetime, int]]]]]]:
    """Each user with their days, and for each day the (start, turns) of its sessions, in order."""
    total = sum(user.activity for user in users)
    for user in users:
        rng = np.random.default_rng([settings.seed, user.index, 0])
        expected = settings.interactions * user.activity / total / _MEAN_TURNS
        count = int(expected + rng.random())
        days = [first_day + timedelta(days=k) for k in range(settings.days)]
        weights = np.array([0.35 if day.weekday() >= 5 else 1.0 for day in days])
        planned = []
        for day, sessions in zip(days, rng.multinomial(count, weights / weights.sum()), strict=True):
            midnight = datetime.combine(day, datetime.min.time(), UTC)
            hours = sorted(float(np.clip(user.wakes + rng.exponential(3.2), 4.0, 20.0)) for _ in range(int(sessions)))
            turns = [
                _LEAST_TURNS + int(rng.negative_binomial(3, 3.0 / (3.0 + _MEAN_TURNS - _LEAST_TURNS))) for _ in hours
            ]
            planned.append((day, [(midnight + timedelta(hours=h), t) for h, t in zip(hours, turns, strict=True)]))
        yield user, planned


def _hold(
    sitting: Sitting, session_id: str, begin: datetime, turns: int, rng: np.random.Generator
) -> Iterator[LoggedTurn]:
    """The turns of one session, each with its events and its truth."""
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    now = begin.replace(microsecond=0)
    yield session_start(sitting, session_id, now)
    for _ in range(turns):
        if now - midnight > _LATEST:
            return
        logged = log_turn(sitting, session_id, now, rng)
        yield logged
        # One pause in fifty is a meeting or lunch: long enough for the session to be cut when it is cleaned.
        pause = float(np.exp(rng.normal(3.4, 0.8))) + (2_400.0 if rng.random() < 0.02 else 0.0)
        now = (logged.ended + timedelta(seconds=pause)).replace(microsecond=int(rng.integers(0, 1_000)) * 1_000)


def _write_day(folder: Path, day: date, lines: list[tuple[datetime, bytes]]) -> Path:
    lines.sort()
    return _write(folder / f"telemetry-{day:%Y-%m-%d}.jsonl", b"\n".join(line for _, line in lines) + b"\n")


def _write(path: Path, content: bytes) -> Path:
    """Beside, synced and renamed: whoever watches the folder never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".tmp")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return partial.replace(path)


def _write_truth(folder: Path, truths: list[dict[str, Any]], users: list[User], drift: Drift | None) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / "interactions.parquet.tmp"
    pq.write_table(pa.Table.from_pylist(truths), partial)
    partial.replace(folder / "interactions.parquet")
    people = [
        {
            "user_id": user.name,
            "role": user.role,
            "style": user.style,
            "habits": sorted(user.habits),
            "platform": user.platform,
            "host": user.host,
            "expertise": user.expertise,
            "patience": user.patience,
            "goals": [goal.name for goal in user.goals],
        }
        for user in users
    ]
    _write(folder / "people.json", json.dumps(people, indent=1).encode())
    change = asdict(drift) | {"day": drift.day.isoformat()} if drift else None
    _write(folder / "drift.json", json.dumps({"drift": change, "actions": ACTIONS}).encode())
