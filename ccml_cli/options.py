"""What several commands have in common."""

import json
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print the facts as JSON and nothing else.")]


def show(facts: Any) -> None:
    typer.echo(json.dumps(facts, indent=1, default=str))
