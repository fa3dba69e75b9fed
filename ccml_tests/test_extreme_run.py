"""A whole run over telemetry in which each field of each kind has held what stands at its bounds and beyond them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec import inspect

from ccml.home import Home
from ccml.profiles import chosen_preset
from ccml.telemetry.events import KINDS
from ccml_simulator.simulate import simulate
from ccml_tests.telemetry.test_extremes import values

IDENTITY = ("event_id", "interaction_id", "kind")


def turns(folder: Path) -> list[list[dict[str, Any]]]:
    """The events of each simulated interaction."""
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            event = json.loads(line)
            found[event.get("interaction_id") or event["event_id"]].append(event)
    return list(found.values())


def extreme_turns(simulated: list[list[dict[str, Any]]]) -> Iterator[list[dict[str, Any]]]:
    """Copies of simulated interactions, each with one field of one of its events replaced by one extreme value."""
    number = 0
    for kind in KINDS.values():
        tag = kind.__struct_config__.tag
        fitting = [turn for turn in simulated if any(event["kind"] == tag for event in turn)]
        declared = inspect.type_info(kind)
        assert isinstance(declared, inspect.StructType)
        for field in declared.fields:
            for value in () if field.encode_name in IDENTITY else values(field.type):
                number += 1
                copied = [{**event} for event in fitting[number % len(fitting)]]
                for event in copied:
                    for name in IDENTITY[:2]:
                        if name in event:
                            event[name] = f"extreme-{number}-{event[name]}"
                next(event for event in copied if event["kind"] == tag)[field.encode_name] = value
                yield copied


@pytest.mark.slow
def test_no_value_of_any_field_stops_a_run(home: Home) -> None:
    settings = chosen_preset().simulation
    simulate(settings, home.landing, home.truth, end=date(2026, 5, 1))
    simulated = turns(home.landing)
    extreme = [*extreme_turns(simulated)]
    lines = [json.dumps(event) for turn in extreme for event in turn]
    (home.landing / "extremes.jsonl").write_text("\n".join(lines) + "\n")
    command = [str(Path(sys.executable).with_name("ccml")), "run", "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["interactions"]["kept"] > len(simulated) + len(extreme) / 4
    assert all("value" in model for model in summary["models"].values()), summary["models"]
    assert all(gate["answer"] != "skipped" for gate in summary["gates"].values()), summary["gates"]
