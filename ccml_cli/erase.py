"""`ccml erase`: everything that the home holds of one person goes, and a landing leaves it out from then on.

The order makes it resumable. What is recognised by the landed rows is erased first and the landed rows last, so a
second attempt after a kill knows all that the first one knew.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import typer

from ccml.errors import InputError
from ccml.home import Home
from ccml.locks import is_locked
from ccml.privacy.pseudonyms import Pseudonyms, load_or_create_key
from ccml.serving.logging.log import OPEN
from ccml_cli.instance import instance_of
from ccml_cli.progress import Progress

if TYPE_CHECKING:
    import dagster as dg

    from ccml.erasure.person import Person, Traces

_JOBS = ("ingest", "prepare", "learn", "monitor")


def erase_person(name: str, *, yes: bool, quiet: bool) -> dict[str, Any]:
    """
    Raises:
        InputError: nobody of that name, no confirmation, or a server or a run is at work in the home.
    """
    home = Home.from_environment()
    if not home.key_file.exists():
        raise InputError(f"{home.root} has no pseudonyms: nothing has landed there.")
    from ccml.erasure.person import Person, traces_of
    from ccml.telemetry.left_out import left_out

    pseudonyms = Pseudonyms(load_or_create_key(home.key_file))
    person = Person(name, pseudonyms.of("user", name))
    with instance_of(home) as instance, _alone(home, instance):
        traces = traces_of(home.lake, person)
        found = _found(home, person, pseudonyms, traces)
        interrupted = left_out(home.lake).has_begun(person.pseudonym)
        if not (found["rows"] or found["quarantined"] or found["logs"] or interrupted):
            raise InputError(
                f"Nothing under {home.root} is of a user {name!r}. Expected a name as `user_id` has it in logs, the "
                "owner of the home directory that a session or a history comes from, or a pseudonym (u-…)."
            )
        progress = Progress(quiet=quiet)
        _confirm(home, person, found, yes, progress)
        facts = _erase(home, person, pseudonyms, traces, instance) | {"found": found}
    if not quiet:
        _print(progress, facts)
    return facts


def _found(home: Home, person: "Person", pseudonyms: Pseudonyms, traces: "Traces") -> dict[str, Any]:
    from ccml.erasure.landed import refused_lines
    from ccml.erasure.logs import logs_with

    return {
        "rows": traces.rows,
        "days": len(traces.days),
        "quarantined": refused_lines(home.lake, person),
        "logs": logs_with(home.landing, person, pseudonyms),
    }


def _confirm(home: Home, person: "Person", found: dict[str, Any], yes: bool, progress: Progress) -> None:
    rows = ", ".join(f"{count:,} {table}" for table, count in found["rows"].items()) or "no landed rows"
    progress.say(
        f"Under {home.root} of {person.name}: {rows} on {found['days']} days, {found['quarantined']:,} refused"
    )
    progress.say(f"        lines, and lines in {len(found['logs'])} logs of the landing zone.")
    if yes:
        return
    if not sys.stdin.isatty():
        raise InputError("Erasing cannot be undone; say --yes.")
    if not typer.confirm("Erase all of it for good?"):
        raise InputError("Nothing was erased.")


def _erase(
    home: Home, person: "Person", pseudonyms: Pseudonyms, traces: "Traces", instance: "dg.DagsterInstance"
) -> dict[str, Any]:
    from ccml.erasure.derived import erase_documents, erase_models, erase_rows
    from ccml.erasure.history import erase_from_history
    from ccml.erasure.landed import count_without, delete_landed
    from ccml.erasure.logs import rewrite_logs
    from ccml.erasure.sources import forget_sources, mentions_of_others
    from ccml.telemetry.left_out import left_out, write_left_out
    from ccml.telemetry.readers.histories import Histories
    from ccml_assets.landing import report_days

    write_left_out(home.lake, left_out(home.lake).begun(person.pseudonym))
    tables = erase_rows(home, person, traces)
    documents = erase_documents(home, person, traces)
    removed, trained = erase_models(home, person, traces)
    records = erase_from_history(home, person, traces)
    Histories(home.lake / "landed" / "histories").forget(person.name)
    forgotten, outside = forget_sources(home, person)
    logs = rewrite_logs(home.landing, person, pseudonyms)
    count_without(home.lake, person, {one.before: one.after for one in logs if one.beside is not None})
    for log in logs:
        log.put_in_place(person, home.landing)
    delete_landed(home.lake, person)
    report_days(instance, home)
    write_left_out(home.lake, left_out(home.lake).ended(person.pseudonym))
    return {
        "tables": tables,
        "documents": documents,
        "releases_removed": removed,
        "releases_trained_with": trained,
        "records_of_runs": records,
        "logs_rewritten": [home.relative(log.path) for log in logs if log.beside is not None],
        "logs_removed": [home.relative(log.path) for log in logs if log.beside is None],
        "sources_forgotten": forgotten,
        "sources_outside": outside,
        "mentions_by_others": mentions_of_others(home.lake, person),
    }


def _print(progress: Progress, facts: dict[str, Any]) -> None:
    say = progress.say
    say(f"Erased; cleaned were {facts['tables']} derived tables, {len(facts['documents'])} pages and documents, and")
    say(f"        {facts['records_of_runs']} records of runs. From now on a landing leaves this person out.")
    for release in facts["releases_removed"]:
        say(f"Removed the release {release}: a text in it was written by this person alone.")
    for release in facts["releases_trained_with"]:
        say(f"Release {release} may have been trained with these rows; none of its texts is theirs alone.")
    say("        The next [bold]ccml run[/bold] prepares the days anew and learns without them.")
    for source in facts["sources_forgotten"]:
        say(f"The logs of this person's own home, {source}, are no longer read.")
    for source in facts["sources_outside"]:
        say(f"{source} lies outside of the home and was not touched; what it holds of this person does not land again.")
    for table, count in facts["mentions_by_others"].items():
        say(f"{count:,} rows of other people in {table} hold the word; they are theirs and stay.")


@contextmanager
def _alone(home: Home, instance: "dg.DagsterInstance") -> Iterator[None]:
    """No landing, run or server writes meanwhile.

    Raises:
        InputError: one is at work.
    """
    import dagster as dg

    from ccml.locks import locked

    if any(is_locked(path) for path in home.landing.rglob(f"*{OPEN}")):
        raise InputError("A server is writing its log into this home. Stop it, erase, and start it again.")
    with ExitStack() as held:
        for job in _JOBS:
            held.enter_context(locked(home.dagster / "at_work" / f"{job}.lock"))
        unfinished = [
            dg.DagsterRunStatus.QUEUED,
            dg.DagsterRunStatus.NOT_STARTED,
            dg.DagsterRunStatus.STARTING,
            dg.DagsterRunStatus.STARTED,
            dg.DagsterRunStatus.CANCELING,
        ]
        if instance.get_runs_count(dg.RunsFilter(statuses=unfinished)):
            raise InputError("A run is at work in this home. Wait for its end, or end it in `ccml ui`.")
        yield
