"""Kills `ccml ingest` or `ccml run` again and again and counts what is then lost, there twice or stuck:

    python -m ccml_tests.kills.commands ingest|run FOLDER KILLS SIGNALS SEED

SIGNALS are names with commas between them (`SIGKILL,SIGHUP`), used in turn. A home lives for some rounds. In each a new
log comes into its folder, the command is killed up to four times, and then called once more: it has to finish in time,
and the home is looked through.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from itertools import cycle
from pathlib import Path
from typing import Any

from ccml.home import Home
from ccml_tests.kills.children import Undisturbed, done
from ccml_tests.kills.logs import DAYS, lake_faults, log

ROUNDS = 8
"""Logs that land in a home, one after the other, before the next home is made."""
CHAIN = 4
"""The most kills of one round."""
SECONDS_MORE = 10
"""A dead run is looked at twice, a second apart, before it is failed; and the machine has other work."""


def killed(command: str, folder: Path, kills: int, signals: list[int], seed: int) -> dict[str, Any]:
    """Counts over all homes: kills, commands that then finished, homes where something was lost, double or stuck."""
    home, logs, printed = Home(folder / "home"), folder / "logs", folder / "printed.txt"
    os.environ.update(CCML_HOME=str(home.root), CCML_PROFILE="smoke", DAGSTER_HOME=str(home.dagster))
    work = _command(command, logs)
    counts: Counter[str] = Counter(kills=0, homes=0, finished=0, lost=0, double=0, stuck=0)
    faults: list[str] = []
    usual: list[Undisturbed] = []
    draw, turn = random.Random(seed), cycle(signals)
    slowest = 0.0
    while counts["kills"] < kills:
        shutil.rmtree(home.root, ignore_errors=True)
        shutil.rmtree(logs, ignore_errors=True)
        logs.mkdir()
        counts["homes"] += 1
        for number in range(ROUNDS):
            (logs / f"{number}.jsonl").write_bytes(log(number))
            measuring = number == len(usual) < 2  # what a command costs on a new home and on a later one, undisturbed
            expected = usual[min(number, 1)] if not measuring else Undisturbed(0, 100)
            limit = 3 * expected.seconds + SECONDS_MORE
            for _ in range(0 if measuring else min(draw.randint(1, CHAIN), kills - counts["kills"])):
                ended = done(work, home.root, printed, expected.kill(draw, next(turn)), limit)
                if ended.hung or ended.status == 0:  # it had less left to do than the first time, and has done it
                    counts["stuck"] += ended.hung
                    break
                counts["kills"] += 1
                counts[f"ended with {ended.status}"] += 1
            ended = done(work, home.root, printed, limit=limit)
            if measuring:
                assert ended.status == 0, printed.read_text()
                usual.append(ended.undisturbed)
            slowest = max(slowest, ended.seconds)
            counts["finished" if ended.status == 0 else "stuck" if ended.hung else "failed"] += 1
            found = _faults(home, command, number + 1) if ended.status == 0 else [printed.read_text()[-900:]]
            counts.update(one.partition(":")[0] for one in found if ended.status == 0)
            faults += found
            if found or counts["kills"] == kills:
                break
    undisturbed = max(one.seconds for one in usual)
    return {**counts, "faults": faults, "undisturbed_s": round(undisturbed, 1), "slowest_s": round(slowest, 1)}


def _command(name: str, logs: Path) -> Callable[[], object]:
    import deltalake  # noqa: F401  # loaded before the forks
    import great_expectations  # noqa: F401
    import pandas  # noqa: F401
    import torch  # noqa: F401
    from transformers import BertModel  # noqa: F401

    import ccml_assets.definitions  # noqa: F401
    import ccml_cli.ingest
    import ccml_cli.run  # noqa: F401
    from ccml_cli.main import main

    def call() -> None:
        sys.argv = ["ccml", *(["ingest", str(logs)] if name == "ingest" else ["run", "--input", str(logs)])]
        main()

    return call


def _faults(home: Home, command: str, logs: int) -> list[str]:
    """What is wrong in the home after the command has finished, as `word: how`."""
    faults = lake_faults(home.lake, home.root.parent, logs)
    faults += [f"stuck: {path} is left" for path in home.root.rglob(".*.tmp")]
    with closing(sqlite3.connect(home.dagster / "history" / "runs.db")) as database:
        at_work = database.execute("SELECT count(*) FROM runs WHERE status NOT IN ('SUCCESS', 'FAILURE')").fetchone()[0]
    with closing(sqlite3.connect(home.dagster / "history" / "runs" / "index.db")) as database:
        held = database.execute("SELECT count(*) FROM concurrency_slots WHERE run_id IS NOT NULL").fetchone()[0]
        asked_days = "SELECT count(DISTINCT partition) FROM event_logs WHERE asset_key = ?"
        days = database.execute(asked_days, ['["landing", "days"]']).fetchone()[0]
    faults += [f"stuck: {at_work} runs at work"] if at_work else []
    faults += [f"stuck: {held} slots held"] if held else []
    faults += [f"lost: {days} of {logs * DAYS} days reported"] if days != logs * DAYS else []
    if command == "run":
        kept = json.loads((home.reports / "summary.json").read_bytes())["interactions"]["kept"]
        faults += [f"lost: {kept} of {4 * logs} interactions prepared"] if kept != 4 * logs else []
    return faults


if __name__ == "__main__":
    names, seed = sys.argv[4].split(","), int(sys.argv[5])
    signals = [signal.Signals[name] for name in names]
    print(json.dumps(killed(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), signals, seed), indent=1))  # noqa: T201
