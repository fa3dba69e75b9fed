"""Figures in one spelling, on the pages, in the gate's reasons, in Dagster and on the terminal: `68.6 %`,
`+9.1 points`, `−0.004`, `3,911`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10
from typing import Any

from ccml.evaluation.statistics import Interval

MOST_DECIMALS = 3


def interval(value: Interval, unit: str = "share") -> str:
    """'71.3 % [69.0, 73.4]' for shares, three decimals for rewards, three figures and the unit otherwise."""
    if unit == "share":
        return signs(value.text(lambda share: f"{100 * share:.1f}", "%"))
    if unit in ("reward", "score"):
        return signs(value.text("{:.3f}".format))
    # The ends have the decimals of the largest: `1.10 MB [0.21, 1.10]`.
    decimals = _decimals((value.estimate, *(value.ends or ())))
    return signs(value.text(lambda number: f"{number:,.{decimals}f}", unit))


def difference(value: Interval, unit: str = "share") -> str:
    """Signed; shares in percentage points."""
    if unit == "share":
        return signs(value.text(lambda share: f"{100 * share:+.1f}", "points"))
    return signs(value.text("{:+.3f}".format))


def gain(value: float, unit: str = "share") -> str:
    """A difference alone: '+1.0 points'."""
    return signs(f"{100 * value:+.1f} points" if unit == "share" else f"{value:+.3f}")


def figure(value: float, unit: str = "share") -> str:
    """The estimate alone."""
    return percent(value) if unit == "share" else signs(f"{value:.3f}")


def percent(share: float, decimals: int = 1) -> str:
    """'68.6 %'."""
    return signs(f"{100 * share:.{decimals}f} %")


def short(value: Any) -> str:
    """A count with separators, another number in four figures or without decimals, anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return signs(f"{value:,}" if isinstance(value, int) else f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}")


def signs(text: str) -> str:
    """Numbers with a minus sign in place of the hyphen: `1e−05` too."""
    return text.replace("-", "\u2212")


def _decimals(numbers: Sequence[float]) -> int:
    """For three figures of the largest number, and no more than a reader needs."""
    largest = max(map(abs, numbers))
    if all(float(number).is_integer() for number in numbers) or largest == 0:
        return 0
    return min(MOST_DECIMALS, max(0, 2 - floor(log10(largest))))
