"""`ccml ask` and `ccml bench serve` from the library's side."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from ccml.errors import InputError
from ccml.home import Home
from ccml.serving.http.client import ask, ask_here, machine_state, panel
from ccml_cli.load import bench, server_for_bench
from ccml_tests.serving.server import Running
from ccml_tests.serving.tiny import release_all


def shown(answer: object) -> str:
    screen = StringIO()
    Console(file=screen, width=120).print(panel(answer))  # type: ignore[arg-type]
    return screen.getvalue()


def test_asking_a_server_shows_intent_commands_and_action_with_who_answered(server: Running) -> None:
    answer = ask("list files", url=server.url, history=["cd app"])
    text = shown(answer)
    for part in ("inspect_file", "ls -la", "safe", answer.action.name, "champion 1.0.0", "propensity"):
        assert part in text
    assert "degraded" not in text


def test_a_degraded_answer_says_why(server: Running) -> None:
    assert "not_finite" in shown(ask("nan disk space", url=server.url))


def test_asking_without_a_server_loads_the_releases_here(models: Path) -> None:
    release_all(models)
    answer = ask_here("list files", models=models)
    assert (answer.commands[0].command, answer.degraded) == ("ls -la", False)


def test_asking_here_before_any_release_is_answered_by_rules(models: Path) -> None:
    answer = ask_here("how much disk space is left", models=models)
    assert answer.command_served_by == "rules"


def test_no_server_is_one_sentence_that_says_what_to_do() -> None:
    with pytest.raises(InputError, match="Start one with `ccml serve`"):
        ask("list files", url="http://127.0.0.1:9")


def test_a_request_that_cannot_be_used_is_one_sentence(server: Running, models: Path) -> None:
    with pytest.raises(InputError, match="request: "):
        ask(" ", url=server.url)
    with pytest.raises(InputError, match="request: "):
        ask_here(" ", models=models)


def test_the_state_of_this_machine_is_within_what_the_server_takes() -> None:
    state = machine_state()
    assert 0 <= state["disk_percent"] <= 100
    assert all(value >= 0 for value in state.values())


def test_a_bench_of_a_server_of_its_own_counts_every_request(home: Home) -> None:
    release_all(home.models)
    with server_for_bench(home) as url:
        closed = bench(url, requests=200, clients=4)
        opened = bench(url, seconds=1.0, rate=50.0, clients=8)
    # Each of the four clients may have one more on its way when the last one is counted.
    assert 200 <= closed.requests < 204
    assert closed.outcomes["200"] == closed.requests
    assert 45 <= opened.requests <= 51
    assert 0 < opened.p50_ms <= opened.p95_ms <= opened.p99_ms <= opened.largest_ms
    assert 20 < opened.server_memory_mb < 200
    assert not (home.landing / "served").exists(), "made-up requests must not land with real telemetry"


def test_a_bench_without_a_server_says_so() -> None:
    with pytest.raises(InputError, match="Start one with `ccml serve`"):
        bench("http://127.0.0.1:9", requests=1)
