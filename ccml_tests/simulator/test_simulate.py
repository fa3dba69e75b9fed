from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ccml.errors import InputError
from ccml.privacy.redaction import redact
from ccml.profiles import PROFILES
from ccml.telemetry.events import Error, Execution, Feedback, Interaction, SystemState
from ccml_simulator.simulate import simulate
from ccml_tests.simulator.worlds import END, SMALL, make_world, world


def test_the_same_settings_and_end_give_the_same_bytes(tmp_path: Path) -> None:
    again = make_world(SMALL, tmp_path)
    assert again.raw == world().raw
    assert again.truth.equals(world().truth)


def test_another_seed_gives_other_bytes(tmp_path: Path) -> None:
    assert make_world(replace(SMALL, seed=12), tmp_path).raw != world().raw


def test_every_line_decodes_strictly_into_one_of_the_five_kinds() -> None:
    assert set(world().events) == {Interaction, Execution, Error, Feedback, SystemState}


def test_event_ids_are_unique_over_all_kinds() -> None:
    ids = [event.event_id for events in world().events.values() for event in events]
    assert len(ids) == len(set(ids))


def test_every_event_that_points_at_an_interaction_points_at_one_of_the_log() -> None:
    known = {event.event_id for event in world().events[Interaction]}
    for kind in (Execution, Error, Feedback):
        assert {event.interaction_id for event in world().events[kind]} <= known


def test_the_count_is_near_the_expected_one() -> None:
    assert len(world().events[Interaction]) == pytest.approx(SMALL.interactions, rel=0.12)


def test_one_file_a_day_holds_the_interactions_of_that_day_alone() -> None:
    for name, content in world().raw.items():
        day = date.fromisoformat(name.removeprefix("telemetry-").removesuffix(".jsonl"))
        assert END - timedelta(days=SMALL.days) < day <= END
        assert f'"time":"{day}'.encode() in content.splitlines()[0]
        interactions = [line for line in content.splitlines() if b'"kind":"interaction"' in line]
        assert all(f'"time":"{day}'.encode() in line for line in interactions)


def test_nothing_happens_after_the_day_of_the_end() -> None:
    midnight = datetime(END.year, END.month, END.day, tzinfo=UTC) + timedelta(days=1)
    assert max(event.time for events in world().events.values() for event in events) < midnight


def test_sessions_of_one_user_do_not_overlap() -> None:
    by_user: dict[str, list[Interaction]] = {}
    for turn in world().events[Interaction]:
        by_user.setdefault(turn.user_id, []).append(turn)
    for turns in by_user.values():
        turns.sort(key=lambda turn: turn.time)
        sessions = [turn.session_id for turn in turns]
        changes = sum(before != after for before, after in pairwise(sessions))
        assert changes == len(set(sessions)) - 1


def test_the_truth_has_one_row_for_each_interaction_and_stays_out_of_the_telemetry() -> None:
    assert set(world().truth["interaction_id"]) == {event.event_id for event in world().events[Interaction]}
    content = b"".join(world().raw.values())
    for word in (b"best_action", b"right_probability", b"reward_", b"expertise", b"drift"):
        assert word not in content


def test_a_truth_folder_inside_the_telemetry_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lies inside the telemetry folder"):
        simulate(SMALL, tmp_path, tmp_path / "truth", end=END)


def test_settings_that_describe_no_simulation_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="users is 0"):
        simulate(replace(SMALL, users=0), tmp_path / "telemetry", tmp_path / "truth", end=END)


def test_some_commands_hold_made_up_secrets_that_redaction_removes() -> None:
    lines = [turn.command for turn in world().events[Interaction]]
    secret = [line for line in lines if "gh" + "p_" in line or "gl" + "pat-" in line or "AWS_SECRET" in line]
    assert secret
    assert all("<secret:" in redact(line) for line in secret)


def test_home_directories_name_their_owner() -> None:
    turns = world().events[Interaction]
    assert any(turn.user_id in turn.directory for turn in turns)


def test_labels_are_known_for_about_six_in_ten_and_some_requests_are_out_of_scope() -> None:
    turns = world().events[Interaction]
    labelled = [turn for turn in turns if turn.intent is not None]
    assert 0.5 < len(labelled) / len(turns) < 0.7
    assert 0.02 < np.mean([turn.intent == "out_of_scope" for turn in labelled]) < 0.07
    assert all(turn.command == "" for turn in labelled if turn.intent == "out_of_scope")


def test_ratings_are_sparse_and_what_did_not_run_mostly_has_a_verdict() -> None:
    turns = world().events[Interaction]
    ran = {run.interaction_id for run in world().events[Execution]}
    feedback = {one.interaction_id: one for one in world().events[Feedback]}
    assert 0.15 < np.mean([one.rating is not None for one in feedback.values()]) * len(feedback) / len(turns) < 0.32
    idle = [turn for turn in turns if turn.event_id not in ran]
    answered = [turn for turn in idle if turn.event_id in feedback and feedback[turn.event_id].verdict is not None]
    assert len(answered) / len(idle) > 0.85


def test_failures_have_causes_and_some_are_mended() -> None:
    errors = world().events[Error]
    assert len({error.category for error in errors}) >= 6
    assert 0.1 < np.mean([error.recovered is True for error in errors]) < 0.9
    failed = {run.interaction_id for run in world().events[Execution] if run.exit_status != 0}
    assert {error.interaction_id for error in errors} == failed


@pytest.mark.slow
def test_the_laptop_profile_gives_at_least_twenty_thousand_interactions(tmp_path: Path) -> None:
    report = simulate(PROFILES["laptop"].simulation, tmp_path / "telemetry", tmp_path / "truth", end=END)
    assert report.interactions >= 20_000
    assert len(report.files) == PROFILES["laptop"].simulation.days
