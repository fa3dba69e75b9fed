"""The clean table: one row per interaction, its columns and their types."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

TEXT, NUMBER, WHOLE, TRUTH, MOMENT = "string", "float64", "Int64", "boolean", "datetime64[us, UTC]"

CLEAN_COLUMNS: dict[str, str] = {
    "interaction_id": TEXT,
    "session_id": TEXT,
    "user_id": TEXT,
    "time": MOMENT,
    "day": TEXT,
    "source": TEXT,
    "request": TEXT,
    "command": TEXT,
    "tool": TEXT,
    "directory": TEXT,
    "host": TEXT,
    "platform": TEXT,
    "intent": TEXT,
    "corrected_intent": TEXT,
    "intent_label": TEXT,
    "intent_source": TEXT,
    "predicted_intent": TEXT,
    "action": TEXT,
    "propensity": NUMBER,
    "policy_version": TEXT,
    "confidence": NUMBER,
    "model_versions": TEXT,
    "served_by": TEXT,
    "latency_ms": NUMBER,
    "parsed": TRUTH,
    "program": TEXT,
    "subcommand": TEXT,
    "template": TEXT,
    "family": TEXT,
    "risk": TEXT,
    "executed": TRUTH,
    "exit_status": WHOLE,
    "succeeded": TRUTH,
    "outcome_time": MOMENT,
    "duration_ms": NUMBER,
    "cpu_ms": NUMBER,
    "memory_mb": NUMBER,
    "output_bytes": WHOLE,
    "error_category": TEXT,
    "error_message": TEXT,
    "recovery_command": TEXT,
    "recovered": TRUTH,
    "recovery_ms": NUMBER,
    "rating": WHOLE,
    "rating_time": MOMENT,
    "verdict": TEXT,
    "corrected_command": TEXT,
    "wanted_command": TEXT,
    "cpu_percent": NUMBER,
    "memory_percent": NUMBER,
    "disk_percent": NUMBER,
    "load_1m": NUMBER,
    "processes": WHOLE,
    "active_application": TEXT,
    "position": WHOLE,
    "seconds_since_previous": NUMBER,
    "session_commands": WHOLE,
    "session_successes": WHOLE,
    "session_failures_in_a_row": WHOLE,
    "previous_succeeded": TRUTH,
}

_OWN_MEANINGS = {
    "interaction_id": "The interaction's event id.",
    "session_id": "The log's session, '#', start of the sitting.",
    "time": "When the request was made.",
    "day": "Date of the time in UTC: the partition.",
    "corrected_intent": "The intent that the user named in the feedback.",
    "intent_label": "The intent that is learnt from and tested against.",
    "intent_source": "Where the label is from: correction, telemetry, rule or none.",
    "parsed": "Whether the command could be read as a shell line.",
    "program": "The program that the command runs.",
    "subcommand": "The program's first word, such as `commit`, where programs have such.",
    "template": "The command with its paths, names, numbers and texts replaced by placeholders.",
    "family": "What the program is for: files, text, git, network, …",
    "risk": "safe, ask, danger or refused, by rules on the command.",
    "executed": "The log records an execution, or a log of commands alone has it without an assistant.",
    "succeeded": "Whether it ran without failing; unknown where it did not run or the log does not say.",
    "outcome_time": "When `succeeded` was known; never before `time`.",
    "duration_ms": "Time from start to end of the command, milliseconds.",
    "cpu_ms": "Processor time of the command, milliseconds.",
    "memory_mb": "Most memory that the command held, megabytes.",
    "output_bytes": "Length of what the command printed, bytes.",
    "error_category": "not_found, permission, syntax, timeout, network, …",
    "error_message": "What the failed command or tool said.",
    "recovered": "Whether the recovery command ended the trouble.",
    "recovery_ms": "Time until then, milliseconds.",
    "rating_time": "When `rating` was given; never before `time`.",
    "verdict": "accepted, edited, rejected or undone by the user.",
    "corrected_command": "The command that the user put in place of the proposed one.",
    "wanted_command": "The command that the user is known to have wanted.",
    "cpu_percent": "Processor load of the machine at the request, percent.",
    "memory_percent": "Memory in use then, percent.",
    "disk_percent": "Disk in use then, percent.",
    "load_1m": "Mean number of waiting processes over the last minute.",
    "processes": "Number of processes of the machine then.",
    "active_application": "Application in front then.",
    "position": "Place in the session, from 0.",
    "seconds_since_previous": "Time since the previous request of the session.",
    "session_commands": "Commands that ran earlier in the session, as known at `time`.",
    "session_successes": "Those of them that succeeded.",
    "session_failures_in_a_row": "Failures since the last success.",
    "previous_succeeded": "Whether the last command before that ran succeeded.",
}
"""Of columns that are no field of an event, or whose field has no description."""


def column_meanings() -> dict[str, str]:
    """Column of the clean table → what it means, in a sentence."""
    from ccml.telemetry.events import KINDS
    from ccml.telemetry.schema import descriptions

    declared = {name: text for kind in reversed(KINDS) for name, text in descriptions(kind).items()}
    return {name: _OWN_MEANINGS.get(name) or declared[name] for name in CLEAN_COLUMNS}


NEVER_MISSING = (
    *("interaction_id", "session_id", "user_id", "time", "day", "source", "request", "command", "tool", "directory"),
    *("host", "platform", "intent_source", "parsed", "program", "subcommand", "template", "family", "risk"),
    *("active_application", "executed", "position"),
    *("session_commands", "session_successes", "session_failures_in_a_row"),
)
"""Empty text where the log says nothing; the other columns hold NA there."""


def conform(table: pd.DataFrame) -> pd.DataFrame:
    """Exactly `CLEAN_COLUMNS`, in order and type; a column that is absent is unknown in every row."""
    import pandas as pd

    columns = {}
    for name, dtype in CLEAN_COLUMNS.items():
        column = table[name] if name in table else pd.Series(pd.NA, index=table.index, dtype="object")
        if dtype == MOMENT:
            column = pd.to_datetime(column, utc=True).astype(MOMENT)
        elif dtype == NUMBER:
            column = pd.to_numeric(column.astype("Float64")).astype("float64")
        elif dtype == TRUTH:
            column = column.astype("boolean")
        else:
            column = column.astype(dtype)
        columns[name] = column.fillna("") if dtype == TEXT and name in NEVER_MISSING else column
    return pd.DataFrame(columns)
