"""`ccml bench command`: the ranker of commands on logs of your own, beside the simple methods that it must beat."""

from __future__ import annotations

import secrets
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from ccml.errors import NotEnoughDataError
from ccml.evaluation.spelling import difference, interval
from ccml.home import Home
from ccml.privacy.pseudonyms import KEY_BYTES, Pseudonyms
from ccml.settings import loaded_profile
from ccml.suggestions.turns import Session, Unit

if TYPE_CHECKING:
    from ccml.suggestions.held_out import Comparison

_SHOWN = (("top1", "first", "share"), ("top5", "among five", "share"), ("mrr", "mean 1/rank", "score"))
"""Metric, heading, and unit."""


def measure_commands(train: Path, test: Path, format: str, unit: Unit, *, quiet: bool) -> dict[str, Any]:
    """Fits on the logs of one path and predicts those of another, turn by turn. Nothing is stored or executed.

    Raises:
        InputError: logs or a format that cannot be used.
        NotEnoughDataError: logs without commands.
    """
    from ccml.suggestions.held_out import compare, predict

    profile = loaded_profile(Home.from_environment())
    pseudonyms = new_pseudonyms()
    known, unseen = (read_sessions(path, format, pseudonyms) for path in (train, test))
    found = compare(predict(known, unseen, unit, profile.ranker, profile.seed))
    if not quiet:
        print_comparison(found)
    return dict(msgspec.to_builtins(found))


def new_pseudonyms() -> Pseudonyms:
    """Under a key of their own. One for all logs of a measurement: a user is the same person in each of them."""
    return Pseudonyms(secrets.token_bytes(KEY_BYTES))


def read_sessions(path: Path, format: str, pseudonyms: Pseudonyms) -> list[Session]:
    """The sessions of logs, by the landing and the cleaning of every home, in a folder that is taken away again.

    Raises:
        InputError: the logs cannot be used.
        NotEnoughDataError: they hold no command.
    """
    from ccml.cleaning.join import clean
    from ccml.suggestions.turns import sessions_of
    from ccml.telemetry.events import KINDS
    from ccml.telemetry.finding import find_files
    from ccml.telemetry.lake import landed_days, read_landed
    from ccml.telemetry.landing import land
    from ccml.telemetry.sources import Source

    source = Source(str(path.expanduser()), format)
    find_files([source])
    with tempfile.TemporaryDirectory(prefix="ccml-bench-") as folder:
        lake = Path(folder)
        report = land([source], lake, pseudonyms, datetime.now(UTC))
        days = landed_days(lake)
        sessions = sessions_of(clean(*(read_landed(lake, kind, days) for kind in KINDS)).interactions)
    if report.quarantined or report.set_aside:
        typer.echo(" ".join([report.sentence(), *report.set_aside]), err=True)
    if not sessions:
        raise NotEnoughDataError(f"{path} holds no command. {report.sentence()}")
    return sessions


def print_comparison(found: Comparison) -> None:
    table = Table(box=None)
    headings = (
        f"{found.unit} of {found.rows:,} commands",
        *(heading for _, heading, _ in _SHOWN),
        "bits",
        "ranker minus it, first",
    )
    for heading in headings:
        table.add_column(heading)
    for name, figures in {"ranker": found.model, **found.baselines}.items():
        table.add_row(
            name,
            *(interval(figures[metric].interval, unit) for metric, _, unit in _SHOWN),
            f"{figures['bits'].value:.2f}" if "bits" in figures else "–",
            difference(found.paired[name].interval) if name in found.paired else "",
        )
    console = Console(highlight=False)
    console.print(table)
    console.print(
        f"Fitted on {found.cost.training_turns:,} commands in {found.cost.fit_seconds:.0f} s; a suggestion takes "
        f"{found.cost.suggest_ms['p50']:.1f} ms. Intervals over {found.intervals_over}."
    )
