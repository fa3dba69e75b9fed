"""The real definitions over a throw-away home, and a few days of telemetry in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from ccml.home import Home
from ccml.profiles import SimulationSettings
from ccml.telemetry.events import Event
from ccml_assets.definitions import definitions_of
from ccml_assets.staleness import pending_days
from ccml_simulator.simulate import encode_event, simulate

LAST_DAY = date(2026, 3, 20)
DAYS = [(LAST_DAY - timedelta(days=back)).isoformat() for back in (2, 1, 0)]

INGEST = dg.AssetKey(["landing", "files"])


@dataclass
class Platform:
    home: Home
    instance: dg.DagsterInstance = field(default_factory=dg.DagsterInstance.ephemeral)

    def __post_init__(self) -> None:
        self.defs = definitions_of(self.home)

    def run(
        self,
        job: str,
        *,
        days: tuple[str, str] | None = None,
        assets: Sequence[dg.AssetKey] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> dg.ExecuteInProcessResult:
        """The job as a sensor asks for it; `days` are the first and the last of a range."""
        first_and_last = (
            {"dagster/asset_partition_range_start": days[0], "dagster/asset_partition_range_end": days[1]}
            if days
            else {}
        )
        return self.defs.resolve_job_def(job).execute_in_process(
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            instance=self.instance,
            asset_selection=list(assets) if assets else None,
            tags={**first_and_last, **(tags or {})},
            raise_on_error=False,
        )

    def table(self, *key: str) -> Any:
        """What the asset's files hold, all together; empty without a file."""
        import pandas as pd

        files = sorted(self.home.lake.joinpath(*key).glob("*.parquet"))
        return pd.concat([pd.DataFrame(), *map(pd.read_parquet, files)], ignore_index=True)

    def pending(self) -> list[str]:
        graph = self.defs.resolve_asset_graph()
        keys = self.defs.resolve_job_def("prepare").asset_layer.selected_asset_keys
        chain = {key: graph.get(key).code_version for key in keys}
        return pending_days(self.instance, chain)

    def put(self, name: str, events: Iterable[Event]) -> Path:
        """A native log in the landing zone."""
        path = self.home.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(encode_event(event) + b"\n" for event in events))
        return path


def simulated(home: Home) -> None:
    """Three days, six people, some 250 turns in the landing zone."""
    simulate(SimulationSettings(users=6, days=3, interactions=250), home.landing, home.truth, end=LAST_DAY)


def made_by(result: dg.ExecuteInProcessResult) -> set[dg.AssetKey]:
    return {event.asset_key for event in result.get_asset_materialization_events() if event.asset_key}


def checks_of(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str], bool]:
    """(asset, check) → passed."""
    return {
        (found.asset_key.to_user_string(), found.check_name): found.passed
        for found in result.get_asset_check_evaluations()
    }
