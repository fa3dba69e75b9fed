"""`ccml simulate`: files for the landing zone, and what cannot be simulated, in one sentence."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ccml.home import Home
from ccml_simulator.drift import DRIFT_KINDS
from ccml_tests.cli.conftest import Call

SMALL = ("--users", "3", "--days", "4", "--interactions", "40", "--seed", "5")


def test_the_files_go_to_the_landing_zone_and_the_truth_elsewhere(ccml: Call, home: Home) -> None:
    done = ccml("simulate", *SMALL, "--json")
    assert done.code == 0
    assert done.facts["into"] == str(home.landing)
    lines = sum(path.read_text().count('"kind":"interaction"') for path in home.landing.glob("*.jsonl"))
    assert done.facts["interactions"] == lines
    assert (home.truth / "interactions.parquet").is_file()


def test_the_last_day_is_yesterday(ccml: Call, tmp_path: Path) -> None:
    ccml("simulate", *SMALL, "--into", tmp_path / "logs")
    newest = max((tmp_path / "logs").iterdir()).stem.removeprefix("telemetry-")
    assert date.fromisoformat(newest) <= datetime.now(UTC).date() - timedelta(days=1)


def test_a_person_reads_how_much_was_made_and_where(ccml: Call, tmp_path: Path) -> None:
    done = ccml("simulate", *SMALL, "--into", tmp_path / "logs")
    assert done.out.endswith(f"interactions of 3 users in {tmp_path / 'logs'}\n")


def test_drift_sets_in_on_the_named_day(ccml: Call, home: Home) -> None:
    done = ccml("simulate", *SMALL, "--drift", "wording", "--drift", "commands", "--drift-day", "3")
    assert done.code == 0
    change = json.loads((home.truth / "drift.json").read_text())["drift"]
    assert change["kinds"] == ["wording", "commands"]
    assert date.fromisoformat(change["day"]) == datetime.now(UTC).date() - timedelta(days=2)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("--drift", "wording"), "--drift and --drift-day go together"),
        (("--drift-day", "2"), "--drift and --drift-day go together"),
        (("--drift", "wording", "--drift-day", "5"), "--drift-day is 5, but only 4 days are simulated"),
        (("--drift", "weather", "--drift-day", "2"), f"expected one or more of {', '.join(DRIFT_KINDS)}"),
    ],
)
def test_a_drift_that_cannot_be_is_one_sentence_and_code_2(
    ccml: Call, home: Home, words: tuple[str, ...], shown: str
) -> None:
    done = ccml("simulate", *SMALL, *words)
    assert done.code == 2
    assert shown in done.err
    assert done.err.count("\n") == 1
    assert not home.landing.exists()


@pytest.mark.parametrize("option", ["--users", "--days", "--interactions", "--drift-day"])
def test_a_count_below_one_is_code_2(ccml: Call, option: str) -> None:
    assert ccml("simulate", option, "0").code == 2
