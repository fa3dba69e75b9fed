"""Verifies what a responder answers, whichever it is. An answer that does not pass counts as that responder's failure.

The platform never runs a command. It may propose one for immediate execution, so a destructive one must not get that
far, and one that is never to be emitted must not even be shown.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from ccml.commands.risk import assess
from ccml.commands.stated import states_arguments
from ccml.models.policy.acting import RUNS_WITHOUT_ASKING, WITHOUT_COMMAND, acting_level
from ccml.serving.turn import Choice, IntentGuess, Proposal, Turn
from ccml.telemetry.events import ACTIONS

SUM_TOLERANCE = 1e-4


class RejectedOutputError(Exception):
    """`reason` is one of a few fixed words; it labels a metric."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def checked_proposal(_turn: Turn, proposal: Proposal) -> Proposal:
    """Without the commands that may never be emitted, and with the risk of the rest as assessed here.

    Raises:
        RejectedOutputError: a number is not one, a label is unknown, or nothing is left.
    """
    _check_distribution(proposal.distribution)
    commands = []
    for command in proposal.commands:
        _check_confidence(command.confidence)
        if proposal.known is not None and command.template not in proposal.known:
            raise RejectedOutputError("unknown_label")
        level = assess(command.command).level
        if level != "refused" and command.command.strip():
            commands.append(msgspec.structs.replace(command, risk=level))
    if proposal.commands and not commands:
        raise RejectedOutputError("refused_command")
    return replace(proposal, commands=commands)


def checked_intent(_turn: Turn, guess: IntentGuess) -> IntentGuess:
    """
    Raises:
        RejectedOutputError: a number is not one or the label is unknown.
    """
    _check_distribution(guess.distribution)
    _check_confidence(guess.confidence)
    if guess.label is not None and guess.label not in guess.known:
        raise RejectedOutputError("unknown_label")
    return guess


def checked_choice(turn: Turn, choice: Choice) -> Choice:
    """
    Raises:
        RejectedOutputError: the propensity is not the drawn action's probability, or the action is not allowed for
            the risk of the proposed command (or without one).
    """
    _check_distribution(choice.distribution)
    if choice.action not in ACTIONS:
        raise RejectedOutputError("unknown_label")
    if choice.propensity is not None and not 0.0 < choice.propensity <= 1.0:
        raise RejectedOutputError("not_a_probability")
    proposal = turn.proposal or Proposal([])
    top = proposal.top
    if top is None:
        if choice.action not in ("clarify", "hand_over"):
            raise RejectedOutputError("nothing_to_act_on")
    elif turn.out_of_scope and choice.action not in WITHOUT_COMMAND:
        raise RejectedOutputError("out_of_scope")
    elif choice.action == "execute" and not proposal.from_model:
        raise RejectedOutputError("unchosen_command")
    elif choice.action == "execute":
        level = assess(top.command).level
        if level not in RUNS_WITHOUT_ASKING:
            raise RejectedOutputError("unconfirmed_danger")
        if not states_arguments(turn.request, top.command):
            raise RejectedOutputError("unstated_argument")
        if acting_level(level, turn.request, top.command) not in RUNS_WITHOUT_ASKING:
            raise RejectedOutputError("out_of_scope")
    return choice


def _check_distribution(distribution: NDArray[np.float64] | None) -> None:
    if distribution is None:
        return
    if not np.isfinite(distribution).all():
        raise RejectedOutputError("not_finite")
    if distribution.min() < 0.0 or abs(float(distribution.sum()) - 1.0) > SUM_TOLERANCE:
        raise RejectedOutputError("not_a_probability")


def _check_confidence(confidence: float | None) -> None:
    if confidence is not None and not 0.0 <= confidence <= 1.0:
        raise RejectedOutputError("not_a_probability")
