"""The catalogue of tasks, the people, their requests and the commands that follow."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from typing import get_args

import numpy as np
import pytest

from ccml.commands.parse import parse
from ccml.intents.rules import INTENTS
from ccml.telemetry.events import Interaction
from ccml_simulator.commands import Recollection, choose_slots, choose_variant, fill
from ccml_simulator.machines import MachineState
from ccml_simulator.people import make_users
from ccml_simulator.places import make_place
from ccml_simulator.plans import AFTER_FAILURE, GOALS, TASKS
from ccml_simulator.requests import slots_of
from ccml_simulator.tasks import Project
from ccml_simulator.wording import CLAUSES, SYNONYMS, VAGUE
from ccml_tests.simulator.worlds import world

IDLE = MachineState(10.0, 30.0, 40.0, 0.5, 200)


def test_every_intent_has_tasks_clauses_and_vague_words() -> None:
    assert {task.intent for task in TASKS.values()} == set(INTENTS) == set(VAGUE) == set(CLAUSES)


def test_plans_name_tasks_that_exist_and_come_to_every_task() -> None:
    used = {step for goal in GOALS for step in goal.steps} | {
        step for steps in AFTER_FAILURE.values() for step in steps
    }
    assert used == set(TASKS)


def test_every_synonym_in_a_phrase_is_known() -> None:
    for task in TASKS.values():
        for phrase in task.phrases:
            assert set(re.findall(r"<(\w+)>", phrase)) <= set(SYNONYMS)


@pytest.mark.parametrize("kind", get_args(Project))
def test_every_task_can_be_done_and_named_at_every_place(kind: Project) -> None:
    rng = np.random.default_rng(3)
    for user in make_users(5, 8):
        place = make_place(kind, "/home/ada", 1, rng)
        for task in TASKS.values():
            for phrase in task.phrases:
                variant = choose_variant(task, set(slots_of(phrase)), user, place, Recollection(), IDLE, rng)
                line = fill(variant.line, choose_slots(phrase, variant.line, place, Recollection(), rng))
                assert parse(line).parsed, line
                assert not variant.project or kind in variant.project


def test_memory_pressure_changes_which_command_is_run() -> None:
    user, rng = make_users(5, 1)[0], np.random.default_rng(3)
    place = make_place("server", "/home/ada", 1, rng)

    def lines(state: MachineState) -> set[str]:
        task = TASKS["list_processes"]
        return {choose_variant(task, None, user, place, Recollection(), state, rng).line for _ in range(60)}

    hot = MachineState(10.0, 95.0, 40.0, 0.5, 200)
    assert "ps aux --sort=-%mem | head -{n}" not in lines(IDLE)
    assert "ps aux --sort=-%mem | head -{n}" in lines(hot)


def test_what_was_staged_changes_how_it_is_committed() -> None:
    user, rng = make_users(5, 1)[0], np.random.default_rng(3)
    place = make_place("python", "/home/ada", 1, rng)

    def favourite(recollection: Recollection) -> str:
        task = TASKS["git_commit"]
        drawn = (choose_variant(task, None, user, place, recollection, IDLE, rng).line for _ in range(80))
        return Counter(drawn).most_common(1)[0][0]

    assert favourite(Recollection()) == "git commit -am {message}"
    assert favourite(Recollection(staged=True)) == "git commit -m {message}"


def test_users_differ_in_habits_and_words() -> None:
    people = json.loads((world().folder / "truth" / "people.json").read_text())
    assert len({(p["style"], tuple(p["habits"]), p["platform"], p["role"]) for p in people}) >= 5
    words: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for turn in world().events[Interaction]:
        words[turn.user_id].update(turn.request.lower().split())
    favourites = {user: frozenset(w for w, _ in counts.most_common(25)) for user, counts in words.items()}
    assert len(set(favourites.values())) == len(favourites)


def test_adding_users_changes_nobody_else() -> None:
    few, many = make_users(5, 3), make_users(5, 6)
    for one, same in zip(few, many, strict=False):
        assert (one.name, one.style, one.habits, one.expertise) == (same.name, same.style, same.habits, same.expertise)


def test_the_same_intent_is_asked_for_in_many_ways() -> None:
    truth = world().truth.set_index("interaction_id")["intent"]
    requests: defaultdict[str, list[str]] = defaultdict(list)
    for turn in world().events[Interaction]:
        requests[truth[turn.event_id]].append(turn.request.lower())
    for intent in ("version_control", "inspect_file", "edit_file"):
        assert len(set(requests[intent])) > 0.6 * len(requests[intent])


def test_some_requests_mean_nothing_without_what_came_before() -> None:
    truth = world().truth.set_index("interaction_id")
    turns = world().events[Interaction]
    bare = [t for t in turns if t.request.lower().strip() in {"again", "do that again", "same again", "once more"}]
    assert len({truth.at[turn.event_id, "intent"] for turn in bare}) >= 3


def test_the_vocabulary_of_templates_is_learnable() -> None:
    templates = Counter(parse(line).template for line in world().truth["command"] if line)
    assert 60 <= sum(count >= 3 for count in templates.values()) <= 150
