"""Every command of README.md and docs/: the cheap ones run as they are written, the others are ones that exist."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import typer

from ccml.serving.schema import ActRequest, FeedbackRequest
from ccml_cli.main import app
from ccml_tests.cli.conftest import Done

CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
WHOLE_BLOCKS = [
    (page.name, block)
    for page in PAGES
    for block in re.findall(r"^```sh\n(.*?)^```$", page.read_text(), flags=re.MULTILINE | re.DOTALL)
]
IN_LINES = [
    (page.name, " ".join(code.split()))
    for page in PAGES
    for code in re.findall(r"(?<!`)`((?:ccml|make|(?:\.venv/bin/)?python|CCML_\w+=\S+)\s[^`]+)`(?!`)", page.read_text())
]
NOT_CHEAP = ("make", "run", "ui", "serve", "curl", "python", "bench", "mlflow", "ingest", "simulate")


def commands_of(block: str) -> list[list[str]]:
    """Words of each command, without comments, settings of the environment and what the shell does with the rest."""
    found = []
    for line in _without_line_ends_in_quotes(block.replace("\\\n", " ")).splitlines():
        words = shlex.split(line, comments=True)
        while words and re.fullmatch(r"[A-Z_]+=\S+", words[0]):
            del words[0]
        if words:
            found.append(words)
    return found


def _without_line_ends_in_quotes(block: str) -> str:
    return re.sub(r"'[^']*'", lambda quoted: quoted[0].replace("\n", " "), block)


ALL = [
    *((page, words) for page, block in WHOLE_BLOCKS for words in commands_of(block)),
    *((page, shlex.split(code)) for page, code in IN_LINES),
]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder like a checkout in which `make` has installed everything."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for path in CHECKOUT.iterdir():
        if path.name != ".venv":
            (folder / path.name).symlink_to(path)
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    return folder


def in_a_fresh_shell(block: str, checkout: Path) -> Done:
    """The block as it is written, in a shell that knows nothing but where the home is."""
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
    environment |= {"CCML_HOME": str(checkout / "home"), "CCML_PROFILE": "smoke", "HOME": str(checkout)}
    done = subprocess.run(
        ["bash", "-e", "-c", block], cwd=checkout, env=environment, capture_output=True, text=True, timeout=300
    )
    return Done(done.returncode, done.stdout, done.stderr)


def test_the_documents_hold_commands() -> None:
    assert {page for page, _ in ALL} >= {"README.md", "operations.md"}
    assert len(ALL) > 15


@pytest.mark.parametrize(("page", "words"), ALL, ids=[f"{page}: {' '.join(words)[:60]}" for page, words in ALL])
def test_each_command_and_each_of_its_options_exists(page: str, words: list[str], tmp_path: Path) -> None:
    program, *rest = words
    match Path(program).name:
        case "ccml":
            assert_understood(rest)
        case "make":
            subprocess.run(["make", "-n", *rest], cwd=CHECKOUT, check=True, capture_output=True)
        case "python":
            script, *options = rest
            source = (CHECKOUT / script).read_text()
            assert [one for one in options if one.startswith("--") and f'"{one}"' not in source] == []
        case "curl":
            kinds = {"act": ActRequest, "feedback": FeedbackRequest}
            msgspec.json.decode(rest[rest.index("-d") + 1], type=kinds[rest[1].rsplit("/", 1)[1]])
        case "export":
            assert [one.partition("=")[0] for one in rest] == ["CCML_HOME"]
        case "eval" | "dagster":
            pass  # run below
        case _:
            pytest.fail(f"{page} has a command that no test knows: {words}")


def assert_understood(words: list[str]) -> None:
    """Parses the words as the command would, and runs nothing."""
    if words[0].startswith("--"):
        assert words[0] in {option for one in typer.main.get_command(app).params for option in one.opts}
        return
    command = typer.main.get_group(app).commands[words[0]]
    if words[1:]:
        command.make_context(words[0], words[1:])


@pytest.mark.parametrize(
    "command", ["ccml doctor", "ccml --version", "ccml ask 'find the big log files'", "ccml mlflow --help", "ccml env"]
)
def test_a_cheap_command_runs_as_it_is_written(command: str, checkout: Path) -> None:
    done = in_a_fresh_shell(f".venv/bin/{command}", checkout)
    assert (done.code, done.err) == (0, "")
    assert done.out


@pytest.mark.slow
def test_the_sensors_and_schedules_are_switched_off_as_it_is_written(checkout: Path) -> None:
    (block,) = [block for page, block in WHOLE_BLOCKS if page == "operations.md" and "sensor stop" in block]
    done = in_a_fresh_shell(f"{block}\ndagster sensor list -w workspace.yaml", checkout)
    assert done.code == 0, done.err
    assert "Stopped" in done.out
