"""`ccml run`: does what is left to do, in the order of the circle, and nothing that is done already."""

import os
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ccml.errors import CcmlError
from ccml.home import Home
from ccml_cli.progress import Progress

if TYPE_CHECKING:
    import dagster as dg


@dataclass
class Outcome:
    """What one `ccml run` did."""

    started: float = field(default_factory=time.time)
    runs: list[str] = field(default_factory=list)
    assets: int = 0
    seconds: float = 0.0


class Circle:
    """One pass over the graph in this process. Every run is recorded in the instance, as one started in the UI is."""

    def __init__(self, home: Home, instance: "dg.DagsterInstance", progress: Progress) -> None:
        from ccml_assets.definitions import definitions_of

        self.home, self.instance, self.progress = home, instance, progress
        self.defs = definitions_of(home)
        self.outcome = Outcome()

    def turn(self) -> Outcome:
        """Lands, prepares, learns and monitors whatever is new.

        Raises:
            CcmlError: a run failed; the message names the step and the reason.
        """
        import dagster as dg

        from ccml_assets.staleness import pending_days, ranges, stale_assets

        begin = time.monotonic()
        self.land()
        graph = self.defs.resolve_asset_graph()
        chain = {key: graph.get(key).code_version for key in self._keys("prepare")}
        for first, last in ranges(pending_days(self.instance, chain)):
            self.progress.say(f"[bold]prepare[/bold] {first} to {last}")
            self._assets(
                "prepare",
                self._keys("prepare"),
                {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last},
            )
        for job in ("learn", "monitor"):
            selection = dg.AssetSelection.assets(*self._keys(job))
            self._assets(job, stale_assets(self.instance, self.defs, selection))
        self.outcome.seconds = time.monotonic() - begin
        return self.outcome

    def land(self) -> bool:
        """Lands the files that wait; False if none did.

        Raises:
            CcmlError: the run failed.
        """
        from ccml_assets.landing import files_waiting

        waiting = files_waiting(self.home)
        if waiting:
            self.progress.say(f"[bold]ingest[/bold] {len(waiting)} new files")
            self._assets("ingest", self._keys("ingest"))
        return bool(waiting)

    def _keys(self, job: str) -> "list[dg.AssetKey]":
        graph = self.defs.resolve_asset_graph()
        selected = self.defs.resolve_job_def(job).asset_layer.selected_asset_keys
        return [key for key in graph.toposorted_asset_keys if key in selected]

    def _steps(self, keys: "Sequence[dg.AssetKey]") -> int:
        """How many steps make the assets and check them: one step may make several."""
        graph = self.defs.resolve_asset_graph()
        made: list[dg.AssetKey | dg.AssetCheckKey] = [
            *keys,
            *(check for key in keys for check in graph.get(key).check_keys),
        ]
        return len({frozenset(graph.get_execution_set_asset_and_check_keys(one)) for one in made})

    def _assets(self, job: str, keys: "Sequence[dg.AssetKey]", tags: dict[str, str] | None = None) -> None:
        if not keys:
            return
        run_id = str(uuid.uuid4())
        self.instance.add_event_listener(run_id, self.progress.event)
        self.progress.expect(self._steps(keys))
        result = self.defs.resolve_job_def(job).execute_in_process(
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            instance=self.instance,
            asset_selection=list(keys),
            run_id=run_id,
            tags={"ccml/pid": str(os.getpid()), **(tags or {})},
            raise_on_error=False,
        )
        self.outcome.runs.append(run_id)
        self.outcome.assets += len(keys)
        if not result.success:
            raise CcmlError(_why(result))


def _why(result: "dg.ExecuteInProcessResult") -> str:
    """The first failed step and the innermost message of its error."""
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:
                error = error.cause
            message = error.message.strip() if error is not None else "unknown error"
            return f"{(event.step_key or '').replace('__', '/', 1)} failed: {message}"
    return "The run failed before any step began."
