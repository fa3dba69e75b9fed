"""From the policy's logits to the probabilities that are drawn from: one function for training, evaluation and serving.

A policy that is evaluated without its exploration, or trained on actions it may never take, is another policy than the
one that is served. Numpy only: the server imports this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ccml.commands.risk import assess
from ccml.commands.stated import states_arguments
from ccml.intents.tables import OUT_OF_SCOPE
from ccml.models.logits import softmax
from ccml.telemetry.events import ACTIONS

EXECUTE = ACTIONS.index("execute")

RUNS_WITHOUT_ASKING = frozenset({"safe"})
"""Risks at which 'execute' may be drawn. Any other value, also one this version does not know, needs a person's yes."""

UNSTATED = "unstated"
"""In place of `safe`, where the command has an argument that the request does not name."""

WITHOUT_COMMAND = frozenset({"clarify", "hand_over"})
"""Actions that run, show and propose nothing."""


def acting_level(risk: str, request: str, command: str, *, out_of_scope: bool = False) -> str:
    """The risk that limits how to act on a request with a command.

    A request that is itself a destructive line is out of scope of a command that only reads: `df -h` is no answer to
    `rm -rf /`.
    """
    if out_of_scope or (risk == "safe" and assess(request).level in ("danger", "refused")):
        return OUT_OF_SCOPE
    return UNSTATED if risk == "safe" and not states_arguments(request, command) else risk


def allowed_actions(risk: Sequence[str] | NDArray[Any]) -> NDArray[np.bool_]:
    """(N,) risks of the proposed commands → (N, A) whether each action may be taken."""
    allowed = np.ones((len(risk), len(ACTIONS)), dtype=np.bool_)
    allowed[:, EXECUTE] = [level in RUNS_WITHOUT_ASKING for level in risk]
    outside = np.array([level == OUT_OF_SCOPE for level in risk], dtype=np.bool_)
    allowed[outside] = [action in WITHOUT_COMMAND for action in ACTIONS]
    return allowed


def served_distribution(
    logits: ArrayLike, risk: str | Sequence[str] | NDArray[Any], exploration: float
) -> NDArray[np.float64]:
    """Probability of each action as served.

    A softmax over the allowed actions, mixed with `exploration` spread evenly over them, so that every allowed action
    has a propensity of at least `exploration` / A and the log stays usable for learning.

    Args:
        logits: (N, A), or (A,) for one turn, in the order of `ACTIONS`.
        risk: level of each proposed command, (N,) or one string.
        exploration: share in [0, 1].

    Returns:
        (N, A) or (A,); rows sum to one.
    """
    scores = np.asarray(logits, dtype=np.float64)
    one_turn = scores.ndim == 1
    scores = np.atleast_2d(scores)  # (N, A)
    allowed = allowed_actions([risk] if isinstance(risk, str) else risk)  # (N, A)
    scores = np.where(allowed, scores, -np.inf)
    probabilities = explore(softmax(scores), allowed, exploration)
    return probabilities[0] if one_turn else probabilities


def explore(chosen: NDArray[np.float64], allowed: NDArray[np.bool_], exploration: float) -> NDArray[np.float64]:
    """(N, A) probabilities mixed with `exploration` spread evenly over the allowed actions."""
    even = allowed / allowed.sum(axis=1, keepdims=True)
    mixed: NDArray[np.float64] = (1.0 - exploration) * chosen + exploration * even
    return mixed
