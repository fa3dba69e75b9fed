from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccml.telemetry.events import Interaction
from ccml_tests.telemetry.readers.reading import read, read_folder


def record(**changes: object) -> dict[str, object]:
    return {
        "cmd_type": "bash-command",
        "pool_id": "1",
        "sandbox_id": "7",
        "timestamp_str": "2021-02-08T14:02:45+01:00",
        "hostname": "attacker",
        "cmd": "nmap 10.1.26.9",
        "ip": "10.1.26.23",
        "username": "root",
        "wd": "/root",
        **changes,
    }


def write(path: Path, *records: dict[str, object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(found) + "\n" for found in records))
    return path


@pytest.mark.parametrize(
    ("stamp", "moment"),
    [
        ("2021-02-08T14:02:45+01:00", datetime(2021, 2, 8, 13, 2, 45, tzinfo=UTC)),
        ("2020-12-02T08:50:29.339Z", datetime(2020, 12, 2, 8, 50, 29, 339_000, tzinfo=UTC)),
        ("2019-08-14T15:40:19.345589Z", datetime(2019, 8, 14, 15, 40, 19, 345_589, tzinfo=UTC)),
        ("2020-05-14T10:18:23.449882+02:00", datetime(2020, 5, 14, 8, 18, 23, 449_882, tzinfo=UTC)),
    ],
)
def test_each_shape_of_time_is_read(tmp_path: Path, stamp: str, moment: datetime) -> None:
    (event,) = read(write(tmp_path / "a.json", record(timestamp_str=stamp)), "muni").of(Interaction)

    assert event.time == moment


def test_people_differ_by_training_and_sandbox(tmp_path: Path) -> None:
    first = write(tmp_path / "Hacker" / "2021-02-08" / "sandbox-7-useractions.json", record())
    second = write(tmp_path / "Hacker" / "2021-02-09" / "sandbox-7-useractions.json", record())

    (one,), (other,) = read(first, "muni").of(Interaction), read(second, "muni").of(Interaction)

    assert one.user_id == "muni:Hacker/2021-02-08/sandbox-7"
    assert one.user_id != other.user_id
    assert one.event_id != other.event_id


def test_the_same_line_twice_is_two_commands_and_stays_so_in_another_order(tmp_path: Path) -> None:
    once, again = record(), record()
    path = write(tmp_path / "a.json", once, record(cmd="id"), again)
    ids = {event.event_id for event in read(path, "muni").events}
    write(path, once, again, record(cmd="id"))

    assert len(ids) == 3
    assert {event.event_id for event in read(path, "muni").events} == ids


def test_a_metasploit_command_keeps_its_tool(tmp_path: Path) -> None:
    (event,) = read(write(tmp_path / "a.json", record(cmd_type="msf-command", cmd="use 0")), "muni").of(Interaction)

    assert (event.tool, event.command) == ("msf", "use 0")


def test_bad_lines_are_refused_by_reason_and_the_rest_lands(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.json", record(cmd=1), {"cmd": "ls", "cmd_type": "bash-command"}, record(timestamp_str="x")
    )
    path.write_text(path.read_text() + "\n" + json.dumps(record()) + "\n" + json.dumps(record())[:30])

    reading = read(path, "muni")

    assert reading.refused == {1: "wrong_type", 2: "missing_field", 3: "bad_value", 6: "truncated"}
    assert reading.skipped == {"blank": 1}
    assert len(reading.events) == 1


def test_real_trainings_give_what_an_independent_count_finds(shared_data: Path) -> None:
    folder = shared_data / "shell_history" / "muni"
    lines = [json.loads(line) for path in folder.rglob("*.json") for line in path.read_text().splitlines() if line]

    reading = read_folder(folder, "*.json", "muni")

    assert reading.facts["tool_calls"] == len(reading.events) == len(lines)
    assert reading.facts["bash_commands"] == sum(line["cmd_type"] == "bash-command" for line in lines)
    assert sorted(event.command for event in reading.of(Interaction)) == sorted(line["cmd"] for line in lines)
    assert len({event.event_id for event in reading.events}) == len(lines)
    assert len({event.user_id for event in reading.events}) == len(list(folder.rglob("*.json")))
