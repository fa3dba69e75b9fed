"""What the log keeps of a turn: the events of the five kinds, and beside them the truth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypedDict

import numpy as np

from ccml.commands.risk import assess
from ccml.telemetry.events import ACTIONS, Error, Event, Execution, Feedback, Interaction, SystemState
from ccml_simulator.assistant import POLICY_VERSION, draw_action, draw_confidence, logging_policy
from ccml_simulator.feedback import draw_opinion
from ccml_simulator.sitting import Reaction, Sitting, Turn

_LABELLED = 0.62
"""Share of interactions whose intent somebody wrote down; nobody labels a bare "again"."""
_SNAPSHOT = 0.85


class Who(TypedDict):
    user_id: str
    session_id: str


@dataclass(frozen=True)
class LoggedTurn:
    events: tuple[Event, ...]
    truth: dict[str, Any] | None
    ended: datetime


def session_start(sitting: Sitting, session_id: str, now: datetime) -> LoggedTurn:
    """A snapshot of the machine as the session opens; it belongs to no turn."""
    turn_state = sitting.machine_state(now)
    event = SystemState(
        event_id=f"{session_id}-m",
        time=now - timedelta(seconds=2),
        user_id=sitting.user.name,
        session_id=session_id,
        host=sitting.user.host,
        cpu_percent=turn_state.cpu_percent,
        memory_percent=turn_state.memory_percent,
        disk_percent=turn_state.disk_percent,
        load_1m=turn_state.load_1m,
        processes=turn_state.processes,
        active_application="terminal",
        platform=sitting.user.platform,
    )
    return LoggedTurn((event,), None, now)


def log_turn(sitting: Sitting, session_id: str, now: datetime, rng: np.random.Generator) -> LoggedTurn:
    """One request, the assistant's answer, and what came of it."""
    turn = sitting.ask(now)
    right = turn.task is not None and bool(rng.random() < turn.situation.right)
    proposed = turn.line if right or turn.task is None else sitting.misread(turn)
    confidence = draw_confidence(turn.situation.right if turn.task else float(rng.uniform(0.04, 0.35)), rng)
    policy = logging_policy(confidence, assess(proposed).level if proposed else "safe")
    action, propensity = draw_action(policy, rng)
    reaction = sitting.react(turn, action, right, proposed)
    interaction_id = f"{session_id}-{turn.position:02d}"
    common: Who = {"user_id": sitting.user.name, "session_id": session_id}
    answered = now + timedelta(milliseconds=round(float(np.exp(rng.normal(5.2, 0.4)))))
    labelled = rng.random() < _LABELLED * (0.1 if turn.elliptical else 1.0)
    events: list[Event] = [
        Interaction(
            event_id=interaction_id,
            time=now,
            request=turn.request,
            command=proposed,
            directory=turn.place.directory,
            host=sitting.user.host,
            platform=sitting.user.platform,
            intent=turn.intent if labelled else None,
            action=action,
            propensity=propensity,
            policy_version=POLICY_VERSION,
            confidence=confidence,
            **common,
        )
    ]
    if rng.random() < _SNAPSHOT:
        events.append(_snapshot(sitting, turn, interaction_id, now, common, rng))
    ended = answered
    if reaction.run is not None:
        begun = answered if action == "execute" else answered + timedelta(seconds=round(float(rng.gamma(2.0, 3.0)), 3))
        ended = begun + timedelta(milliseconds=reaction.run.duration_ms)
        events.extend(_run_events(reaction, interaction_id, begun, ended, common))
    rated = ended + timedelta(seconds=round(1.0 + float(rng.exponential(6.0)), 3))
    if (feedback := _feedback(turn, reaction, right, interaction_id, rated, common, rng)) is not None:
        events.append(feedback)
        ended = rated
    return LoggedTurn(tuple(events), _truth(turn, right, proposed, policy, interaction_id, common), ended)


def _snapshot(
    sitting: Sitting, turn: Turn, interaction_id: str, now: datetime, common: Who, rng: np.random.Generator
) -> SystemState:
    applications = ("terminal", "terminal", "editor", "browser")
    return SystemState(
        event_id=f"{interaction_id}-m",
        time=now,
        host=sitting.user.host,
        interaction_id=interaction_id,
        cpu_percent=turn.state.cpu_percent,
        memory_percent=turn.state.memory_percent,
        disk_percent=turn.state.disk_percent,
        load_1m=turn.state.load_1m,
        processes=turn.state.processes,
        active_application=applications[int(rng.integers(0, len(applications)))],
        platform=sitting.user.platform,
        **common,
    )


def _run_events(reaction: Reaction, interaction_id: str, begun: datetime, ended: datetime, common: Who) -> list[Event]:
    run, failure = reaction.run, reaction.failure
    assert run is not None
    events: list[Event] = [
        Execution(
            event_id=f"{interaction_id}-x",
            time=begun,
            interaction_id=interaction_id,
            ended_at=ended,
            exit_status=failure.exit_status if failure else 0,
            duration_ms=run.duration_ms,
            cpu_ms=run.cpu_ms,
            memory_mb=run.memory_mb,
            output_bytes=run.output_bytes,
            **common,
        )
    ]
    if failure is not None:
        events.append(
            Error(
                event_id=f"{interaction_id}-e",
                time=ended,
                interaction_id=interaction_id,
                message=failure.message,
                category=failure.category,
                recovery_command=failure.recovery_command,
                recovered=failure.recovered,
                recovery_ms=failure.recovery_ms,
                **common,
            )
        )
    return events


def _feedback(
    turn: Turn,
    reaction: Reaction,
    right: bool,
    interaction_id: str,
    time: datetime,
    common: Who,
    rng: np.random.Generator,
) -> Feedback | None:
    nothing_to_correct = right or turn.task is None
    branch = reaction.branch
    opinion = draw_opinion(branch.verdict, branch.runs, reaction.satisfaction, nothing_to_correct, rng)
    if opinion.verdict is None and opinion.rating is None and not opinion.corrected:
        return None
    return Feedback(
        event_id=f"{interaction_id}-f",
        time=time,
        interaction_id=interaction_id,
        rating=opinion.rating,
        verdict=opinion.verdict,
        corrected_command=turn.line if opinion.corrected else None,
        corrected_intent=turn.intent if opinion.corrected and rng.random() < 0.2 else None,
        **common,
    )


def _truth(
    turn: Turn, right: bool, proposed: str, policy: tuple[float, ...], interaction_id: str, common: Who
) -> dict[str, Any]:
    rewards, successes = turn.expected_rewards(), turn.success_probabilities()
    situation = turn.situation
    return {
        "interaction_id": interaction_id,
        **common,
        "task": turn.task.name if turn.task else "",
        "intent": turn.intent,
        "command": turn.line,
        "proposed": proposed,
        "right": right,
        "right_probability": situation.right,
        "risk": situation.risk,
        "strain": situation.strain,
        "expertise": situation.expertise,
        "patience": situation.patience,
        "best_action": max(ACTIONS, key=lambda action: rewards[action]),
        **{f"success_{action}": successes[action] for action in ACTIONS},
        **{f"reward_{action}": rewards[action] for action in ACTIONS},
        **{f"logged_{action}": policy[k] for k, action in enumerate(ACTIONS)},
    }
