"""What a person sees while a run works: which asset, how many there are, how long each took, and what it says."""

import os
import time
from typing import Any

from rich.console import Console

WIDTH_OF_A_LOG = 140
"""Columns where there is no terminal to ask; rich would take 80 and break the summary's table."""


class Progress:
    """Follows the events of the runs it is told of. Prints a line when an asset is done; the assets' own messages in
    between say how far the long ones are.
    """

    def __init__(self, *, quiet: bool) -> None:
        # Dagster captures the process's stdout into each step's log while the step runs; the terminal is kept apart.
        terminal = os.fdopen(os.dup(1), "w")
        width = None if terminal.isatty() else WIDTH_OF_A_LOG
        self.console = Console(file=terminal, width=width, highlight=False, quiet=quiet, soft_wrap=True)
        self.started: dict[str, float] = {}
        self.done = 0
        self.of = 0

    def expect(self, count: int) -> None:
        self.done, self.of = 0, count

    def say(self, text: str) -> None:
        self.console.print(text)

    def event(self, event: Any) -> None:
        """A Dagster event log entry."""
        step = event.step_key
        if step is None:
            return
        name = step.replace("__", "/", 1)
        happened = event.dagster_event
        if happened is None:
            if event.level >= 20 and event.user_message:
                self.console.print(f"        [dim]{name}: {event.user_message}[/dim]")
            return
        match happened.event_type_value:
            case "STEP_START":
                self.started[step] = time.monotonic()
            case "STEP_SUCCESS":
                self._finished(name, step, "[green]✓[/green]")
            case "STEP_SKIPPED":
                self.done += 1
                self.console.print(
                    f"[{self.done:>2}/{self.of}] [yellow]–[/yellow] {name} [dim]nothing to make it from[/dim]"
                )
            case "STEP_FAILURE":
                self._finished(name, step, "[red]✗[/red]")
            case "ASSET_CHECK_EVALUATION":
                result = happened.event_specific_data
                if not result.passed:
                    self.console.print(f"        [yellow]check {result.check_name} of {name} failed[/yellow]")

    def _finished(self, name: str, step: str, mark: str) -> None:
        self.done += 1
        seconds = time.monotonic() - self.started.get(step, time.monotonic())
        self.console.print(f"[{self.done:>2}/{self.of}] {mark} {name} [dim]{seconds:.1f} s[/dim]")
