from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from ccml.errors import InputError
from ccml.telemetry.events import Error, Execution, Interaction, SystemState
from ccml_simulator.drift import DRIFT_KINDS, Drift, DriftKind
from ccml_simulator.wording import NEW_SYNONYMS, SYNONYMS
from ccml_tests.simulator.worlds import DRIFT_DAY, World, world

NEW_WORDS = {word for words in NEW_SYNONYMS.values() for word in words} - {
    word for words in SYNONYMS.values() for word in words
}


def _after(events: list[Interaction]) -> list[Interaction]:
    return [event for event in events if event.time.date() >= DRIFT_DAY]


def _runs_after(drifted: World) -> list[Execution]:
    return [event for event in drifted.events[Execution] if event.time.date() >= DRIFT_DAY]


@pytest.mark.parametrize("kind", DRIFT_KINDS)
def test_nothing_differs_before_the_day_and_something_does_from_it_on(kind: DriftKind) -> None:
    before = {name: content for name, content in world().raw.items() if name < f"telemetry-{DRIFT_DAY}"}
    assert before
    for name, content in before.items():
        assert world(kind).raw[name] == content
    name = f"telemetry-{DRIFT_DAY}.jsonl"
    assert world(kind).raw[name] != world().raw[name]


def test_wording_brings_words_that_nobody_used() -> None:
    def share(of: World) -> float:
        requests = [turn.request.lower() for turn in _after(of.events[Interaction])]
        return float(np.mean([any(word in request for word in NEW_WORDS) for request in requests]))

    assert share(world("wording")) > share(world()) + 0.2


def test_commands_bring_programs_that_nobody_used() -> None:
    new = ("uv add", "uv sync", "podman", "jj ", "pnpm", "dnf")

    def count(of: World) -> int:
        return sum(turn.command.startswith(new) for turn in _after(of.events[Interaction]))

    assert count(world()) == 0
    assert count(world("commands")) > 100


def test_habits_swap_tools() -> None:
    def editors(of: World) -> dict[str, int]:
        lines = [turn.command.split(" ")[0] for turn in _after(of.events[Interaction])]
        return {editor: lines.count(editor) for editor in ("vim", "code")}

    usual, swapped = editors(world()), editors(world("habits"))
    assert (usual["vim"] > usual["code"]) != (swapped["vim"] > swapped["code"])


def test_a_broken_tool_fails_nearly_always_and_others_do_not() -> None:
    drifted = world("broken_tool")
    lines = {turn.event_id: turn.command for turn in drifted.events[Interaction]}
    runs = _runs_after(drifted)
    failed = {True: [], False: []}  # type: dict[bool, list[bool]]
    for run in runs:
        failed[lines[run.interaction_id].startswith("docker")].append(run.exit_status != 0)
    assert np.mean(failed[True]) > 0.6
    assert np.mean(failed[False]) < 0.4
    assert "broken_tool" in {error.category for error in drifted.events[Error]}
    assert "broken_tool" not in {error.category for error in world().events[Error]}


def test_a_slower_machine_is_hotter_and_slower() -> None:
    def cpu(of: World) -> float:
        states = [s.cpu_percent for s in of.events[SystemState] if s.time.date() >= DRIFT_DAY]
        return float(np.mean(states))

    def duration(of: World) -> float:
        return float(np.median([run.duration_ms for run in _runs_after(of)]))

    assert cpu(world("slower_machine")) > cpu(world()) + 20
    assert duration(world("slower_machine")) > 1.8 * duration(world())


def test_an_unknown_kind_of_drift_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"names weather; expected one or more of wording"):
        Drift(("weather",), date(2026, 2, 8))  # type: ignore[arg-type]


def test_a_drift_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="names nothing"):
        Drift((), date(2026, 2, 8))
