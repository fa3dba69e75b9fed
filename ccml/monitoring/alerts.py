"""P4: latency p95 100 ms, errors 5 %, memory 512 MB, accuracy drop 10 %."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec
import numpy as np

from ccml.evaluation.statistics import Interval, bootstrap_interval, quantile_interval

if TYPE_CHECKING:
    import pandas as pd

    from ccml.monitoring.quality import QualityReport

Level: TypeAlias = Literal["ok", "watch", "alert", "unknown"]

FEWEST_ROWS = 30


class Thresholds(msgspec.Struct, frozen=True):
    latency_p95_ms: float = 100.0
    error_rate: float = 0.05
    memory_mb: float = 512.0
    accuracy_drop: float = 0.10


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """`alert` when the whole interval lies beyond the limit, `watch` when only the estimate does, `unknown` when fewer
    than 30 answers were served: an alarm on a handful of rows teaches people to ignore alarms.
    """

    name: str
    level: Level
    value: Interval | None
    limit: float
    unit: str
    reason: str


def judge(name: str, value: Interval | None, limit: float, unit: str) -> Alert:
    """Higher is worse."""
    if value is None:
        return Alert(
            name=name, level="unknown", value=None, limit=limit, unit=unit, reason="too few served answers to tell"
        )
    level: Level = "alert" if value.low > limit else "watch" if value.estimate > limit else "ok"
    return Alert(name=name, level=level, value=value, limit=limit, unit=unit, reason=f"{value} {unit}, limit {limit:g}")


def serving_alerts(
    served: pd.DataFrame,
    server_memory_mb: Any,
    quality: QualityReport,
    limits: Thresholds,
) -> list[Alert]:
    """
    Args:
        served: clean interactions answered by a server; an answer that fell through to a person is an error.
        server_memory_mb: (M,) resident memory of the serving process, one value per snapshot.
        quality: served accuracy beside what the releases promised.
    """
    latency = errors = memory = None
    known = served["latency_ms"].dropna().to_numpy(dtype=float)
    if len(known) >= FEWEST_ROWS:
        latency = quantile_interval(known, 0.95)
    if len(served) >= FEWEST_ROWS:
        failed = served["served_by"].fillna("human").eq("human").to_numpy(dtype=float)
        errors = bootstrap_interval(failed, clusters=served["session_id"].to_numpy(dtype=str))
    if len(server_memory_mb):
        peak = float(np.max(server_memory_mb))
        memory = Interval(peak, peak, peak)
    return [
        judge("latency_p95", latency, limits.latency_p95_ms, "ms"),
        judge("error_rate", errors, limits.error_rate, "of answers"),
        judge("memory", memory, limits.memory_mb, "MB"),
        *(
            judge(f"{finding.model}_{finding.metric}_drop", finding.relative_drop, limits.accuracy_drop, "of released")
            for finding in quality.findings
        ),
    ]
