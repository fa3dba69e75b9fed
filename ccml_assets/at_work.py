"""Which runs are at work, and the end of those whose process is gone.

A run holds a lock as long as a process works on it. A kill, a crash of the machine or the end of the container frees
the lock and nothing else: Dagster's default launcher has no health check, so such a run would stay `STARTED`, keep its
slot of a pool and keep its assets "in progress" for good.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from ccml.locks import is_locked, locked

OF_COMMAND = "ccml/pid"
"""Tag of the runs of `ccml run` and `ccml ingest`: the process."""

SECOND_LOOK = 1.0
"""Seconds; a run says that it has started a moment before it holds its lock."""
LONGEST_START = 120.0
"""Seconds that a run may take from being launched to its process at work, as in `dagster.yaml`."""

_ENDED = "The process that worked on this run is gone."
_UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@contextmanager
def at_work(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Marks the run as one that this process works on. The mark ends with the block or with the process."""
    path = _mark(instance, run_id)
    if is_locked(path):  # by this process: the command marks its run before the executor does
        yield
        return
    with locked(path):
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def end_orphans(instance: dg.DagsterInstance, *, launcher_gone: bool = False) -> int:
    """Fails every run that nobody works on any more and frees the slots of the pools that ended runs still hold.

    Args:
        launcher_gone: no daemon is at work, so nobody goes on launching what was being launched.

    Returns:
        How many runs were failed.
    """
    orphans = _orphans(instance, launcher_gone)
    if any(run.status is not dg.DagsterRunStatus.NOT_STARTED for run in orphans):
        time.sleep(SECOND_LOOK)
        still = {run.run_id for run in _orphans(instance, launcher_gone)}
        orphans = [run for run in orphans if run.run_id in still]
    for run in orphans:
        instance.report_run_failed(run, _ENDED)
        _mark(instance, run.run_id).unlink(missing_ok=True)
    _free_slots(instance)
    return len(orphans)


def _orphans(instance: dg.DagsterInstance, launcher_gone: bool) -> list[dg.DagsterRun]:
    found: list[dg.DagsterRun] = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=_UNFINISHED)):
        run = record.dagster_run
        launching = run.status in (dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.NOT_STARTED)
        age = time.time() - record.create_timestamp.timestamp()
        if launching and not launcher_gone and age < LONGEST_START and OF_COMMAND not in run.tags:
            continue
        if not is_locked(_mark(instance, run.run_id)):
            found.append(run)
    return found


def _free_slots(instance: dg.DagsterInstance) -> None:
    storage = instance.event_log_storage
    holders = {
        run_id
        for pool in storage.get_concurrency_keys()
        for info in [storage.get_concurrency_info(pool)]
        for run_id in (*info.active_run_ids, *info.pending_run_ids, *info.assigned_run_ids)
    }
    for run_id in holders:
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            storage.free_concurrency_slots_for_run(run_id)


def _mark(instance: dg.DagsterInstance, run_id: str) -> Path:
    return Path(instance.root_directory) / "at_work" / f"{run_id}.lock"
