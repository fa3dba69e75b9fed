"""Kills `ccml run` on sample telemetry, from its drawing to the last report, until nothing is left to do; compares what
came of it with an undisturbed run:

    python -m ccml_tests.kills.trainings FOLDER KILLS SEED
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from ccml.home import Home
from ccml_tests.kills.children import Kill, done

RESULTS = ("interactions", "models", "gates", "skipped")
"""What a summary says of the data and the models, and not of when they were made."""
LIMIT = 600.0
"""Seconds after which a run of the smallest profile hangs."""
LATEST = 0.15
"""Share of an undisturbed run after which a kill comes at the latest: a run begins where the one before it was killed,
so kills reach every stage."""


def killed(folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """Counts over as many homes as the kills need: kills, runs that then finished, results that differ."""
    import ccml_assets.definitions  # noqa: F401  # loaded before the forks
    import ccml_cli.run  # noqa: F401
    from ccml_cli.main import main

    printed, draw = folder / "printed.txt", random.Random(seed)

    def run() -> None:
        sys.argv = ["ccml", "run"]
        main()

    def results(home: Home) -> dict[str, Any]:
        summary = json.loads((home.reports / "summary.json").read_bytes())
        return {name: summary[name] for name in RESULTS}

    undisturbed = _home(folder / "undisturbed")
    ended = done(run, undisturbed.root, printed, limit=LIMIT)
    assert ended.status == 0, printed.read_text()
    expected, seconds = results(undisturbed), ended.seconds
    counts: Counter[str] = Counter(kills=0, homes=0, finished=0, stuck=0, different=0)
    faults: list[str] = []
    slowest = 0.0
    while counts["kills"] < kills:
        home = _home(folder / "home")
        home.root.mkdir()
        # With another key the users have other pseudonyms, and other users are in the test rows.
        shutil.copy2(undisturbed.key_file, home.key_file)
        counts["homes"] += 1
        while counts["kills"] < kills:
            ended = done(
                run, home.root, printed, Kill(signal.SIGKILL, seconds=draw.uniform(0, LATEST * seconds)), LIMIT
            )
            if ended.status != -signal.SIGKILL or ended.hung:
                break
            counts["kills"] += 1
        ended = done(run, home.root, printed, limit=LIMIT)
        slowest = max(slowest, ended.seconds)
        if ended.status != 0:
            counts["stuck"] += 1
            faults.append(printed.read_text()[-900:])
        else:
            counts["finished"] += 1
            found = results(home)
            different = [name for name in RESULTS if found[name] != expected[name]]
            counts["different"] += len(different)
            faults += [f"{name}: {found[name]} instead of {expected[name]}" for name in different]
    return {**counts, "faults": faults, "undisturbed_s": round(seconds, 1), "slowest_s": round(slowest, 1)}


def _home(root: Path) -> Home:
    """A new home, which the children use from now on."""
    shutil.rmtree(root, ignore_errors=True)
    home = Home(root)
    os.environ.update(CCML_HOME=str(root), CCML_PROFILE="smoke", DAGSTER_HOME=str(home.dagster))
    return home


if __name__ == "__main__":
    print(json.dumps(killed(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])), indent=1))  # noqa: T201
