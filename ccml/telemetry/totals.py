"""The sums over all files that landed: lines, events, quarantined lines, and what the readers counted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from ccml.telemetry.lake import FILES, QUARANTINE, open_landed, open_table


def landed_totals(lake: Path) -> dict[str, Any]:
    """Sums over all files; zeros where nothing has landed.

    `lines` = `landed_lines` + `quarantined` + `duplicates` + `blank` + what `skipped` counts, for every file and so
    in sum.
    """
    numbers = ("lines", "landed_lines", "duplicates", "quarantined", "blank")
    sums: dict[str, Any] = dict.fromkeys(("files", *numbers), 0)
    counters: dict[str, Counter[str]] = {name: Counter() for name in ("landed", "skipped", "facts")}
    files = open_table(lake, FILES)
    for row in files.to_pyarrow_table().to_pylist() if files is not None else []:
        sums["files"] += 1
        for name in numbers:
            sums[name] += row[name]
        for name, counter in counters.items():
            counter.update(msgspec.json.decode(row[name], type=dict[str, int]))
    return {**sums, **{name: dict(counter) for name, counter in counters.items()}, "reasons": _reasons(lake)}


def _reasons(lake: Path) -> dict[str, int]:
    """Reason code → quarantined lines."""
    refused = open_landed(lake, QUARANTINE)
    if refused is None:
        return {}
    codes = refused.to_pyarrow_table(columns=["reason_code"])["reason_code"].to_pylist()
    return dict(Counter(codes).most_common())
