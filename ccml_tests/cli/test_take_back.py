"""A log that landed in a wrong format lands anew in the right one, wherever the command is killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ccml.home import Home
from ccml.telemetry.totals import landed_totals
from ccml_tests.cli.conftest import Call
from ccml_tests.cli.format_kills import COMMANDS, typed


def test_the_right_format_replaces_what_a_wrong_one_landed_and_says_so(ccml: Call, home: Home, tmp_path: Path) -> None:
    log = typed(tmp_path)
    wrong = ccml("ingest", log, "--format", "native")
    assert f"{COMMANDS} lines quarantined" in " ".join(wrong.out.split())

    right = ccml("ingest", log, "--format", "bash-history")

    assert right.code == 0
    assert "Read again, in place of what had landed of it: 1 file." in " ".join(right.out.split())
    totals = landed_totals(home.lake)
    assert (totals["files"], totals["lines"], totals["quarantined"]) == (1, COMMANDS, 0)
    assert totals["landed"] == {"interactions": COMMANDS}
    assert ccml("ingest", log, "--format", "bash-history").out == "Nothing new: every file had landed before.\n"


@pytest.mark.parametrize("kills", [2, pytest.param(100, marks=pytest.mark.slow)])
def test_a_change_of_format_survives_kills(tmp_path: Path, kills: int) -> None:
    command = [sys.executable, "-m", "ccml_tests.cli.format_kills", str(tmp_path), str(kills), "5"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1_200)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= kills // 2
