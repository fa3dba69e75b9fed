"""A shell history that is trimmed, grown, edited or copied lands each command once, and a repeated command again."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccml.privacy.pseudonyms import Pseudonyms
from ccml.telemetry.landing import LandingReport, land
from ccml.telemetry.readers.histories import Histories, align
from ccml.telemetry.sources import Source
from ccml_tests.telemetry import stored

PLAIN = ["bash-history", "zsh-history"]


def landed(path: Path, lake: Path, format: str) -> LandingReport:
    return land([Source(str(path), format)], lake, Pseudonyms(b"k" * 32), datetime.now(UTC))


def write(path: Path, commands: Sequence[str]) -> None:
    path.write_text("".join(f"{command}\n" for command in commands))


def typed(start: int, end: int) -> list[str]:
    """As people type: every third line is the same one."""
    return ["ls -la" if number % 3 == 2 else f"git log -n {number}" for number in range(start, end)]


@pytest.mark.parametrize("format", PLAIN)
@pytest.mark.parametrize("one_file", [True, False], ids=["one file", "a copy of each day"])
def test_a_history_that_rolls_lands_only_its_new_lines(tmp_path: Path, format: str, one_file: bool) -> None:
    for day in range(3):
        path = tmp_path / ("history" if one_file else f"day-{day}")
        write(path, typed(20 * day, 500 + 20 * day))
        assert landed(path, tmp_path / "lake", format).landed == {"interactions": 20 if day else 500}
    commands = stored.rows(tmp_path / "lake", "interactions")["command"].tolist()
    assert sorted(commands) == sorted(typed(0, 540))


def test_fifty_new_lines_of_two_thousand_land_as_fifty(tmp_path: Path) -> None:
    write(tmp_path / "history", typed(0, 2_000))
    landed(tmp_path / "history", tmp_path / "lake", "bash-history")
    write(tmp_path / "history", typed(50, 2_050))

    report = landed(tmp_path / "history", tmp_path / "lake", "bash-history")

    assert (report.landed, report.duplicates) == ({"interactions": 50}, 1_950)


@pytest.mark.parametrize("format", PLAIN)
@pytest.mark.parametrize(
    ("edited", "new"),
    [
        ([0, 1, *range(3, 10)], 0),
        ([*range(1, 10), 10], 1),
        ([*range(2, 5), *range(6, 10), 10, 11], 2),
        ([9, 9, 9], 2),
        ([*range(10), *range(10)], 10),
        ([20, 21, 22], 3),
    ],
    ids=["a line removed", "rolled by one", "trimmed, edited and grown", "repeated", "typed anew", "cleared"],
)
def test_an_edited_history_lands_what_is_new_in_it(tmp_path: Path, format: str, edited: list[int], new: int) -> None:
    write(tmp_path / "history", [f"cmd{number} --x" for number in range(10)])
    landed(tmp_path / "history", tmp_path / "lake", format)
    write(tmp_path / "history", [f"cmd{number} --x" for number in edited])

    assert landed(tmp_path / "history", tmp_path / "lake", format).landed.total() == new


def test_duplicates_that_the_shell_erased_add_nothing(tmp_path: Path) -> None:
    commands = typed(0, 90)
    write(tmp_path / "history", commands)
    landed(tmp_path / "history", tmp_path / "lake", "bash-history")
    write(tmp_path / "history", [command for command in commands if command != "ls -la"] + ["ls -la", "make"])

    assert landed(tmp_path / "history", tmp_path / "lake", "bash-history").landed.total() == 1


def test_an_older_copy_found_later_adds_what_had_been_trimmed(tmp_path: Path) -> None:
    write(tmp_path / "new", typed(30, 130))
    landed(tmp_path / "new", tmp_path / "lake", "bash-history")
    write(tmp_path / "old", typed(0, 100))

    assert landed(tmp_path / "old", tmp_path / "lake", "bash-history").landed.total() == 30
    assert landed(tmp_path / "new", tmp_path / "lake", "bash-history").files == 0


def test_copies_of_a_history_with_times_land_once_in_one_session(tmp_path: Path) -> None:
    entries = [f": 16827{number:05}:0;make\n" for number in (1, 1, 2, 3, 3)]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "old_zsh_history").write_text("".join(entries[:4]))
    (tmp_path / "in" / "new_zsh_history").write_text("".join(entries[1:]))

    landed(tmp_path / "in", tmp_path / "lake", "auto")

    rows = stored.rows(tmp_path / "lake", "interactions")
    assert (len(rows), rows["session_id"].nunique()) == (5, 1)


def test_histories_of_two_people_with_common_commands_are_kept_apart(tmp_path: Path) -> None:
    write(tmp_path / "one", ["cd work", "make", "ls", "vim a", "exit"])
    write(tmp_path / "two", ["exit", "ls", "top", "cd work", "ls", "df", "make"])

    for name, lines in (("one", 5), ("two", 7)):
        assert landed(tmp_path / name, tmp_path / "lake", "bash-history").landed.total() == lines


@settings(max_examples=60, deadline=None)
@given(
    days=st.lists(
        st.tuples(st.integers(0, 12), st.lists(st.sampled_from(["ls", "cd ..", "make"]), max_size=3)), max_size=6
    )
)
def test_whatever_is_trimmed_and_appended_nothing_is_lost_and_nothing_is_double(
    days: list[tuple[int, list[str]]],
) -> None:
    """Each day some lines go at the top, and a few come at the end; ten lines that differ always remain."""
    history = [f"start {number}" for number in range(12)]
    everything = [*history]
    ids: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for day, (trimmed, repeated) in enumerate([(0, []), *days]):
            new = [line for number, again in enumerate(repeated) for line in (again, f"day {day} line {number}")]
            history = history[min(trimmed, max(0, len(history) - 10)) :] + new
            everything += new
            histories = Histories(Path(folder))
            places = histories.place("bash-history", "ada", "/home/ada/.bash_history", [c.encode() for c in history])
            histories.save()
            assert len(set(places)) == len(places)
            for place, command in zip(places, history, strict=True):
                assert ids.setdefault(place, command) == command
    assert sorted(ids.values()) == sorted(everything)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=12), st.lists(st.integers(0, 3), max_size=12))
def test_an_alignment_matches_equal_commands_in_order_and_each_once(earlier: list[int], now: list[int]) -> None:
    matches = align(earlier, now)

    matched = [match for match in matches if match is not None]
    assert len(matches) == len(now)
    assert matched == sorted(set(matched))
    assert all(match is None or earlier[match] == command for match, command in zip(matches, now, strict=True))


def test_a_damaged_memory_of_a_history_is_set_aside_and_no_new_command_is_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, lake = tmp_path / "history", tmp_path / "lake"
    write(path, typed(0, 30))
    landed(path, lake, "bash-history")
    (memory,) = (lake / "landed" / "histories").glob("*.json")
    memory.write_text("{half")

    write(path, typed(20, 50))
    landed(path, lake, "bash-history")

    assert f"{memory}: it cannot be read" in caplog.text
    commands = [*stored.rows(lake, "interactions")["command"]]
    assert {*typed(0, 50)} <= {*commands}
    assert len(commands) == 30 + 30  # those that are still there, once more

    write(path, typed(40, 70))
    assert landed(path, lake, "bash-history").landed["interactions"] == 20
