"""After a whole run no secret that was in a log stands anywhere under the home: canaries of every input kind, in lines
that land and in lines that are refused, in other encodings and in names of files.

Every file is searched as it is and through its own library: Parquet, gzip, zip, databases.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ccml.home import Home
from ccml.profiles import PROFILES
from ccml_simulator.simulate import simulate
from ccml_tests.byte_search import files_with
from ccml_tests.telemetry import stored

pytestmark = pytest.mark.slow

LAST_DAY = date(2025, 6, 20)
PEOPLE = [f"zq{name}" for name in ("hopper", "torvalds", "hamilton", "thompson", "liskov", "ritchie")]
HOSTS = [f"zqbox-{place}" for place in range(len(PEOPLE))]


class Canaries:
    """Passwords and tokens, each used in one place."""

    def __init__(self) -> None:
        self.placed: dict[str, str] = {}

    def password(self, place: str) -> str:
        return self._place(place, f"Zq{len(self.placed)}vogel-Kiesel{len(self.placed)}")

    def token(self, place: str) -> str:
        return self._place(place, "ghp_" + f"Zq{len(self.placed):03}kW9xT" * 5)

    def _place(self, place: str, canary: str) -> str:
        self.placed[canary] = place
        return canary


def _event(kind: str, number: int, **fields: Any) -> dict[str, Any]:
    who = number % len(PEOPLE)
    found = {"kind": kind, "event_id": f"{kind}-{number}", "time": f"2025-06-1{number % 9}T10:{number % 60:02}:00Z",
             "user_id": PEOPLE[who], "session_id": f"session-{who}", **fields}  # fmt: skip
    if kind in ("execution", "error", "feedback"):
        found.setdefault("interaction_id", f"interaction-{number}")
    return found


def _landing(canaries: Canaries) -> Iterator[bytes]:
    """Events of the five kinds that land; each private text stands in as many events as a model needs to learn it."""
    password, token = canaries.password, canaries.token
    said, typed, piped, place = (
        password(f"interaction, {where}") for where in ("request", "command", "pipe", "folder")
    )
    failed, mended, answered, window = (password(where) for where in ("error", "recovery", "feedback", "system state"))
    held, tagged = token("identifier"), token("model version")
    for number in range(240):
        host = HOSTS[number % len(HOSTS)]
        yield _line(_event("interaction", number, host=host, request=f"my password is {said}, dump the shop",
                           command=f"mysqldump -u root -p{typed} shop", directory=f"/srv/password={place}/x",
                           session_id=f"s-{held}", model_versions={"policy": f"1 {tagged}"}))  # fmt: skip
        yield _line(_event("interaction", 1000 + number, host=host, request="restart the web server",
                           command=f"echo {piped} | sudo -S systemctl restart nginx"))  # fmt: skip
        yield _line(_event("execution", number, exit_status=1, duration_ms=3.5, source=f"native token={tagged}"))
        yield _line(_event("error", number, message=f"Access denied for user 'root' with password '{failed}'",
                           recovery_command=f"export DB_PASSWORD={mended}", category="permission"))  # fmt: skip
        yield _line(_event("feedback", number, rating=2, corrected_command=f"sshpass -p {answered} ssh web"))
        yield _line(_event("system_state", number, host=host, active_application=f"vim password={window}.txt"))


def _refused(canaries: Canaries) -> Iterator[bytes]:
    password = canaries.password
    secret = password("refused, unknown field")
    yield _line(_event("interaction", 5001, request=f"go with {secret}", colour=1))
    yield _line(_event("interaction", 5002, **{password("refused, name of a field"): 1}))
    yield _line(_event("interaction", 5003, action=password("refused, enumeration")))
    secret = "".join(f"\\u{ord(c):04x}" for c in password("refused, escapes"))
    yield f'{{"kind": "interaction", "request": "{secret}"}}'.encode()
    yield _line(_event("interaction", 5004, request=password("refused, truncated")))[:-9]
    yield _line(_event("interaction", 5005, request=f"\x00{password('refused, NUL')}")).replace(b"\\u0000", b"\x00")
    yield b"\xe9" + password("refused, Latin-1").encode()
    yield password("refused, no JSON").encode()
    yield _line(_event("interaction", 5006, request=password("refused, future"), time="2999-01-01T00:00:00Z"))
    yield _line(_event("interaction", 0, request=password("refused, conflict")))


def _line(event: dict[str, Any]) -> bytes:
    return json.dumps(event).encode()


def _write_logs(logs: Path, canaries: Canaries) -> None:
    simulate(PROFILES["smoke"].simulation, logs, logs.parent / "truth", end=LAST_DAY)
    (logs / "assistant.jsonl").write_bytes(b"\n".join([*_landing(canaries), *_refused(canaries)]))
    named = logs / f"backup-password={canaries.password('name of a folder')}"
    named.mkdir()
    (named / f"{canaries.token('name of a file')}.jsonl").write_bytes(_line(_event("interaction", 7000)))
    (logs / "utf16.jsonl").write_bytes(
        _line(_event("interaction", 8000, request=canaries.password("UTF-16"))).decode().encode("utf-16")
    )
    history = [f"#17497{number:05}\nmysql -uroot -p{canaries.password(f'history {number}')} x\n" for number in range(9)]
    (logs / "bash_history").write_text("".join(history))
    call = {"type": "tool_use", "id": "toolu_1", "name": "Bash",
            "input": {"command": f"curl -su ada:{canaries.password('session, call')} https://x.test"}}  # fmt: skip
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": True,
              "content": f"login failed: password={canaries.password('session, result')}"}  # fmt: skip
    records = [
        {"type": "user", "message": {"role": "user", "content": f"the pw is {canaries.password('session, request')}"}},
        {"type": "assistant", "message": {"role": "assistant", "id": "m1", "content": [call]}},
        {"type": "user", "message": {"role": "user", "content": [result]}},
        {"type": canaries.token("session, record type")},
    ]
    folder = logs / "-home-zqhopper-app"
    folder.mkdir()
    common = {"sessionId": "0f0f0f0f-0000-4000-8000-000000000000", "cwd": "/home/zqhopper/app", "version": "2.0.0"}
    lines = [
        {**common, "uuid": f"u{place}", "parentUuid": f"u{place - 1}" if place else None,
         "timestamp": f"2025-06-12T09:00:0{place}.000Z", **record}
        for place, record in enumerate(records)
    ]  # fmt: skip
    (folder / "session.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Canaries]:
    folder = tmp_path_factory.mktemp("canaries")
    home, canaries = Home(folder / "ccml"), Canaries()
    _write_logs(folder / "logs", canaries)
    environment = {**os.environ, "CCML_HOME": str(home.root), "CCML_PROFILE": "smoke"}
    command = [str(Path(sys.executable).with_name("ccml")), "run", "--input", str(folder / "logs")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    (home.root / "terminal.txt").write_text(done.stdout + done.stderr)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return home, canaries


def test_the_run_read_the_logs_with_the_canaries_and_the_search_sees_what_stands_there(
    ran: tuple[Home, Canaries],
) -> None:
    home, canaries = ran
    assert len(stored.quarantine(home.lake)) >= 11
    assert len(canaries.placed) >= 30
    assert len(list(home.reports.glob("*.html"))) >= 4
    harmless = ["restart the web server", "systemctl restart nginx", "<secret:password>"]
    assert set(files_with(home.root, harmless)) >= set(harmless)


def test_no_canary_stands_anywhere_under_the_home(ran: tuple[Home, Canaries]) -> None:
    home, canaries = ran
    found = files_with(home.root, list(canaries.placed))
    assert not found, {canaries.placed[canary]: places for canary, places in found.items()}


def test_no_person_and_no_host_is_named_anywhere_under_the_home(ran: tuple[Home, Canaries]) -> None:
    home, _ = ran
    assert not files_with(home.root, [*PEOPLE, *HOSTS])
