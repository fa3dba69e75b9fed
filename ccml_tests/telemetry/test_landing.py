from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ccml.errors import IntegrityError
from ccml.privacy.pseudonyms import Pseudonyms
from ccml.telemetry import batch, landing
from ccml.telemetry import lake as lake_tables
from ccml.telemetry.attempts import Attempt
from ccml.telemetry.events import KINDS
from ccml.telemetry.lake import landed_days, open_table, read_landed, write_once
from ccml.telemetry.landing import LandingReport, land
from ccml.telemetry.schema import arrow_schema
from ccml.telemetry.sources import Source
from ccml_tests.telemetry import stored

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PSEUDONYMS = Pseudonyms(b"k" * 32)


def event(number: int, kind: str = "interaction", **fields: Any) -> dict[str, Any]:
    day = 1 + number % 3
    found = {
        "kind": kind,
        "event_id": f"{kind}-{number}",
        "time": f"2026-01-{day:02}T09:00:{number % 60:02}Z",
        "user_id": "ada",
        "session_id": "s-1",
        **fields,
    }
    if kind in ("execution", "error", "feedback"):
        found.setdefault("interaction_id", f"interaction-{number}")
    return found


def write(path: Path, *lines: dict[str, Any] | bytes, end: bytes = b"\n") -> Path:
    raw = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\n".join(raw) + end)
    return path


def landed(path: Path, lake: Path, format: str = "native", now: datetime = NOW) -> LandingReport:
    return land([Source(str(path), format)], lake, PSEUDONYMS, now)


def ids(lake: Path, kind: str = "interactions") -> list[str]:
    return sorted(read_landed(lake, kind, landed_days(lake))["event_id"])


def test_the_five_kinds_land_in_their_tables_by_day(tmp_path: Path) -> None:
    write(
        tmp_path / "in" / "a.jsonl",
        *(event(number, kind) for number, kind in enumerate(("interaction", "execution", "error", "feedback"))),
        event(4, "system_state", host="box", cpu_percent=12.5),
    )

    report = landed(tmp_path / "in", tmp_path / "lake")

    assert report.landed == dict.fromkeys(KINDS, 1)
    assert report.days == landed_days(tmp_path / "lake") == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert landed_days(tmp_path / "lake", "interactions") == ["2026-01-01"]
    states = read_landed(tmp_path / "lake", "system_states", report.days)
    assert list(states.columns) == arrow_schema("system_states").names
    assert states["cpu_percent"].tolist() == [12.5]


def test_only_the_asked_days_are_read_with_their_types(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", *(event(number, "execution", failed=bool(number)) for number in range(3)))
    landed(tmp_path / "a.jsonl", tmp_path / "lake")

    found = read_landed(tmp_path / "lake", "executions", ["2026-01-02", "2030-01-01"])

    assert found["event_id"].tolist() == ["execution-1"]
    assert found.dtypes.astype(str)[["time", "failed", "exit_status"]].tolist() == [
        "datetime64[us, UTC]",
        "boolean",
        "Int64",
    ]
    assert read_landed(tmp_path / "lake", "errors", ["2026-01-02"]).empty


BAD_LINES: list[tuple[dict[str, Any] | bytes, str]] = [
    (b'{"kind": "interaction", "event_id": ', "bad_json"),
    (b"not json", "not_json"),
    (event(11, request=7), "wrong_type"),
    (event(12, colour="red"), "unknown_field"),
    ({name: value for name, value in event(13).items() if name != "time"}, "missing_field"),
    (event(14, kind="mood"), "unknown_kind"),
    (event(15, confidence=2), "bad_value"),
    (event(16, time="2026-06-03T00:00:00Z"), "future_time"),
    (event(17, time="1999-06-03T00:00:00Z"), "too_old"),
    (b'{"event_id": "caf\xe9"}', "bad_encoding"),
    (b'{"event_id": "\x00"}', "nul_byte"),
    (json.dumps(event(18, request="x")).encode() + b" " * 2_000_000, "too_long"),
    (b'{"a":' * 50 + b"1" + b"}" * 50, "too_deep"),
]


def test_every_bad_line_is_quarantined_with_file_and_line_and_the_rest_lands(tmp_path: Path) -> None:
    lines: list[dict[str, Any] | bytes] = [event(0)]
    for bad, _ in BAD_LINES:
        lines += [bad, event(len(lines)), b""]
    path = write(tmp_path / "a.jsonl", *lines, json.dumps(event(99)).encode()[:-20], end=b"")

    report = landed(path, tmp_path / "lake")

    quarantine = stored.quarantine(tmp_path / "lake").sort_values("line")
    assert quarantine["reason_code"].tolist() == [code for _, code in BAD_LINES] + ["truncated"]
    assert quarantine["line"].tolist() == [2 + 3 * place for place in range(len(BAD_LINES))] + [len(lines) + 1]
    assert set(quarantine["path"]) == {path.name}
    assert quarantine["shape"].str.len().max() <= 200
    assert f"{path.name}:2: bad_json" in report.examples[0]
    assert report.landed == {"interactions": len(BAD_LINES) + 1}
    assert (report.lines, report.blank, report.quarantined.total()) == (
        len(lines) + 1,
        len(BAD_LINES),
        len(BAD_LINES) + 1,
    )
    assert report.lines == report.landed_lines + report.quarantined.total() + report.blank + report.duplicates
    (file,) = stored.files(tmp_path / "lake").to_dict("records")
    assert (file["lines"], file["quarantined"], json.loads(file["landed"])) == (
        report.lines,
        report.quarantined.total(),
        dict(report.landed),
    )


def test_a_last_line_without_a_line_end_lands_if_it_is_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", event(0), event(1), end=b"")

    assert landed(path, tmp_path / "lake").landed == {"interactions": 2}


def test_an_empty_file_lands_as_nothing_once(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.touch()

    first, second = landed(path, tmp_path / "lake"), landed(path, tmp_path / "lake")

    assert (first.files, first.lines, first.landed) == (1, 0, {})
    assert (second.files, second.already_landed) == (0, 1)


def test_the_same_content_changes_nothing_under_any_name(tmp_path: Path) -> None:
    path = write(tmp_path / "in" / "a.jsonl", event(0), b"broken")
    landed(path, tmp_path / "lake")
    (tmp_path / "in" / "renamed.jsonl").write_bytes(path.read_bytes())
    versions = _versions(tmp_path / "lake")

    report = landed(tmp_path / "in", tmp_path / "lake")

    assert (report.files, report.already_landed, report.days) == (0, 2, [])
    assert _versions(tmp_path / "lake") == versions
    assert "Nothing new" in report.sentence()


def _versions(lake: Path) -> dict[str, int]:
    tables = {name: open_table(lake, name) for name in [*KINDS, "quarantine", "files"]}
    return {name: table.version() for name, table in tables.items() if table is not None}


def test_the_same_lines_in_another_order_or_within_a_grown_file_are_duplicates(tmp_path: Path) -> None:
    landed(write(tmp_path / "a.jsonl", event(0), event(1)), tmp_path / "lake")

    turned = landed(write(tmp_path / "b.jsonl", event(1), event(0)), tmp_path / "lake")
    grown = landed(write(tmp_path / "a.jsonl", event(0), event(1), event(2), event(2)), tmp_path / "lake")

    assert (turned.landed, turned.duplicates, turned.days) == ({}, 2, [])
    assert (grown.landed, grown.duplicates, grown.days) == ({"interactions": 1}, 3, ["2026-01-03"])
    assert ids(tmp_path / "lake") == ["interaction-0", "interaction-1", "interaction-2"]


def test_one_id_with_another_content_is_quarantined_in_a_file_and_between_files(tmp_path: Path) -> None:
    first = landed(
        write(tmp_path / "a.jsonl", event(0, request="one"), event(0, request="two"), event(1)), tmp_path / "lake"
    )
    second = landed(write(tmp_path / "b.jsonl", event(1, time="2026-01-09T00:00:00Z")), tmp_path / "lake")

    assert first.quarantined == second.quarantined == {"conflicting_duplicate": 1}
    assert stored.quarantine(tmp_path / "lake")[["reason_code", "line"]].values.tolist() == [
        ["conflicting_duplicate", 2],
        ["conflicting_duplicate", 1],
    ]
    assert read_landed(tmp_path / "lake", "interactions", landed_days(tmp_path / "lake"))["request"].tolist() == [
        "one",
        "",
    ]


def test_feedback_for_an_interaction_nobody_knows_lands(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", event(0, "feedback", interaction_id="unheard-of", rating=4))

    assert landed(path, tmp_path / "lake").landed == {"feedback": 1}


def test_nothing_private_is_written_anywhere_in_the_lake(tmp_path: Path) -> None:
    secret, name, host = "ghp_" + "a1B2" * 9, "adalovelace", "adas-laptop"
    write(
        tmp_path / "a.jsonl",
        event(0, user_id=name, host=host, request=f"use {secret}", directory=f"/home/{name}/x"),
        event(1, "error", user_id=name, message=f"mail {name}@example.com", recovery_command=f"export TOKEN={secret}"),
        event(2, user_id=name, host=host, colour=secret),
        json.dumps(event(3, user_id=name, host=host, request=secret)).encode()[:-3],
        f"{{user_id: '{name}', broken {secret}".encode(),
    )

    report = landed(tmp_path / "a.jsonl", tmp_path / "lake")

    assert (report.landed.total(), report.quarantined.total()) == (2, 3)
    for path in (found for found in (tmp_path / "lake").rglob("*") if found.is_file()):
        content = path.read_bytes()
        assert not [private for private in (secret, name, host) if private.encode() in content], path
    # Parquet compresses, so the rows are searched once more as they are read.
    for frame in (read_landed(tmp_path / "lake", kind, report.days) for kind in KINDS):
        assert not frame.astype(str).map(lambda cell: secret in cell or name in cell or host in cell).to_numpy().any()
    quarantine = stored.quarantine(tmp_path / "lake").drop(columns="path").astype(str)
    assert not quarantine.map(lambda cell: secret in cell or name in cell or host in cell).to_numpy().any()


def test_no_statistics_of_what_people_wrote_stay_in_the_log(tmp_path: Path) -> None:
    landed(write(tmp_path / "a.jsonl", event(0, request="a request to forget")), tmp_path / "lake")

    logs = [path.read_text() for path in (tmp_path / "lake").rglob("_delta_log/*.json")]
    assert logs
    assert not [log for log in logs if "a request to forget" in log]


def test_a_landing_cut_between_two_tables_is_completed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.jsonl", event(0), event(0, "execution"), event(0, "error"), b"broken")
    written: list[str] = []

    def dies(lake: Path, name: str, rows: Any, attempts: Any) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(name)
        write_once(lake, name, rows, attempts)

    with monkeypatch.context() as patch:
        patch.setattr(batch, "write_once", dies)
        with pytest.raises(KeyboardInterrupt):
            landed(path, tmp_path / "lake")
    report = landed(path, tmp_path / "lake")

    assert written == ["interactions", "executions"]
    assert report.landed == {"interactions": 1, "executions": 1, "errors": 1}
    assert report.days == ["2026-01-01"]
    assert [len(ids(tmp_path / "lake", kind)) for kind in KINDS] == [1, 1, 1, 0, 0]
    assert len(stored.quarantine(tmp_path / "lake")) == len(stored.files(tmp_path / "lake")) == 1


_LANDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from ccml.privacy.pseudonyms import Pseudonyms
from ccml.telemetry import landing
from ccml.telemetry.sources import Source
from ccml_tests.telemetry import stored
landing._ROWS_PER_COMMIT = 40
now = datetime(2026, 6, 1, tzinfo=UTC)
logs, lake = Path(sys.argv[1]), Path(sys.argv[2])
# Loading libraries takes longer than landing: done before, or every kill would hit an import.
landing.land([Source(str(logs / "0.jsonl"), "native")], lake.with_name(sys.argv[3]), Pseudonyms(b"k" * 32), now)
print("ready", flush=True)
landing.land([Source(str(logs), "native")], lake, Pseudonyms(b"k" * 32), now)
"""


def _lander(logs: Path, lake: Path, warm_up: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _LANDER, str(logs), str(lake), warm_up],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ},
    )


@pytest.mark.parametrize("rounds", [1, pytest.param(8, marks=pytest.mark.slow)])
def test_killed_writers_lose_nothing_and_double_nothing(tmp_path: Path, rounds: int) -> None:
    expected = []
    for log in range(24):
        numbers = range(log * 10, log * 10 + 10)
        expected += [f"interaction-{number}" for number in numbers]
        pairs = [each for number in numbers for each in (event(number), event(number, "execution"))]
        write(tmp_path / "in" / f"{log}.jsonl", *pairs, f"broken {log}".encode())

    cut_short = 0
    for round_ in range(rounds):
        lake = tmp_path / f"lake-{round_}"
        for attempt in range(4):
            writers = [_lander(tmp_path / "in", lake, f"warm-{round_}-{attempt}-{each}") for each in range(2)]
            for writer in writers:
                assert writer.stdout is not None
                writer.stdout.readline()
            time.sleep(0.02 + 0.03 * attempt + 0.007 * round_)
            for writer in writers:
                writer.kill()
                writer.wait()
                writer.stdout.close()  # type: ignore[union-attr]
            cut_short += len(ids(lake)) > 0 and len(stored.files(lake)) < 24
        landed(tmp_path / "in", lake)

        for table in ("interactions", "executions"):
            rows = open_table(lake, table)
            assert rows is not None
            assert rows.to_pyarrow_table().num_rows == len(expected)
        assert ids(lake) == sorted(expected)
        broken = [hashlib.sha256(f"broken {log}".encode()).hexdigest() for log in range(24)]
        assert sorted(stored.quarantine(lake)["line_sha256"]) == sorted(broken)
        assert len(stored.files(lake)) == 24
    assert cut_short > 0, "no kill hit a landing at work, so nothing was shown"


def test_a_writer_that_looked_before_another_committed_adds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.jsonl", event(0))
    write(tmp_path / "b.jsonl", event(1))
    landed(tmp_path / "a.jsonl", tmp_path / "lake")
    looked = open_table(tmp_path / "lake", "interactions")
    assert looked is not None
    landed(tmp_path / "b.jsonl", tmp_path / "lake")
    table = open_table(tmp_path / "lake", "interactions")
    assert table is not None
    rows = {
        file: table.to_pyarrow_table(filters=[("file", "=", file)]) for file in stored.files(tmp_path / "lake")["file"]
    }

    monkeypatch.setattr(lake_tables, "open_or_create_table", lambda lake, name: looked)
    write_once(tmp_path / "lake", "interactions", rows, dict.fromkeys(rows, Attempt(1, "native")))

    now = open_table(tmp_path / "lake", "interactions")
    assert now is not None
    assert now.to_pyarrow_table().num_rows == 2


def test_rows_two_writers_left_at_the_same_moment_are_read_as_the_first(tmp_path: Path) -> None:
    later = datetime(2026, 6, 2, tzinfo=UTC)
    landed(write(tmp_path / "a.jsonl", event(0, request="first")), tmp_path / "one")
    landed(write(tmp_path / "b.jsonl", event(0, request="second")), tmp_path / "other", now=later)
    table = open_table(tmp_path / "other", "interactions")
    assert table is not None
    write_once(tmp_path / "one", "interactions", {"b": table.to_pyarrow_table()}, {"b": Attempt(1, "native")})

    assert read_landed(tmp_path / "one", "interactions", ["2026-01-01"])["request"].tolist() == ["first"]


def test_files_still_being_written_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "in" / "a.jsonl.tmp", event(0))
    write(tmp_path / "in" / ".b.jsonl", event(1))
    growing = write(tmp_path / "in" / "c.jsonl", event(2))
    fingerprint = landing._fingerprint

    def grows(path: Path) -> tuple[str, int]:
        found = fingerprint(path)
        with path.open("a") as file:
            file.write(json.dumps(event(3)) + "\n")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(landing, "_fingerprint", grows)
        first = landed(tmp_path / "in", tmp_path / "lake")
    second = landed(tmp_path / "in", tmp_path / "lake")

    assert (first.files, first.changing) == (0, 1)
    assert (second.files, second.landed) == (1, {"interactions": 2})
    assert growing.exists()


def test_sums_that_do_not_agree_stop_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.jsonl", event(0), event(1))
    monkeypatch.setattr(landing, "_fingerprint", lambda path: ("sha", 3))

    with pytest.raises(IntegrityError, match="3 lines, of which the reader accounts for 2"):
        landed(path, tmp_path / "lake")

    assert landed_days(tmp_path / "lake") == []


def test_many_small_files_and_few_rows_a_commit_land_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(12):
        write(tmp_path / "in" / f"{number}.jsonl", event(number), event(number, "feedback"))
    whole = landed(tmp_path / "in", tmp_path / "whole")
    monkeypatch.setattr(landing, "_ROWS_PER_COMMIT", 5)

    parts = landed(tmp_path / "in", tmp_path / "parts")

    assert parts.metadata() == whole.metadata()
    assert ids(tmp_path / "parts") == ids(tmp_path / "whole")
    assert len(ids(tmp_path / "parts")) == 12


def test_a_session_continued_in_a_second_file_is_not_a_conflict(tmp_path: Path) -> None:
    def call(session: str) -> bytes:
        block = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}
        record = {"type": "assistant", "uuid": session, "sessionId": session, "message": {"content": [block]}}
        return json.dumps({**record, "timestamp": "2026-01-05T09:00:00Z"}).encode()

    landed(write(tmp_path / "a.jsonl", call("first")), tmp_path / "lake", "auto")
    report = landed(write(tmp_path / "b.jsonl", call("resumed")), tmp_path / "lake", "auto")

    assert (report.duplicates, report.quarantined) == (1, {})
    assert ids(tmp_path / "lake") == ["t1"]


def test_real_logs_of_every_format_land_with_sums_that_agree(tmp_path: Path, shared_data: Path) -> None:
    now = datetime.now(UTC)
    lake = tmp_path / "lake"
    for folder in ("agent_sessions", "shell_history"):
        before = set(stored.files(lake)["file"])
        report = landed(shared_data / folder, lake, "auto", now)
        accounted = report.landed_lines + report.duplicates + report.blank + report.skipped.total()
        assert report.lines == accounted + report.quarantined.total()
        written = stored.files(lake)
        written = written[~written["file"].isin(before)]
        assert len(written) == report.files
        assert report.landed.total() == sum(sum(json.loads(row).values()) for row in written["landed"])
        assert landed(shared_data / folder, lake, "auto", now).files == 0
    claude = read_landed(lake, "interactions", landed_days(lake)).query("source == 'claude-code'")
    assert len(claude.query("command != '' and not event_id.str.startswith('request:')")) == 290


def test_events_of_one_second_are_read_in_the_order_of_their_log(tmp_path: Path) -> None:
    second = "2026-01-01T09:00:00Z"
    landed(write(tmp_path / "a.jsonl", *(event(number, time=second) for number in (3, 1, 2))), tmp_path / "lake")

    found = read_landed(tmp_path / "lake", "interactions", ["2026-01-01"])

    assert found["event_id"].tolist() == ["interaction-3", "interaction-1", "interaction-2"]
