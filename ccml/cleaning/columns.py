"""The clean table: one row per interaction, its columns and their types."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

TEXT, NUMBER, WHOLE, TRUTH, MOMENT = "string", "float64", "Int64", "boolean", "datetime64[us, UTC]"

CLEAN_COLUMNS: dict[str, str] = {
    "interaction_id": TEXT,
    "session_id": TEXT,  # the log's session, '#', start of the sitting
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
    "intent_source": TEXT,  # correction, telemetry, rule, none
    "predicted_intent": TEXT,  # what a served model answered; never a label
    "action": TEXT,
    "propensity": NUMBER,
    "policy_version": TEXT,
    "confidence": NUMBER,
    "model_versions": TEXT,  # JSON object
    "served_by": TEXT,
    "latency_ms": NUMBER,
    "parsed": TRUTH,
    "program": TEXT,
    "subcommand": TEXT,
    "template": TEXT,
    "family": TEXT,
    "risk": TEXT,
    "executed": TRUTH,  # the log records an execution, or the user typed the command without an assistant
    "exit_status": WHOLE,
    "succeeded": TRUTH,
    "outcome_time": MOMENT,  # when `succeeded` was known; never before `time`
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
    "rating_time": MOMENT,  # when `rating` was given; never before `time`
    "verdict": TEXT,
    "corrected_command": TEXT,
    "wanted_command": TEXT,  # the command that the user is known to have wanted
    "cpu_percent": NUMBER,
    "memory_percent": NUMBER,
    "disk_percent": NUMBER,
    "load_1m": NUMBER,
    "processes": WHOLE,
    "active_application": TEXT,
    "position": WHOLE,  # 0-based in the session
    "seconds_since_previous": NUMBER,
    # Outcomes of the commands that ran earlier in the session, as known at `time`.
    "session_commands": WHOLE,
    "session_successes": WHOLE,
    "session_failures_in_a_row": WHOLE,
    "previous_succeeded": TRUTH,
}

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
