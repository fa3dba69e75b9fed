"""What a person sees while a run works: which asset, how many there are, how long each took, what it says, how long the
rest took the last time."""

import os
import time
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape

WIDTH_OF_A_LOG = 140
"""Columns where there is no terminal to ask; rich would take 80 and break the summary's table."""

WORTH_A_FORECAST = 10.0
"""Seconds; less than this is over before it is read."""


class Progress:
    """Follows the events of the runs that report to it. Prints a line when an asset is done; the assets' own messages
    in between say how far the long ones are.
    """

    def __init__(self, *, quiet: bool) -> None:
        # Dagster captures the process's stdout into each step's log while the step runs; the terminal is kept apart.
        terminal = os.fdopen(os.dup(1), "w")
        width = None if terminal.isatty() else WIDTH_OF_A_LOG
        self.console = Console(file=terminal, width=width, highlight=False, quiet=quiet, soft_wrap=True)
        self.started: dict[str, float] = {}
        self.skipped: dict[str, str] = {}
        self.left: set[str] = set()
        self.usual: Mapping[str, float] = {}
        self.of = 0

    def expect(self, steps: Iterable[str], usual: Mapping[str, float]) -> None:
        """The steps of the next run, and the seconds that each took when it was last made in this home."""
        self.left, self.usual = set(steps), usual
        self.of = len(self.left)

    def say(self, text: str) -> None:
        self.console.print(text)

    def event(self, event: Any) -> None:
        """A Dagster event log entry."""
        from ccml_assets.skips import REASON

        step = event.step_key
        if step is None:
            return
        name = step.replace("__", "/", 1)
        happened = event.dagster_event
        if happened is None:
            message = event.user_message
            # The line of a skipped step has the reason.
            if event.level >= 20 and message and " is skipped: " not in message and "Skipping step " not in message:
                self.console.print(f"        [dim]{name}: {escape(message)}[/dim]")
            return
        match happened.event_type_value:
            case "STEP_START":
                self.started[step] = time.monotonic()
            case "ASSET_OBSERVATION":
                reason = happened.asset_observation_data.asset_observation.metadata.get(REASON)
                if reason is not None:
                    self.skipped[step] = str(reason.value)
            case "STEP_SUCCESS" if step in self.skipped:
                self._finished(step, "[yellow]–[/yellow]", name, f"skipped: {self.skipped[step]}")
            case "STEP_SUCCESS":
                self._finished(step, "[green]✓[/green]", name, self._seconds(step))
            case "STEP_SKIPPED":
                self._finished(step, "[yellow]–[/yellow]", name, "skipped: nothing to make it from")
            case "STEP_FAILURE":
                self._finished(step, "[red]✗[/red]", name, self._seconds(step))
            case "ASSET_CHECK_EVALUATION":
                result = happened.event_specific_data
                if not result.passed:
                    why = escape(result.description or "failed")
                    self.console.print(f"        [yellow]check {result.check_name} of {name}: {why}[/yellow]")

    def _seconds(self, step: str) -> str:
        return f"{time.monotonic() - self.started.get(step, time.monotonic()):.1f} s"

    def _finished(self, step: str, mark: str, name: str, what: str) -> None:
        self.left.discard(step)
        ahead = sum(self.usual.get(one, 0.0) for one in self.left)
        forecast = f", about {_rounded(ahead)} left" if ahead >= WORTH_A_FORECAST else ""
        done = self.of - len(self.left)
        self.console.print(f"[{done:>2}/{self.of}] {mark} {name} [dim]{escape(what)}{forecast}[/dim]")


def _rounded(seconds: float) -> str:
    return f"{round(seconds / 60)} min" if seconds >= 90 else f"{round(seconds, -1):.0f} s"


def usual_seconds(instance: Any, job: str) -> dict[str, float]:
    """Step → seconds of the newest of the job's last runs in which it was made; empty in a new home."""
    import dagster as dg

    finished = dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.SUCCESS])
    found: dict[str, float] = {}
    for run in instance.get_runs(finished, limit=3):
        for step in instance.get_run_step_stats(run.run_id):
            if step.start_time is not None and step.end_time is not None:
                found.setdefault(step.step_key, step.end_time - step.start_time)
    return found
