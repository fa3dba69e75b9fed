"""What was prepared from rows that were taken back is prepared anew."""

from __future__ import annotations

import os
from pathlib import Path

from ccml.telemetry.sources import name_source
from ccml_assets.landing import files_waiting
from ccml_tests.assets import evening
from ccml_tests.assets.platform import DAYS, Platform
from ccml_tests.telemetry import stored


def typed(folder: Path, *commands: str) -> Path:
    """A shell history without times: its commands are of the day after the evening's last."""
    path = folder / "history"
    path.write_text("".join(f"{one}\n" for one in commands))
    os.utime(path, (evening.MIDNIGHT.timestamp() + 90_000,) * 2)
    return path


def prepare(platform: Platform) -> list[str]:
    """Lands, and prepares what is pending as `ccml run` does; the days that were."""
    assert platform.run("ingest").success
    pending = platform.pending()
    if pending:
        assert platform.run("prepare", days=(pending[0], pending[-1])).success
    assert platform.pending() == []
    return pending


def test_days_made_of_rows_that_were_taken_back_are_made_anew(platform: Platform, tmp_path: Path) -> None:
    log = typed(tmp_path, "dear diary", "today it rained")
    platform.put("evening.jsonl", evening.EVENTS)
    name_source(platform.home, log, "bash-history")
    assert prepare(platform) == DAYS
    assert {"dear diary", "today it rained"} <= set(platform.table("clean", "interactions")["command"])

    name_source(platform.home, log, "native")
    assert list(files_waiting(platform.home)) == [str(log)]
    assert prepare(platform) == DAYS[1:], "the day that is empty now, and the one beside it"

    assert sorted(platform.table("clean", "interactions")["interaction_id"]) == sorted(evening.TURNS)
    assert sorted(platform.table("raw", "interactions")["event_id"]) == sorted(evening.TURNS)
    assert len(stored.quarantine(platform.home.lake)) == 2
    assert prepare(platform) == []


def test_a_day_that_was_emptied_is_made_again_when_events_land_on_it(platform: Platform, tmp_path: Path) -> None:
    log = typed(tmp_path, "make", "make test")
    for format, expected in (("bash-history", 2), ("native", 0), ("zsh-history", 2)):
        name_source(platform.home, log, format)
        assert prepare(platform) == [DAYS[2]]
        assert len(platform.table("clean", "interactions")) == expected
