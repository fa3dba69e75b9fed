"""Served quality: what counts as right, what does not count, and that simulated users bear the rules out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccml.evaluation.statistics import Interval
from ccml.monitoring.alerts import serving_alerts
from ccml.monitoring.quality import QualityFinding, quality_report, relative_drop
from ccml.profiles import PROFILES
from ccml_tests.monitoring.evidence import LIMITS, RELEASED, champion_of, quality
from ccml_tests.monitoring.turns import served, table

SMOKE = PROFILES["smoke"]


def commands(rows: pd.DataFrame) -> QualityFinding:
    return quality(rows).findings[0]


@pytest.mark.parametrize(
    ("fields", "right"),
    [
        ({}, 1.0),
        ({"feedback": {"verdict": "accepted"}}, 1.0),
        ({"feedback": {"verdict": "undone"}}, 0.0),
        ({"runs": False, "action": "confirm", "feedback": {"verdict": "rejected"}}, 0.0),
        ({"runs": False, "action": "suggest", "feedback": {"verdict": "accepted"}}, 1.0),
        ({"feedback": {"corrected_command": "df -h"}}, 0.0),
        ({"feedback": {"verdict": "accepted", "corrected_command": "df -h"}}, 0.0),
        (
            {"command": "grep -rn old .", "feedback": {"verdict": "edited", "corrected_command": "grep -rn new src"}},
            1.0,
        ),
    ],
    ids=[
        "it ran and nobody objected",
        "accepted",
        "undone",
        "rejected",
        "picked from the list",
        "corrected",
        "a correction beats the acceptance",
        "only its blanks were filled in",
    ],
)
def test_what_the_user_did_says_whether_the_suggestion_was_right(fields: dict[str, Any], right: float) -> None:
    found = commands(table(served(40, **fields)))
    assert found.known == found.answered == 40
    assert found.served is not None
    assert found.served.estimate == right


@pytest.mark.parametrize(
    "fields",
    [
        {"runs": False, "action": "clarify", "feedback": {"verdict": "accepted"}},
        {"runs": False, "action": "hand_over", "feedback": {"verdict": "rejected", "corrected_command": "df -h"}},
        {"runs": False, "action": "confirm"},
        {"runs": False, "action": "suggest", "feedback": {"rating": 2}},
        {"predicted_intent": "out_of_scope"},
    ],
    ids=["asked back", "handed over", "silence", "a rating alone", "taken for out of scope"],
)
def test_what_says_nothing_about_the_command_is_not_counted(fields: dict[str, Any]) -> None:
    found = commands(table(served(40), served(40, first=40, **fields)))
    assert (found.known, found.answered) == (40, 80)
    assert found.served is not None
    assert found.served.estimate == 1.0


def test_a_champion_that_predicts_programs_is_measured_by_programs() -> None:
    rows = table(served(40, command="git status", feedback={"corrected_command": "git log"}))
    for target, right in (("program", 1.0), ("template", 0.0), ("line", 0.0)):
        found = quality_report(rows, RELEASED, champion_of("git", target=target), SMOKE).findings[0]
        assert found.served is not None
        assert found.served.estimate == right


def test_fewer_than_thirty_known_answers_or_one_session_give_no_figure() -> None:
    for rows in (table(served(29)), table(served(40, per_session=40))):
        found = commands(rows)
        assert found.served is None
        assert found.relative_drop is None


def test_without_a_release_there_is_nothing_to_hold_a_model_to() -> None:
    found = quality_report(table(served(40)), {}, lambda name: None, SMOKE).findings[0]
    assert found.served is not None
    assert found.reference is None
    assert found.relative_drop is None


def test_an_intent_is_held_to_the_correction_and_else_to_the_wanted_command() -> None:
    rows = table(
        served(30, predicted_intent="inspect_file", feedback={"corrected_intent": "delete"}),
        served(30, first=30, predicted_intent="version_control", command="git status"),
        served(30, first=60, predicted_intent="delete", command="git status"),
        served(30, first=90, predicted_intent="out_of_scope", command="git status"),
        served(30, first=120, predicted_intent="delete", action="confirm", runs=False),
    )
    found = quality(rows).findings[1]
    assert found.known == 90
    assert found.served is not None
    assert found.served.estimate == pytest.approx(1 / 3)


def test_a_policy_is_held_to_what_it_earned_before() -> None:
    steady = table(served(100, feedback={"rating": 4}))
    fallen = table(served(50), served(50, first=50, exit_status=1, feedback={"verdict": "undone"}))
    for rows, falls in ((steady, False), (fallen, True)):
        found = quality(rows).findings[2]
        assert found.against == "its earlier answers"
        assert found.known == 50
        assert found.relative_drop is not None
        assert (found.relative_drop.low > 0.1) is falls


def test_sessions_of_a_client_that_reports_nothing_say_nothing_about_the_policy() -> None:
    rows = table(served(100), served(100, first=100, runs=False, action="confirm"))
    found = quality(rows).findings[2]
    assert (found.known, found.answered) == (50, 200)


def test_corrections_without_a_class_are_counted_among_corrections_alone() -> None:
    rows = table(
        served(60),
        served(30, first=60, feedback={"corrected_command": "df -h"}),
        served(10, first=90, feedback={"corrected_command": "podman ps"}),
    )
    share = commands(rows).without_class
    assert share is not None
    assert share.estimate == 0.25
    assert share.low < 0.25 < share.high
    assert commands(table(served(60))).without_class is None
    without_champion = quality_report(rows, {}, lambda name: None, SMOKE).findings[0]
    assert without_champion.without_class is None, "no champion, no class to miss"


@given(
    reference=st.floats(0.2, 0.9), below=st.floats(0.001, 0.1), above=st.floats(0.001, 0.1), now=st.floats(0.05, 0.9)
)
def test_the_drop_is_positive_where_less_was_served_and_as_unsure_as_both(
    reference: float, below: float, above: float, now: float
) -> None:
    promise, figure = (Interval(value, value - below, value + above) for value in (reference, now))
    drop = relative_drop(promise, figure)
    assert drop.estimate == pytest.approx((reference - now) / reference)
    assert drop.low < drop.estimate < drop.high
    certain = Interval(now, now, now)
    alone = relative_drop(promise, certain)
    assert drop.low < alone.low
    assert alone.low == pytest.approx(drop.estimate - below / reference), "the promise may have been too high"


# What users wanted is known where they are simulated.


@pytest.fixture(scope="module", params=[0.5, 0.75])
def people(request: pytest.FixtureRequest) -> tuple[pd.DataFrame, pd.Series]:
    """Served turns in which the assistant is right so often, and whether each of them was."""
    return simulated_turns(accuracy=request.param, rows=1_500)


def simulated_turns(accuracy: float, rows: int) -> tuple[pd.DataFrame, pd.Series]:
    from ccml.privacy.pseudonyms import Pseudonyms
    from ccml.profiles import SimulationSettings
    from ccml.serving.logging.telemetry import feedback_events
    from ccml.serving.schema import FeedbackRequest
    from ccml.telemetry.events import Interaction
    from ccml_simulator.traffic import SimulatedTraffic
    from ccml_tests.tables import raw_tables

    start = datetime(2026, 3, 2, tzinfo=UTC)
    traffic = SimulatedTraffic(SimulationSettings(users=30, days=7), start=start)
    rng, names, events, right = np.random.default_rng(3), Pseudonyms(b"k" * 32), [], {}
    for number in range(rows):
        request = traffic.next_request()
        turn, session = request.turn, request.body["session"]
        name, hit = f"i{number}", turn.task is not None and bool(rng.random() < accuracy)
        line = turn.line if hit else "sl --never"
        action = ("execute", "confirm", "suggest", "clarify")[int(rng.choice(4, p=(0.45, 0.45, 0.05, 0.05)))]
        answer = {"interaction_id": name, "commands": [{"command": line}], "action": {"name": action}}
        reported = traffic.outcome(request, answer) | {"user_id": names.of("user", session["user_id"])}
        right[name] = hit
        events.append(
            Interaction(
                event_id=name,
                time=(now := start + timedelta(seconds=number)),
                user_id=reported["user_id"],
                session_id=session["session_id"],
                request=request.body["request"],
                command=line,
                action=action,
                predicted_intent="out_of_scope" if turn.task is None else turn.intent,
            )
        )
        # The server stamps feedback with the present moment; a day away from its answer it would not count.
        events += [
            msgspec.structs.replace(event, time=now)
            for event in feedback_events(msgspec.convert(reported, FeedbackRequest), line, f"{number:08d}")
        ]
    from ccml.cleaning.join import clean

    cleaned = clean(*raw_tables(events)).interactions
    return cleaned, cleaned["interaction_id"].map(right)


def test_the_served_accuracy_of_commands_is_near_the_truth(people: tuple[pd.DataFrame, pd.Series]) -> None:
    """Within 0.08, where the share of accepted answers among those with a verdict is off by more than 0.2."""
    rows, right = people
    truth = right[rows["predicted_intent"] != "out_of_scope"].mean()
    found = commands(rows)
    assert found.served is not None
    assert found.served.estimate == pytest.approx(truth, abs=0.08)
    naive = rows["verdict"].eq("accepted")[rows["verdict"].notna()].mean()
    assert abs(naive - truth) > 0.2


def test_a_release_that_serves_what_it_promised_raises_no_alert_and_one_that_fell_does(
    people: tuple[pd.DataFrame, pd.Series],
) -> None:
    rows, right = people
    truth = float(right[rows["predicted_intent"] != "out_of_scope"].mean())
    for promise, level in ((truth, {"ok", "watch"}), (truth / 0.65, {"alert"})):
        found = quality(rows, {"command_predictor": Interval(promise, promise - 0.02, promise + 0.02)})
        raised = {alert.name: alert for alert in serving_alerts(rows, (), found, (), LIMITS)}
        assert raised["command_predictor_drop"].level in level


def test_the_served_accuracy_of_intents_is_near_the_truth(people: tuple[pd.DataFrame, pd.Series]) -> None:
    """Every prediction is true here; what is missing to one is what the rules misread."""
    found = quality(people[0]).findings[1]
    assert found.served is not None
    assert found.served.estimate > 0.94
