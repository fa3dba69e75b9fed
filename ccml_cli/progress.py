"""What a person sees while a run works: which asset of how many, how long it took, what it says, and how long the rest
took the last time or how long the command has been at work."""

import os
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape

WIDTH_OF_A_LOG = 140
"""Columns where there is no terminal to ask; rich would take 80 and break the summary's table."""

WORTH_A_WORD = 10.0
"""Seconds; less than this is over before it is read."""

EPOCH = re.compile(r"\bepoch \d")
EPOCHS_EVERY = 5.0
"""Seconds between two lines of one training's epochs; some take a tenth of a second."""


class Progress:
    """Follows the events of the runs that report to it. Prints a line when an asset is done; the assets' own messages
    in between say how far the long ones are.
    """

    def __init__(self, *, quiet: bool) -> None:
        # Dagster captures the process's stdout into each step's log while the step runs; the terminal is kept apart.
        terminal = os.fdopen(os.dup(1), "w")
        width = None if terminal.isatty() else WIDTH_OF_A_LOG
        self.console = Console(file=terminal, width=width, highlight=False, quiet=quiet, soft_wrap=True)
        self.begun = time.monotonic()
        self.started: dict[str, float] = {}
        self.epoch_shown: dict[str, float] = {}
        self.skipped: dict[str, str] = {}
        self.failed_checks: dict[str, str] = {}
        self.left: set[str] = set()
        self.without: list[str] = []
        """Steps that were skipped because what they are made from was."""
        self.usual: Mapping[str, float] = {}
        self.job = ""
        self.of = 0

    def expect(self, job: str, steps: Iterable[str], usual: Mapping[str, float]) -> None:
        """The steps of the next run, and the seconds that each took when it was last made in this home."""
        self.job, self.left, self.usual = job, set(steps), usual
        self.of = len(self.left)
        self.without = []

    def over(self, checks: Iterable[str]) -> None:
        """The run has ended: one line for all that was skipped with what it is made from. `checks` are named as a
        number only.
        """
        assets = sorted(_name(step) for step in set(self.without).difference(checks))
        unmade = len(self.without) - len(assets)
        if self.without:
            number = f"{unmade} check{'s' if unmade > 1 else ''}" if unmade else ""
            named = ", ".join([*assets, *([number] if number else [])])
            self._line("[yellow]–[/yellow]", named, "skipped with what they are made from")

    def say(self, text: str) -> None:
        self.console.print(text)

    def event(self, event: Any) -> None:
        """A Dagster event log entry."""
        from ccml_assets.skips import REASON

        step = event.step_key
        if step is None:
            return
        happened = event.dagster_event
        if happened is None:
            if event.level >= 20 and event.user_message and self._is_shown(step, event.user_message):
                self.console.print(f"        [dim]{_name(step)}: {escape(event.user_message)}[/dim]")
            return
        match happened.event_type_value:
            case "STEP_START":
                self.started[step] = time.monotonic()
            case "ASSET_OBSERVATION":
                reason = happened.asset_observation_data.asset_observation.metadata.get(REASON)
                if reason is not None:
                    self.skipped[step] = str(reason.value)
            case "ASSET_CHECK_EVALUATION":
                result = happened.event_specific_data
                # Once for the run; the same stands at each of its days.
                if not result.passed and result.partition is None:
                    asset = result.asset_key.to_user_string()
                    self.failed_checks[step] = f"{result.check_name} of {asset}: {result.description or 'failed'}"
            case "STEP_SUCCESS" if step in self.skipped:
                self._finished(step, "[yellow]–[/yellow]", _name(step), f"skipped: {self.skipped[step]}")
            case "STEP_SUCCESS" if step in self.failed_checks:
                self._finished(step, "[yellow]![/yellow]", "check", self.failed_checks[step])
            case "STEP_SUCCESS":
                self._finished(step, "[green]✓[/green]", _name(step), self._seconds(step))
            case "STEP_SKIPPED":
                self.left.discard(step)
                self.without.append(step)
            case "STEP_FAILURE":
                self._finished(step, "[red]✗[/red]", _name(step), self._seconds(step))

    def _is_shown(self, step: str, message: str) -> bool:
        if " is skipped: " in message or "Skipping step " in message:  # the line of a skipped step has the reason
            return False
        if not EPOCH.search(message):
            return True
        now = time.monotonic()
        if now - self.epoch_shown.get(step, self.started.get(step, now)) < EPOCHS_EVERY:
            return False
        self.epoch_shown[step] = now
        return True

    def _seconds(self, step: str) -> str:
        self.left.discard(step)
        return f"{time.monotonic() - self.started.get(step, time.monotonic()):.1f} s{self._time()}"

    def _finished(self, step: str, mark: str, name: str, what: str) -> None:
        self.left.discard(step)
        self._line(mark, name, what)

    def _line(self, mark: str, name: str, what: str) -> None:
        done = self.of - len(self.left)
        self.console.print(f"[{done:>2}/{self.of}] {mark} {name} [dim]{escape(what)}[/dim]")

    def _time(self) -> str:
        """What the rest of the job took the last time, where each of its steps was made before; else the time since
        the command began.
        """
        if self.left <= set(self.usual):
            ahead = sum(self.usual[one] for one in self.left)
            return f", about {_rounded(ahead)} of {self.job} left" if ahead >= WORTH_A_WORD else ""
        since = time.monotonic() - self.begun
        return f", {_rounded(since)} since the start" if since >= WORTH_A_WORD else ""


def _name(step: str) -> str:
    return step.replace("__", "/", 1)


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
