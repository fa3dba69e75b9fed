"""What Dagster's daemon does with a sensor, one tick at a time."""

from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from ccml_tests.assets.platform import Platform


@dataclass
class Daemon:
    """Keeps a sensor's cursor, starts each run key once and stores the events of a tick."""

    platform: Platform
    sensor: str
    cursor: str | None = None
    keys: set[str] = field(default_factory=set)
    skip_message: str | None = None

    def tick(self) -> list[dg.RunRequest]:
        """The runs that would be started."""
        sensor = self.platform.defs.resolve_sensor_def(self.sensor)
        resources = self.platform.defs.resources or {}
        context = dg.build_sensor_context(
            instance=self.platform.instance,
            cursor=self.cursor,
            resources={name: resources[name] for name in sensor.required_resource_keys},
        )
        tick = sensor.evaluate_tick(context)
        self.cursor, self.skip_message = tick.cursor, tick.skip_message
        for event in tick.asset_events:
            self.platform.instance.report_runless_asset_event(event)
        started = [request for request in tick.run_requests or [] if request.run_key not in self.keys]
        self.keys |= {str(request.run_key) for request in started}
        return started

    def ticks(self, count: int = 10) -> list[dg.RunRequest]:
        return [request for _ in range(count) for request in self.tick()]


@dataclass
class Automation:
    """Evaluates the conditions of the daily tables and keeps their cursor."""

    platform: Platform
    cursor: Any = None

    def tick(self) -> list[str]:
        """The days asked for, after a look that they are the same for each daily table: then they share a run."""
        found = dg.evaluate_automation_conditions(self.platform.defs, self.platform.instance, cursor=self.cursor)
        self.cursor = found.cursor
        daily = dg.AssetSelection.groups("raw", "clean", "features").resolve(self.platform.defs.resolve_asset_graph())
        (days,) = {frozenset(found.get_requested_partitions(key)) for key in daily}
        return sorted(str(day) for day in days)
