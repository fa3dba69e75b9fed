"""`ccml ingest`: the landing alone."""

from pathlib import Path
from typing import Any

import typer

from ccml.home import Home
from ccml.telemetry.finding import find_files
from ccml.telemetry.landing import LandingReport
from ccml.telemetry.sources import Source, name_source
from ccml_cli.instance import instance_of
from ccml_cli.progress import Progress

EXAMPLES = 10


def ingest_logs(input: Path, format: str, *, quiet: bool) -> dict[str, Any]:
    """Remembers the logs, lands what is new in them and in the landing zone, and returns the landing's sums.

    Raises:
        InputError: logs or a format that cannot be used.
        CcmlError: the landing failed.
    """
    home = Home.from_environment()
    find_files([Source(str(input.expanduser()), format)])
    name_source(home, input, format)
    progress = Progress(quiet=quiet)
    with instance_of(home) as instance:
        from ccml_assets.held import QUARANTINE, sentences
        from ccml_assets.staleness import LANDED_FILES
        from ccml_cli.running import Circle

        landed = Circle(home, instance, progress).land()
        if not landed:
            held = sentences(home)  # of a landing its check says it
            facts: dict[str, Any] = {"files": 0, **({"held": held} if held else {})}
        else:
            (record,) = instance.fetch_materializations(LANDED_FILES, limit=1).records
            assert record.asset_materialization is not None
            metadata = record.asset_materialization.metadata
            recorded = {name: value.value for name, value in metadata.items() if name != QUARANTINE}
            facts = {"days": [], **LandingReport().metadata(), **recorded}
    if not quiet:
        _print(facts)
    return facts


def _print(facts: dict[str, Any]) -> None:
    from ccml_assets.held import WAY_OUT

    if not facts["files"]:
        typer.echo("Nothing new: every file had landed before.")
    examples = facts.get("quarantine_examples", [])[:EXAMPLES]
    for example in examples:
        typer.echo(f"quarantined {example}")
    more = sum(facts.get("quarantined", {}).values()) - len(examples)
    if more > 0:
        typer.echo(f"quarantined {more:,} more: `ccml quarantine show` and `ccml quarantine list`")
    for sentence in facts.get("held", []):
        typer.echo(f"{sentence} {WAY_OUT}")
