"""Clean interactions written down by hand, as a server under three champions would have logged them."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from ccml.cleaning.join import clean
from ccml.telemetry.events import Event
from ccml_tests.tables import ran, raw_tables, reported, turn

VERSIONS = dict.fromkeys(("command_predictor", "intent_classifier", "policy"), "1.0.0")


def served(
    count: int,
    *,
    action: str = "execute",
    command: str = "ls -la",
    runs: bool = True,
    exit_status: int = 0,
    feedback: dict[str, Any] | None = None,
    per_session: int = 5,
    first: int = 0,
    **fields: Any,
) -> list[Event]:
    """`count` answers, numbered from `first`, a minute apart; `feedback` is what was reported on each."""
    events: list[Event] = []
    for number in range(first, first + count):
        name, session = f"i{number:04d}", f"s{number // per_session}"
        who = {"session_id": session, "user_id": f"u-{number // per_session % 20:012x}"}
        events.append(
            turn(
                name,
                number,
                **who,
                source="served",
                request="show the files",
                command=command,
                action=action,
                propensity=0.5,
                served_by="champion",
                model_versions=VERSIONS,
                latency_ms=20.0,
                **fields,
            )
        )
        if runs:
            events.append(ran(name, number + 0.1, exit_status=exit_status, duration_ms=50.0))
        if feedback:
            events.append(reported(name, number + 0.2, **feedback))
    return events


def table(*groups: list[Event]) -> pd.DataFrame:
    interactions, *others = raw_tables([event for group in groups for event in group])
    # As it lands: a mapping is stored as JSON.
    interactions["model_versions"] = [json.dumps(versions) for versions in interactions["model_versions"]]
    return clean(interactions, *others).interactions
