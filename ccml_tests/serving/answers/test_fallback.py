"""Which responder answers when others cannot, and that the answer says so."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from ccml.serving.loading.breaker import CircuitBreaker
from ccml_tests.serving.server import Running, running, until
from ccml_tests.serving.tiny import TinyGraph, release, release_all

BEYOND_RULES = "zzz"
"""A word that no rule knows."""


def test_with_every_champion_healthy_nothing_is_degraded(server: Running) -> None:
    answer = server.answer("list files")
    assert answer["commands"][0]["command"] == "ls -la"
    assert answer["intent"]["label"] == "inspect_file"
    assert (answer["served_by"], answer["degraded"], answer["reasons"]) == ("champion", False, [])
    assert answer["command_version"] == answer["intent"]["version"] == answer["action"]["version"] == "1.0.0"


def test_the_history_is_part_of_the_question(server: Running) -> None:
    history = [{"command": "git status", "succeeded": True}, {"command": "ls -la", "succeeded": None}]
    assert server.answer("list files", history=history)["command_served_by"] == "champion"


@pytest.mark.parametrize("word", ["nan", "boom"])
def test_a_model_that_answers_nonsense_or_raises_is_passed_over_for_that_request_only(
    server: Running, word: str
) -> None:
    answer = server.answer(f"{word} disk space")
    assert answer["command_served_by"] == answer["intent"]["served_by"] == "rules"
    assert answer["commands"][0]["command"].startswith("df")
    assert answer["degraded"]
    reason = {"nan": "not_finite", "boom": "raised"}[word]
    assert f"command_predictor champion: {reason}" in answer["reasons"]
    assert server.answer("disk space")["served_by"] == "champion"


def test_where_neither_model_nor_rules_answer_the_default_does(server: Running) -> None:
    answer = server.answer(f"nan {BEYOND_RULES}")
    assert answer["command_served_by"] == "default"
    shares = [command["confidence"] for command in answer["commands"]]
    assert shares == sorted(shares, reverse=True)
    assert answer["action"]["name"] != "execute"


def test_a_command_that_no_model_chose_is_never_executed(models: Path, log_dir: Path) -> None:
    release(models, "command_predictor")
    release(models, "policy", TinyGraph(bias=(30.0, 0.0, 0.0, 0.0, 0.0), exploration=0.0))
    with running(models, log_dir) as server:
        assert server.answer("disk space")["action"]["name"] == "execute"
        for _ in range(4):
            answer = server.answer("nan disk space")
            assert answer["command_served_by"] == "rules"
            assert answer["action"]["name"] != "execute"


def test_without_any_release_the_rules_answer_and_readiness_says_what_is_missing(models: Path, log_dir: Path) -> None:
    with running(models, log_dir) as server:
        answer = server.answer("how much disk space is left")
        assert (answer["command_served_by"], answer["intent"]["label"]) == ("rules", "disk_usage")
        assert answer["action"]["name"] == "suggest"
        ready = server.client.get("/readyz")
        assert ready.status_code == 503
        assert "command_predictor: no_release" in ready.json()["problems"]
        assert server.client.get("/healthz").status_code == 200


def test_without_any_release_and_beyond_the_rules_a_person_takes_over(models: Path, log_dir: Path) -> None:
    with running(models, log_dir) as server:
        answer = server.answer(BEYOND_RULES)
        assert answer["commands"] == []
        assert answer["intent"]["label"] is None
        assert answer["action"] == {"name": "hand_over", "propensity": None, "served_by": "human", "version": "human"}
        assert answer["served_by"] == "human"


def test_a_champion_killed_before_the_start_is_replaced_by_the_previous_version(models: Path, log_dir: Path) -> None:
    release_all(models)
    release(models, "command_predictor", TinyGraph(version_mark=2.0))
    damaged = models / "command_predictor" / "1.0.1" / "model.onnx"
    damaged.chmod(0o600)
    damaged.write_bytes(b"not a graph")
    with running(models, log_dir) as server:
        until(lambda: server.answer(BEYOND_RULES)["command_served_by"] == "previous")
        answer = server.answer(BEYOND_RULES)
        assert answer["command_version"] == "1.0.0"
        assert answer["degraded"]
        assert "command_predictor champion: not_loaded" in answer["reasons"]
        assert server.answer("disk space")["command_served_by"] == "rules"
        assert server.metric("model_load_failures_total", reason="integrity") == 1


def test_a_champion_pointer_removed_before_the_start_leaves_the_previous_version(models: Path, log_dir: Path) -> None:
    release_all(models)
    release(models, "command_predictor", TinyGraph(version_mark=2.0))
    (models / "command_predictor" / "champion.json").unlink()
    with running(models, log_dir) as server:
        until(lambda: server.answer(BEYOND_RULES)["command_served_by"] == "previous")


def test_a_champion_pointer_removed_while_serving_changes_no_answer(models: Path, log_dir: Path) -> None:
    release_all(models)
    with running(models, log_dir) as server:
        (models / "command_predictor" / "champion.json").unlink()
        until(lambda: server.metric("model_load_failures_total", reason="pointer") == 1)
        assert server.answer("disk space")["served_by"] == "champion"
        assert server.client.get("/readyz").json()["problems"] == ["command_predictor: pointer"]


def seconds_of(server: Running, request: str, **fields: Any) -> float:
    started = time.monotonic()
    server.answer(request, **fields)
    return time.monotonic() - started


def test_a_slow_model_is_answered_for_within_the_deadline_and_does_not_hold_up_the_next(
    models: Path, log_dir: Path
) -> None:
    release_all(models)
    with running(models, log_dir, deadline_ms=2_000) as server:
        answer = server.answer("slow disk space", deadline_ms=300)
        assert answer["command_served_by"] == "rules"
        assert "command_predictor champion: deadline" in answer["reasons"]
        assert server.answer("disk space")["served_by"] == "champion", "the abandoned run was not interrupted"
        # The best of three: the machine may be busy with something else.
        assert 0.3 <= min(seconds_of(server, "slow disk space", deadline_ms=300) for _ in range(3)) < 0.5
        assert server.metric("model_requests_total", outcome="deadline") == 4


def test_a_client_cannot_lengthen_the_deadline(models: Path, log_dir: Path) -> None:
    release_all(models)
    with running(models, log_dir, deadline_ms=300) as server:
        assert min(seconds_of(server, "slow list", deadline_ms=60_000) for _ in range(3)) < 0.5


def test_a_link_that_keeps_failing_is_left_out(models: Path, log_dir: Path) -> None:
    release_all(models)
    with running(models, log_dir) as server:
        for _ in range(5):
            server.answer("nan disk space")
        answer = server.answer("disk space")
        assert answer["command_served_by"] == "rules"
        assert "command_predictor champion: breaker_open" in answer["reasons"]
        assert server.metric("model_circuit_breaker_open", name="command_predictor", responder="champion") == 1


@pytest.mark.parametrize(
    ("words", "responder"),
    [
        ("frob", "champion"),
        ("smash", "champion"),
        ("nan delete the folder", "rules"),
        ("nan how do I install packages", "rules"),
        ("frob", "previous"),
        ("smash", "previous"),
        ("nan", "default"),
    ],
)
def test_whichever_link_answers_nothing_refused_leaves_and_no_danger_is_executed(
    words: str, responder: str, models: Path, log_dir: Path
) -> None:
    """The releases here would most like to pipe a download into a shell, and the policy to execute everything."""
    release(models, "policy", TinyGraph(bias=(30.0, 0.0, 0.0, 0.0, 0.0), exploration=0.0))
    release(models, "command_predictor")
    if responder == "previous":
        release(models, "command_predictor", TinyGraph(version_mark=1.0))
        (models / "command_predictor" / "champion.json").unlink()
    with running(models, log_dir) as server:
        answers = [server.answer(words) for _ in range(3)]
    for answer in answers:
        assert answer["command_served_by"] == responder
        assert all(command["risk"] != "refused" for command in answer["commands"])
        assert all("curl" not in command["command"] for command in answer["commands"])
        if answer["commands"][0]["risk"] == "danger" or responder in ("rules", "default"):
            assert answer["action"]["name"] != "execute"
    assert (answers[0]["commands"][0]["risk"] == "danger") == (words == "smash")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def failing(times: int) -> tuple[CircuitBreaker, Clock]:
    clock = Clock()
    breaker = CircuitBreaker(failures=5, window=10.0, rest=30.0, clock=clock)
    for _ in range(times):
        breaker.record(succeeded=False)
    return breaker, clock


def test_four_failures_leave_a_breaker_closed_and_the_fifth_opens_it() -> None:
    assert failing(4)[0].permits(9) == 9
    assert failing(5)[0].permits(9) == 0


def test_failures_spread_over_more_than_the_window_do_not_open_it() -> None:
    breaker, clock = failing(4)
    clock.now = 10.1
    breaker.record(succeeded=False)
    assert not breaker.open


def test_an_open_breaker_lets_one_probe_through_after_its_rest() -> None:
    breaker, clock = failing(5)
    clock.now = 29.9
    assert breaker.permits(9) == 0
    clock.now = 30.0
    assert (breaker.permits(9), breaker.permits(9)) == (1, 0)


def test_a_good_probe_closes_a_breaker_and_a_bad_one_does_not() -> None:
    for succeeded, permitted in ((True, 9), (False, 0)):
        breaker, clock = failing(5)
        clock.now = 30.0
        breaker.permits(1)
        breaker.record(succeeded=succeeded)
        assert breaker.permits(9) == permitted
