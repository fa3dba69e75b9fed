"""The paths of the server that take a body."""

from __future__ import annotations

from typing import Final

ACT: Final = "/v1/act"
FEEDBACK: Final = "/v1/feedback"
