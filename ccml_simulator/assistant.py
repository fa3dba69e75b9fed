"""The assistant whose logs these are: it proposes a command, is more or less sure of it, and acts by a soft policy.

Its policy is a reasonable first guess, not a good one: it leans on its confidence too little, and does not know who is
asking, in which mood, and on how busy a machine. What a learnt policy can gain lies there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ccml.commands.risk import Level
from ccml.telemetry.events import ACTIONS, Action

POLICY_VERSION = "softmax-1"
SUPPORT = 0.025
"""Least probability of every action, so that each can be valued from the log."""


UNFAMILIAR = 0.4
"""Share of plainly worded requests that want something the assistant has not met, such as a project's own scripts. Its
guess is then wrong more often than not, and its confidence says so: to know when not to run a guess is what there is to
learn beyond the risk of a command."""


@dataclass(frozen=True)
class Understanding:
    """How hard a request is to understand, as the person typed it."""

    vague: bool
    elliptical: bool
    new_words: bool
    rephrased: bool


def draw_right_probability(understanding: Understanding, rng: np.random.Generator) -> float:
    """Probability that the assistant's command is the one meant; the clear and familiar is nearly always understood."""
    mean, certainty = (0.3, 3.0) if rng.random() < UNFAMILIAR else (0.95, 8.0)
    if understanding.vague:
        mean, certainty = 0.55, 3.0
    elif understanding.elliptical:
        mean, certainty = 0.7, 3.0
    if understanding.new_words:
        mean -= 0.12
    if understanding.rephrased:
        mean = 0.96
    return min(0.995, max(0.03, float(rng.beta(mean * certainty, (1.0 - mean) * certainty))))


def draw_confidence(right_probability: float, rng: np.random.Generator) -> float:
    """The stated confidence: the true probability, seen through noise on the logit scale."""
    logit = math.log(right_probability / (1.0 - right_probability))
    return round(1.0 / (1.0 + math.exp(-(0.9 * logit + rng.normal(0.0, 0.45)))), 4)


def logging_policy(confidence: float, risk: Level) -> tuple[float, ...]:
    """Probability of each action, in the order of `ACTIONS`; each at least `SUPPORT`, adding to one."""
    danger = {"safe": 0.0, "ask": 0.5, "danger": 1.0, "refused": 1.3}[risk]
    scores = (
        2.2 * confidence - 1.3 * danger,
        1.2 + 0.6 * danger,
        1.3 - 0.5 * confidence,
        1.1 - 1.5 * confidence,
        0.4 - 1.1 * confidence + 0.3 * danger,
    )
    weights = [math.exp(1.3 * score) for score in scores]
    total = sum(weights)
    return tuple(SUPPORT + (1.0 - SUPPORT * len(ACTIONS)) * weight / total for weight in weights)


def draw_action(probabilities: tuple[float, ...], rng: np.random.Generator) -> tuple[Action, float]:
    """An action and the probability with which it was drawn."""
    draw = rng.random()
    for action, probability in zip(ACTIONS, probabilities, strict=True):
        draw -= probability
        if draw < 0.0:
            return action, probability
    return ACTIONS[-1], probabilities[-1]
