"""Tables for tests: events written down by hand, and simulated telemetry that went through the real landing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from ccml.features.tables import (
    assemble_context,
    outcome_features,
    state_vectors,
    temporal_features,
    user_ledger,
)
from ccml.privacy.pseudonyms import Pseudonyms
from ccml.profiles import SimulationSettings
from ccml.telemetry.events import KINDS, Error, Event, Execution, Feedback, Interaction, SystemState
from ccml.telemetry.lake import landed_days, read_landed
from ccml.telemetry.landing import land
from ccml.telemetry.sources import Source
from ccml_simulator.simulate import simulate

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def turn(name: str, minutes: float, **fields: Any) -> Interaction:
    who: dict[str, Any] = {"user_id": "u-00000000000a", "session_id": "s"}
    return Interaction(event_id=name, time=at(minutes), **{**who, **fields})


def ran(of: str, minutes: float, **fields: Any) -> Execution:
    return Execution(**_about("x", of, minutes), **fields)


def failed(of: str, minutes: float, **fields: Any) -> Error:
    return Error(**_about("e", of, minutes), **fields)


def reported(of: str, minutes: float, **fields: Any) -> Feedback:
    return Feedback(**_about("f", of, minutes), **fields)


def machine(name: str, minutes: float, **fields: Any) -> SystemState:
    return SystemState(event_id=name, time=at(minutes), user_id="u-00000000000a", session_id="s", **fields)


def _about(kind: str, of: str, minutes: float) -> dict[str, Any]:
    common: dict[str, Any] = {"user_id": "u-00000000000a", "session_id": "s"}
    return {"event_id": f"{of}-{kind}-{minutes}", "interaction_id": of, "time": at(minutes), **common}


def raw_tables(events: Sequence[Event]) -> list[pd.DataFrame]:
    """One table per kind, in the order of `KINDS` and of `clean`'s arguments."""
    tables = []
    for kind in KINDS.values():
        rows = [msgspec.structs.asdict(event) for event in events if type(event) is kind]
        tables.append(pd.DataFrame(rows, columns=list(kind.__struct_fields__)))
    return tables


def simulated_raw(folder: Path, *, users: int = 12, days: int = 8, interactions: int = 1_000) -> list[pd.DataFrame]:
    """Simulated, written, landed and read back."""
    simulate(SimulationSettings(users, days, interactions), folder / "logs", folder / "truth", end=date(2026, 3, 20))
    lake = folder / "lake"
    land([Source(str(folder / "logs"), "native")], lake, Pseudonyms(b"k" * 32), datetime(2026, 4, 1, tzinfo=UTC))
    return [read_landed(lake, kind, landed_days(lake)) for kind in KINDS]


def context_table(clean: pd.DataFrame) -> pd.DataFrame:
    """interaction_id, context of clean interactions: the four daily tables, put together as the asset does."""
    return assemble_context(temporal_features(clean), outcome_features(clean), user_ledger(clean), state_vectors(clean))
