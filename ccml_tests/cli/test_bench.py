"""`ccml bench command` on histories as shells write them."""

from pathlib import Path

import pytest

from ccml_tests.cli.conftest import Call

TURNS = 20


@pytest.fixture
def histories(tmp_path: Path) -> Path:
    """Three people's bash histories to learn from and one to predict."""
    for folder, people in (("train", ("ada", "bob", "eve")), ("test", ("joe",))):
        for number, person in enumerate(people):
            lines = []
            for turn in range(TURNS):
                file = f"part{turn * (number + 2)}.py"
                for at, line in enumerate((f"vim {file}", f"python {file}", "git status")):
                    stamp = 1_700_000_000 + number * 100_000 + (turn * 3 + at) * 10
                    lines.append(f"#{stamp}\n{line}\n")
            history = tmp_path / folder / person / "bash_history"
            history.parent.mkdir(parents=True)
            history.write_text("".join(lines))
    return tmp_path


def test_the_ranker_and_the_simple_methods_are_measured_on_the_same_commands(ccml: Call, histories: Path) -> None:
    done = ccml("bench", "command", "--train", histories / "train", "--test", histories / "test", "--json")
    assert done.code == 0, done.err
    assert done.facts["unit"] == "line"
    assert done.facts["rows"] == 3 * TURNS
    assert done.facts["cost"]["training_turns"] == 3 * 3 * TURNS
    assert set(done.facts["baselines"]) == set(done.facts["paired"])
    assert done.facts["model"]["top1"]["value"] > done.facts["baselines"]["most frequent"]["top1"]["value"]
    for paired in done.facts["paired"].values():
        assert {"difference", "low", "high", "p", "metrics"} <= set(paired)


def test_a_person_sees_each_method_and_for_whom_the_figures_hold(ccml: Call, histories: Path) -> None:
    done = ccml("bench", "command", "--train", histories / "train", "--test", histories / "test", "--unit", "name")
    assert done.code == 0
    assert "most recent" in done.out
    assert "no interval: 1 sessions, 8 needed" in " ".join(done.out.split())


def test_a_user_of_both_logs_is_one_person_and_no_cold_start(ccml: Call, histories: Path) -> None:
    done = ccml("bench", "command", "--train", histories / "train", "--test", histories / "test", "--json")
    assert done.facts["cold_rows"] == 0


def test_lines_that_do_not_land_are_counted_for_whoever_reads_the_figures(ccml: Call, histories: Path) -> None:
    history = next((histories / "test").rglob("bash_history"))
    history.write_bytes(history.read_bytes() + b"#1790000000\n\xff\xfe broken\n")
    done = ccml("bench", "command", "--train", histories / "train", "--test", histories / "test", "--json")
    assert done.code == 0
    assert "1 line quarantined (1 bad_encoding)" in done.err


def test_logs_without_a_command_are_code_3(ccml: Call, histories: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.bash_history"
    empty.write_text("#1700000000\n")
    done = ccml("bench", "command", "--train", histories / "train", "--test", empty, "--format", "bash-history")
    assert done.code == 3
    assert "holds no command" in done.err


def test_logs_that_do_not_exist_and_an_unknown_unit_are_code_2(ccml: Call, histories: Path) -> None:
    missing = ccml("bench", "command", "--train", histories / "nowhere", "--test", histories / "test")
    assert missing.code == 2
    assert "neither a file nor a folder" in missing.err
    assert ccml("bench", "command", "--train", histories, "--test", histories, "--unit", "word").code == 2
