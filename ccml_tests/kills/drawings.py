"""Kills the drawing of sample telemetry and counts the days that the next run finds:

python -m ccml_tests.kills.drawings FOLDER KILLS SEED
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from ccml.home import Home
from ccml_tests.kills.children import Kill, done


def killed(folder: Path, kills: int, seed: int) -> dict[str, Any]:
    import ccml_simulator.simulate  # noqa: F401  # loaded before the forks
    from ccml_cli.progress import Progress
    from ccml_cli.run import _find_telemetry

    home, printed, draw = Home(folder / "home"), folder / "printed.txt", random.Random(seed)
    os.environ.update(CCML_HOME=str(home.root), CCML_PROFILE="smoke")

    def find() -> None:
        _find_telemetry(home, None, "auto", Progress(quiet=True))

    def days() -> int:
        return len(list(home.landing.glob("*.jsonl")))

    usual = done(find, home.root, printed).undisturbed
    expected, found, half = days(), [], 0
    for _ in range(kills):
        shutil.rmtree(home.root)
        done(find, home.root, printed, Kill(signal.SIGKILL, touch=draw.randint(1, usual.touches)))
        half += 0 < days() < expected
        assert done(find, home.root, printed).status == 0, printed.read_text()
        found.append(days())
    return {"expected": expected, "half": half, "found": found}


if __name__ == "__main__":
    print(json.dumps(killed(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))  # noqa: T201
