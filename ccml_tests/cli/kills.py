"""Kills `ccml ingest` or `ccml run` with SIGKILL again and again, lets the same command finish, and counts what is
lost, there twice or stuck: `python -m ccml_tests.cli.kills ingest|run FOLDER KILLS SEED` prints the counts.

A child is forked off this process, in which the packages are loaded, so a kill costs no four seconds of imports. It
kills itself before the n-th thing that it does to a file or a database of the home, so kills spread over all stages.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from ccml.home import Home
from ccml_simulator.simulate import encode_event
from ccml_tests.assets.evening import EVENTS

TOUCHES = ("open", "os.rename", "os.remove", "os.mkdir", "os.truncate", "fcntl.flock", "sqlite3.connect")
CHAIN = 8
"""Kills of one home, one after the other, before the command may finish."""
LANDED = {"interactions": 4, "executions": 4, "feedback": 1, "quarantine": 1, "files": 1}

_last = -1
_touched = 0
_home = ""


def _count_touch(event: str, arguments: tuple[object, ...]) -> None:
    global _touched
    if _home and event in TOUCHES and (event != "open" or str(arguments[0]).startswith(_home)):
        _touched += 1
        if _touched == _last:
            os.kill(os.getpid(), signal.SIGKILL)


sys.addaudithook(_count_touch)


def forked(work: Callable[[], object], home: Home, *, kill_at: int = -1) -> int:
    """Does the work in a child: its exit status, or the signal that ended it as a negative number."""
    global _last, _home
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with (home.root.parent / "printed.txt").open("wb") as stream:
                os.dup2(stream.fileno(), 1)
                os.dup2(stream.fileno(), 2)
            _last, _home = kill_at, str(home.root)
            work()
            status = 0
            (home.root.parent / "touches").write_text(str(_touched))
        except BaseException:  # noqa: BLE001  # the child ends here, whatever it was
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed(command: str, folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """Counts over all homes: kills, commands that then finished, homes where something was lost, double or stuck."""
    home = Home(folder / "home")
    os.environ.update(CCML_HOME=str(home.root), CCML_PROFILE="smoke")
    work = _command(command, folder)
    begin = time.monotonic()
    assert forked(work, home) == 0, (folder / "printed.txt").read_text()
    undisturbed, touches = time.monotonic() - begin, int((folder / "touches").read_text())
    counts: Counter[str] = Counter()
    faults: list[str] = []
    slowest, draw = 0.0, random.Random(seed)
    while counts["kills"] < kills:
        shutil.rmtree(home.root, ignore_errors=True)
        for _ in range(min(CHAIN, kills - counts["kills"])):
            ended = forked(work, home, kill_at=draw.randrange(1, touches))
            if ended != -signal.SIGKILL:  # it had less left to do than the first time, and has done it
                break
            counts["kills"] += 1
        begin = time.monotonic()
        finished = forked(work, home) == 0
        slowest = max(slowest, time.monotonic() - begin)
        counts["finished" if finished else "not finished"] += 1
        found = _faults(home, command) if finished else [(folder / "printed.txt").read_text()[-500:]]
        counts.update(one.partition(":")[0] for one in found)
        faults += found
    return {**counts, "faults": faults, "undisturbed_s": round(undisturbed, 1), "slowest_s": round(slowest, 1)}


def _command(name: str, folder: Path) -> Callable[[], object]:
    import deltalake  # noqa: F401  # loaded before the forks
    import great_expectations  # noqa: F401
    import pandas  # noqa: F401

    import ccml_assets.definitions  # noqa: F401
    from ccml_cli.ingest import ingest_logs
    from ccml_cli.run import run_circle

    log = folder / "assistant.jsonl"
    log.write_bytes(b"".join(encode_event(event) + b"\n" for event in EVENTS) + b"{half\n")
    if name == "ingest":
        return lambda: ingest_logs(log, "auto", quiet=False)
    return lambda: run_circle(log, "auto", None, quiet=False)


def _faults(home: Home, command: str) -> list[str]:
    """What is wrong in the home after the command has finished, as `word: how`."""
    facts = home.root.parent / "facts.json"
    assert forked(lambda: facts.write_text(json.dumps(_rows(home))), home) == 0
    rows = json.loads(facts.read_text())
    faults = [
        f"{'lost' if rows[table] < expected else 'double'}: {table} has {rows[table]} rows"
        for table, expected in LANDED.items()
        if rows[table] != expected
    ]
    with closing(sqlite3.connect(home.dagster / "history" / "runs.db")) as database:
        at_work = database.execute("SELECT count(*) FROM runs WHERE status NOT IN ('SUCCESS', 'FAILURE')").fetchone()[0]
    with closing(sqlite3.connect(home.dagster / "history" / "runs" / "index.db")) as database:
        held = database.execute("SELECT count(*) FROM concurrency_slots WHERE run_id IS NOT NULL").fetchone()[0]
        asked = "SELECT count(DISTINCT partition) FROM event_logs WHERE asset_key = ?"
        days = database.execute(asked, ['["landing", "days"]']).fetchone()[0]
    faults += [f"stuck: {at_work} runs at work"] if at_work else []
    faults += [f"stuck: {held} slots held"] if held else []
    faults += [f"lost: {days} of 2 days reported"] if days != 2 else []
    if command == "run":
        kept = json.loads((home.reports / "summary.json").read_bytes())["interactions"]["kept"]
        faults += [f"lost: {kept} of 4 interactions prepared"] if kept != 4 else []
    return faults


def _rows(home: Home) -> dict[str, int]:
    from ccml.telemetry.lake import open_table

    tables = {name: open_table(home.lake, name) for name in LANDED}
    return {name: table.to_pyarrow_table().num_rows if table is not None else 0 for name, table in tables.items()}


if __name__ == "__main__":
    print(json.dumps(killed(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])), indent=1))  # noqa: T201
