"""A log for each round of kills, and what the lake has to hold of them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from ccml.telemetry.events import KINDS, Event
from ccml_simulator.simulate import encode_event
from ccml_tests.assets.evening import EVENTS
from ccml_tests.kills.children import done

LANDED = {"interactions": 4, "executions": 4, "feedback": 1, "quarantine": 1, "files": 1}
"""Rows that one log adds."""
DAYS = 2
"""Days that one log adds."""


def log(number: int) -> bytes:
    """The same evening, three days earlier with each round, with a line that is cut, a blank one and a repeated one."""

    def moved(event: Event) -> Event:
        changed: dict[str, Any] = {"event_id": f"{number}-{event.event_id}", "time": event.time - timedelta(3 * number)}
        if hasattr(event, "interaction_id"):
            changed["interaction_id"] = f"{number}-{event.interaction_id}"
        return msgspec.structs.replace(event, **changed)

    lines = [*(encode_event(moved(event)) for event in EVENTS), b"{half %d" % number, b""]
    return b"".join(line + b"\n" for line in [*lines, lines[0]])


def lake_faults(lake: Path, folder: Path, logs: int) -> list[str]:
    """What is wrong in the lake after so many logs, as `lost: how` or `double: how`. Looked at in a child, because a
    process that has used the libraries of the lake cannot be forked any more."""
    facts, printed = folder / "facts.json", folder / "facts.txt"
    asked = done(lambda: facts.write_text(json.dumps(_facts(lake))), folder, printed)
    assert asked.status == 0, printed.read_text()
    found = json.loads(facts.read_text())
    faults = [
        f"{'lost' if found['rows'][table] < logs * one else 'double'}: {table} has {found['rows'][table]} rows"
        for table, one in LANDED.items()
        if found["rows"][table] != logs * one
    ]
    faults += [f"double: event ids of {kind}" for kind in found["repeated"]]
    return faults + [f"lost: the sums of {file} do not agree" for file in found["unequal"]]


def _facts(lake: Path) -> dict[str, Any]:
    from ccml.telemetry.lake import landed_schema, open_table

    opened = {name: open_table(lake, name) for name in LANDED}
    tables = {
        name: landed_schema(name).empty_table() if table is None else table.to_pyarrow_table()
        for name, table in opened.items()
    }
    return {
        "rows": {name: table.num_rows for name, table in tables.items()},
        "repeated": [
            name for name in KINDS if name in tables and len(tables[name]["event_id"].unique()) < len(tables[name])
        ],
        "unequal": [file["path"] for file in tables["files"].to_pylist() if file["lines"] != _accounted(file)],
    }


def _accounted(file: dict[str, Any]) -> int:
    """Lines of a landed file that are in one of the places in which a line can be."""
    counted = sum(file[name] for name in ("landed_lines", "duplicates", "quarantined", "blank"))
    return int(counted + sum(json.loads(file["skipped"]).values()))
