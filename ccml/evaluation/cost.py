"""Time and memory of one prediction, measured on this machine."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from ccml.evaluation.report import Metric
from ccml.evaluation.statistics import Interval, quantile_interval

WARM_UP: Final = 5


class Cost(Struct, frozen=True):
    latencies_ms: list[float]
    """Of single predictions, one after the other."""
    memory_mb: list[float]
    """Highest rise of the process's resident memory during each of a few predictions, MB."""
    measured: str
    """What one prediction was: the steps from input to answer, and the graph that ran."""

    def metrics(self, confidence: float) -> list[Metric]:
        def latency(quantile: float, name: str) -> Metric:
            value = quantile_interval(self.latencies_ms, quantile, confidence)
            meaning = f"One request at a time on this machine: {self.measured}. {len(self.latencies_ms)} calls."
            return Metric(f"latency_{name}_ms", f"Completion time {name}", value, "ms", False, meaning)

        highest = Interval(max(self.memory_mb), min(self.memory_mb), max(self.memory_mb))
        memory = Metric(
            "memory_mb", "Memory of one prediction", highest, "MB", False,
            "Highest rise of resident memory above the loaded model, by the same steps. "
            f"Range of {len(self.memory_mb)} calls.",
        )  # fmt: skip
        return [latency(0.5, "p50"), latency(0.95, "p95"), memory]


def measure(
    predict_one: Callable[[int], object], rows: int, *, measured: str, repeats: int = 200, watched: int = 10
) -> Cost:
    """Calls `predict_one(i)` for row 0, 1, …: a few calls to warm up, `repeats` for time, `watched` for memory.

    Memory is sampled by a second thread, which would disturb the times; so it gets calls of its own.
    """
    for i in range(WARM_UP):
        predict_one(i % rows)
    latencies = []
    for i in range(repeats):
        started = time.perf_counter()
        predict_one(i % rows)
        latencies.append((time.perf_counter() - started) * 1_000.0)
    return Cost(latencies, [_memory_rise(predict_one, i % rows) for i in range(watched)], measured)


def _memory_rise(predict_one: Callable[[int], object], i: int) -> float:
    import psutil

    _return_free_memory()
    process, done = psutil.Process(), threading.Event()
    before = highest = process.memory_info().rss

    def watch() -> None:
        nonlocal highest
        while not done.is_set():
            highest = max(highest, process.memory_info().rss)
            time.sleep(0.0005)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        predict_one(i)
        highest = max(highest, process.memory_info().rss)
    finally:
        done.set()
        watcher.join()
    return float((highest - before) / 2**20)


def _return_free_memory() -> None:
    """Gives what the allocator keeps for reuse back to the system; otherwise only the first prediction shows a rise.

    Only the GNU C library has the call. Elsewhere the figure is a lower bound.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
