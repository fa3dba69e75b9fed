"""The rule-based responder. It needs no model, so it answers also before the first release.

The rules are `ccml.intents.rules`: a request's words → intent → commands. Rules state no confidence, for nobody
calibrated them.
"""

from __future__ import annotations

import re
from typing import Final

from ccml.commands.parse import parse
from ccml.commands.risk import assess
from ccml.intents.rules import INTENTS, commands_for_intent, intent_from_command, intent_from_request
from ccml.serving.schema import RankedCommand
from ccml.serving.turn import Choice, IntentGuess, Proposal, Turn

_AGAIN: Final = re.compile(
    r"\s*(please\s+)?((do|run|try)\s+(it|that|this)\s+again|again|repeat(\s+(it|that))?|once more|re-?run(\s+it)?)\W*",
    re.IGNORECASE,
)
_CONFIRM_FROM: Final = 0.6
"""Calibrated confidence from which asking "run this?" is a smaller bother than offering a list."""


def propose(turn: Turn) -> Proposal | None:
    if _AGAIN.fullmatch(turn.request) and turn.history:
        return Proposal([_ranked(turn.history[-1].line)])
    intent = intent_from_request(turn.request)
    lines = commands_for_intent(intent) if intent is not None else ()
    return Proposal([_ranked(line) for line in lines]) if lines else None


def guess_intent(turn: Turn) -> IntentGuess | None:
    """From the words; where they match no rule, from the command that another responder proposed."""
    label = intent_from_request(turn.request)
    top = turn.proposal.top if turn.proposal else None
    if label is None and top is not None:
        label = intent_from_command(parse(top.command))
    return IntentGuess(label, None, known=INTENTS) if label is not None else None


def choose(turn: Turn) -> Choice | None:
    """Never executes. None where the proposal has no calibrated confidence.

    Of an out-of-scope request it asks back what it means. Nothing is drawn, so there is no propensity: what another
    action would have earned cannot be estimated from it.
    """
    top = turn.proposal.top if turn.proposal else None
    if turn.out_of_scope:
        return Choice("clarify", None, version="rules")
    if top is None or top.confidence is None:
        return None
    sure = top.confidence >= _CONFIRM_FROM and top.risk in ("safe", "ask")
    return Choice("confirm" if sure else "suggest", None, version="rules")


def _ranked(line: str) -> RankedCommand:
    return RankedCommand(line, parse(line).template, None, assess(line).level)
