"""How much of a log is refused: too much of one file, or more than earlier landings let expect.

A file of which more than a limit is refused is held: what landed of it stays, and nothing is prepared of it until
somebody has looked. Whether the share of a landing has jumped is a test against the landings before it. Lines that are
refused are not independent: one broken writer breaks many. So the test is beta-binomial: the mean share and the
correlation of lines that land together are estimated from the earlier landings, beside one landing that is made up, in
which one of five hundred lines was refused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ccml.telemetry.lake import FILES, QUARANTINE, rows_of_files

if TYPE_CHECKING:
    import pandas as pd

MADE_UP_LINES = 500
"""Of the landing that stands for what is known before the first one; one of them was refused."""
_WEIGHT = 5_000
"""Lines that the correlation of the made-up landing counts as."""
_EARLIER = 200
"""Landings that a new one is compared with, the newest."""
_LEAST_CORRELATION = 1e-6
_FEWEST_REFUSED = 2


@dataclass(frozen=True)
class Held:
    """A file of which too much was refused."""

    file: str
    """sha256"""
    path: str
    lines: int
    refused: int
    days: tuple[str, ...]

    @property
    def share(self) -> float:
        return self.refused / self.lines

    def sentence(self, most: float) -> str:
        return (
            f"{self.path} is held: {self.refused:,} of its {self.lines:,} lines are refused, {100 * self.share:.1f} %, "
            f"and {100 * most:g} % is the most. Nothing is prepared of the events that landed from it."
        )


def held_files(lake: Path, *, most: float, fewest_lines: int) -> list[Held]:
    """Files with events of which more than the share `most` waits in the quarantine.

    Args:
        fewest_lines: of a shorter file no share is taken: one bad line of three says nothing.
    """
    columns = ["file", "path", "lines", "quarantined", "days"]
    files = rows_of_files(lake, FILES, columns).to_pylist()
    suspects = {
        row["file"]: row
        for row in files
        if row["lines"] >= fewest_lines and row["quarantined"] > most * row["lines"] and row["days"]
    }
    if not suspects:
        return []
    refused = rows_of_files(lake, QUARANTINE, ["file"], files=list(suspects))["file"].value_counts().to_pylist()
    waiting = {count["values"]: count["counts"] for count in refused}
    return sorted(
        (
            Held(file, row["path"], row["lines"], waiting.get(file, 0), tuple(row["days"]))
            for file, row in suspects.items()
            if waiting.get(file, 0) > most * row["lines"]
        ),
        key=lambda held: (-held.share, held.path),
    )


class Landing(NamedTuple):
    """New lines of the files that landed together, and how many of them were refused."""

    lines: int
    refused: int


def landings(lake: Path) -> list[Landing]:
    """Every landing with lines, in order."""
    columns = ["path", "bytes", "lines", "duplicates", "quarantined", "landed_at"]
    files = rows_of_files(lake, FILES, columns).to_pandas()
    if not len(files):
        return []
    sums = _new_lines(files).groupby("landed_at", sort=True)[["lines", "refused"]].sum()
    return [Landing(int(row.lines), int(row.refused)) for row in sums.itertuples() if row.lines]


def _new_lines(files: pd.DataFrame) -> pd.DataFrame:
    """A log that has grown lands as a whole: its earlier lines are duplicates, and those refused are refused again."""
    ordered = files.sort_values(["landed_at", "bytes"], kind="stable")
    before = ordered.groupby("path")[["bytes", "quarantined"]].shift()
    grown = before["bytes"].notna() & (ordered["bytes"] > before["bytes"]) & (ordered["duplicates"] > 0)
    repeated = before["quarantined"].where(grown, 0).clip(upper=ordered["quarantined"])
    refused = ordered["quarantined"] - repeated
    return ordered.assign(refused=refused, lines=ordered["lines"] - ordered["duplicates"] - repeated)


@dataclass(frozen=True)
class Jump:
    """What the earlier landings let expect of the newest one."""

    expected: float
    """Mean share."""
    probability: float
    """Of so many refused lines or more."""


def jump(newest: Landing, earlier: Sequence[Landing]) -> Jump:
    """How unlikely the refused lines of a landing are by the earlier ones."""
    known = [one for one in earlier if one.lines][-_EARLIER:]
    lines = sum(one.lines for one in known)
    mean = (sum(one.refused for one in known) + 1) / (lines + MADE_UP_LINES)
    squares = sum((one.refused - one.lines * mean) ** 2 / (one.lines * mean * (1 - mean)) for one in known)
    alike = 1 / (MADE_UP_LINES + 1)
    found = (squares - len(known) + alike * _WEIGHT) / (lines - len(known) + _WEIGHT)
    correlation = min(max(found, _LEAST_CORRELATION), 0.5)
    both = 1 / correlation - 1
    if newest.refused < _FEWEST_REFUSED:
        return Jump(mean, 1.0)
    return Jump(mean, _at_least(newest, mean * both, (1 - mean) * both))


def _at_least(found: Landing, a: float, b: float) -> float:
    """Probability of so many refused lines or more, by the beta-binomial distribution with parameters a and b."""
    import numpy as np

    lines, fewer = found.lines, np.arange(found.refused - 1)
    none = math.lgamma(lines + b) + math.lgamma(a + b) - math.lgamma(lines + a + b) - math.lgamma(b)
    steps = np.log((lines - fewer) * (fewer + a)) - np.log((fewer + 1) * (lines - fewer - 1 + b))
    return max(0.0, 1 - float(np.exp(none + np.concatenate([[0.0], np.cumsum(steps)])).sum()))
