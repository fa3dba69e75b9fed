"""A command that was killed at any moment is called again: it finishes, and nothing is lost, there twice or stuck."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def killed(command: str, folder: Path, kills: int, seed: int) -> Any:
    words = [sys.executable, "-m", "ccml_tests.cli.kills", command, str(folder), str(kills), str(seed)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    print(done.stdout)  # noqa: T201  # the counts
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("command", "kills"),
    [
        ("ingest", 20),
        pytest.param("ingest", 600, marks=pytest.mark.slow),
        pytest.param("run", 400, marks=pytest.mark.slow),
    ],
)
def test_after_any_kill_the_same_command_finishes_and_nothing_is_lost_double_or_stuck(
    tmp_path: Path, command: str, kills: int
) -> None:
    counts = killed(command, tmp_path, kills, seed=kills)
    assert counts["faults"] == []
    assert counts["kills"] == kills
    assert "not finished" not in counts
    # A dead run is looked at twice, a second apart, before it is failed.
    assert counts["slowest_s"] < 3 * counts["undisturbed_s"] + 10
