"""The simulated users in front of a real server: requests in its format, and what comes of its answers.

traffic = SimulatedTraffic(settings, start=datetime(2026, 2, 1, 9, tzinfo=UTC), drift=None)
request = traffic.next_request()
answer = client.post("/v1/act", json=request.body).json()
client.post("/v1/feedback", json=traffic.outcome(request, answer))
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from ccml.commands.parse import parse
from ccml.profiles import SimulationSettings
from ccml_simulator.drift import Drift
from ccml_simulator.feedback import draw_opinion
from ccml_simulator.people import User, make_users
from ccml_simulator.simulate import make_machines
from ccml_simulator.sitting import Reaction, Sitting, Turn

_MEAN_TURNS = 9.0


@dataclass
class _Past:
    """What a client knows of a user from earlier sessions."""

    interactions: int = 0
    successes: int = 0
    ratings: list[int] = field(default_factory=list)

    def body(self) -> dict[str, Any]:
        mean = sum(self.ratings) / len(self.ratings) if self.ratings else None
        return {"interactions": self.interactions, "successes": self.successes, "mean_rating": mean}


@dataclass
class _Conversation:
    sitting: Sitting
    session_id: str
    rng: np.random.Generator
    now: datetime
    turns_left: int
    waited: float | None = None
    """Seconds since the previous turn."""


@dataclass(frozen=True)
class TrafficRequest:
    body: dict[str, Any]
    """For POST /v1/act."""
    turn: Turn
    """What is true about the request; the server never sees it."""
    conversation: _Conversation


class SimulatedTraffic:
    """The people, goals and outcomes of `simulate`, with a server in the assistant's place.

    Requests of different sessions may be in flight together; a session waits for the outcome of its last one.
    Everything is drawn from `settings.seed`, so the same answers in the same order give the same traffic.
    """

    def __init__(
        self, settings: SimulationSettings, *, start: datetime, days: int = 7, drift: Drift | None = None
    ) -> None:
        self._settings, self._drift, self._days = settings, drift, days
        self._users = make_users(settings.seed, settings.users)
        self._pasts = {user.name: _Past() for user in self._users}
        self._machines = make_machines(settings, start.date(), days, drift)
        self._start = start
        self._rng = np.random.default_rng([settings.seed, 800_001, start.date().toordinal()])
        self._idle: list[_Conversation] = []
        self._opened = 0

    def next_request(self) -> TrafficRequest:
        conversation = self._idle.pop(0) if self._idle else self._open()
        turn = conversation.sitting.ask(conversation.now)
        user = conversation.sitting.user
        state = turn.state
        session = {
            "session_id": conversation.session_id,
            "user_id": user.name,
            "directory": turn.place.directory,
            "platform": user.platform,
            "history": [{"command": line, "succeeded": ok} for line, ok in conversation.sitting.history],
            "state": {
                "cpu_percent": state.cpu_percent,
                "memory_percent": state.memory_percent,
                "disk_percent": state.disk_percent,
                "load_1m": state.load_1m,
                "processes": state.processes,
            },
            "user": self._pasts[user.name].body(),
            "seconds_since_previous": conversation.waited,
        }
        return TrafficRequest({"request": turn.request, "session": session}, turn, conversation)

    def outcome(self, request: TrafficRequest, answer: dict[str, Any]) -> dict[str, Any]:
        """The body for POST /v1/feedback, given the server's answer to `request`.

        The first command offered is right if its template is that of the command meant: what exactly is in its slots is
        filled in by the user.
        """
        turn, conversation = request.turn, request.conversation
        offered = answer["commands"][0]["command"] if answer["commands"] else ""
        right = bool(offered) and turn.task is not None and parse(offered).template == parse(turn.line).template
        # Asked back or handed over, people rate by how near the server was, not by how near the simulated assistant.
        seen = replace(turn, situation=replace(turn.situation, right=0.97 if right else 0.2))
        action = answer["action"]["name"]
        reaction = conversation.sitting.react(seen, action, right, offered or turn.line)
        body = self._feedback(seen, reaction, right, answer["interaction_id"], conversation)
        self._move_on(conversation, reaction, body["rating"])
        return body

    def _feedback(
        self, turn: Turn, reaction: Reaction, right: bool, interaction_id: str, conversation: _Conversation
    ) -> dict[str, Any]:
        branch, run, failure = reaction.branch, reaction.run, reaction.failure
        nothing_to_correct = right or turn.task is None
        opinion = draw_opinion(branch.verdict, branch.runs, reaction.satisfaction, nothing_to_correct, conversation.rng)
        return {
            "interaction_id": interaction_id,
            "session_id": conversation.session_id,
            "user_id": conversation.sitting.user.name,
            "executed_command": reaction.executed,
            "exit_status": None if run is None else failure.exit_status if failure else 0,
            "duration_ms": run.duration_ms if run else None,
            "cpu_ms": run.cpu_ms if run else None,
            "memory_mb": run.memory_mb if run else None,
            "output_bytes": run.output_bytes if run else None,
            "error_message": failure.message if failure else None,
            "error_category": failure.category if failure else None,
            "recovery_command": failure.recovery_command if failure else None,
            "recovered": failure.recovered if failure else None,
            "recovery_ms": failure.recovery_ms if failure else None,
            "rating": opinion.rating,
            "verdict": opinion.verdict,
            "corrected_command": turn.line if opinion.corrected else None,
            "corrected_intent": turn.intent if opinion.corrected and conversation.rng.random() < 0.2 else None,
        }

    def _open(self) -> _Conversation:
        weights = np.array([user.activity for user in self._users])
        user: User = self._users[int(self._rng.choice(len(self._users), p=weights / weights.sum()))]
        now = self._start + timedelta(minutes=float(self._rng.uniform(0, self._days * 1_440)))
        rng = np.random.default_rng([self._settings.seed, 800_002, self._start.date().toordinal(), self._opened])
        session_id = f"live{self._settings.seed}-{self._start:%Y%m%d}-{self._opened:05d}"
        self._opened += 1
        turns = 2 + int(rng.negative_binomial(3, 3.0 / (3.0 + _MEAN_TURNS - 2)))
        return _Conversation(Sitting(user, self._machines, self._drift, now.date(), rng), session_id, rng, now, turns)

    def _move_on(self, conversation: _Conversation, reaction: Reaction, rating: int | None) -> None:
        past = self._pasts[conversation.sitting.user.name]
        past.interactions += 1
        past.successes += bool(reaction.succeeded)
        if rating is not None:
            past.ratings.append(rating)
        seconds = float(np.exp(conversation.rng.normal(3.4, 0.8)))
        seconds += reaction.run.duration_ms / 1_000.0 if reaction.run else 0.0
        conversation.now += timedelta(seconds=seconds)
        conversation.waited = round(seconds, 3)
        conversation.turns_left -= 1
        if conversation.turns_left > 0:
            self._idle.append(conversation)
