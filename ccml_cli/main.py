"""The `ccml` command. Each command's work stands in a module of its own; this page is what they are called with.

Exit codes: 0 done, 1 failed, 2 input that cannot be used, 3 not enough data, 4 a stored file does not hold what it
should, 130 interrupted.
"""

import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import typer

from ccml.errors import CcmlError, InputError, IntegrityError, SkippedError
from ccml.models.kinds import KINDS
from ccml.quiet import send_nothing_home
from ccml.telemetry.readers import AUTO, FORMATS
from ccml.threads import sleep_while_waiting
from ccml_cli.logs import warnings_shown
from ccml_cli.options import Json, show
from ccml_cli.quarantine import quarantine

send_nothing_home()
sleep_while_waiting()

app = typer.Typer(
    name="ccml",
    help="Turns the logs of an assistant that controls a computer into the models that make it better.",
    epilog="Any command takes --debug: a traceback instead of one sentence.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
bench = typer.Typer(
    help="Measure what the models and the server are worth, on this machine and on your own logs.", no_args_is_help=True
)
app.add_typer(bench, name="bench")
app.add_typer(quarantine)

INTERRUPTED = 130
"""Exit status after Ctrl-C; typer ends with it too."""


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"ccml {version('ccml')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Turns the logs of an assistant that controls a computer into the models that make it better."""


Format = Annotated[
    str,
    typer.Option(help=f"{', '.join(FORMATS)}, or {AUTO}: find out."),
]


@app.command(epilog="Example: ccml run --input ~/.claude/projects --format claude-code")
def run(
    input: Annotated[Path | None, typer.Option(help="Your own logs: a file or a folder.")] = None,
    format: Format = AUTO,
    profile: Annotated[str | None, typer.Option(help="smoke (a minute), laptop (minutes) or gpu (full size).")] = None,
    as_json: Json = False,
) -> None:
    """Go once round the circle: land, clean, train, evaluate, release, monitor. Does nothing twice.

    Without --input and with an empty landing zone, sample telemetry is made first.
    """
    from ccml_cli.run import run_circle

    summary = run_circle(input, format, profile, quiet=as_json)
    if as_json:
        show(summary)


@app.command(epilog="Example: ccml ui --port 3000")
def ui(
    port: Annotated[int, typer.Option(help="Port of the webserver on 127.0.0.1.")] = 3000,
    profile: Annotated[str | None, typer.Option(help="Profile of the runs started there.")] = None,
) -> None:
    """Dagster's webserver and daemon over the same instance, on 127.0.0.1, until interrupted."""
    from ccml_cli.ui import run_ui

    raise typer.Exit(run_ui(port, profile))


@app.command(epilog="Example: ccml simulate --days 14 --users 20 --interactions 5000 --drift wording --drift-day 7")
def simulate(
    into: Annotated[Path | None, typer.Option(help="Folder for the files; the landing zone if not given.")] = None,
    users: Annotated[int | None, typer.Option(min=1, help="How many people.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="How many days, ending yesterday.")] = None,
    interactions: Annotated[int | None, typer.Option(min=1, help="How many turns to expect.")] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same files.")] = None,
    drift: Annotated[
        list[str] | None, typer.Option(help="wording, commands, habits, broken_tool or slower_machine; may repeat.")
    ] = None,
    drift_day: Annotated[int | None, typer.Option(min=1, help="Day of the drift, counted from the first.")] = None,
    as_json: Json = False,
) -> None:
    """Write sample telemetry: people with habits, sessions with goals, failures, sparse feedback, drift if asked."""
    from ccml_cli.simulate import simulate_telemetry

    facts = simulate_telemetry(into, users, days, interactions, seed, drift or [], drift_day)
    if as_json:
        show(facts)
    else:
        typer.echo(f"{facts['interactions']} interactions of {facts['users']} users in {facts['into']}")


@app.command(epilog="Example: ccml ingest ~/.bash_history --format bash-history")
def ingest(
    input: Annotated[Path, typer.Argument(help="A file or a folder of logs.")],
    format: Format = AUTO,
    as_json: Json = False,
) -> None:
    """Read logs into the lake without training: what landed, what did not, and why."""
    from ccml_cli.ingest import ingest_logs

    facts = ingest_logs(input, format, quiet=as_json)
    if as_json:
        show(facts)


@app.command(epilog="Example: ccml serve --port 8321")
def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 for any free one.")] = 8321,
) -> None:
    """Answer requests from the released models on 127.0.0.1, until interrupted. Needs neither torch nor Dagster."""
    from ccml_cli.serving import run_server

    run_server(port)


@app.command(epilog='Example: ccml ask "find the big log files"')
def ask(
    request: Annotated[str, typer.Argument(help="What you want.")],
    directory: Annotated[str, typer.Option(help="Where you are; the working directory if not given.")] = "",
    history: Annotated[list[str] | None, typer.Option(help="A command run before, oldest first; may repeat.")] = None,
    url: Annotated[str | None, typer.Option(help="A running server; without it the models are loaded here.")] = None,
    as_json: Json = False,
) -> None:
    """Intent, ranked commands and action for one request. Nothing is executed."""
    from ccml_cli.serving import ask_once

    answer = ask_once(request, directory, history or [], url, quiet=as_json)
    if as_json:
        show(answer)


@app.command("roll-back", epilog="Example: ccml roll-back policy")
def roll_back(
    model: Annotated[str, typer.Argument(help=f"{', '.join(KINDS)}.")],
    reason: Annotated[str, typer.Option(help="Kept in the pointer, for whoever asks later.")] = "rolled back by hand",
) -> None:
    """Serve the previous release of a model again. A running server follows within a second."""
    from ccml_cli.rollback import roll_back_model

    roll_back_model(model, reason)


@bench.command("serve", epilog="Example: ccml bench serve --requests 2000 --clients 8")
def bench_serve(
    requests: Annotated[int, typer.Option(min=1, help="How many requests.")] = 1_000,
    clients: Annotated[int, typer.Option(min=1, help="How many at a time.")] = 8,
    as_json: Json = False,
) -> None:
    """Measure a server started for the purpose: latency, throughput, memory."""
    from ccml_cli.serving import run_bench

    facts = run_bench(requests, clients, quiet=as_json)
    if as_json:
        show(facts)


@bench.command("command", epilog="Example: ccml bench command --train histories/may --test histories/june --unit line")
def bench_command(
    train: Annotated[Path, typer.Option(help="Logs to learn from: a file or a folder.")],
    test: Annotated[Path, typer.Option(help="Logs to predict, turn by turn.")],
    format: Format = AUTO,
    unit: Annotated[
        Literal["name", "template", "line"],
        typer.Option(help="What is predicted: the program's name, the template or the line."),
    ] = "line",
    as_json: Json = False,
) -> None:
    """Learn to suggest commands from some logs and measure it on others, beside simple methods. Nothing is stored."""
    from ccml_cli.bench import measure_commands

    facts = measure_commands(train, test, format, unit, quiet=as_json)
    if as_json:
        show(facts)


@app.command(epilog="Example: ccml erase --user ada")
def erase(
    user: Annotated[str, typer.Option(help="As `user_id` has it in the logs, the owner of a history, or u-….")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Remove everything that the home holds of one person, for good; their rows do not land again."""
    from ccml_cli.erase import erase_person

    facts = erase_person(user, yes=yes, quiet=as_json)
    if as_json:
        show(facts)


@app.command(epilog="Example: ccml doctor --json")
def doctor(as_json: Json = False) -> None:
    """What is installed, what is missing and for which feature, where state lies, which logs of yours were found."""
    from ccml_cli.doctor import examine

    facts = examine(quiet=as_json)
    if as_json:
        show(facts)


@app.command(epilog="Example: ccml mlflow --port 5000")
def mlflow(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 5000) -> None:
    """MLflow's pages over the trainings of this home, on 127.0.0.1, until interrupted."""
    from ccml_cli.mlflow import run_mlflow

    raise typer.Exit(run_mlflow(port))


@app.command(epilog='Example: ccml env, as in: eval "$(ccml env)" && dagster sensor list -w workspace.yaml')
def env() -> None:
    """Lines for a shell, so that the commands of Dagster and MLflow find this home."""
    from ccml_cli.env import shell_lines

    typer.echo("\n".join(shell_lines()))


def main() -> None:
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    try:
        with warnings_shown():
            app()
    except (InputError, SkippedError) as error:
        if debug:
            raise
        typer.echo(f"ccml: {error}", err=True)
        raise SystemExit(error.exit_code) from None
    except (KeyboardInterrupt, SystemExit) as ended:
        if isinstance(ended, SystemExit) and ended.code != INTERRUPTED:
            raise
        typer.echo("ccml: interrupted; the same command goes on from here", err=True)
        raise SystemExit(INTERRUPTED) from None
    except Exception as error:
        if debug:
            raise
        expected = isinstance(error, CcmlError)
        sentence = str(error) if expected else f"{type(error).__name__}: {error} (--debug shows where)"
        if _is_disk_full(sentence):
            typer.echo(f"ccml: {_what_frees_the_disk(sentence)}", err=True)
            raise SystemExit(1) from None
        typer.echo(f"ccml: {sentence}", err=True)
        unreadable = _name_what_is_damaged(sentence)
        code = error.exit_code if isinstance(error, CcmlError) else 1
        raise SystemExit(IntegrityError.exit_code if unreadable else code) from None


DISK_FULL = ("No space left on device", "os error 28", "database or disk is full", "Disk quota exceeded")
"""What Python, Delta and SQLite say. Delta adds the stack of its own language."""
LITTLE_LEFT = 16 << 20
"""Bytes. On a full disk SQLite also speaks of an I/O error, and every database then looks damaged."""


def _is_disk_full(sentence: str) -> bool:
    from ccml.home import Home

    root = Home.from_environment().root
    little = root.exists() and shutil.disk_usage(root).free < LITTLE_LEFT
    return any(words in sentence for words in DISK_FULL) or (little and "disk I/O error" in sentence)


def _what_frees_the_disk(sentence: str) -> str:
    from ccml.home import Home

    root = Home.from_environment().root
    step = sentence.partition(" failed: ")[0] if " failed: " in sentence.partition("\n")[0] else "the command"
    return (
        f"{step} failed: the disk that holds {root} is full. Free space there, or move the folder to a larger disk and "
        "set CCML_HOME to it; then the same command goes on from here."
    )


def _name_what_is_damaged(sentence: str) -> bool:
    """Names each damaged file of the home with its cure, unless the sentence of the failure does; whether there is one.

    A library says of a damaged database that it is none, and not which one.
    """
    from ccml.home import Home
    from ccml_cli.damage import damaged, locked_databases

    home = Home.from_environment()
    if "database is locked" in sentence:
        for path in locked_databases(home):
            typer.echo(f"locked {path}: another program writes to it; end that program, or wait for its end", err=True)
        return False
    found = damaged(home)
    for one in found:
        if one["cure"] not in sentence:
            typer.echo(f"damaged {one['file']}: {one['found']}\n        cure: {one['cure']}", err=True)
    return bool(found)


if __name__ == "__main__":
    main()
