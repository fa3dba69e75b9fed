"""`ccml erase` after whole runs: models, releases, reports, experiments and the records of runs; at its full size; and
killed at every stage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ccml.home import Home
from ccml.privacy.pseudonyms import Pseudonyms, load_or_create_key
from ccml.profiles import PROFILES
from ccml.telemetry.events import KINDS
from ccml.telemetry.lake import QUARANTINE
from ccml.telemetry.totals import landed_totals
from ccml_cli.erase import erase_person
from ccml_cli.ingest import ingest_logs
from ccml_simulator.simulate import simulate
from ccml_tests.byte_search import files_with
from ccml_tests.cli.marked_person import MARKS, NAME, OTHERS, event, events, line, write_logs
from ccml_tests.telemetry import stored

TABLES = (*KINDS, QUARANTINE)
KILLS = 40


def _ccml(home: Home, *words: object) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("ccml")), *map(str, words)]
    environment = {**os.environ, "CCML_HOME": str(home.root), "CCML_PROFILE": "smoke"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _marks(home: Home) -> list[str]:
    return [*MARKS, Pseudonyms(load_or_create_key(home.key_file)).of("user", NAME)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """After a whole run over the telemetry of twenty people and the marked one, who wrote more than anybody else."""
    folder = tmp_path_factory.mktemp("erased")
    home = Home(folder / "ccml")
    write_logs(home.landing, folder / "outside")
    simulate(PROFILES["smoke"].simulation, home.landing, home.truth)
    many = [line(one) for one in events(NAME, "zqhafen", turns=58)]
    (home.landing / "more.jsonl").write_bytes(b"\n".join([*many, line(event("interaction", 3, OTHERS[0]))]) + b"\n")
    done = _ccml(home, "run")
    assert done.returncode == 0, done.stdout + done.stderr
    return home


@pytest.mark.slow
def test_after_a_whole_run_no_byte_of_the_person_stays_and_the_next_run_learns_without_them(trained: Home) -> None:
    marks = _marks(trained)
    before = files_with(trained.root, marks)
    assert {path.split("/")[0] for paths in before.values() for path in paths} >= {"landing", "lake"}

    done = _ccml(trained, "erase", "--user", NAME, "--yes", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert files_with(trained.root, marks) == {}
    assert _ccml(trained, "doctor", "--json").returncode == 0

    again = _ccml(trained, "run", "--json")
    assert again.returncode == 0, again.stdout + again.stderr
    assert files_with(trained.root, marks) == {}
    assert landed_totals(trained.lake)["landed"]["interactions"] == len(stored.rows(trained.lake, "interactions"))
    assert not doctor(trained)["damaged"]


def doctor(home: Home) -> Any:
    return json.loads(_ccml(home, "doctor", "--json").stdout)


@pytest.mark.slow
def test_killed_at_any_moment_the_same_command_erases_the_rest(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ccml_tests.cli.erase_kills", str(tmp_path), str(KILLS), "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    counts = json.loads(done.stdout)
    assert counts["faults"] == []
    assert counts["kills"] >= KILLS


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(2_000, id="small"),
        pytest.param(
            1_000_000,
            id="full",
            marks=[
                pytest.mark.slow,
                pytest.mark.acceptance(
                    "No byte of an erased person stays under the home, no row of others changes, and it takes a minute",
                    fault="`ccml erase` of a person in 3 daily partitions, quarantine, landing zone and logs",
                ),
            ],
        ),
    ],
)
def test_a_person_is_erased_from_many_rows_of_others_in_a_minute(
    home: Home, tmp_path: Path, rows: int, record_property: Callable[[str, object], None]
) -> None:
    write_logs(home.landing, tmp_path / "outside")
    per_day = rows // 60
    for day in range(60):
        when = f"2026-0{1 + day // 28}-{1 + day % 28:02}"
        with (home.landing / f"day-{day}.jsonl").open("wb") as log:
            for number in range(per_day):
                user = f"reader{number % 50}"
                found = event("interaction", number, user, request=f"show page {number % 999}", command="man ls")
                log.write(
                    line(found | {"event_id": f"{day}-{number}", "time": f"{when}T{number % 24:02}:00:00Z"}) + b"\n"
                )
    ingest_logs(tmp_path / "outside", "auto", quiet=True)
    home.logs.mkdir(exist_ok=True)
    (home.logs / "ccml.log").write_text(f"a warning about {NAME}\n")
    marks = _marks(home)
    assert set(files_with(home.root, marks)) == set(marks)
    before = _rows_but_of(home, marks[-1])

    began = time.monotonic()
    facts = erase_person(NAME, yes=True, quiet=True)
    seconds = time.monotonic() - began

    kept = _rows_but_of(home, marks[-1])
    assert facts["found"]["days"] == 3
    assert files_with(home.root, marks) == {}
    assert kept == before
    assert seconds <= 60
    record_property("size", f"{sum(facts['found']['rows'].values())} of {sum(kept[table] for table in KINDS):,} rows")
    record_property("bytes of the person found", 0)
    record_property("rows of others changed", 0)
    record_property("seconds", f"{seconds:.0f}")


def _rows_but_of(home: Home, pseudonym: str) -> dict[str, int]:
    """Table → rows of others; a digest of all of them stands beside the number."""
    counts: dict[str, int] = {}
    for table in TABLES:
        rows = stored.rows(home.lake, table)
        rows = rows[(rows["user_id"] != pseudonym) & ~(rows["user_id"].isna() & (rows["line"] == 2))]
        rows = rows.drop(columns=["path"], errors="ignore").astype(str)
        counts[table] = len(rows)
        counts[f"{table}, digest"] = int(pd.util.hash_pandas_object(rows, index=False).sum() % 2**63)
    return counts
