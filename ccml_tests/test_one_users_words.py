"""What one person alone wrote, however often, reaches nobody else: it stands in no trained model, report, document or
experiment, and no answer holds it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ccml.commands.shared_templates import shared_templates
from ccml.home import Home
from ccml.monitoring.reference import DriftReference
from ccml.profiles import PROFILES
from ccml.releases.golden import Golden
from ccml_simulator.simulate import simulate
from ccml_tests.byte_search import files_with

MARKS = ["zqfjord", "Zqfjord"]
COMMANDS = [
    "make release-zqfjord", "zqfjord-deploy prod", "git zqfjord-sync", "npm run build:zqfjord", "ls --zqfjord",
    "ZQFJORD=1 make test", "ssh zqfjord.internal", "cat zqfjord/plan.txt", "docker compose -p zqfjord up -d",
    "curl https://zqfjord.internal/x", "kubectl -n zqfjord get pods", "./zqfjord.sh", "find . -name zqfjord",
]  # fmt: skip


@pytest.mark.parametrize("command", ["make zq", "zq-deploy <path>", "git zq", "ls --zq", "ZQ=<text>"])
def test_a_template_with_a_word_of_one_person_is_not_public(command: str) -> None:
    templates = [command] * 40 + ["git status", "make test"] * 3
    users = ["zoe"] * 40 + ["ada", "ada", "bob", "bob", "eve", "eve"]
    assert shared_templates(templates, users) == {"git status", "make test"}
    assert shared_templates([command] * 3, ["ada", "bob", "eve"]) == {command}
    assert shared_templates([command], ["zoe"]) == {command}


def test_the_reference_of_a_release_names_no_word_and_no_program_of_one_person() -> None:
    rows = [("ada bob eve zoe".split()[n % 4], n) for n in range(400)]
    frame = pd.DataFrame([_clean(user, n) for user, n in rows])
    reference = DriftReference.fit(frame, frame)
    assert {"files", "list"} <= reference.vocabulary
    assert "ls" in reference.programs
    assert b"zq" not in reference.encode()


def _clean(user: str, number: int) -> dict[str, Any]:
    own = user == "zoe"
    command = "zqtool run" if own else "ls"
    return {
        "user_id": user, "session_id": f"s-{user}-{number % 7}",
        "request": "list zqword files" if own else "list files", "duration_ms": 5.0, "platform": "linux",
        "time": pd.Timestamp("2026-01-01", tz="UTC") + pd.Timedelta(minutes=number),
        "command": command, "wanted_command": command, "corrected_command": None, "cpu_percent": 5.0,
        "memory_percent": 5.0, "disk_percent": 5.0, "load_1m": 0.5, "processes": 5.0,
    }  # fmt: skip


def _events() -> Iterator[dict[str, Any]]:
    for number in range(390):
        command = COMMANDS[number % len(COMMANDS)]
        common = {"user_id": "zqowner", "session_id": f"zqs-{number // 10}", "time": _time(number)}
        key = f"zq-{number}"
        yield {"kind": "interaction", "event_id": key, "request": f"open the zqfjord {number % 5}",
               "command": command, "directory": "/srv/zqfjord", "action": "suggest", "propensity": 0.4,
               "intent": "list_files", **common}  # fmt: skip
        yield {"kind": "execution", "event_id": f"{key}-x", "interaction_id": key, "exit_status": number % 2, **common}
        yield {"kind": "error", "event_id": f"{key}-e", "interaction_id": key, "message": "Zqfjord broke", **common}


def _time(number: int) -> str:
    return f"2025-06-{1 + number // 20:02}T{8 + number % 10:02}:{number % 60:02}:00Z"


@pytest.mark.slow
def test_after_a_whole_run_no_word_of_one_person_is_where_others_read(tmp_path: Path) -> None:
    home = Home(tmp_path / "ccml")
    simulate(PROFILES["smoke"].simulation, home.landing, tmp_path / "truth")
    (home.landing / "one.jsonl").write_text("".join(json.dumps(event) + "\n" for event in _events()))
    environment = {**os.environ, "CCML_HOME": str(home.root), "CCML_PROFILE": "smoke"}
    command = [str(Path(sys.executable).with_name("ccml")), "run"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

    read_by_others = [home.candidates, home.models, home.reports, home.root / "mlartifacts"]
    found = {str(folder): files_with(folder, MARKS) for folder in read_by_others if folder.is_dir()}
    for mark, paths in files_with(home.lake, MARKS).items():
        found[f"documents, {mark}"] = {
            mark: [path for path in paths if path.endswith(".json") and not path.startswith("landed")]
        }
    # The smoke encoder takes its vocabulary from the texts; published ones, which are released, do not.
    left = [path for marks in found.values() for paths in marks.values() for path in paths]
    assert [path for path in left if not path.endswith("tokenizer.json")] == []
    assert list(home.candidates.glob("*/*/labels.json"))
    for golden in home.candidates.glob("*/*.onnx/golden.json"):
        assert "zqfjord" not in _decoded(golden)


def _decoded(golden: Path) -> str:
    """What the tokens of the golden inputs say."""
    from tokenizers import Tokenizer

    tokenizer = golden.parent.parent / golden.parent.name.removesuffix(".onnx") / "tokenizer.json"
    inputs = Golden.from_json(golden.read_bytes()).inputs
    if not tokenizer.exists() or "input_ids" not in inputs:
        return ""
    read = Tokenizer.from_file(str(tokenizer))
    return " ".join(read.decode([int(one) for one in row]) for row in inputs["input_ids"].array())
