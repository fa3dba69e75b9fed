"""Changes the format of a landed log again and again, killing each change once before it may finish, and looks at the
tables after each: `python -m ccml_tests.cli.format_kills FOLDER KILLS SEED` prints how many kills hit.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

from ccml.home import Home
from ccml_cli.ingest import ingest_logs
from ccml_tests.kills.children import Kill, done

FORMATS = ("zsh-history", "bash-history", "native")
COMMANDS = 40


def typed(folder: Path) -> Path:
    path = folder / "typed"
    path.write_text("".join(f"make target-{number}\n" for number in range(COMMANDS)))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


def found(home: Home) -> dict[str, Any]:
    from ccml_tests.telemetry import stored

    rows = stored.rows(home.lake, "interactions")
    return {
        "formats": stored.files(home.lake)["format"].tolist(),
        "sources": sorted(set(rows["source"])),
        "commands": [len(rows), rows["event_id"].nunique()],
        "refused": len(stored.quarantine(home.lake)),
    }


def expected(format: str) -> dict[str, Any]:
    lands = format != "native"
    return {
        "formats": [format],
        "sources": [format] if lands else [],
        "commands": [COMMANDS, COMMANDS] if lands else [0, 0],
        "refused": 0 if lands else COMMANDS,
    }


def killed(folder: Path, kills: int, seed: int) -> int:
    import deltalake  # noqa: F401  # loaded before the forks
    import pandas  # noqa: F401

    import ccml_assets.definitions  # noqa: F401

    home, log, draw = Home(folder / "home"), typed(folder), random.Random(seed)
    os.environ.update(CCML_HOME=str(home.root), CCML_PROFILE="smoke")
    works = {format: partial(ingest_logs, log, format, quiet=False) for format in FORMATS}
    printed, facts, hit = folder / "printed.txt", folder / "facts.json", 0
    for format in FORMATS:
        ended = done(works[format], home.root, printed)
        assert ended.status == 0, printed.read_text()
    touches = ended.undisturbed.touches
    for turn in range(kills):
        format = FORMATS[turn % 3]
        kill = Kill(signal.SIGKILL, touch=draw.randrange(1, touches))
        hit += done(works[format], home.root, printed, kill).status == -signal.SIGKILL
        if draw.random() < 0.5:  # the person thinks better of it
            format = draw.choice(FORMATS)
        assert done(works[format], home.root, printed).status == 0, printed.read_text()
        assert done(lambda: facts.write_text(json.dumps(found(home))), folder, printed).status == 0
        assert json.loads(facts.read_text()) == expected(format)
    return hit


if __name__ == "__main__":
    print(killed(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))  # noqa: T201
