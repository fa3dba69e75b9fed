"""A file that has landed lands again in place of itself: in another format, when its time has come, when asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ccml.telemetry import batch
from ccml.telemetry.events import KINDS
from ccml.telemetry.finding import files_read, files_to_read, write_register
from ccml.telemetry.lake import landed_days, write_once
from ccml.telemetry.landing import LandingReport
from ccml.telemetry.sources import Source
from ccml.telemetry.totals import landed_totals
from ccml_tests.telemetry import stored
from ccml_tests.telemetry.test_landing import NOW, event, ids, landed, write

BEHIND = timedelta(days=60)
TYPED = datetime(2026, 5, 1, tzinfo=UTC).timestamp()
COMMANDS = ["git status", "make test", "ls -la", "git diff", "vim notes"]


def typed(folder: Path, *commands: str) -> Path:
    path = folder / "history"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{one}\n" for one in commands or COMMANDS))
    os.utime(path, (TYPED, TYPED))
    return path


def everything(lake: Path) -> dict[str, list[Any]]:
    """What the tables hold, but for the moments of landing."""
    tables = {name: stored.rows(lake, name).drop(columns="landed_at") for name in (*KINDS, "quarantine", "files")}
    return {name: sorted(rows.astype(str).to_numpy().tolist()) for name, rows in tables.items()}


def asked_for_again(lake: Path, *files: str) -> None:
    write_register(lake, files_read(lake).to_be_read_again(files=files or set(stored.files(lake)["file"])))


def test_the_right_format_takes_the_place_of_a_wrong_one(tmp_path: Path) -> None:
    log, lake = typed(tmp_path), tmp_path / "lake"
    wrong = landed(log, lake, "native")
    assert (wrong.landed.total(), wrong.quarantined.total()) == (0, len(COMMANDS))

    right = landed(log, lake, "bash-history")

    assert (right.files, right.again, right.landed) == (1, 1, {"interactions": len(COMMANDS)})
    assert "Read again, in place of what had landed of it: 1 file." in right.sentence()
    landed(log, tmp_path / "new", "bash-history")
    assert everything(lake) == everything(tmp_path / "new")
    assert landed(log, lake, "bash-history").files == 0


def test_a_wrong_format_that_gave_events_leaves_none_of_them(tmp_path: Path) -> None:
    log, lake = typed(tmp_path), tmp_path / "lake"
    landed(log, lake, "zsh-history")
    assert len(ids(lake)) == len(COMMANDS)

    landed(log, lake, "native")

    assert ids(lake) == []
    assert landed_totals(lake)["quarantined"] == len(COMMANDS) == len(stored.quarantine(lake))
    assert landed_days(lake) == []


def test_another_file_of_the_same_folder_is_left_as_it_is(tmp_path: Path) -> None:
    log, lake = typed(tmp_path / "in"), tmp_path / "lake"
    write(tmp_path / "other.jsonl", event(1), event(1, "execution"), b"broken")
    landed(tmp_path / "other.jsonl", lake)
    before = everything(lake)
    landed(log, lake, "zsh-history")

    landed(log, lake, "native")

    after = everything(lake)
    assert [after[kind] for kind in KINDS] == [before[kind] for kind in KINDS]
    assert all(row in after[table] for table in ("quarantine", "files") for row in before[table])


@pytest.mark.parametrize("commits", range(1, 8))
@pytest.mark.parametrize("then", ["bash-history", "zsh-history"])
def test_a_change_of_format_cut_after_any_commit_is_completed_or_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commits: int, then: str
) -> None:
    log, lake = typed(tmp_path), tmp_path / "lake"
    landed(log, lake, "native")
    _cut_after(commits, monkeypatch, lambda: landed(log, lake, "bash-history"))

    landed(log, lake, then)

    landed(log, tmp_path / "new", then)
    assert everything(lake) == everything(tmp_path / "new")


@pytest.mark.parametrize("commits", range(1, 8))
def test_a_first_landing_in_a_wrong_format_that_was_cut_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commits: int
) -> None:
    log, lake = typed(tmp_path), tmp_path / "lake"
    _cut_after(commits, monkeypatch, lambda: landed(log, lake, "zsh-history"))

    landed(log, lake, "native")

    landed(log, tmp_path / "new", "native")
    assert everything(lake) == everything(tmp_path / "new")


def _cut_after(commits: int, monkeypatch: pytest.MonkeyPatch, work: Callable[[], LandingReport]) -> None:
    """Ends the work after so many of its seven tables, as a kill does."""
    written: list[str] = []

    def cut(lake: Path, name: str, *rest: Any) -> None:
        if len(written) == commits:
            raise KeyboardInterrupt
        write_once(lake, name, *rest)
        written.append(name)

    with monkeypatch.context() as patch:
        patch.setattr(batch, "write_once", cut)
        if commits == 7:
            patch.setattr(
                batch.Attempts, "__init__", _interrupt_when(lambda: len(written) == 7, batch.Attempts.__init__)
            )
        with pytest.raises(KeyboardInterrupt):
            work()


def _interrupt_when(reached: Callable[[], bool], then: Callable[..., None]) -> Callable[..., None]:
    def called(*arguments: Any) -> None:
        if reached():
            raise KeyboardInterrupt
        then(*arguments)

    return called


def test_events_that_another_file_holds_too_are_not_lost_with_a_wrong_format(tmp_path: Path) -> None:
    lake, rolled = tmp_path / "lake", [f"make target-{number}" for number in range(40)]
    first, second = typed(tmp_path / "a", *rolled[:30]), typed(tmp_path / "b", *rolled)
    assert landed(first, lake, "zsh-history").landed.total() == 30
    assert landed(second, lake, "zsh-history").duplicates == 30

    land_both = [Source(str(first), "native"), Source(str(second), "zsh-history")]
    batch_report = landing_of(land_both, lake)

    assert len(ids(lake)) == 40, "the second file holds all of them"
    assert batch_report.again == 2
    assert landing_of(land_both, lake).files == 0


def landing_of(sources: list[Source], lake: Path, now: datetime = NOW) -> LandingReport:
    from ccml.telemetry.landing import land
    from ccml_tests.telemetry.test_landing import PSEUDONYMS

    return land(sources, lake, PSEUDONYMS, now)


def future(number: int, **later: float) -> dict[str, Any]:
    return event(number, time=(NOW + timedelta(**later)).isoformat())


def test_lines_of_the_future_land_once_when_the_clock_is_right(tmp_path: Path) -> None:
    """A machine whose clock is months behind refuses everything that is written elsewhere."""
    log, lake = write(tmp_path / "a.jsonl", event(0), future(1), future(2), b"broken"), tmp_path / "lake"
    behind = NOW - BEHIND
    source = [Source(str(log), "native")]
    assert landed(log, lake, now=behind).quarantined == {"future_time": 2, "not_json": 1}
    assert files_to_read(source, lake, behind + timedelta(days=1)) == {}

    assert list(files_to_read(source, lake, NOW)) == [str(log)]
    report = landed(log, lake)

    assert (report.landed, report.quarantined) == ({"interactions": 3}, {"not_json": 1})
    assert files_to_read(source, lake, NOW + timedelta(days=400)) == {}
    landed(log, tmp_path / "new")
    assert everything(lake) == everything(tmp_path / "new")
    assert landed(log, lake, now=NOW + timedelta(days=400)).files == 0


def test_lines_of_the_future_are_found_without_the_register_too(tmp_path: Path) -> None:
    log, lake = write(tmp_path / "a.jsonl", future(1)), tmp_path / "lake"
    landed(log, lake, now=NOW - BEHIND)
    (lake / "landed" / "read_files.json").unlink()
    landed(log, lake, now=NOW - BEHIND + timedelta(days=1))

    assert landed(log, lake).landed == {"interactions": 1}
    assert len(stored.quarantine(lake)) == 0


def test_a_log_that_runs_ahead_is_read_at_most_once_an_hour(tmp_path: Path) -> None:
    log, lake = (
        write(tmp_path / "a.jsonl", *(future(each, hours=26, minutes=each) for each in range(180))),
        tmp_path / "l",
    )
    source, moment = [Source(str(log), "native")], NOW
    landed(log, lake)
    readings = 0
    while moment < NOW + timedelta(hours=8):
        moment += timedelta(minutes=2)
        if files_to_read(source, lake, moment):
            readings += landed(log, lake, now=moment).files

    assert len(ids(lake)) == 180
    assert readings <= 4
    assert len(stored.quarantine(lake)) == 0


def test_looking_costs_nothing_for_files_that_wait_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        write(tmp_path / "in" / f"{number}.jsonl", event(number), b"broken")
    write(tmp_path / "in" / "waits.jsonl", future(21))
    landed(tmp_path / "in", tmp_path / "lake", now=NOW - BEHIND)
    opened: list[str] = []
    from ccml.telemetry import landing

    fingerprint = landing._fingerprint
    monkeypatch.setattr(landing, "_fingerprint", lambda path: (opened.append(path.name), fingerprint(path))[1])

    report = landed(tmp_path / "in", tmp_path / "lake")

    assert opened == ["waits.jsonl"]
    assert (report.files, report.already_landed) == (1, 20)


def test_what_is_asked_for_again_lands_in_place_of_itself(tmp_path: Path) -> None:
    log, lake = write(tmp_path / "a.jsonl", event(0), event(1, "feedback"), b"broken"), tmp_path / "lake"
    landed(log, lake)
    before = everything(lake)

    for generation in range(2, 5):
        asked_for_again(lake)
        assert landed(log, lake).again == 1
        assert everything(lake) == before
        table = batch.open_table(lake, "files")
        assert table is not None
        assert table.transaction_version(stored.files(lake)["file"][0]) == generation
    assert landed(log, lake).files == 0


def test_many_files_at_once_are_replaced_in_one_commit_a_table(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    for number in range(300):
        write(tmp_path / "in" / f"{number}.jsonl", future(number), future(number) | {"event_id": f"other-{number}"})
    landed(tmp_path / "in", lake, now=NOW - BEHIND)
    before = batch.open_table(lake, "files")

    assert landed(tmp_path / "in", lake).landed == {"interactions": 600}

    after = batch.open_table(lake, "files")
    assert before is not None
    assert after is not None
    assert after.version() == before.version() + 1
    assert json.loads(json.dumps(landed_totals(lake)["landed"])) == {"interactions": 600}
    assert len(stored.files(lake)) == 300


def test_a_day_that_is_left_without_events_is_no_day(tmp_path: Path) -> None:
    log, lake = typed(tmp_path), tmp_path / "lake"
    landed(log, lake, "bash-history")
    assert len(landed_days(lake)) == 1
    landed(log, lake, "native")
    assert landed_days(lake) == []


def test_a_time_that_never_comes_is_not_waited_for(tmp_path: Path) -> None:
    log, lake = write(tmp_path / "a.jsonl", event(0, time="9999-12-31T23:59:59Z")), tmp_path / "lake"
    assert landed(log, lake).quarantined == {"future_time": 1}
    assert files_to_read([Source(str(log), "native")], lake, datetime(9000, 1, 1, tzinfo=UTC)) == {}
