"""Kills processes that land files, one or several at a time on one lake, and counts what is lost or there twice:

python -m ccml_tests.kills.landings FOLDER FILES KILLS WRITERS SEED
"""

from __future__ import annotations

import json
import random
import signal
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ccml.privacy.pseudonyms import Pseudonyms
from ccml.telemetry.sources import Source
from ccml_tests.kills.children import Undisturbed, start, wait
from ccml_tests.kills.logs import lake_faults, log

LOOK_EVERY = 10
"""Files after which the lake is looked through."""
LIMIT = 300.0
"""Seconds after which a landing of one file hangs."""


def killed(folder: Path, files: int, kills: int, writers: int, seed: int) -> dict[str, Any]:
    """Each file is put into the folder, some landings of it are killed, then as many as there are writers finish."""
    import deltalake  # noqa: F401  # loaded before the forks
    import pandas  # noqa: F401

    from ccml.telemetry.landing import land

    logs, lake = folder / "logs", folder / "home" / "lake"
    logs.mkdir(parents=True)
    counts: Counter[str] = Counter(kills=0, finished=0, lost=0, double=0, stuck=0)
    faults: list[str] = []
    draw, slowest = random.Random(seed), 0.0
    usual = Undisturbed(1, 0.1)
    printed = [folder / f"printed-{writer}.txt" for writer in range(writers)]

    def work() -> None:
        land([Source(str(logs), "native")], lake, Pseudonyms(b"k" * 32), datetime.now(UTC))

    for number in range(files):
        (logs / f"{number}.jsonl").write_bytes(log(number))
        until = kills * number // max(files - 1, 1)
        while counts["kills"] < until:
            children = [start(work, folder, each, usual.kill(draw, signal.SIGKILL)) for each in printed]
            wait(children, LIMIT)
            counts["kills"] += sum(child.status == -signal.SIGKILL and not child.hung for child in children)
            if any(child.status == 0 for child in children):  # all of it has landed, so nothing is left to be killed
                (logs / f"{number}.jsonl").touch()  # looked at once more
        children = [start(work, folder, each) for each in printed]
        wait(children, LIMIT)
        usual = children[0].undisturbed
        slowest = max(slowest, *(child.seconds for child in children))
        counts["finished"] += sum(child.status == 0 for child in children)
        faults += [f"stuck: {child.printed.read_text()[-900:]}" for child in children if child.status != 0]
        if (number + 1) % LOOK_EVERY == 0 or number + 1 == files:
            faults += lake_faults(lake, folder, number + 1)
    counts.update(one.partition(":")[0] for one in faults)
    return {**counts, "faults": faults, "slowest_s": round(slowest, 1)}


if __name__ == "__main__":
    files, kills, writers, seed = map(int, sys.argv[2:6])
    print(json.dumps(killed(Path(sys.argv[1]), files, kills, writers, seed), indent=1))  # noqa: T201
