"""`ccml quarantine`: the lines that did not land, for people."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ccml.home import Home
from ccml_cli.options import Json, show

SHOWN = 20

quarantine = typer.Typer(
    name="quarantine",
    help="The lines that did not land: which there are and why, read them again, give them up.",
    no_args_is_help=True,
)

Which = Annotated[
    str | None, typer.Argument(metavar="[WHICH]", help="A reason code, or a file or folder; all without it.")
]


@quarantine.command("list", epilog="Example: ccml quarantine list --json")
def list_(as_json: Json = False) -> None:
    """The reasons with counts, and the files that the lines are of."""
    from ccml.telemetry.decode import REASON_CODES
    from ccml.telemetry.quarantine import Wanted, by_file, by_reason, refused

    rows = refused(Home.from_environment().lake, Wanted())
    reasons = [
        {
            "reason": one.name,
            "lines": one.lines,
            "files": one.others,
            "newest": f"{one.newest:%Y-%m-%d %H:%M} UTC",
            "meaning": REASON_CODES.get(one.name, ""),
        }
        for one in by_reason(rows)
    ]
    files = [
        {"file": one.name, "lines": one.lines, "reasons": one.others, "newest": f"{one.newest:%Y-%m-%d %H:%M} UTC"}
        for one in by_file(rows)
    ]
    if as_json:
        show({"lines": len(rows), "reasons": reasons, "files": files})
    elif not reasons:
        typer.echo("No line is in the quarantine.")
    else:
        _print(reasons)
        _print(files[:SHOWN])
        if len(files) > SHOWN:
            typer.echo(f"and {len(files) - SHOWN:,} more files: `ccml quarantine list --json` has all")


@quarantine.command("show", epilog="Example: ccml quarantine show bad_json")
def show_(
    which: Which = None,
    lines: Annotated[int, typer.Option(min=1, help="How many.")] = SHOWN,
    as_json: Json = False,
) -> None:
    """The lines, the last refused first: file and line, why, how long, and a masked shape; no word of them is kept."""
    from ccml.telemetry.quarantine import Wanted, refused

    lake = Home.from_environment().lake
    rows = refused(lake, Wanted.of(lake, which), ["reason", "shape", "bytes", "format"])
    found = rows.slice(0, lines).to_pylist()
    if as_json:
        show({"lines": len(rows), "shown": found})
        return
    if not found:
        typer.echo("No line is in the quarantine.")
    console = Console(highlight=False, soft_wrap=True)
    for row in found:
        size = "" if row["bytes"] is None else f" ({row['bytes']:,} bytes)"
        place = f"[bold]{escape(row['path'])}:{row['line']}[/bold]"
        console.print(f"{place} {row['reason_code']}: {escape(row['reason'])}{size}")
        if row["shape"]:
            console.print(f"        [dim]{escape(row['shape'])}[/dim]")
    if len(rows) > len(found):
        of = f" {which}" if which else ""
        typer.echo(f"and {len(rows) - len(found):,} more: `ccml quarantine show{of} --lines {len(rows)}` has all")


@quarantine.command(epilog="Example: ccml quarantine retry truncated")
def retry(which: Which = None, as_json: Json = False) -> None:
    """Read the files of these lines again, as they are now and with the code of now; what can be read lands, once."""
    from ccml.telemetry.quarantine import AskedAgain, Wanted, ask_again, refused
    from ccml.telemetry.sources import all_sources
    from ccml_cli.instance import instance_of
    from ccml_cli.progress import Progress

    home = Home.from_environment()
    wanted = Wanted.of(home.lake, which)
    before = len(refused(home.lake, wanted))
    asked: list[AskedAgain] = []
    with instance_of(home) as instance:
        from ccml_cli.running import Circle

        circle = Circle(home, instance, Progress(quiet=as_json))
        circle.land(lambda: asked.append(ask_again(home.lake, all_sources(home), wanted)))
    left = len(refused(home.lake, wanted))
    (again,) = asked
    if as_json:
        show({"lines": before, "files": again.files, "left": left, "gone": again.gone})
        return
    typer.echo(f"{_counted(again.files, 'file')} read again: {left:,} of {_counted(before, 'line')} are still refused.")
    if again.gone:
        typer.echo(
            f"{_counted(again.gone, 'line')} of files that are gone, or in no folder that is read, stay as they are: "
            "`ccml quarantine drop` gives lines up."
        )


@quarantine.command(epilog="Example: ccml quarantine drop ~/logs/broken.jsonl")
def drop(
    which: Which = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Give these lines up: they leave the quarantine, and are not read again unless their file changes."""
    from ccml.telemetry.quarantine import Wanted, give_up, refused

    lake = Home.from_environment().lake
    wanted = Wanted.of(lake, which)
    lines = len(refused(lake, wanted))
    if lines and not yes:
        typer.confirm(f"Give up {_counted(lines, 'line')}?", abort=True, err=True)
    give_up(lake, wanted)
    if as_json:
        show({"lines": lines})
    else:
        typer.echo(f"{_counted(lines, 'line')} given up.")


def _print(rows: list[dict[str, Any]]) -> None:
    table = Table(*rows[0], box=None)
    for row in rows:
        table.add_row(*(escape(f"{value:,}" if isinstance(value, int) else value) for value in row.values()))
    Console(highlight=False).print(table)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
