from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccml.telemetry.events import Execution, Interaction
from ccml_tests.telemetry.readers.reading import Reading, read

WRITTEN_AT = 1_700_000_000


def history(tmp_path: Path, format: str, content: bytes) -> Reading:
    path = tmp_path / "history"
    path.write_bytes(content)
    os.utime(path, (WRITTEN_AT, WRITTEN_AT))
    return read(path, format)


def commands(reading: Reading) -> list[tuple[int, str]]:
    return [(int(event.time.timestamp()), event.command) for event in reading.of(Interaction)]


def test_bash_with_times_joins_the_lines_between_two_times(tmp_path: Path) -> None:
    reading = history(tmp_path, "bash-history", b"#1448570565\nfor i in 1 2\ndo echo $i\ndone\n#1448570586\nll\n")

    assert commands(reading) == [(1448570565, "for i in 1 2\ndo echo $i\ndone"), (1448570586, "ll")]
    assert reading.skipped == {"timestamp": 2, "continuation": 2}


def test_bash_without_times_counts_back_from_when_the_file_was_written(tmp_path: Path) -> None:
    reading = history(tmp_path, "bash-history", "begin\nBöhmermann\nend\n".encode())

    assert commands(reading) == [(WRITTEN_AT - 3, "begin"), (WRITTEN_AT - 2, "Böhmermann"), (WRITTEN_AT - 1, "end")]


def test_bash_lines_before_the_first_time_come_before_it(tmp_path: Path) -> None:
    reading = history(tmp_path, "bash-history", b"old\n#1448570565\nnew\n")

    assert commands(reading) == [(1448570564, "old"), (1448570565, "new")]


def test_a_comment_in_a_history_is_a_command_and_a_time_without_one_is_nothing(tmp_path: Path) -> None:
    reading = history(tmp_path, "bash-history", b"# note to self\n#1448570565\n#1448570570\nls\n")

    assert [command for _, command in commands(reading)] == ["# note to self", "ls"]


def test_a_line_that_is_not_utf8_is_refused_and_the_rest_lands(tmp_path: Path) -> None:
    reading = history(tmp_path, "bash-history", b"caf\xe9\nls\n\x00\x00\n\n")

    assert reading.refused == {1: "bad_encoding", 3: "nul_byte"}
    assert [command for _, command in commands(reading)] == ["ls"]
    assert reading.skipped == {"blank": 1}


@pytest.mark.parametrize("stamp", [b"1647948811646449694", b"1647948811646449", b"1647948811646"])
def test_a_stamp_finer_than_seconds_is_a_time_and_no_command(tmp_path: Path, stamp: bytes) -> None:
    reading = history(tmp_path, "bash-history", b"#1647948000\ncd src\n#" + stamp + b"\nmake test\n")

    assert commands(reading) == [(1647948000, "cd src"), (1647948811, "make test")]


@pytest.mark.parametrize(
    ("format", "content"),
    [
        (
            "bash-history",
            b"#1700000000\nls -la\n#1700000010\necho caf\xe9\n\x00\x00#1700000020\npwd\n#1700000030\nid\n",
        ),
        ("zsh-history", b": 1700000000:0;ls -la\n: 1700000010:0;caf\xe9\\\n\x00\n: 1700000020:0;pwd\nid\n"),
        ("fish-history", b"- cmd: ls -la\n- cmd: caf\xe9\n\x00  when: 17\n- cmd: pwd\n- cmd: id\n"),
    ],
)
def test_a_damaged_line_takes_no_command_after_it_with_it(tmp_path: Path, format: str, content: bytes) -> None:
    reading = history(tmp_path, format, content)

    assert [command for _, command in commands(reading)] == ["ls -la", "pwd", "id"]
    assert sorted(reading.refused.values()) == ["bad_encoding", "nul_byte"]


def test_a_command_whose_line_end_is_lost_is_refused_with_the_secret_in_it(tmp_path: Path) -> None:
    """Read as one command its program would be `#1749700000mysql`, of which no rule of redaction knows the options."""
    content = b"#1749700000mysql -uroot -pTr0ub4dor x#1749700001export A=1\nls\n#1749700009\n# 1749700000 is a time\n"
    reading = history(tmp_path, "bash-history", content)

    assert [command for _, command in commands(reading)] == ["ls", "# 1749700000 is a time"]
    assert reading.refused == {1: "bad_value"}


def test_a_time_before_histories_had_times_is_refused(tmp_path: Path) -> None:
    assert history(tmp_path, "bash-history", b"#1000000000\nls\n#999999999999\nid\n").refused == {
        2: "too_old",
        4: "bad_value",
    }


def test_a_history_that_has_grown_keeps_the_ids_of_its_old_entries(tmp_path: Path) -> None:
    for format, old, new in (
        ("bash-history", b"ls\nls\nid\n", b"ls\nls\nid\nls\n"),
        ("bash-history", b"#1448570565\nls\n#1448570565\nls\n", b"#1448570565\nls\n#1448570565\nls\n#1448570570\nls\n"),
    ):
        before = [event.event_id for event in history(tmp_path, format, old).events]
        after = [event.event_id for event in history(tmp_path, format, new).events]
        assert len(set(after)) == len(after)
        assert after[: len(before)] == before


def test_zsh_keeps_start_and_duration_and_joins_continued_lines(tmp_path: Path) -> None:
    reading = history(tmp_path, "zsh-history", b": 1700000000:3;make\n: 1700000010:0;echo a\\\nb\nplain\n")

    assert commands(reading) == [(1700000000, "make"), (1700000010, "echo a\nb"), (WRITTEN_AT - 1, "plain")]
    assert [event.duration_ms for event in reading.of(Execution)] == [3_000, 0]
    assert [event.failed for event in reading.of(Execution)] == [None, None]


def test_zsh_metafied_bytes_are_read_back(tmp_path: Path) -> None:
    # `ą` is C4 85 in UTF-8; zsh stores 85 as 83 A5.
    reading = history(tmp_path, "zsh-history", b": 1700000000:0;echo \xc4\x83\xa5\n")

    assert commands(reading) == [(1700000000, "echo ą")]


def as_zsh_writes(command: str) -> bytes:
    """zsh 5.9's `savehistfile`: a backslash before each line end, a blank behind a command that ends in a backslash."""
    blank = " " if command.rstrip(" ").endswith("\\") else ""
    return (command.replace("\n", "\\\n") + blank + "\n").encode()


@pytest.mark.parametrize("stamp", [b"", b": 1700000000:0;"])
@pytest.mark.parametrize(
    "command",
    ["echo one \\\n  two", "echo back\\\\", "echo back\\", "for i in 1; do\necho $i\ndone", "a \\\\\nb", "echo 'a\nb'"],
)
def test_a_command_of_several_lines_is_read_as_zsh_reads_it(tmp_path: Path, stamp: bytes, command: str) -> None:
    content = stamp + as_zsh_writes(command) + stamp + as_zsh_writes("ls")

    reading = history(tmp_path, "zsh-history", content)

    assert [found for _, found in commands(reading)] == [command, "ls"]


def test_an_entry_that_was_cut_behind_a_backslash_takes_no_entry_with_it(tmp_path: Path) -> None:
    reading = history(tmp_path, "zsh-history", b": 1700000000:0;echo \\\\\n: 1700000001:0;echo \\\n: 1700000002:0;ls\n")

    assert [command for _, command in commands(reading)] == ["echo \\\\", "echo \\", "ls"]


@pytest.mark.parametrize("stamp", [b"1647948811646449694", b"1647948811646449", b"1647948811646", b"1647948811"])
def test_zsh_stamps_in_any_unit_are_times(tmp_path: Path, stamp: bytes) -> None:
    reading = history(tmp_path, "zsh-history", b": " + stamp + b":-3;make\n")

    assert commands(reading) == [(1647948811, "make")]
    assert [event.duration_ms for event in reading.of(Execution)] == [0]


@pytest.mark.parametrize(
    "stamp", [b"#20240131120000", b"#1700000005.25", b"#17000000050000000000000", b"#1700000005\t"]
)
def test_an_odd_stamp_parts_two_commands(tmp_path: Path, stamp: bytes) -> None:
    content = b"#1700000000\ncd src\n" + stamp + b"\nmake \\\n  test\n#1700000010\nls\n"

    assert [command for _, command in commands(history(tmp_path, "bash-history", content))] == [
        "cd src",
        "make \\\n  test",
        "ls",
    ]


def test_a_stamp_with_damaged_bytes_takes_neither_neighbour_with_it(tmp_path: Path) -> None:
    reading = history(tmp_path, "bash-history", b"#1700000000\nls -la\n\xff\xfe#1700000010\npwd\n#1700000020\nid\n")

    assert [command for _, command in commands(reading)] == ["ls -la", "pwd", "id"]
    assert reading.refused == {3: "bad_encoding"}


def test_fish_entries_are_unescaped_and_their_paths_left_out(tmp_path: Path) -> None:
    content = b"- cmd: echo a\\nb \\\\n\n  when: 1700000000\n  paths:\n    - a\n- cmd: ls\n  when: 1700000001\nwhat\n"
    reading = history(tmp_path, "fish-history", content)

    assert commands(reading) == [(1700000000, "echo a\nb \\n"), (1700000001, "ls")]
    assert reading.refused == {7: "bad_value"}
    assert reading.skipped == {"timestamp": 2, "path": 2}


def test_the_owner_of_the_home_directory_is_the_user_and_no_id_shows_the_name(tmp_path: Path) -> None:
    reading = history(tmp_path, "bash-history", b"ls\n")

    (event,) = reading.of(Interaction)
    assert event.user_id in ("local", "root") or event.user_id in str(tmp_path)
    assert event.user_id not in event.session_id


@pytest.mark.parametrize("format", ["bash-history", "zsh-history", "fish-history"])
@given(
    content=st.lists(
        st.sampled_from(
            [
                b"#1448570565",
                b": 1700000000:1;",
                b"- cmd: ",
                b"  when: 17",
                b"\\",
                b"\n",
                b"\x83",
                b"\xff",
                b"\x00",
                b"ls",
            ]
        )
    )
)
def test_any_history_accounts_for_every_line_once(tmp_path_factory: Any, format: str, content: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("history") / "history"
    raw = b"".join(content)
    path.write_bytes(raw)

    records = read(path, format).records

    lines = raw.count(b"\n") + (bool(raw) and not raw.endswith(b"\n"))
    assert Counter(record.line for record in records) == Counter(range(1, lines + 1))


def test_published_corner_cases_are_read(shared_data: Path) -> None:
    folder = shared_data / "shell_history" / "import_fixtures" / "hstr"

    def found(name: str) -> list[str]:
        return [event.command for event in read(folder / name, "bash-history").of(Interaction)]

    assert found("bash_history_valgrind_empty") == []
    assert found("bash_history_bug_66_GERMAN") == ["begin", "Böhmermann", "über", "Fleischspießchen", "end"]
    assert found("bash_history_CZ")[-1] == "./hstr"
    assert found("bash_history_bug_131_B") == ["foo", "bar", "blah"]
    times = [event.time for event in read(folder / "bash_history_bug_131_B", "bash-history").events]
    assert times[0] == datetime(2009, 2, 13, 23, 31, 30, tzinfo=UTC)
    assert max(len(command) for command in found("bash_history_bug_228")) > 5_000
