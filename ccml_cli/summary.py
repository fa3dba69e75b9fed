"""The summary as a person reads it."""

from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ccml.evaluation.spelling import difference, interval
from ccml.evaluation.statistics import Interval
from ccml.home import Home
from ccml.models.kinds import KINDS


def print_summary(console: Console, summary: dict[str, Any], home: Home, path: Path) -> None:
    from ccml_assets.held import WAY_OUT

    console.print()
    _print_interactions(console, summary["interactions"])
    for sentence in summary["held"]:
        console.print(f"[red]held[/red] {escape(sentence)} {escape(WAY_OUT)}")
    _print_models(console, summary)
    for name, gate in summary["gates"].items():
        console.print(
            f"[bold]gate[/bold] {KINDS[name].title}: {gate['answer']}. [dim]{escape(gate['reasons'][0])}[/dim]"
        )
    for name, release in summary["releases"].items():
        shown = f"{release['version']} [dim]{home.root / release['path']}[/dim]" if release else "none"
        console.print(f"[bold]release[/bold] {KINDS[name].title}: {shown}")
    for alert in summary["alerts"]:
        console.print(f"[red]{alert['level']}[/red] {alert['name']}: {escape(alert['reason'])}")
    if not summary["alerts"]:
        console.print("[bold]alerts[/bold] none")
    for name, report in summary["reports"].items():
        console.print(f"[bold]report[/bold] {name}: {home.root / report}")
    if summary["assets_made"] == 0:
        console.print("Nothing new: no file, no day and no asset had to be made again.")
    console.print(f"{summary['assets_made']} assets in {summary['seconds']:.0f} s. The same facts: {path}")
    console.print("Look at everything: [bold]make ui[/bold] (or [bold]ccml ui[/bold])")


def _print_interactions(console: Console, totals: dict[str, Any]) -> None:
    """Lines and events, each with the parts that it is the sum of."""
    lines = {
        "landed": totals["landed_lines"],
        "quarantined": totals["quarantined"],
        "duplicates": totals["duplicates"],
        "blank": totals["blank"],
        "records of no use": sum(totals["skipped"].values()),
    }
    events = {name.replace("_", " "): count for name, count in totals["landed"].items()}
    console.print(f"[bold]lines[/bold] {totals['lines']:,} in {totals['files']:,} files = {_sum(lines)}")
    console.print(f"[bold]events[/bold] {sum(events.values()):,} = {_sum(events)}")
    console.print(f"[bold]kept[/bold] {totals['kept']:,} interactions; {totals['rejected']:,} events set aside")
    for reason, count in totals["reasons"].items():
        console.print(f"        {count:,} {reason}")


def _sum(parts: dict[str, int]) -> str:
    """The parts that are there, such as `10 landed + 2 blank`."""
    return " + ".join(f"{count:,} {name}" for name, count in parts.items() if count) or "0"


def _print_models(console: Console, summary: dict[str, Any]) -> None:
    table = Table("model", "figure", "on test rows", "best baseline", "difference", box=None)
    for name, model in summary["models"].items():
        if "skipped" in model:
            console.print(f"[bold]{KINDS[name].title}[/bold] [yellow]skipped[/yellow]: {escape(model['skipped'])}")
            continue
        unit = model["unit"]
        best = next(one for one in model["baselines"] if one["name"] == model["best_baseline"])
        table.add_row(
            KINDS[name].title,
            model["headline"],
            escape(interval(msgspec.convert(model["value"], Interval), unit)),
            escape(f"{best['name']}: {interval(msgspec.convert(best['value'], Interval), unit)}"),
            escape(difference(msgspec.convert(best["model_minus_baseline"], Interval), unit)),
        )
    if table.row_count:
        console.print(table)
