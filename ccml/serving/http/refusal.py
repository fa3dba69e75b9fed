"""An answer that refuses a request, always of the same form, and JSON answers in general."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.responses import JSONResponse

from ccml.serving.schema import FieldProblem, Refusal, RefusalAnswer


class RefusedError(Exception):
    """Ends the request with this status. `problem` never quotes what was sent."""

    def __init__(self, status: int, code: str, problem: str, fields: Sequence[FieldProblem] = ()) -> None:
        super().__init__(problem)
        self.status, self.code, self.problem, self.fields = status, code, problem, list(fields)


class StructResponse(JSONResponse):
    """JSON of a msgspec struct, or of what is made of builtins."""

    def render(self, content: Any) -> bytes:
        return msgspec.json.encode(content)


def refuse(error: RefusedError) -> StructResponse:
    headers = {}
    if error.status == 503:
        headers["retry-after"] = "1"
    if error.status in (408, 413):
        headers["connection"] = "close"  # the rest of the body is never read
    answer = RefusalAnswer(Refusal(error.code, error.problem, error.fields))
    return StructResponse(answer, error.status, headers)
