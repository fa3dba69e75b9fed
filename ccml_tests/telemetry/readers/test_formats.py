from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest

from ccml.errors import InputError
from ccml.telemetry.finding import find_files
from ccml.telemetry.readers import FORMATS, detect_format
from ccml.telemetry.sources import Source
from ccml_tests.telemetry.readers.reading import read

EXAMPLES = {
    "native": ("a.jsonl", '{"kind": "interaction", "event_id": "i"}'),
    "claude-code": ("b.jsonl", '// note\n{"type": "user", "uuid": "u", "sessionId": "s", "message": {}}'),
    "mini-swe-agent": ("c.json", '{"trajectory_format": "mini-swe-agent-1.1", "messages": []}'),
    "muni": ("d.json", '{"cmd_type": "bash-command", "timestamp_str": "2021-02-08T14:02:45Z", "cmd": "ls"}'),
    "fish-history": ("e", "- cmd: ls\n  when: 1700000000\n"),
    "zsh-history": ("f", ": 1700000000:0;ls\n"),
    "bash-history": ("g", "#1700000000\nls\n"),
}


@pytest.mark.parametrize("format", FORMATS)
def test_each_format_is_recognised_by_what_a_file_holds(tmp_path: Path, format: str) -> None:
    name, content = EXAMPLES[format]
    path = tmp_path / name
    path.write_text(content)

    assert detect_format(path) == format


def test_a_history_without_times_is_recognised_by_its_name(tmp_path: Path) -> None:
    (tmp_path / ".bash_history").write_text("ls\n")
    (tmp_path / ".zsh_history").write_text("ls\n")

    assert detect_format(tmp_path / ".bash_history") == "bash-history"
    assert detect_format(tmp_path / ".zsh_history") == "zsh-history"


def test_a_table_of_steps_is_not_taken_for_a_native_log(tmp_path: Path) -> None:
    path = tmp_path / "table.jsonl"
    path.write_text(json.dumps({"run": "r", "instance": "i", "step": 0, "command": "ls"}))

    assert detect_format(path) == "mini-swe-agent"


def test_a_log_of_broken_lines_is_native_so_that_they_end_in_quarantine(tmp_path: Path) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text('{"kind":\n{{{\n')

    assert detect_format(path) == "native"


def test_a_file_that_fits_nothing_is_named_with_the_formats_tried(tmp_path: Path) -> None:
    path = tmp_path / "poem.txt"
    path.write_text("roses are red")

    with pytest.raises(InputError) as error:
        find_files([Source(str(path), "auto")])

    assert str(path) in str(error.value)
    assert all(format in str(error.value) for format in FORMATS)


def test_a_folder_gives_what_fits_and_passes_over_the_rest(tmp_path: Path) -> None:
    for format, (name, content) in EXAMPLES.items():
        (tmp_path / format).mkdir()
        (tmp_path / format / name).write_text(content)
    (tmp_path / "LICENSE").write_text("Permission is granted")
    (tmp_path / "x.jsonl.tmp").write_text(EXAMPLES["native"][1])
    (tmp_path / ".hidden.jsonl").write_text(EXAMPLES["native"][1])

    files = find_files([Source(str(tmp_path), "auto")])

    assert {file.format for file in files} == set(FORMATS)
    assert len(files) == len(FORMATS)


def test_a_format_asked_for_by_name_takes_the_files_named_like_it(tmp_path: Path) -> None:
    (tmp_path / "a.traj.json").write_text("{}")
    (tmp_path / "b.json").write_text("{}")

    files = find_files([Source(str(tmp_path), "mini-swe-agent")])

    assert [(file.path.name, file.format) for file in files] == [("a.traj.json", "mini-swe-agent")]


def test_an_empty_folder_has_no_files_and_that_is_no_error(tmp_path: Path) -> None:
    assert find_files([Source(str(tmp_path), "native")]) == []


@pytest.mark.parametrize(
    ("format", "expected"),
    [
        ("auto", "fits a known format"),
        ("muni", "*.json"),
        ("syslog", "Unknown format 'syslog'; expected auto or one of native"),
    ],
)
def test_a_folder_of_other_things_is_an_error_that_says_what_was_expected(
    tmp_path: Path, format: str, expected: str
) -> None:
    (tmp_path / "poem.txt").write_text("roses are red")

    with pytest.raises(InputError) as error:
        find_files([Source(str(tmp_path), format)])

    assert expected in str(error.value)


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        find_files([Source(str(tmp_path / "nowhere"), "auto")])


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_whose_name_is_not_utf8_is_read_like_any_other(tmp_path: Path, format: str) -> None:
    name, content = EXAMPLES[format]
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9-" + name.encode()))
    path.write_text(content)

    for record in read(path, format).records:
        for event in record.events:
            msgspec.json.encode(event)
