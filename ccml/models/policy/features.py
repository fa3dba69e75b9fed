"""What the policy sees before it acts: the turn's context, the proposal's confidence and risk, the request's shape.

Nothing in here is known only after acting. Numpy only: the server imports this module.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ccml.features.context import CONTEXT_FIELDS, TurnContext, context_row
from ccml.features.standardise import Standardiser

RISKS = ("safe", "ask", "danger", "refused")

PROPOSAL_FIELDS = (
    "confidence",
    *(f"risk_{level}" for level in RISKS),
    "request_words_log",
    "request_is_question",
    "request_points_back",
    "command_length_log",
    "command_parts_log",
    "command_missing",
)
POLICY_FIELDS: tuple[str, ...] = (*CONTEXT_FIELDS, *PROPOSAL_FIELDS)

_QUESTION = re.compile(r"\?\s*$|^\s*(what|which|where|who|why|how|is|are|does|do|can|could)\b", re.IGNORECASE)
_POINTS_BACK = re.compile(r"\b(again|it|that|this|those|them|same|previous|last one|as before)\b", re.IGNORECASE)
_PART = re.compile(r"\|\||&&|[|;]")


def policy_matrix(
    context: NDArray[np.float32],
    confidence: Sequence[float | None] | NDArray[np.float64],
    risk: Sequence[str],
    request: Sequence[str],
    command: Sequence[str],
) -> NDArray[np.float32]:
    """Raw context (N, len(CONTEXT_FIELDS)) and the proposals (N each) → raw features (N, len(POLICY_FIELDS))."""
    proposals = [
        _proposal(None if one is None else float(one), level, words, line)
        for one, level, words, line in zip(confidence, risk, request, command, strict=True)
    ]
    block = np.asarray(proposals, dtype=np.float32).reshape(-1, len(PROPOSAL_FIELDS))  # (N, 11)
    return np.concatenate([np.asarray(context, np.float32), block], axis=1)  # (N, P)


def policy_row(
    turn: TurnContext, confidence: float | None, risk: str, request: str, command: str
) -> NDArray[np.float32]:
    """Raw features of one turn, shape (len(POLICY_FIELDS),). `command` is the line proposed, '' if there is none."""
    row: NDArray[np.float32] = policy_matrix(context_row(turn)[None, :], [confidence], [risk], [request], [command])[0]
    return row


class PolicyTransform(Standardiser):
    """Scales `policy_matrix`; see `Standardiser`."""

    FIELDS: ClassVar[tuple[str, ...]] = POLICY_FIELDS


def _proposal(confidence: float | None, risk: str, request: str, command: str) -> tuple[float, ...]:
    missing = not command.strip()
    return (
        float("nan") if confidence is None else confidence,
        # Where nothing is proposed there is nothing to call risky, whatever level a caller hands over for ''.
        *(float(risk == level and not missing) for level in RISKS),
        float(np.log1p(len(request.split()))),
        float(bool(_QUESTION.search(request))),
        float(bool(_POINTS_BACK.search(request))),
        float(np.log1p(len(command))),
        float(np.log1p(len(_PART.findall(command)))),
        float(missing),
    )
