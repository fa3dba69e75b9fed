"""`ccml serve`, `ask` and `bench serve`, on a home without releases: rules answer, and say that they did."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ccml.home import Home
from ccml.serving.http.server import listen
from ccml_tests.cli.conftest import Call


def test_ask_answers_from_the_rules_where_nothing_was_released(ccml: Call) -> None:
    done = ccml("ask", "find the big log files", "--directory", "/srv", "--history", "ls -la", "--json")
    assert done.code == 0
    answer = done.facts
    assert answer["intent"]["label"] == "find_files"
    assert answer["commands"]
    assert answer["degraded"] is True


def test_a_person_sees_intent_action_and_commands(ccml: Call) -> None:
    shown = ccml("ask", "find the big log files").out
    assert "intent   find_files" in shown
    assert "action   " in shown
    assert "degraded: " in shown


def test_asking_a_server_that_is_not_there_is_one_sentence_and_code_2(ccml: Call) -> None:
    with listen(0) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    done = ccml("ask", "list files", "--url", url)
    assert done.code == 2
    assert done.err.startswith(f"ccml: No server answers at {url}")


def test_an_empty_request_is_one_sentence_and_code_2(ccml: Call) -> None:
    done = ccml("ask", "")
    assert done.code == 2
    assert done.err.startswith("ccml: The request cannot be used: ")


def test_serving_on_a_taken_port_is_one_sentence_and_code_2(ccml: Call) -> None:
    with listen(0) as taken:
        taken.listen()
        done = ccml("serve", "--port", taken.getsockname()[1])
    assert done.code == 2
    assert "choose another --port" in done.err


def test_serving_with_a_key_that_others_may_read_is_code_4(ccml: Call, home: Home) -> None:
    home.root.mkdir(parents=True)
    home.key_file.write_bytes(b"k" * 32)
    home.key_file.chmod(0o644)
    done = ccml("serve", "--port", "0")
    assert done.code == 4
    assert str(home.key_file) in done.err


def test_bench_measures_a_server_of_its_own(ccml: Call, home: Home) -> None:
    done = ccml("bench", "serve", "--requests", "40", "--clients", "2", "--json")
    assert done.code == 0
    assert done.facts["outcomes"]["200"] == 40
    assert 0 < done.facts["p50_ms"] <= done.facts["p99_ms"]
    assert 0 < done.facts["server_memory_mb"] < 256
    assert not home.landing.exists()


@pytest.mark.parametrize("option", ["--requests", "--clients"])
def test_bench_of_nothing_is_code_2(ccml: Call, option: str) -> None:
    assert ccml("bench", "serve", option, "0").code == 2


def test_a_served_answer_is_asked_for_by_url_and_a_stop_is_code_0(ccml: Call, home: Home) -> None:
    command = [str(Path(sys.executable).with_name("ccml")), "serve", "--port", "0"]
    with subprocess.Popen(command, env=dict(os.environ), stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        first = server.stderr.readline()
        assert "Answering on" in first, "nothing before it: lines of `uvicorn.error` read as errors"
        url = first.split()[-1]
        done = ccml("ask", "list files", "--url", url, "--json")
        server.send_signal(signal.SIGTERM)
        server.stderr.read()
        assert server.wait(20) == 0
    assert done.code == 0
    assert done.facts["interaction_id"] in "".join(path.read_text() for path in home.landing.rglob("*.jsonl"))
