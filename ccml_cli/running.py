"""`ccml run`: does what is left to do, in the order of the circle, and nothing that is done already."""

import os
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ccml.errors import CcmlError, IntegrityError
from ccml.home import Home
from ccml.locks import locked
from ccml_cli.instance import CODE, DEFINITIONS
from ccml_cli.progress import Progress, usual_seconds

if TYPE_CHECKING:
    import dagster as dg
    from dagster_shared.error import SerializableErrorInfo


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

        from ccml.telemetry.mending import mend
        from ccml_assets.staleness import stale_assets

        begin = time.monotonic()
        self.land()
        try:
            self._prepare()
        except IntegrityError:
            if not mend(self.home.lake):
                raise
            self.land()
            self._prepare()
        for job in ("learn", "monitor"):
            selection = dg.AssetSelection.assets(*self._keys(job))
            with self._alone(job):
                self._assets(job, stale_assets(self.instance, self.defs, selection))
        self.outcome.seconds = time.monotonic() - begin
        return self.outcome

    def _prepare(self) -> None:
        """Makes the daily tables of the days that wait."""
        from ccml_assets.partitions import DAYS
        from ccml_assets.staleness import pending_days, ranges

        graph = self.defs.resolve_asset_graph()
        chain = {key: graph.get(key).code_version for key in self._keys("prepare")}
        with self._alone("prepare"):
            partitions = self.instance.get_dynamic_partitions(DAYS)
            for first, last in ranges(pending_days(self.instance, chain), partitions):
                self.progress.say(f"[bold]prepare[/bold] {first} to {last}")
                self._assets(
                    "prepare",
                    self._keys("prepare"),
                    {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last},
                )

    def land(self, first: Callable[[], object] | None = None) -> bool:
        """Lands the files that wait; False if none did.

        Args:
            first: what is done before, while no other command lands.

        Raises:
            CcmlError: the run failed.
        """
        from ccml.telemetry.mending import mend_quickly
        from ccml_assets.landing import files_waiting, report_days

        with self._alone("ingest"):
            mend_quickly(self.home.lake)
            if first is not None:
                first()
            waiting = files_waiting(self.home)
            if waiting:
                self.progress.say(f"[bold]ingest[/bold] {len(waiting)} new {'file' if len(waiting) == 1 else 'files'}")
                self._assets("ingest", self._keys("ingest"))
            report_days(self.instance, self.home)
        return bool(waiting)

    @contextmanager
    def _alone(self, job: str) -> Iterator[None]:
        """No other command runs the job meanwhile; what it has done is seen inside the block.

        A second run would wait for the first one's pool inside Dagster, on a full core and without a word.
        """
        from ccml_assets.at_work import end_orphans

        lock = self.home.dagster / "at_work" / f"{job}.lock"

        def say(holder: str) -> None:
            self.progress.say(f"[bold]{job}[/bold] is at work in {holder}; waiting for its end")

        with locked(lock, waits=say):
            end_orphans(self.instance)
            yield

    def _keys(self, job: str) -> "list[dg.AssetKey]":
        graph = self.defs.resolve_asset_graph()
        selected = self.defs.resolve_job_def(job).asset_layer.selected_asset_keys
        return [key for key in graph.toposorted_asset_keys if key in selected]

    def _assets(self, job: str, keys: "Sequence[dg.AssetKey]", tags: dict[str, str] | None = None) -> None:
        if not keys:
            return
        run_id = str(uuid.uuid4())
        self.instance.add_event_listener(run_id, self._heard)
        whole = self.defs.resolve_job_def(job)
        steps = [node.name for node in whole.get_subset(asset_selection=set(keys)).nodes]
        self.progress.expect(job, steps, usual_seconds(self.instance, job))
        events = _execute(whole, keys, self.instance, run_id, tags or {})
        self.progress.over(one.node_def.name for one in self.defs.asset_checks or ())
        self.outcome.runs.append(run_id)
        self.outcome.assets += len({event.asset_key for event in events if event.is_step_materialization})
        if any(event.is_failure for event in events):
            if _interrupted(events):
                raise KeyboardInterrupt
            raise _failure(events)

    def _heard(self, entry: Any) -> None:
        """An entry of the run's event log, while it is written."""
        happened = entry.dagster_event
        pool = (
            happened.engine_event_data.metadata.get("pool")
            if happened is not None and happened.is_engine_event
            else None
        )
        if pool is None:
            self.progress.event(entry)
            return
        holders = self.instance.event_log_storage.get_concurrency_info(pool.value).active_run_ids
        runs = [run for run in map(self.instance.get_run_by_id, holders) if run is not None]
        held = ", ".join(f"run {run.run_id[:8]} of {run.job_name}" for run in runs) or "another run"
        self.progress.say(f"[bold]{pool.value}[/bold] is held by {held}; waiting for its end")


def _execute(
    job: "dg.JobDefinition",
    keys: "Sequence[dg.AssetKey]",
    instance: "dg.DagsterInstance",
    run_id: str,
    tags: dict[str, str],
) -> "Sequence[dg.DagsterEvent]":
    """Runs the assets in this process, as a run of the job in the code location that the UI has.

    `execute_in_process` has no word for the location. Without one a run is on the page of all runs and nowhere else:
    the timeline, the job's page and re-execution ask for runs of a job of a location.
    """
    from dagster._core.definitions.job_base import InMemoryJob
    from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
    from dagster._core.execution.api import execute_run
    from dagster._core.remote_origin import RemoteRepositoryOrigin
    from dagster._core.workspace.load import location_origin_from_module_name

    from ccml_assets.at_work import OF_COMMAND, at_work

    location = location_origin_from_module_name(DEFINITIONS, attribute=None, working_directory=str(CODE))
    with at_work(instance, run_id):
        run = instance.create_run_for_job(
            job.get_subset(asset_selection=set(keys)),
            run_id=run_id,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            # A killed command is not the daemon's to start again: its user is at the terminal.
            tags={**job.run_tags, OF_COMMAND: str(os.getpid()), "dagster/max_retries": "0", **tags},
            asset_selection=frozenset(keys),
            remote_job_origin=RemoteRepositoryOrigin(location, SINGLETON_REPOSITORY_NAME).get_job_origin(job.name),
        )
        return execute_run(InMemoryJob(job), run, instance).all_events


def _interrupted(events: "Sequence[dg.DagsterEvent]") -> bool:
    """Dagster makes a Ctrl-C a failure of the step or of the run."""
    errors = [event.step_failure_data.error for event in events if event.is_step_failure]
    errors += [event.job_failure_data.error for event in events if event.is_job_failure]
    return any("Interrupt" in (error.cls_name or "") for error in errors if error is not None)


def _failure(events: "Sequence[dg.DagsterEvent]") -> CcmlError:
    """The first failed step, or the run where no step failed, with the innermost message that is the platform's own."""
    step = next((event for event in events if event.is_step_failure), None)
    run = next((event for event in events if event.is_job_failure), None)
    if step is not None:
        where, error = (step.step_key or "").replace("__", "/", 1), step.step_failure_data.error
    else:
        where, error = "The run, before any step,", run.job_failure_data.error if run is not None else None
    chain: list[SerializableErrorInfo] = []
    while error is not None:
        chain.append(error)
        error = error.cause
    own = [one for one in chain if one.message.startswith("ccml.")]
    message = own[-1].message.partition(": ")[2] if own else chain[-1].message if chain else "unknown error"
    damage = ("IntegrityError", "DamagedFileError", "DamagedTableError")
    return (IntegrityError if any(one.cls_name in damage for one in own) else CcmlError)(
        f"{where} failed: {message.strip()}"
    )
