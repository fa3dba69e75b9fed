"""Joins the five kinds into one row per interaction, in sessions, and lists each event that cannot be joined with why.

Texts are redacted and users are pseudonyms already: landing does both before it writes anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ccml.cleaning.columns import conform
from ccml.cleaning.commands import read_commands, wanted_command
from ccml.cleaning.sessions import cut_sessions, session_so_far
from ccml.commands.parse import parse
from ccml.intents.rules import intent_from_command
from ccml.telemetry.events import KINDS, REPORTS_EVERY_RUN
from ccml.telemetry.schema import arrow_schema, bounds

if TYPE_CHECKING:
    import pandas as pd

STATE_MAX_AGE = "10min"
"""Older snapshots of the machine are not joined to a turn: load and memory have changed since."""


@dataclass(frozen=True)
class Cleaned:
    """What cleaning made of the events of the asked days."""

    interactions: pd.DataFrame
    """`CLEAN_COLUMNS`, sorted by user, session and time."""
    rejected: pd.DataFrame
    """event_id, table, reason, day: events that could not be joined."""


def clean(
    interactions: pd.DataFrame,
    executions: pd.DataFrame,
    errors: pd.DataFrame,
    feedback: pd.DataFrame,
    states: pd.DataFrame,
    *,
    days: Sequence[str] | None = None,
) -> Cleaned:
    """One row per interaction from landed events, one table per kind with the columns of its declaration.

    Of several executions, errors or feedback events of one interaction, the first execution, the first error and the
    last feedback are taken, field by field. An event is joined to an interaction of its own day, the day before or the
    day after, else it is rejected. So the rows of a day depend on that day and its two neighbours alone: rows of the
    days named in `days` are the same whatever other days are given.
    """
    tables = {
        "interactions": interactions,
        "executions": executions,
        "errors": errors,
        "feedback": feedback,
        "system_states": states,
    }
    rejections: list[pd.DataFrame] = []
    for name in tables:
        tables[name] = _without_repeats(_typed(tables[name], name), name, rejections)
    turns = cut_sessions(tables["interactions"].rename(columns={"event_id": "interaction_id"}))
    for name in ("executions", "errors", "feedback", "system_states"):
        tables[name] = _of_known_interactions(tables[name], name, turns, rejections)
    tables["executions"] = _ending_after_they_began(tables["executions"], rejections)

    turns = _with_outcomes(turns, tables["executions"], tables["errors"])
    turns = _with_feedback(turns, tables["feedback"])
    turns = _with_state(turns, tables["system_states"])
    turns = _with_commands(turns)
    turns = _with_intents(turns)
    turns = session_so_far(turns)
    turns["day"] = turns["time"].dt.strftime("%Y-%m-%d")
    rejected = _rejected(rejections)
    if days is not None:
        turns, rejected = turns[turns["day"].isin(list(days))], rejected[rejected["day"].isin(list(days))]
    return Cleaned(conform(turns.reset_index(drop=True)), rejected.reset_index(drop=True))


def _typed(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Every declared field present, times as times and text as text, even in a table that came without columns.

    A number beyond its declared bounds is missing: it landed before they were declared, and sums of times, weights and
    counts would overflow.
    """
    import pandas as pd

    schema = arrow_schema(name)
    typed = table.reindex(columns=list(KINDS[name].__struct_fields__)).reset_index(drop=True)
    for column in typed:
        declared = str(schema.field(column).type)
        if declared == "string":
            typed[column] = typed[column].astype("string")
        elif declared.startswith("timestamp"):
            typed[column] = pd.to_datetime(typed[column], utc=True).astype("datetime64[us, UTC]")
    for column, (least, most) in bounds(name).items():
        typed[column] = typed[column].where(typed[column].between(least, most).fillna(False))
    return typed


def _without_repeats(table: pd.DataFrame, name: str, rejections: list[pd.DataFrame]) -> pd.DataFrame:
    repeated = table.duplicated("event_id")
    _reject(table[repeated], name, "duplicate_event_id", rejections)
    return table[~repeated]


def _of_known_interactions(
    table: pd.DataFrame, name: str, turns: pd.DataFrame, rejections: list[pd.DataFrame]
) -> pd.DataFrame:
    import pandas as pd

    asked = turns.drop_duplicates("interaction_id").set_index("interaction_id")["time"].dt.floor("D")
    apart = (table["time"].dt.floor("D") - table["interaction_id"].map(asked)).abs()
    points_nowhere = table["interaction_id"].notna() & ~(apart <= pd.Timedelta(days=1))
    _reject(table[points_nowhere], name, "unknown_interaction", rejections)
    return table[~points_nowhere]


def _ending_after_they_began(executions: pd.DataFrame, rejections: list[pd.DataFrame]) -> pd.DataFrame:
    backwards = (executions["ended_at"] < executions["time"]).fillna(False)
    _reject(executions[backwards], "executions", "ended_before_it_began", rejections)
    return executions[~backwards]


def _reject(rows: pd.DataFrame, table: str, reason: str, rejections: list[pd.DataFrame]) -> None:
    if len(rows):
        rejections.append(rows[["event_id", "time"]].assign(table=table, reason=reason))


def _rejected(rejections: list[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    columns = ["event_id", "table", "reason", "day"]
    if not rejections:
        return pd.DataFrame({name: pd.Series(dtype="string") for name in columns})
    rows = pd.concat(rejections, ignore_index=True)
    rows["day"] = rows["time"].dt.strftime("%Y-%m-%d")
    return rows[columns].astype("string")


def _with_outcomes(turns: pd.DataFrame, executions: pd.DataFrame, errors: pd.DataFrame) -> pd.DataFrame:
    """Adds the outcome of each turn, when it was known, what it cost, and its error.

    `failed` overrides the exit status, because a tool call can fail although its command ended with 0. An error without
    any execution is a failure, but in the log of an agent, where it says why a call did not run.
    """
    import numpy as np
    import pandas as pd

    ran = executions.sort_values(["time", "event_id"], kind="stable").groupby("interaction_id").first()
    ran = ran.reindex(turns["interaction_id"]).reset_index(drop=True)
    went_wrong = errors.sort_values(["time", "event_id"], kind="stable").groupby("interaction_id").first()
    went_wrong = went_wrong.reindex(turns["interaction_id"]).reset_index(drop=True)

    status, failed = _numbers(ran["exit_status"]), _numbers(ran["failed"])
    by_status = np.where(np.isnan(status), np.nan, status == 0)
    outcome = np.where(np.isnan(failed), by_status, failed == 0)
    reports_runs = turns["source"].isin(REPORTS_EVERY_RUN).to_numpy(dtype=bool)
    did_not_run = reports_runs & ran["event_id"].isna().to_numpy()
    outcome = np.where(np.isnan(outcome) & went_wrong["event_id"].notna() & ~did_not_run, 0.0, outcome)
    took = pd.to_timedelta(pd.Series(_numbers(ran["duration_ms"])).fillna(0.0), unit="ms")
    ended = ran["ended_at"].fillna(ran["time"] + took).fillna(went_wrong["time"])
    known = pd.Series(np.where(np.isnan(outcome), None, outcome == 1.0), dtype="boolean")
    unassisted = turns["action"].isna() & (turns["command"].fillna("").str.strip() != "")
    return turns.assign(
        executed=(ran["event_id"].notna() | unassisted).to_numpy(dtype=bool) & ~did_not_run,
        exit_status=pd.array(status, dtype="Int64"),
        succeeded=known,
        outcome_time=_not_before(ended, turns["time"]).where(known.notna()),
        duration_ms=_numbers(ran["duration_ms"]),
        cpu_ms=_numbers(ran["cpu_ms"]),
        memory_mb=_numbers(ran["memory_mb"]),
        output_bytes=pd.array(_numbers(ran["output_bytes"]), dtype="Int64"),
        error_category=went_wrong["category"],
        error_message=went_wrong["message"],
        recovery_command=went_wrong["recovery_command"],
        recovered=went_wrong["recovered"].astype("boolean"),
        recovery_ms=_numbers(went_wrong["recovery_ms"]),
    )


def _with_feedback(turns: pd.DataFrame, feedback: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    feedback = feedback.sort_values(["time", "event_id"], kind="stable")
    given = feedback.groupby("interaction_id").last().reindex(turns["interaction_id"]).reset_index(drop=True)
    rated = feedback[feedback["rating"].notna()].groupby("interaction_id")["time"].last()
    rated = rated.reindex(turns["interaction_id"]).reset_index(drop=True)
    return turns.assign(
        rating=pd.array(_numbers(given["rating"]), dtype="Int64"),
        rating_time=_not_before(rated, turns["time"]),
        verdict=given["verdict"],
        corrected_command=given["corrected_command"],
        corrected_intent=given["corrected_intent"],
    )


def _with_state(turns: pd.DataFrame, states: pd.DataFrame) -> pd.DataFrame:
    """The snapshot that belongs to the turn, else the newest earlier one of the same host or session."""
    import pandas as pd

    fields = ["cpu_percent", "memory_percent", "disk_percent", "load_1m", "processes", "active_application"]
    # A server logs its own memory with every answer. Such a snapshot is left out: an earlier one may be of the machine.
    states = states[states[fields[:-1]].notna().any(axis=1) | states["active_application"].fillna("").ne("")]
    own = states[states["interaction_id"].notna()].sort_values(["time", "event_id"], kind="stable")
    own = own.groupby("interaction_id").last().reindex(turns["interaction_id"]).reset_index(drop=True)
    numbers = fields[:-1]
    loose = states[states["interaction_id"].isna()]
    if len(loose):
        # Session ids have the sitting's suffix here; a snapshot has the session id of the log.
        session = turns["session_id"].str.rsplit("#", n=1).str[0]
        asks = pd.DataFrame({"time": turns["time"], "place": _place(turns["host"], session), "row": range(len(turns))})
        snapshots = loose.assign(place=_place(loose["host"], loose["session_id"]))[
            ["time", "place", "platform", *fields]
        ]
        near = pd.merge_asof(
            asks.sort_values("time", kind="stable"),
            snapshots.sort_values("time", kind="stable"),
            on="time",
            by="place",
            tolerance=pd.Timedelta(STATE_MAX_AGE),
        )
        near = near.sort_values("row").reset_index(drop=True)
        own = own.where(own["event_id"].notna(), near.reindex(columns=own.columns))
    stated = {name: _numbers(own[name]) for name in numbers}
    stated["processes"] = pd.array(stated["processes"], dtype="Int64")
    platform = turns["platform"].astype("string").fillna("")
    return turns.assign(
        **stated,
        active_application=own["active_application"],
        platform=platform.where(platform != "", own["platform"].astype("string").fillna("")),
    )


def _with_commands(turns: pd.DataFrame) -> pd.DataFrame:
    lines = turns["command"].astype("string").fillna("")
    read = read_commands(lines)
    return turns.assign(
        command=lines,
        wanted_command=wanted_command(turns),
        **{name: read[name] for name in read},
    )


def _with_intents(turns: pd.DataFrame) -> pd.DataFrame:
    """Adds `intent_label` and its source: the user's correction, else the log's label, else that of the rules."""
    given, corrected = (turns[name].astype("string").str.strip() for name in ("intent", "corrected_intent"))
    given, corrected = given.mask(given == ""), corrected.mask(corrected == "")
    wanted = turns["wanted_command"]
    ruled = {line: intent_from_command(parse(line)) for line in wanted.dropna().unique()}
    by_rule = wanted.map(ruled).astype("string")
    source = by_rule.notna().map({True: "rule", False: "none"}).astype("string")
    source = source.mask(given.notna(), "telemetry").mask(corrected.notna(), "correction")
    return turns.assign(
        intent=given,
        corrected_intent=corrected,
        intent_label=corrected.fillna(given).fillna(by_rule),
        intent_source=source,
    )


def _place(host: pd.Series, session: pd.Series) -> pd.Series:
    host = host.astype("string").fillna("")
    return host.where(host != "", session.astype("string"))


def _not_before(moment: pd.Series, earliest: pd.Series) -> pd.Series:
    """The later of the two: clocks of two programs differ, and nothing about a turn is known before it."""
    return moment.where(moment.isna() | (moment >= earliest), earliest)


def _numbers(column: pd.Series) -> Any:
    return column.astype("object").astype("Float64").to_numpy(dtype="float64", na_value=float("nan"))
