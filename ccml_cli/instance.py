"""The Dagster instance of one home: made on first use, telemetry off, orphans of a crash failed at start-up."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ccml import atomic
from ccml.errors import CcmlError
from ccml.home import Home
from ccml.quiet import send_nothing_home

if TYPE_CHECKING:
    import dagster as dg

PROJECT = Path(__file__).resolve().parents[1]


def prepare(home: Home) -> None:
    """Gives the home its `dagster.yaml` and this process, and those it starts, their environment.

    Raises:
        CcmlError: the project's `dagster.yaml` is not beside the package.
    """
    settings = PROJECT / "dagster.yaml"
    if not settings.exists():
        raise CcmlError(f"{settings} is missing; run from a checkout of the project, where that file lies.")
    target = home.dagster / "dagster.yaml"
    if not target.exists() or target.read_bytes() != settings.read_bytes():
        atomic.write_bytes(target, settings.read_bytes())
    send_nothing_home()
    os.environ["CCML_HOME"] = str(home.root)
    os.environ["DAGSTER_HOME"] = str(home.dagster)


@contextmanager
def instance_of(home: Home) -> Iterator["dg.DagsterInstance"]:
    import dagster as dg

    prepare(home)
    with dg.DagsterInstance.get() as instance:
        fail_orphans(instance)
        yield instance


def fail_orphans(instance: "dg.DagsterInstance") -> int:
    """Fails runs that say they are running though the process that worked on them is gone.

    The default launcher has no health check: after a power cut such a run would stay `STARTED`, hold its pool and keep
    its assets "in progress" for good.
    """
    import dagster as dg

    stuck = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING]))
    failed = 0
    for run in stuck:
        pid = run.tags.get("ccml/pid")
        if pid is not None and not _alive(int(pid)):
            instance.report_run_failed(run, "The process that worked on this run is gone.")
            failed += 1
    return failed


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
