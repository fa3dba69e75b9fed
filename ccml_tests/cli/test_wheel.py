"""The project as a wheel, unpacked far from the checkout: it turns the circle, and its home can be moved afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
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
    # The landing opens each file once more where it lies now, and knows its content.
    assert again["assets_made"] <= 1
    assert (again["models"], again["interactions"]) == (first["models"], first["interactions"])
    assert installed.ccml("doctor", home=moved)["damaged"] == []
