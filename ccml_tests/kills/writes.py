"""Kills processes that write an asset's table and document over those of before, and reads what is left:

python -m ccml_tests.kills.writes FOLDER KILLS SEED
"""

from __future__ import annotations

import json
import random
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from ccml import atomic
from ccml.home import Home
from ccml_tests.kills.children import done

ROWS = 20_000


def killed(folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """Counts: kills, how many left the version before and how many the new one, what could not be read, and what was
    written beside and is still there after the next start."""
    import dagster as dg
    import pandas as pd
    import pyarrow.parquet  # noqa: F401  # loaded before the forks

    from ccml_resources.lake import documents, tables

    home = Home(folder / "home")
    table, document = tables(home), documents(home)
    keys = dg.AssetKey(["datasets", "whole"]), dg.AssetKey(["releases", "gate"])
    given, asked = dg.build_output_context(asset_key=keys[0]), dg.build_input_context(asset_key=keys[0])
    document_given = dg.build_output_context(asset_key=keys[1])

    def write(version: int) -> None:
        table.handle_output(
            given, pd.DataFrame({"version": version, "text": [f"{version}: {row}" for row in range(ROWS)]})
        )
        document.handle_output(document_given, {"version": version, "rows": ["row"] * ROWS})

    def read() -> None:
        frame = table.load_input(asked)
        assert len(frame) == ROWS
        (written,) = frame["version"].unique()
        (folder / "found.json").write_text(json.dumps([int(written), document.read(keys[1], Any)["version"]]))

    printed, draw = folder / "printed.txt", random.Random(seed)
    first = done(lambda: write(0), home.root, printed)
    assert first.status == 0, printed.read_text()
    usual = first.undisturbed
    counts: Counter[str] = Counter(kills=0, before=0, new=0, unreadable=0, beside=0, left=0)
    known, version = [0, 0], 0
    while counts["kills"] < kills:
        version += 1
        ended = done(lambda: write(version), home.root, printed, usual.kill(draw, signal.SIGKILL))  # noqa: B023
        counts["kills"] += ended.status == -signal.SIGKILL
        counts["beside"] += len(list(home.root.rglob(".*.tmp")))
        atomic.remove_unfinished(home.root, but=home.landing)
        counts["left"] += len(list(home.root.rglob(".*.tmp")))
        if done(read, folder, printed).status != 0:
            counts["unreadable"] += 1
            continue
        for place, found in enumerate(json.loads((folder / "found.json").read_text())):
            counts["new" if found == version else "before" if found == known[place] else "unreadable"] += 1
            known[place] = found
    return dict(counts)


if __name__ == "__main__":
    print(json.dumps(killed(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])), indent=1))  # noqa: T201
