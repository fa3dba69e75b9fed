"""The Dagster instance of one home: made on first use, telemetry off, orphans of a crash failed at start-up."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from ccml import atomic
from ccml.home import Home
from ccml.quiet import send_nothing_home
from ccml_cli.logs import logged_to_file

if TYPE_CHECKING:
    import dagster as dg

DEFINITIONS = "ccml_assets.definitions"
"""Module that a code server loads, and so the name of the code location; `workspace.yaml` names the same."""

CODE = Path(__file__).resolve().parents[1]
"""Folder that the packages lie in: a checkout or `site-packages`."""


def prepare(home: Home) -> dict[str, str]:
    """Gives the home its `dagster.yaml` and this process, and those it starts, their environment; returns what of it a
    shell needs for Dagster's own commands.
    """
    settings = files("ccml_cli").joinpath("dagster.yaml").read_bytes()
    target = home.dagster / "dagster.yaml"
    if not target.exists() or target.read_bytes() != settings:
        atomic.write_bytes(target, settings)
    send_nothing_home()
    environment = {"CCML_HOME": str(home.root), "DAGSTER_HOME": str(home.dagster)}
    os.environ.update(environment)
    return environment


@contextmanager
def instance_of(home: Home) -> Iterator["dg.DagsterInstance"]:
    """The instance, with what a crash or a move of the home left behind mended."""
    import dagster as dg

    from ccml_resources.experiments import experiments

    prepare(home)
    experiments(home).follow_the_home()
    with logged_to_file(home), dg.DagsterInstance.get() as instance:
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
