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
        from ccml_assets.staleness import LANDED_FILES
        from ccml_cli.running import Circle

        landed = Circle(home, instance, progress).land()
        if not landed:
            facts: dict[str, Any] = {"files": 0}
        else:
            (record,) = instance.fetch_materializations(LANDED_FILES, limit=1).records
            assert record.asset_materialization is not None
            recorded = {name: value.value for name, value in record.asset_materialization.metadata.items()}
            facts = {"days": [], **LandingReport().metadata(), **recorded}
    if not quiet:
        _print(facts)
    return facts


def _print(facts: dict[str, Any]) -> None:
    if not facts["files"]:
        typer.echo("Nothing new: every file had landed before.")
    examples = facts.get("quarantine_examples", [])
    for example in examples[:EXAMPLES]:
        typer.echo(f"quarantined {example}")
