"""The watched columns in plain words, and the range of each of their bins with its unit."""

from __future__ import annotations

from itertools import pairwise
from math import ceil, isfinite

TITLES = {
    "request_words": "words in a request",
    "unknown_words": "words of a request that training had not seen",
    "cpu_percent": "CPU load of the machine",
    "load_1m": "runnable processes, mean over a minute",
    "relative_duration": "duration, beside what the program took in training",
    "program": "programs of the wanted commands",
    "platform": "operating system",
}

_WHOLE = {"request_words": "word", "unknown_words": "new word"}
_UNITS = {"cpu_percent": " %", "load_1m": "", "relative_duration": " ×"}


def bin_labels(column: str, edges: list[float]) -> list[str]:
    """One label per bin, lowest first. A value on an edge belongs to the bin above it."""
    bounds = [float("-inf"), *edges, float("inf")]
    label = _of_whole_numbers if column in _WHOLE else _of_numbers
    return [label(column, low, high) for low, high in pairwise(bounds)]


def _of_whole_numbers(column: str, low: float, high: float) -> str:
    first = max(0, ceil(low)) if isfinite(low) else (1 if column == "request_words" else 0)
    last = ceil(high) - 1 if isfinite(high) else None
    noun = _WHOLE[column]
    if last is None:
        return f"{first} {noun}s or more"
    if last <= first:
        return f"{first} {noun}{'' if first == 1 else 's'}"
    return f"{first} to {last} {noun}s"


def _of_numbers(column: str, low: float, high: float) -> str:
    # The duration is a logarithm to the base 2 of the ratio; people read the ratio.
    shown = [2**edge if column == "relative_duration" else edge for edge in (low, high) if isfinite(edge)]
    unit = _UNITS[column]
    if not shown:
        return "any value"
    if not isfinite(low):
        return f"below {shown[0]:.3g}{unit}"
    if not isfinite(high):
        return f"{shown[0]:.3g}{unit} or more"
    return f"{shown[0]:.3g} to {shown[1]:.3g}{unit}"
