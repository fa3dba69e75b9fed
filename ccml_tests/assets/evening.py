"""One sitting that runs past midnight, between the first and the second of the simulated days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ccml.telemetry.events import Event, Execution, Feedback, Interaction
from ccml_tests.assets.platform import DAYS

MIDNIGHT = datetime.fromisoformat(DAYS[1]).replace(tzinfo=UTC)
WHO: dict[str, Any] = {"user_id": "ada", "session_id": "late"}

TURNS = ("late-0", "late-1", "late-2", "late-3")
BEFORE, AFTER = TURNS[:2], TURNS[2:]
RATED = "late-1"
"""Asked before midnight, rated after it."""


def _turn(name: str, minutes: float, command: str) -> list[Event]:
    time = MIDNIGHT + timedelta(minutes=minutes)
    asked = Interaction(event_id=name, time=time, request=f"please {command}", command=command, **WHO)
    ran = Execution(
        event_id=f"{name}-ran",
        time=time + timedelta(seconds=1),
        interaction_id=name,
        exit_status=0,
        duration_ms=40.0,
        **WHO,
    )
    return [asked, ran]


FIRST_EVENING = [*_turn(TURNS[0], -20, "git status"), *_turn(TURNS[1], -10, "git diff")]
NEXT_MORNING = [
    *_turn(TURNS[2], 5, "git add -A"),
    Feedback(event_id="late-rating", time=MIDNIGHT + timedelta(minutes=6), interaction_id=RATED, rating=5, **WHO),
    *_turn(TURNS[3], 12, "git push"),
]
EVENTS = [*FIRST_EVENING, *NEXT_MORNING]
