"""Time left: from what the steps took in earlier runs of this home, and nothing where there were none."""

import io
import time
import uuid
from collections.abc import Iterator

import dagster as dg
import pytest
from rich.console import Console

from ccml_cli.progress import Progress, usual_seconds

PAUSES = [0.0]
"""Seconds that the next run of `first` takes."""


@dg.asset
def first() -> None:
    time.sleep(PAUSES[-1])


@dg.asset(deps=[first])
def second() -> None: ...


JOB = dg.Definitions([first, second], jobs=[dg.define_asset_job("both")]).resolve_job_def("both")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(300.0, ", about 5 min of both left"), (42.0, ", about 40 s of both left"), (3.0, ""), (None, "")],
)
def test_the_line_of_a_step_says_how_long_the_rest_takes(
    instance: dg.DagsterInstance, seconds: float | None, shown: str
) -> None:
    progress, text, run_id = Progress(quiet=True), io.StringIO(), str(uuid.uuid4())
    progress.console = Console(file=text, width=200, highlight=False)
    progress.expect("both", ["first", "second"], {} if seconds is None else {"first": 900.0, "second": seconds})
    instance.add_event_listener(run_id, progress.event)
    JOB.execute_in_process(instance=instance, run_id=run_id)
    one, other = text.getvalue().splitlines()
    assert one.startswith("[ 1/2] ✓ first ")
    assert one.endswith(f" s{shown}")
    assert "left" not in other


def test_what_a_step_takes_is_read_off_the_newest_run_that_made_it(instance: dg.DagsterInstance) -> None:
    assert usual_seconds(instance, "both") == {}
    PAUSES.append(0.0)
    JOB.execute_in_process(instance=instance)
    PAUSES.append(0.5)
    JOB.execute_in_process(instance=instance, asset_selection=[first.key])
    usual = usual_seconds(instance, "both")
    assert set(usual) == {"first", "second"}
    assert usual["first"] >= 0.5
