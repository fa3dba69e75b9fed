"""What comes of an action: an explicit tree of branches, drawn from by the simulator and summed up for the truth.

The same tree gives the drawn outcome here and the expected reward in `expected`, so the truth cannot disagree with the
telemetry. Everything the tree depends on stands in `Situation`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ccml.commands.risk import Level
from ccml.telemetry.events import Action, Verdict
from ccml_simulator.tasks import Cost

_DURATION_MS: dict[Cost, float] = {"light": 60.0, "medium": 1_200.0, "heavy": 11_000.0}
_MEMORY_MB: dict[Cost, float] = {"light": 9.0, "medium": 70.0, "heavy": 420.0}
_HAZARD: dict[Level, float] = {"safe": 0.0, "ask": 0.36, "danger": 0.7, "refused": 0.7}
"""Share of successes lost to a middling user where a command of this risk runs unseen."""
_UNDONE: dict[Level, float] = {"safe": 0.02, "ask": 0.16, "danger": 0.55, "refused": 0.8}
"""Likewise, how many of the commands that ran unseen are taken back."""
_NEEDLESS: dict[Level, float] = {"safe": 0.4, "ask": 0.16, "danger": 0.0, "refused": 0.0}
"""How far a question before such a command is one too many for somebody without patience."""
FAILED_SATISFACTION = 0.55
"""What is left of a branch's satisfaction if the command it ran fails."""


@dataclass(frozen=True)
class Situation:
    """All that the outcome of an action depends on."""

    right: float
    """Probability that the assistant's command is the one meant."""
    risk: Level
    """Of the command meant."""
    cost: Cost
    reliability: float
    strain: float
    slowdown: float
    expertise: float
    patience: float
    """Of the moment: the person's own, bent by mood and by how long the session has lasted."""
    out_of_scope: bool = False
    broken: bool = False
    """The program this task needs is broken."""


@dataclass(frozen=True)
class Branch:
    """One way a turn can end."""

    probability: float
    runs: bool
    right_command: bool
    verdict: Verdict
    satisfaction: float
    """In [0, 1], if what ran succeeds."""


def run_success(situation: Situation, right_command: bool, looked_at: bool) -> float:
    """Probability that a run succeeds.

    `looked_at`: a person saw the command first. They hold heavy work back while the machine is busy, and put right what
    fails a command that changes things: the wrong target, a missing `sudo`, a prompt that waits for an answer.
    """
    if situation.broken:
        return 0.06
    if not right_command:
        return 0.2 * situation.reliability
    weight = {"light": 0.1, "medium": 0.4, "heavy": 0.8}[situation.cost]
    overload = situation.strain * weight * (0.3 if looked_at else 1.0)
    hazard = 0.0 if looked_at else _HAZARD[situation.risk] * (1.25 - 0.5 * situation.expertise)
    return situation.reliability * (1.0 - overload) * (1.0 - hazard) * (0.93 + 0.07 * situation.expertise)


def branches(action: Action, s: Situation) -> list[Branch]:
    """The ways a turn can end after `action`; probabilities add to one."""
    if s.out_of_scope:
        return _out_of_scope_branches(action)
    wrong = 1.0 - s.right
    if action == "execute":
        # Nobody was asked: what changes or destroys things is taken back by those who did not want it just so.
        undone = _UNDONE[s.risk] * (1.15 - 0.4 * s.expertise)
        return [
            Branch(s.right * (1 - undone), True, True, "accepted", 0.92),
            Branch(s.right * undone, True, True, "undone", 0.15),
            Branch(wrong * 0.85, True, False, "undone", 0.05),
            Branch(wrong * 0.15, True, False, "accepted", 0.5),
        ]
    if action == "confirm":
        needless = _NEEDLESS[s.risk]
        declined = 0.03 + needless * (1.0 - s.patience)
        noticed = 0.4 + 0.5 * s.expertise
        mended = 0.2 + 0.5 * s.expertise
        pleasant = 0.9 - needless * (1.0 - 0.6 * s.patience)
        return [
            Branch(s.right * (1 - declined), True, True, "accepted", pleasant),
            Branch(s.right * declined, False, True, "rejected", 0.3),
            Branch(wrong * noticed * mended, True, True, "edited", 0.6),
            Branch(wrong * noticed * (1 - mended), False, False, "rejected", 0.25),
            Branch(wrong * (1 - noticed) * 0.85, True, False, "undone", 0.1),
            Branch(wrong * (1 - noticed) * 0.15, True, False, "accepted", 0.45),
        ]
    if action == "suggest":
        # A list helps who can read it: novices pick wrongly or give up, experts see at once what they want.
        picked = 0.5 + 0.47 * s.expertise
        listed = 0.9
        pleasant = 0.58 + 0.26 * s.expertise
        gives_up = s.right * (1 - picked) + wrong * (1 - listed * picked)
        return [
            Branch(s.right * picked, True, True, "accepted", pleasant),
            Branch(wrong * listed * picked, True, True, "edited", pleasant),
            Branch(gives_up, False, False, "rejected", 0.28),
        ]
    if action == "clarify":
        useful = _clip(0.12 + 0.95 * wrong - 0.45 * (0.6 - s.patience) * (1.0 - 0.5 * wrong))
        return [
            Branch(useful, False, False, "accepted", 0.45 + 0.35 * s.patience),
            Branch(1 - useful, False, False, "rejected", 0.2),
        ]
    danger = {"safe": 0.0, "ask": 0.02, "danger": 0.3, "refused": 0.6}[s.risk]
    hopeless = 0.5 if s.broken else 0.0
    overload = 0.5 * s.strain if s.cost == "heavy" else 0.0
    taken = _clip(0.06 + 0.28 * wrong + danger * (1.0 - 0.7 * s.expertise) + overload + hopeless)
    return [Branch(taken, False, False, "accepted", 0.62), Branch(1 - taken, False, False, "rejected", 0.18)]


def _out_of_scope_branches(action: Action) -> list[Branch]:
    served = {"execute": 0.02, "confirm": 0.03, "suggest": 0.04, "clarify": 0.15, "hand_over": 0.9}[action]
    return [Branch(served, False, False, "accepted", 0.65), Branch(1 - served, False, False, "rejected", 0.2)]


def success_probability(action: Action, situation: Situation) -> float:
    """Probability that the turn ends with a successful command or answer which is neither rejected nor undone."""
    return sum(
        branch.probability * _branch_success(branch, action, situation) for branch in branches(action, situation)
    )


def _run(branch: Branch, action: Action, situation: Situation) -> float:
    return run_success(situation, branch.right_command, action != "execute") if branch.runs else 0.0


def _branch_success(branch: Branch, action: Action, situation: Situation) -> float:
    if branch.verdict in ("rejected", "undone"):
        return 0.0
    return _run(branch, action, situation) if branch.runs else 1.0


def typical_duration_ms(situation: Situation) -> float:
    return _DURATION_MS[situation.cost] * situation.slowdown * (1.0 + 1.5 * situation.strain)


def typical_memory_mb(situation: Situation) -> float:
    return _MEMORY_MB[situation.cost]


def draw_branch(action: Action, situation: Situation, right: bool, rng: np.random.Generator) -> Branch:
    """One branch, given whether the proposal is in fact right.

    Where the tree splits on it, conditioning on `right`, itself drawn with probability `situation.right`, gives the
    distribution of the whole tree. For the actions that do not run the proposal only the probability matters.
    """
    if situation.out_of_scope or action in ("clarify", "hand_over"):
        tree = branches(action, situation)
    else:
        tree = branches(action, replace(situation, right=1.0 if right else 0.0))
    draw = rng.random()
    for branch in tree:
        draw -= branch.probability
        if draw < 0.0:
            return branch
    return tree[-1]


def _clip(value: float) -> float:
    return min(0.97, max(0.02, value))


@dataclass(frozen=True)
class Run:
    """What one execution cost."""

    duration_ms: float
    cpu_ms: float
    memory_mb: float
    output_bytes: int


def draw_run(situation: Situation, rng: np.random.Generator) -> Run:
    duration = typical_duration_ms(situation) * math.exp(rng.normal(0.0, 0.6))
    busy = float(rng.uniform(0.25, 0.95)) / situation.slowdown
    memory = typical_memory_mb(situation) * math.exp(rng.normal(0.0, 0.45))
    return Run(round(duration, 1), round(duration * busy, 1), round(memory, 1), int(math.exp(rng.normal(6.0, 1.6))))
