"""`ccml ui`: quiet while it runs, gone without a trace when it is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import httpx
import psutil
import pytest

from ccml.home import Home
from ccml.serving.http.server import listen
from ccml_tests.cli.conftest import Call


def interrupted(process: subprocess.Popen[str]) -> None:
    """As a terminal does it: the whole foreground group."""
    os.killpg(process.pid, signal.SIGINT)


def terminated(process: subprocess.Popen[str]) -> None:
    process.terminate()


def started(port: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ccml_cli.main", "ui", "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.fixture
def port() -> int:
    with listen(0) as free:
        return int(free.getsockname()[1])


def of_home(home: Home) -> list[str]:
    """Command lines of the processes that work on the home."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("CCML_HOME") == str(home.root) and process.pid != os.getpid():
                found.append(" ".join(process.cmdline())[:200])
        except (psutil.Error, OSError):
            continue
    return found


def until(true: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.5)


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/server_info").status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize("end", [interrupted, terminated])
@pytest.mark.parametrize("when", ["at once", pytest.param("at work", marks=pytest.mark.slow)])
def test_it_prints_one_line_and_ends_with_code_0(
    home: Home, port: int, end: Callable[[subprocess.Popen[str]], None], when: str
) -> None:
    process = started(port)
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first == f"CCML is at http://127.0.0.1:{port} — Ctrl-C ends it. Dagster's log: {home.logs / 'ui.log'}\n"
    if when == "at work":
        log = home.logs / "ui.log"
        until(lambda: answers(port), 120)
        until(lambda: "No cursor for event type" in log.read_text(), 120)  # the daemon's first words
    end(process)
    rest, _ = process.communicate(timeout=60)
    assert (rest, process.returncode) == ("", 0)
    until(lambda: of_home(home) == [], 60)


def test_when_one_of_the_two_ends_by_itself_the_command_ends_and_says_where_to_look(home: Home, port: int) -> None:
    process = started(port)
    assert process.stdout is not None
    process.stdout.readline()
    (webserver,) = [one for one in psutil.Process(process.pid).children() if "dagster-webserver" in one.cmdline()[1]]
    webserver.kill()
    rest, _ = process.communicate(timeout=60)
    assert rest == f"ccml: dagster-webserver ended with status -9; {home.logs / 'ui.log'} has its last words.\n"
    assert process.returncode == 1
    until(lambda: of_home(home) == [], 60)


def test_when_it_is_killed_its_servers_end_and_the_same_command_serves_again(home: Home, port: int) -> None:
    first = started(port)
    assert first.stdout is not None
    first.stdout.readline()
    first.kill()
    first.wait()
    again = started(port)
    assert again.stdout is not None
    lines = [again.stdout.readline() for _ in range(2)]
    assert lines[0] == "The servers of a `ccml ui` that was killed are ending; waiting for them.\n"
    assert lines[1].startswith("CCML is at ")
    terminated(again)
    assert again.wait(60) == 0
    until(lambda: of_home(home) == [], 60)


def test_a_second_one_of_the_same_home_is_refused(home: Home, port: int) -> None:
    first = started(port)
    assert first.stdout is not None
    first.stdout.readline()
    second = started(port + 1)
    rest, _ = second.communicate(timeout=60)
    sentence = f"ccml: `ccml ui` serves this home already, in process {first.pid}; end that one first.\n"
    assert (rest, second.returncode) == (sentence, 1)
    terminated(first)
    assert first.wait(60) == 0


def test_a_setting_that_cannot_be_is_an_error_before_anything_starts(ccml: Call, home: Home) -> None:
    home.root.mkdir(parents=True)
    (home.root / "ccml.toml").write_text('[command]\nlstm_units = "big"\n')
    done = ccml("ui")
    assert (done.code, done.out) == (2, "")
    assert "command.lstm_units is 'big'" in done.err
