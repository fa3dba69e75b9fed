"""The served log: what is in it, what is never in it, and that a crash costs at most the line being written."""

from __future__ import annotations

import fcntl
import os
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from ccml.models.policy.acting import served_distribution
from ccml.privacy.pseudonyms import Pseudonyms
from ccml.serving.logging.log import ServedLog, recover
from ccml.serving.metrics import Meter
from ccml.serving.settings import ServingSettings
from ccml.telemetry.decode import decode_line
from ccml.telemetry.events import ACTIONS, KINDS, Error, Execution, Feedback, Interaction, SystemState
from ccml_tests.serving.server import KEY, Running, logged, running, until
from ccml_tests.serving.tiny import TinyGraph, release, release_all

STATE = {"cpu_percent": 12.5, "memory_percent": 40.0, "disk_percent": None, "load_1m": 0.7, "processes": 210}


def feedback(server: Running, answer: dict[str, object], **fields: object) -> object:
    owner = {"interaction_id": answer["interaction_id"], "session_id": "s-1", "user_id": "ada"}
    return server.client.post("/v1/feedback", json={**owner, **fields})


def test_an_answer_with_everything_around_it_becomes_all_five_kinds(models: Path, log_dir: Path) -> None:
    release_all(models)
    with running(models, log_dir) as server:
        answer = server.answer("list files", state=STATE)
        feedback(
            server,
            answer,
            executed_command="ls -la /srv",
            exit_status=2,
            duration_ms=12.0,
            error_message="No such file",
            error_category="not_found",
            recovered=True,
            rating=4,
            verdict="edited",
        )
    events = {type(event): event for event in logged(log_dir)}
    assert set(events) == {Interaction, Execution, Error, Feedback, SystemState}
    interaction = events[Interaction]
    assert interaction.event_id == answer["interaction_id"]
    assert (interaction.request, interaction.command) == ("list files", "ls -la")
    assert interaction.action == answer["action"]["name"]
    assert interaction.propensity == answer["action"]["propensity"]
    assert interaction.policy_version == "1.0.0"
    assert interaction.confidence == answer["commands"][0]["confidence"]
    assert interaction.served_by == "champion"
    assert interaction.model_versions == dict.fromkeys(("command_predictor", "intent_classifier", "policy"), "1.0.0")
    assert interaction.intent is None, "a model's guess must not become a label"
    assert interaction.predicted_intent == "inspect_file"
    assert interaction.latency_ms == answer["latency_ms"]
    assert events[SystemState].cpu_percent == 12.5
    assert events[SystemState].disk_percent is None
    assert events[Execution].exit_status == 2
    assert events[Error].recovered is True
    assert events[Feedback].corrected_command == "ls -la /srv", "what was run instead is a correction"
    assert {event.source for event in events.values()} == {"served"}
    linked = {event.interaction_id for kind, event in events.items() if kind is not Interaction}
    assert linked == {interaction.event_id}


def test_every_line_is_native_telemetry_to_the_strict_decoder(models: Path, log_dir: Path) -> None:
    release_all(models)
    with running(models, log_dir) as server:
        for request in ("list files", "nan zzz", "wipe something", "disk"):
            feedback(server, server.answer(request, state=STATE), rating=3, exit_status=0)
    lines = [line for path in log_dir.glob("*.jsonl") for line in path.read_bytes().splitlines()]
    assert len(lines) == 4 * 4
    for line in lines:
        decoded = decode_line(line, now=datetime.now(UTC))
        assert type(decoded) in (Interaction, SystemState, Execution, Feedback), decoded


def test_the_next_ingest_lands_every_line_once_and_never_the_open_file(models: Path, tmp_path: Path) -> None:
    from ccml.telemetry.landing import land
    from ccml.telemetry.sources import Source

    release_all(models)
    landing = tmp_path / "landing"
    with running(models, landing / "served") as server:
        for request in ("list files", "nan zzz", "wipe"):
            feedback(server, server.answer(request, state=STATE), rating=3, exit_status=1, error_message="no")
    (landing / "served" / "served-9.jsonl.tmp").write_bytes(b'{"kind"')
    reports = [
        land([Source(str(landing), "auto")], tmp_path / "lake", Pseudonyms(KEY), datetime.now(UTC)) for _ in range(2)
    ]
    assert dict(reports[0].landed) == dict.fromkeys(KINDS, 3)
    assert (sum(reports[0].quarantined.values()), reports[0].lines) == (0, 15)
    assert reports[1].lines == 0


def test_secrets_and_names_reach_no_log_and_no_metric(models: Path, log_dir: Path) -> None:
    secret, user = "ghp_" + "k3Jd9sLq0ZxW7vB2nM5tR8yU1iO4pA6sD9fG", "grace.hopper"
    release_all(models)
    with running(models, log_dir) as server:
        answer = server.answer(
            f"list files with token {secret}",
            user_id=user,
            directory=f"/home/{user}/work",
            history=[
                {"command": f"curl -H 'Authorization: Bearer {secret}' https://api.example.com", "succeeded": True}
            ],
        )
        given = {
            "interaction_id": answer["interaction_id"],
            "session_id": "s-1",
            "user_id": user,
            "executed_command": f"export GITHUB_TOKEN={secret}",
            "corrected_command": f"git clone https://x:{secret}@github.com/x/y",
            "error_message": f"bad credentials {secret} in /home/{user}/.netrc",
            "recovery_command": f"echo {secret}",
        }
        assert server.client.post("/v1/feedback", json=given).status_code == 202
        refused = server.client.post("/v1/feedback", json={**given, "rating": secret})
        seen = [server.client.get(path).content for path in ("/metrics", "/readyz", "/openapi.json")]
        seen.append(refused.content)
    written = b"".join(path.read_bytes() for path in log_dir.iterdir())
    assert written.count(b"\n") == 5
    for part in (*seen, written):
        assert secret.encode() not in part
        assert user.encode() not in part


def test_the_logged_propensity_is_the_probability_the_action_was_drawn_with(models: Path, log_dir: Path) -> None:
    tiny = TinyGraph()
    release_all(models)
    with running(models, log_dir) as server:
        for _ in range(400):
            server.answer("list files")
        for _ in range(100):
            server.answer("wipe something")
    interactions = [event for event in logged(log_dir) if isinstance(event, Interaction)]
    for command, risk, count in (("ls -la", "safe", 400), ("rm -rf build", "danger", 100)):
        expected = served_distribution(np.array(tiny.bias, np.float32), risk, tiny.exploration)
        drawn = [event for event in interactions if event.command == command]
        assert len(drawn) == count
        for event in drawn:
            assert event.propensity == pytest.approx(expected[ACTIONS.index(event.action)], abs=1e-6)
        counts = Counter(event.action for event in drawn)
        for place, action in enumerate(ACTIONS):
            spread = 4 * np.sqrt(expected[place] * (1 - expected[place]) / count)
            assert abs(counts[action] / count - expected[place]) <= spread + 1e-9
    assert all(event.action != "execute" for event in interactions if event.command == "rm -rf build")


def test_the_servers_own_memory_stands_beside_every_answer(models: Path, log_dir: Path) -> None:
    release_all(models)
    with running(models, log_dir) as server:
        server.answer("list files")
        server.answer("list files", state=STATE)
        exposed = server.metric("process_resident_memory_bytes") / 2**20
    states = [event for event in logged(log_dir) if isinstance(event, SystemState)]
    assert [state.cpu_percent for state in states] == [None, 12.5], "a client that sends no state has none"
    for state in states:
        assert state.process_memory_mb == pytest.approx(exposed, rel=0.1)


def test_a_fallback_is_logged_under_its_own_name(models: Path, log_dir: Path) -> None:
    release(models, "command_predictor")
    with running(models, log_dir) as server:
        server.answer("nan disk space")
    interaction, _ = logged(log_dir)
    assert isinstance(interaction, Interaction)
    assert (interaction.served_by, interaction.policy_version) == ("default", "default")
    assert interaction.propensity is None, "a fallback draws nothing"
    assert interaction.model_versions == {}


def test_feedback_on_what_nobody_asked_is_refused_and_not_logged(models: Path, log_dir: Path) -> None:
    release_all(models)
    with running(models, log_dir) as server:
        answer = server.answer("list files")
        unknown = {**answer, "interaction_id": "i-000000000000000000000000"}
        response = feedback(server, unknown, rating=5)
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "unknown_interaction"
        assert feedback(server, answer, session_id="s-2", rating=1).status_code == 404
        assert feedback(server, answer, user_id="eve", rating=1).status_code == 404
    assert [type(event) for event in logged(log_dir)] == [Interaction, SystemState]


def test_the_same_feedback_twice_is_logged_once_and_another_is_logged_too(models: Path, log_dir: Path) -> None:
    release_all(models)
    with running(models, log_dir) as server:
        answer = server.answer("list files")
        assert [feedback(server, answer, rating=4).json()["events"] for _ in range(2)] == [1, 0]
        assert feedback(server, answer, rating=5).json()["events"] == 1
    ratings = [event.rating for event in logged(log_dir) if isinstance(event, Feedback)]
    assert sorted(ratings) == [4, 5]
    assert len({event.event_id for event in logged(log_dir)}) == 4


def test_interactions_beyond_the_limit_are_forgotten_oldest_first(models: Path, log_dir: Path) -> None:
    release_all(models)
    with running(models, log_dir, remembered=2) as server:
        answers = [server.answer("list files") for _ in range(3)]
        assert [feedback(server, answer, rating=4).status_code for answer in answers] == [404, 202, 202]


def test_a_server_without_further_requests_offers_its_log_to_the_next_ingest(models: Path, log_dir: Path) -> None:
    release_all(models)
    with running(models, log_dir, log_idle_seconds=0.3) as server:
        server.answer("list files")
        until(lambda: len(list(log_dir.glob("*.jsonl"))) == 1)
        assert len(logged(log_dir)) == 2
        assert list(log_dir.glob("*.tmp")) == []


def event(number: int) -> Interaction:
    return Interaction(event_id=f"i-{number}", time=datetime.now(UTC), user_id="ada", session_id="s")


def test_a_full_file_is_finished_and_the_next_one_has_another_name(log_dir: Path) -> None:
    log = ServedLog(log_dir, Pseudonyms(KEY), ServingSettings(log_lines=10), Meter())
    log.start()
    for number in range(25):
        log.write(event(number))
    log.close()
    assert sorted(len(path.read_bytes().splitlines()) for path in log_dir.glob("*.jsonl")) == [5, 10, 10]
    assert sorted(int(entry.event_id[2:]) for entry in logged(log_dir)) == list(range(25))


def test_a_first_answer_is_offered_at_the_first_pause_and_later_pauses_do_not_make_a_file_each(log_dir: Path) -> None:
    log = ServedLog(log_dir, Pseudonyms(KEY), ServingSettings(log_idle_seconds=0.1), Meter())
    log.start()
    log.write(event(0))
    until(lambda: len(list(log_dir.glob("*.jsonl"))) == 1)
    for number in range(1, 5):
        log.write(event(number))
        time.sleep(0.3)
    log.close()
    assert len(list(log_dir.glob("*.jsonl"))) == 2
    assert sorted(int(entry.event_id[2:]) for entry in logged(log_dir)) == list(range(5))


def test_an_open_file_is_closed_by_its_age_while_lines_keep_coming(log_dir: Path) -> None:
    log = ServedLog(log_dir, Pseudonyms(KEY), ServingSettings(log_seconds=0.2, log_idle_seconds=60), Meter())
    log.start()
    for number in range(10):
        log.write(event(number))
        time.sleep(0.05)
    assert len(list(log_dir.glob("*.jsonl"))) >= 1
    log.close()
    assert len(logged(log_dir)) == 10


def test_what_a_killed_server_left_is_recovered_without_its_torn_last_line(log_dir: Path) -> None:
    log_dir.mkdir()
    whole = b'{"kind":"interaction","event_id":"i-1","time":"2026-01-05T09:00:00Z","user_id":"u","session_id":"s"}\n'
    (log_dir / "served-1.jsonl.tmp").write_bytes(whole + whole[: len(whole) // 2])
    (log_dir / "served-2.jsonl.tmp").write_bytes(b'{"kind":"intera')
    (log_dir / "served-3.jsonl.tmp").write_bytes(b"")
    assert [path.name for path in recover(log_dir)] == ["served-1.jsonl"]
    assert [path.name for path in log_dir.iterdir()] == ["served-1.jsonl"]
    assert (log_dir / "served-1.jsonl").read_bytes() == whole


def test_a_file_that_another_server_is_writing_is_left_alone(log_dir: Path) -> None:
    log_dir.mkdir()
    path = log_dir / "served-1.jsonl.tmp"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    os.write(descriptor, b"{}\n")
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    assert recover(log_dir) == []
    os.close(descriptor)
    assert [found.name for found in recover(log_dir)] == ["served-1.jsonl"]


def test_events_that_the_disk_refuses_are_counted_and_do_not_stop_the_log(log_dir: Path) -> None:
    meter = Meter()
    log = ServedLog(log_dir, Pseudonyms(KEY), ServingSettings(), meter)
    log.start()
    log_dir.rmdir()
    log.write(event(1))
    until(lambda: b"served_log_lines_lost_total 1.0" in meter.text())
    log_dir.mkdir()
    log.write(event(2))
    log.close()
    assert [entry.event_id for entry in logged(log_dir)] == ["i-2"]
