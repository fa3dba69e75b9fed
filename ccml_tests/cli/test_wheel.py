"""The project as a wheel, unpacked far from the checkout: it turns the circle, and its home can be moved afterwards."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Installed:
    packages: Path
    home: Path
    environment: dict[str, str]

    def ccml(self, *words: str, home: Path) -> Any:
        """What the installed command prints as JSON, called in a folder that has nothing to do with it."""
        done = subprocess.run(
            [sys.executable, "-m", "ccml_cli.main", *words, "--json"],
            cwd=self.packages.parent,
            env={**self.environment, "CCML_HOME": str(home)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    subprocess.run(["git", "clone", "-q", str(CHECKOUT), str(source)], check=True)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*build, str(source)], check=True)
    (wheel,) = folder.glob("ccml-*.whl")
    packages = folder / "packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    environment = {**os.environ, "PYTHONPATH": str(packages), "CCML_PROFILE": "smoke"}
    return Installed(packages, folder / "home", environment)


@pytest.mark.slow
def test_a_wheel_carries_the_settings_of_dagster_that_stand_at_the_top(installed: Installed) -> None:
    assert (installed.packages / "ccml_cli" / "dagster.yaml").read_bytes() == (CHECKOUT / "dagster.yaml").read_bytes()
    assert not (installed.packages / "ccml_tests").exists()


@pytest.mark.slow
def test_an_installed_command_turns_the_circle_and_its_home_can_be_moved(installed: Installed) -> None:
    imported = subprocess.run(
        [sys.executable, "-c", "import ccml_assets; print(ccml_assets.__file__)"],
        env=installed.environment,
        cwd=installed.packages.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(imported.stdout.strip()).is_relative_to(installed.packages)
    first = installed.ccml("run", home=installed.home)
    assert first["assets_made"] > 30

    moved = installed.home.rename(installed.home.with_name("moved home"))
    again = installed.ccml("run", home=moved)
    assert again["assets_made"] == 0
    assert (again["models"], again["interactions"]) == (first["models"], first["interactions"])
    assert installed.ccml("doctor", home=moved)["damaged"] == []
    assert holding(str(installed.home), moved) == []
    answer = installed.ccml("ask", "find the big log files", home=moved)
    assert answer["action"]
    with server(installed, moved) as url:
        assert installed.ccml("ask", "find the big log files", "--url", url, home=moved)["action"]


def holding(text: str, folder: Path) -> list[str]:
    """Files that hold the text: of a database its rows (pages that were freed keep what stood there), of a Delta log
    everything but the note of where its table was created, which nothing reads.
    """
    found = []
    for path in sorted(file for file in folder.rglob("*") if file.is_file()):
        content = path.read_bytes()
        if content.startswith(b"SQLite format 3"):
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
                held = any(text in line for line in database.iterdump())
        elif path.parent.name == "_delta_log":
            held = any(text in line for line in content.decode().splitlines() if '"CREATE TABLE"' not in line)
        else:
            held = text.encode() in content
        if held:
            found.append(path.relative_to(folder).as_posix())
    return found


@contextmanager
def server(installed: Installed, home: Path) -> Iterator[str]:
    """`ccml serve` of the wheel on a free port, ended as a terminal's Ctrl-C ends it."""
    command = [sys.executable, "-m", "ccml_cli.main", "serve", "--port", "0"]
    environment = {**installed.environment, "CCML_HOME": str(home)}
    with subprocess.Popen(command, cwd=home.parent, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "Answering on " in line)
        try:
            yield line.split("Answering on ")[1].split()[0].rstrip(".")
        finally:
            process.send_signal(signal.SIGINT)
            process.stderr.read()
