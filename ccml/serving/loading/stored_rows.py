"""Rows of a data set asked again, one at a time, to measure what an answer costs before there is a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from ccml.features.history import OUTCOME_FAILED, OUTCOME_OK
from ccml.serving.interrupt import Interrupt
from ccml.serving.schema import ActRequest, PastCommand, Session
from ccml.serving.turn import Turn

OneAnswer: TypeAlias = tuple[Callable[[int], object], str]
"""A function that answers row i as the server answers one request, and what it does."""

_SUCCEEDED = {OUTCOME_OK: True, OUTCOME_FAILED: False}


def answer_texts(answer: Callable[[Sequence[Turn], Interrupt | None], object], rows: Any) -> OneAnswer:
    """Of a model that reads texts: the rows become requests again."""
    requests = [_request(row) for row in rows.to_dict("records")]
    steps = "redaction, parsing of the history, tokens, scaling, graph and ranking"
    return lambda i: answer([Turn.of(requests[i])], None), steps


def _request(row: Mapping[str, Any]) -> ActRequest:
    past = [
        PastCommand(command=line, succeeded=_SUCCEEDED.get(int(outcome)))
        for line, outcome in zip(row.get("history_lines", ()), row.get("history_outcomes", ()), strict=True)
    ]
    session = Session(session_id=row["session_id"], user_id=row["user_id"], history=past)
    return ActRequest(request=row["request"], session=session)
