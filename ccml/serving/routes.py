"""The paths of the server that take a body, and the answer that refuses one."""

from __future__ import annotations

from typing import Final

ACT: Final = "/v1/act"
FEEDBACK: Final = "/v1/feedback"


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """An HTTP answer that ends the request here. `problem` never quotes what was sent."""

    def __init__(self, status: int, code: str, problem: str) -> None:
        super().__init__(problem)
        self.status, self.code, self.problem = status, code, problem
