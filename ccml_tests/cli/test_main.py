"""Help with an example, exit codes that mean something, one sentence instead of a traceback."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from ccml.errors import InputError
from ccml.home import Home
from ccml.serving.http.server import listen
from ccml.telemetry.readers import FORMATS
from ccml_cli.main import app
from ccml_tests.cli.conftest import Call

COMMANDS = ["run", "ui", "simulate", "ingest", "serve", "ask", "roll-back", "doctor", "mlflow", "env", "erase"]
MEASURING = ["serve", "command"]


def test_these_are_the_commands() -> None:
    registered = [(command.name, command.callback) for command in app.registered_commands]
    assert sorted(name or function.__name__ for name, function in registered if function) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_ends_with_an_example_of_the_command(ccml: Call, command: str) -> None:
    done = ccml(command, "--help")
    assert done.code == 0
    assert f"Example: ccml {command}" in done.out


@pytest.mark.parametrize("measured", MEASURING)
def test_a_command_that_measures_has_an_example_and_prints_json(ccml: Call, measured: str) -> None:
    done = ccml("bench", measured, "--help")
    assert done.code == 0
    assert f"Example: ccml bench {measured}" in done.out
    assert "--json" in done.out


@pytest.mark.parametrize("command", ["run", "simulate", "ingest", "ask", "doctor"])
def test_a_command_that_prints_facts_prints_them_as_json_too(ccml: Call, command: str) -> None:
    assert "--json" in ccml(command, "--help").out


def test_the_help_of_input_names_every_format(ccml: Call) -> None:
    done = ccml("run", "--help").out
    assert [name for name in FORMATS if name not in done] == []


def test_an_input_that_does_not_exist_is_one_sentence_and_code_2(ccml_process: Call, tmp_path: Path) -> None:
    done = ccml_process("run", "--input", tmp_path / "nowhere")
    assert done.code == 2
    assert done.out == ""
    assert done.err == f"ccml: {tmp_path / 'nowhere'} is neither a file nor a folder; expected one that exists.\n"


def test_with_debug_the_same_is_a_traceback(ccml_process: Call, tmp_path: Path) -> None:
    done = ccml_process("run", "--input", tmp_path / "nowhere", "--debug")
    assert done.code != 0
    assert "Traceback" in done.err
    assert "InputError" in done.err


@pytest.mark.parametrize("command", [("run", "--input"), ("ingest",)])
def test_an_unknown_format_lists_the_known_ones(ccml: Call, tmp_path: Path, command: tuple[str, ...]) -> None:
    done = ccml(*command, tmp_path, "--format", "csv")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert [name for name in ("auto", *FORMATS) if name not in done.err] == []


@pytest.mark.parametrize("command", [("run", "--input"), ("ingest",)])
def test_an_empty_folder_is_one_sentence_and_code_2(
    ccml: Call, home: Home, tmp_path: Path, command: tuple[str, ...]
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    done = ccml(*command, folder)
    assert done.code == 2
    assert "expected logs in it" in done.err
    assert not home.root.exists()


def test_an_unknown_profile_is_one_sentence_and_code_2(ccml: Call) -> None:
    done = ccml("run", "--profile", "huge")
    assert done.code == 2
    assert done.err == "ccml: The profile (--profile or CCML_PROFILE) is 'huge'; expected one of smoke, laptop, gpu.\n"


@pytest.mark.parametrize("command", ["ui", "mlflow"])
def test_a_taken_port_is_one_sentence(ccml: Call, command: str) -> None:
    with listen(0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        done = ccml(command, "--port", port)
    assert done.code == 1
    assert done.err == f"ccml: Port {port} of 127.0.0.1 is in use; give another with --port.\n"


def test_the_version_is_that_of_the_package(ccml: Call) -> None:
    done = ccml("--version")
    assert (done.code, done.out) == (0, f"ccml {version('ccml')}\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_command_completes_itself_in_the_shell_that_calls_it(home: Home, shell: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell} on this machine")
    # The `;` keeps the shell alive as the parent, by which the command knows it.
    line = f"'{Path(sys.executable).with_name('ccml')}' --show-completion; exit $?"
    done = subprocess.run([program, "-c", line], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert "_CCML_COMPLETE" in done.stdout


def test_a_completion_offers_the_commands_that_begin_so(ccml_process: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"_CCML_COMPLETE": "complete_bash", "COMP_WORDS": "ccml do", "COMP_CWORD": "1"}.items():
        monkeypatch.setenv(name, value)
    assert ccml_process().out.split() == ["doctor"]


def test_an_unknown_option_is_code_2(ccml: Call) -> None:
    assert ccml("doctor", "--colour").code == 2


@pytest.mark.parametrize(
    ("error", "code", "shown"),
    [
        (InputError("Expected a folder."), 2, "ccml: Expected a folder.\n"),
        (ValueError("a bug"), 1, "ccml: ValueError: a bug (--debug shows where)\n"),
    ],
)
def test_an_error_ends_with_its_code_and_one_line(
    ccml: Call, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, shown: str
) -> None:
    def fails(**_: object) -> None:
        raise error

    monkeypatch.setattr("ccml_cli.doctor.examine", fails)
    done = ccml("doctor")
    assert (done.code, done.out, done.err) == (code, "", shown)
    with pytest.raises(type(error)):
        ccml("doctor", "--debug")


def test_an_interrupt_is_code_130(ccml: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ccml_cli.doctor.examine", interrupted)
    done = ccml("doctor")
    assert done.code == 130
    assert "Traceback" not in done.err
