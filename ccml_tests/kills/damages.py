"""Damages each file of a home in turn and calls `ccml ingest` with something new to land:

    python -m ccml_tests.kills.damages FOLDER WHICH

WHICH is a pattern of the files, counted from the home: `*` for all.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from ccml.home import Home
from ccml_tests.kills.children import done
from ccml_tests.kills.commands import _command
from ccml_tests.kills.logs import lake_faults, log


def _folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "other bytes": lambda path: path.write_bytes(random.Random(1).randbytes(path.stat().st_size + 40)),
    "empty": lambda path: os.truncate(path, 0),
    "a folder": _folder_instead,
}

STOPS = ("*.db", "pseudonym.key")
"""Cannot be made anew: a history of runs, and the key without which everybody would get another pseudonym."""
NOT_READ = ("*.lock", "*/dagster.yaml", "*.log", "*/quarantine/*", "*.yaml")
"""Made anew without a word, or not looked at by a landing."""


def tried(folder: Path, which: str) -> dict[str, Any]:
    """Counts: damaged files, commands that went on, that stopped and named the file, and what went wrong."""
    home, whole, logs, printed = Home(folder / "home"), folder / "whole", folder / "logs", folder / "printed.txt"
    os.environ.update(CCML_HOME=str(home.root), CCML_PROFILE="smoke", DAGSTER_HOME=str(home.dagster))
    logs.mkdir(parents=True)
    work = _command("ingest", logs)
    (logs / "0.jsonl").write_bytes(log(0))
    assert done(work, home.root, printed).status == 0, printed.read_text()
    (logs / "1.jsonl").write_bytes(log(1))
    home.root.rename(whole)
    counts: Counter[str] = Counter(damaged=0, finished=0, stopped=0)
    faults: list[str] = []
    for path in sorted(path for path in whole.rglob("*") if path.is_file()):
        name = path.relative_to(whole).as_posix()
        for damage, do in DAMAGES.items() if fnmatch(name, which) else ():
            shutil.rmtree(home.root, ignore_errors=True)
            shutil.copytree(whole, home.root)
            do(home.root / name)
            counts["damaged"] += 1
            ended = done(work, home.root, printed, limit=300)
            text = printed.read_text()
            stops = any(fnmatch(name, one) for one in STOPS)
            counts["finished"] += ended.status == 0
            counts["stopped"] += stops and ended.status == 4
            found: list[str] = []
            if ended.status not in ((0, 4) if stops else (0,)) or "Traceback" in text:
                found.append(f"status {ended.status}: {text[-600:]}")
            elif not (ended.status == 0 and stops) and not any(fnmatch(name, one) for one in NOT_READ):
                table = "/".join(name.split("/")[:3])  # what is wrong with a log is said of its table
                if str(home.root / name) not in text and f"{home.root / table}:" not in text:
                    found.append(f"not named: {text[-300:]}")
            if ended.status == 0:
                found += lake_faults(home.lake, folder, 2) if "/quarantine/" not in name else []
            faults += [f"{name}, {damage}: {one}" for one in found]
    return {**counts, "faults": faults}


if __name__ == "__main__":
    print(json.dumps(tried(Path(sys.argv[1]), sys.argv[2]), indent=1))  # noqa: T201
