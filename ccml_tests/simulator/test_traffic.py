from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import numpy as np
import pytest

from ccml.profiles import SimulationSettings
from ccml.serving.schema import ActRequest, FeedbackRequest
from ccml_simulator.drift import Drift
from ccml_simulator.traffic import SimulatedTraffic, TrafficRequest

SETTINGS = SimulationSettings(users=8, days=5, interactions=500, seed=3)
START = datetime(2026, 3, 2, tzinfo=UTC)


def _answer(request: TrafficRequest, action: str, command: str) -> dict[str, Any]:
    """What a server might say."""
    commands = [{"command": command, "template": "", "confidence": 0.9, "risk": "ask"}] if command else []
    return {"interaction_id": "a-1", "commands": commands, "action": {"name": action, "propensity": 0.5}}


def _serve(
    traffic: SimulatedTraffic, turns: int, action: str, right: bool
) -> list[tuple[TrafficRequest, dict[str, Any]]]:
    served = []
    for _ in range(turns):
        request = traffic.next_request()
        command = request.turn.line if right else "sl --never"
        served.append((request, traffic.outcome(request, _answer(request, action, command))))
    return served


def test_requests_and_feedback_are_what_the_server_takes() -> None:
    for action in ("execute", "confirm", "suggest", "clarify", "hand_over"):
        for request, feedback in _serve(SimulatedTraffic(SETTINGS, start=START), 60, action, True):
            msgspec.convert(request.body, ActRequest)
            msgspec.convert(feedback, FeedbackRequest)


def test_the_same_answers_give_the_same_traffic() -> None:
    first, second = (_serve(SimulatedTraffic(SETTINGS, start=START), 80, "execute", True) for _ in range(2))
    assert [(r.body, f) for r, f in first] == [(r.body, f) for r, f in second]


def test_right_commands_succeed_more_often_than_wrong_ones() -> None:
    def succeeded(right: bool) -> float:
        served = _serve(SimulatedTraffic(SETTINGS, start=START), 300, "execute", right)
        return float(np.mean([feedback["exit_status"] == 0 for _, feedback in served]))

    assert succeeded(True) > succeeded(False) + 0.3


def test_the_history_holds_what_ran_in_the_session() -> None:
    traffic = SimulatedTraffic(SETTINGS, start=START)
    served = _serve(traffic, 30, "execute", True)
    ran = {}
    for request, feedback in served:
        session = request.body["session"]
        past = [one["command"] for one in session["history"]]
        assert past == ran.get(session["session_id"], [])
        if feedback["executed_command"] is not None:
            ran.setdefault(session["session_id"], []).append(feedback["executed_command"])


def test_nothing_runs_when_the_server_asks_back_or_hands_over() -> None:
    for action in ("clarify", "hand_over"):
        served = _serve(SimulatedTraffic(SETTINGS, start=START), 50, action, True)
        assert all(feedback["executed_command"] is None for _, feedback in served)


def test_requests_of_several_sessions_can_be_in_flight() -> None:
    traffic = SimulatedTraffic(SETTINGS, start=START)
    requests = [traffic.next_request() for _ in range(20)]
    assert len({request.body["session"]["session_id"] for request in requests}) == 20
    for request in requests:
        traffic.outcome(request, _answer(request, "confirm", request.turn.line))


def test_an_empty_list_of_commands_is_never_right() -> None:
    traffic = SimulatedTraffic(SETTINGS, start=START)
    for _ in range(40):
        request = traffic.next_request()
        feedback = traffic.outcome(request, _answer(request, "hand_over", ""))
        assert feedback["exit_status"] is None


@pytest.mark.parametrize("drifted", [False, True])
def test_drift_shows_in_the_requests(drifted: bool) -> None:
    drift = Drift(("commands",), date(2026, 3, 1)) if drifted else None
    served = _serve(SimulatedTraffic(SETTINGS, start=START, drift=drift), 200, "execute", True)
    new = sum(request.turn.line.startswith(("jj ", "podman", "uv ", "pnpm")) for request, _ in served)
    assert (new > 15) is drifted
