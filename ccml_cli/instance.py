"""The Dagster instance of one home: made on first use, telemetry off, orphans of a crash failed at start-up."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from ccml import atomic
from ccml.home import Home
from ccml.locks import locked
from ccml.quiet import send_nothing_home
from ccml_cli.logs import logged_to_file

if TYPE_CHECKING:
    import dagster as dg
    from dagster._core.instance import DagsterInstanceOverrides

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


_UNTAILED: "DagsterInstanceOverrides" = {
    "compute_logs": {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
}
"""Dagster copies what a step prints with four processes a step. A terminal's Ctrl-C interrupts them too, and each
prints a traceback; what a step of a command prints is on the terminal anyway."""


@contextmanager
def instance_of(home: Home, *, launcher_gone: bool = False) -> Iterator["dg.DagsterInstance"]:
    """The instance, with what a crash or a move of the home left behind mended.

    Args:
        launcher_gone: see `ccml_assets.at_work.end_orphans`.
    """
    import dagster as dg
    from dagster._core.instance.ref import InstanceRef

    from ccml_assets.at_work import end_orphans
    from ccml_resources.experiments import experiments

    with logged_to_file(home), ExitStack() as opened:
        # Two commands that make the databases of a new home at once would fail each other.
        with locked(home.dagster / "start.lock"):
            prepare(home)
            atomic.remove_unfinished(home.root, but=home.landing)
            experiments(home).follow_the_home()
            found = InstanceRef.from_dir(str(home.dagster), overrides=_UNTAILED)
            instance = opened.enter_context(dg.DagsterInstance.from_ref(found))
            end_orphans(instance, launcher_gone=launcher_gone)
        yield instance
