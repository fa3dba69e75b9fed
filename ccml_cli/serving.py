"""`ccml serve`, `ask` and `bench`. None of them loads torch or Dagster."""

import logging
import sys
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from ccml.home import Home


def run_server(port: int) -> None:
    """Answers until SIGTERM or an interrupt.

    Raises:
        InputError: the port is taken.
    """
    from ccml.serving.http.server import serve

    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    # Its lines about its own start are of the logger `uvicorn.error`, which reads as if something had failed.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    serve(Home.from_environment(), port)


def ask_once(request: str, directory: str, history: list[str], url: str | None, *, quiet: bool) -> dict[str, Any]:
    """The answer as a server would send it, printed for a person unless `quiet`.

    Raises:
        InputError: no server answers at `url`, or the request is malformed.
        CcmlError: the server is overloaded or answers something else.
    """
    from ccml.serving.http.client import ask, ask_here, panel

    if url is None:
        answer = ask_here(request, models=Home.from_environment().models, directory=directory, history=history)
    else:
        answer = ask(request, url=url.rstrip("/"), directory=directory, history=history)
    if not quiet:
        Console(highlight=False).print(panel(answer))
    return dict(msgspec.to_builtins(answer))


def run_bench(requests: int, clients: int, *, quiet: bool) -> dict[str, Any]:
    """Figures of a server that is started for the purpose on a free port and stopped afterwards.

    Raises:
        CcmlError: the server did not start.
    """
    from ccml_cli.load import bench, server_for_bench

    with server_for_bench(Home.from_environment()) as url:
        facts = dict(msgspec.to_builtins(bench(url, requests=requests, clients=clients)))
    if not quiet:
        table = Table(box=None, show_header=False)
        for name, value in facts.items():
            shown = (
                ", ".join(f"{count} × {outcome}" for outcome, count in value.items()) if name == "outcomes" else value
            )
            table.add_row(name.replace("_", " "), str(shown))
        Console(highlight=False).print(table)
    return facts
