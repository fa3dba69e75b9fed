"""Kills `ccml erase` with SIGKILL again and again and lets the same command finish: `python -m
ccml_tests.cli.erase_kills FOLDER KILLS SEED` prints the counts. Only children use the tables: their library does not
work in a child of a process that has used it."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ccml.home import Home
from ccml.privacy.pseudonyms import Pseudonyms, load_or_create_key
from ccml.telemetry.events import KINDS
from ccml.telemetry.lake import QUARANTINE
from ccml.telemetry.left_out import left_out
from ccml_tests.byte_search import files_with
from ccml_tests.cli.marked_person import MARKS, NAME, write_logs
from ccml_tests.kills.children import NEVER, Child, Kill, done


def killed(folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """Counts: kills, commands that then finished, homes where something of the person stayed or of others changed."""
    from ccml_cli.erase import erase_person
    from ccml_cli.ingest import ingest_logs

    home, copy = Home(folder / "home"), folder / "copy"
    os.environ.update(CCML_HOME=str(home.root), CCML_PROFILE="smoke")

    def erase() -> None:
        erase_person(NAME, yes=True, quiet=True)

    write_logs(home.landing, folder / "outside")
    assert _done(lambda: ingest_logs(folder / "outside", "auto", quiet=True), home).status == 0, _printed(folder)
    shutil.copytree(home.root, copy)
    first = _done(erase, home)
    assert first.status == 0, _printed(folder)
    touches, undisturbed = first.undisturbed.touches, _seen(home)
    counts: Counter[str] = Counter()
    faults: list[str] = []
    draw = random.Random(seed)
    while counts["kills"] < kills:
        shutil.rmtree(home.root)
        shutil.copytree(copy, home.root)
        for _ in range(3):
            if _done(erase, home, Kill(touch=draw.randrange(1, touches))).status != -signal.SIGKILL:
                break
            counts["kills"] += 1
        ended = _done(erase, home).status
        finished = ended == 0 or "is of a user" in _printed(folder)  # which had been done by then
        counts["finished" if finished else "not finished"] += 1
        found = _seen(home)
        faults += [] if finished else [f"ended with {ended}: {_printed(folder)[-500:]}"]
        faults += [f"{name} differs" for name in undisturbed if found[name] != undisturbed[name]]
    return {**counts, "faults": faults}


def _done(work: Callable[[], object], home: Home, kill: Kill = NEVER) -> Child:
    return done(work, home.root, home.root.parent / "printed.txt", kill)


def _printed(folder: Path) -> str:
    return (folder / "printed.txt").read_text()


def _seen(home: Home) -> dict[str, Any]:
    """Files with something of the person, everybody's rows, the sums over the files."""
    facts = home.root.parent / "facts.json"
    assert _done(lambda: facts.write_text(json.dumps(_facts(home))), home).status == 0, _printed(home.root.parent)
    found: dict[str, Any] = json.loads(facts.read_text())
    return found


def _facts(home: Home) -> dict[str, Any]:
    from ccml.telemetry.totals import landed_totals
    from ccml_tests.telemetry import stored

    marks = [*MARKS, Pseudonyms(load_or_create_key(home.key_file)).of("user", NAME)]
    facts: dict[str, Any] = {"files with marks": files_with(home.root, marks), "sums": landed_totals(home.lake)}
    facts["unfinished"] = len(left_out(home.lake).unfinished)
    for table in (*KINDS, QUARANTINE):
        order = ["file", "line", "event_id" if table in KINDS else "reason"]
        facts[table] = stored.rows(home.lake, table).sort_values(order).to_json(orient="records")
    return facts


if __name__ == "__main__":
    print(json.dumps(killed(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])), indent=1))  # noqa: T201
