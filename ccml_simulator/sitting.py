"""One session of one user: what they ask next, and what the answer does to machine, files and mood."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np

from ccml.commands.risk import assess
from ccml.intents.tables import OUT_OF_SCOPE
from ccml.telemetry.events import ACTIONS, Action
from ccml_simulator.assistant import Understanding, draw_right_probability
from ccml_simulator.commands import Recollection, choose_slots, choose_variant, fill, with_secret
from ccml_simulator.drift import Drift, DriftKind, renamed
from ccml_simulator.expected import expected_reward
from ccml_simulator.failures import Failure, draw_failure
from ccml_simulator.machines import Machines, MachineState
from ccml_simulator.outcome import (
    FAILED_SATISFACTION,
    Branch,
    Run,
    Situation,
    draw_branch,
    draw_run,
    run_success,
    success_probability,
)
from ccml_simulator.people import User
from ccml_simulator.places import Place
from ccml_simulator.plans import GOALS, TASKS, Walk
from ccml_simulator.requests import (
    again,
    choose_phrase,
    dress,
    out_of_scope,
    slots_of,
    with_aside,
    word_phrase,
)
from ccml_simulator.tasks import Task

OUT_OF_SCOPE_SHARE = 0.04
SECRET_SHARE = 0.01
_SAYABLE = tuple(task for task in TASKS.values() if task.orders)
_GOALS = {goal.name: goal for goal in GOALS}


@dataclass(frozen=True)
class Turn:
    """A request with everything that is true about it."""

    position: int
    request: str
    task: Task | None
    """None: out of scope."""
    line: str
    """The command meant; empty if out of scope."""
    slots: dict[str, str]
    place: Place
    state: MachineState
    elliptical: bool
    situation: Situation

    @property
    def intent(self) -> str:
        return self.task.intent if self.task else OUT_OF_SCOPE

    def success_probabilities(self) -> dict[Action, float]:
        return {action: success_probability(action, self.situation) for action in ACTIONS}

    def expected_rewards(self) -> dict[Action, float]:
        return {action: expected_reward(action, self.situation) for action in ACTIONS}


@dataclass(frozen=True)
class Reaction:
    """What came of a turn."""

    branch: Branch
    executed: str | None
    run: Run | None
    succeeded: bool | None
    """Of the run; None where nothing ran."""
    failure: Failure | None
    satisfaction: float


class Sitting:
    """A session. `ask` and `react` alternate; the generator's draws depend on nothing outside this session."""

    def __init__(
        self, user: User, machines: Machines, drift: Drift | None, day: date, rng: np.random.Generator
    ) -> None:
        if drift is not None and drift.active("habits", day):
            user = user.changed()
        self.user = user
        self._machines, self._drift, self._day, self._rng = machines, drift, day, rng
        goal = _GOALS[user.goal_weights.draw(rng)]
        self.place = self._place_for(goal.places)
        self._walk = Walk(goal, user.steadiness, rng)
        self._recollection = Recollection()
        self.mood = float(np.clip(rng.normal(0.0, 0.4), -1.0, 1.0))
        self.position = 0
        self.history: list[tuple[str, bool | None]] = []
        self._previous: Task | None = None
        self._previous_succeeded: bool | None = None
        self._asked_back: Turn | None = None

    def _place_for(self, kinds: tuple[str, ...]) -> Place:
        fitting = [place for place in self.user.places if place.kind in kinds] or list(self.user.places)
        return fitting[int(self._rng.integers(0, len(fitting)))]

    def machine_state(self, now: datetime) -> MachineState:
        return self._machines.state(self.user.host_index, now)

    def ask(self, now: datetime) -> Turn:
        """The next request, in the state the machine is in at `now`."""
        state = self.machine_state(now)
        if self._asked_back is not None:
            turn = self._rephrased(self._asked_back, state)
        elif self._rng.random() < OUT_OF_SCOPE_SHARE:
            turn = self._out_of_scope(state)
        else:
            turn = self._next_step(state)
        self._asked_back = None
        return turn

    def _out_of_scope(self, state: MachineState) -> Turn:
        request = dress(out_of_scope(self._rng), self.user.idiolect, None, self.mood, self._rng)
        situation = replace(self._situation(None, "", state, 0.0), out_of_scope=True)
        return Turn(self.position, request, None, "", {}, self.place, state, False, situation)

    def _next_step(self, state: MachineState) -> Turn:
        rng, user, memory = self._rng, self.user, self._recollection
        task = self._walk.next_task(self._previous, self._previous_succeeded, rng)
        new_words = self._drifts("wording")
        if task is self._previous and memory.line and rng.random() < user.idiolect.elliptical:
            request = dress(again(rng), user.idiolect, None, self.mood, rng)
            right = draw_right_probability(Understanding(False, True, new_words, False), rng)
            situation = self._situation(task, memory.line, state, right)
            return Turn(self.position, request, task, memory.line, memory.slots, self.place, state, True, situation)
        phrase, vague = choose_phrase(task, user.idiolect, self.mood, rng)
        return self._worded(task, phrase, Understanding(vague, False, new_words, False), state)

    def _rephrased(self, unclear: Turn, state: MachineState) -> Turn:
        """The user says the same again, in other and clearer words."""
        assert unclear.task is not None
        phrase = self.user.idiolect.phrases[unclear.task.name].draw(self._rng)
        return self._worded(unclear.task, phrase, Understanding(False, False, self._drifts("wording"), True), state)

    def _worded(self, task: Task, phrase: str, understanding: Understanding, state: MachineState) -> Turn:
        rng, user, memory = self._rng, self.user, self._recollection
        named = None if understanding.vague else set(slots_of(phrase))
        variant = choose_variant(task, named, user, self.place, memory, state, rng)
        slots = choose_slots(phrase, variant.line, self.place, memory, rng)
        wording = word_phrase(phrase, slots, user.idiolect, memory.file, understanding.new_words, rng)
        if not understanding.vague and rng.random() < user.idiolect.asides:
            wording = with_aside(wording, self._something_else(task, understanding.new_words), rng)
        previous = self._previous.intent if self._previous else None
        request = dress(wording, user.idiolect, previous, self.mood, rng)
        line = fill(variant.line, slots)
        if rng.random() < SECRET_SHARE:
            line = with_secret(line, user, rng)
        if self._drifts("commands"):
            line = renamed(line)
        situation = self._situation(task, line, state, draw_right_probability(understanding, rng))
        return Turn(self.position, request, task, line, slots, self.place, state, False, situation)

    def _something_else(self, task: Task, new_words: bool) -> str:
        """Another task, worded as this user would: mostly one of the session's goal, sometimes any."""
        rng = self._rng
        others = self._walk.other_tasks(task) if rng.random() < 0.5 else _SAYABLE
        other = others[int(rng.integers(0, len(others)))]
        phrases = other.orders
        phrase = phrases[int(rng.integers(0, len(phrases)))]
        slots = choose_slots(phrase, "", self.place, self._recollection, rng)
        return word_phrase(phrase, slots, self.user.idiolect, self._recollection.file, new_words, rng)

    def _drifts(self, kind: DriftKind) -> bool:
        return self._drift is not None and self._drift.active(kind, self._day)

    def _situation(self, task: Task | None, line: str, state: MachineState, right: float) -> Situation:
        broken = self._drifts("broken_tool") and self._drift is not None and self._drift.broken_program in line.split()
        return Situation(
            right=right,
            risk=assess(line).level if line else "safe",
            cost=task.cost if task else "light",
            reliability=task.reliability if task else 0.9,
            strain=state.strain,
            slowdown=state.slowdown,
            expertise=self.user.expertise,
            patience=min(0.98, max(0.02, self.user.patience + 0.25 * self.mood - 0.02 * self.position)),
            broken=broken,
        )

    def misread(self, turn: Turn) -> str:
        """A command the assistant might propose instead of the one meant: another way, a sibling task, or anything."""
        assert turn.task is not None
        draw = self._rng.random()
        task = turn.task
        if draw > 0.4:
            same_intent = [t for t in TASKS.values() if draw > 0.8 or t.intent == task.intent]
            task = same_intent[int(self._rng.integers(0, len(same_intent)))]
        for _ in range(6):
            variant = choose_variant(task, None, self.user, self.place, self._recollection, turn.state, self._rng)
            slots = {**choose_slots("", variant.line, self.place, self._recollection, self._rng), **turn.slots}
            line = fill(variant.line, slots)
            if line != turn.line:
                return renamed(line) if self._drifts("commands") else line
            task = list(TASKS.values())[int(self._rng.integers(0, len(TASKS)))]
        return "ls -la"

    def react(self, turn: Turn, action: Action, right: bool, proposed: str) -> Reaction:
        """Draw what comes of acting by `action` with the command `proposed`, which is `right` or not."""
        rng = self._rng
        branch = draw_branch(action, turn.situation, right, rng)
        executed = run = succeeded = failure = None
        if branch.runs:
            executed = turn.line if branch.right_command else proposed
            run = draw_run(turn.situation, rng)
            succeeded = bool(rng.random() < run_success(turn.situation, branch.right_command, action != "execute"))
            if not succeeded:
                thing = turn.slots.get("file") or turn.slots.get("folder") or turn.place.directory
                failure = draw_failure(turn.intent, executed, thing, turn.situation, branch.right_command, rng)
        satisfaction = branch.satisfaction * (FAILED_SATISFACTION if succeeded is False else 1.0)
        self._remember(turn, action, branch, executed, succeeded)
        return Reaction(branch, executed, run, succeeded, failure, satisfaction)

    def _remember(
        self, turn: Turn, action: Action, branch: Branch, executed: str | None, succeeded: bool | None
    ) -> None:
        good = branch.verdict in ("accepted", "edited") and succeeded is not False
        self.mood = min(1.0, max(-1.0, 0.95 * self.mood + (0.08 if good else -0.3)))
        self.position += 1
        if executed is not None:
            self.history.append((executed, succeeded))
        if turn.task is None:
            return
        if action == "clarify" and branch.verdict == "accepted":
            self._asked_back = turn
            return
        self._previous, self._previous_succeeded = turn.task, succeeded
        self._recollection.after(turn.task, turn.line, turn.slots, succeeded is not False)
