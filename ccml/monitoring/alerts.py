"""P4: latency p95 100 ms, errors 5 %, memory 512 MB, accuracy drop 10 %."""

from __future__ import annotations

from collections.abc import Collection
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
    than 30 answers, or those of one session alone, were served: an alarm on a handful teaches people to ignore alarms.
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
    released: Collection[str],
    limits: Thresholds,
) -> list[Alert]:
    """
    Args:
        served: clean interactions answered by a server. An answer is an error if a model that has a release took no
            part in it, or if only a person was left to ask; what was refused at the door left no answer to count.
        server_memory_mb: (M,) resident memory of the serving process, one value per answer; its peak is judged.
        quality: served figures beside those the models are held to.
        released: names of the models that have a champion.
    """
    latency = errors = memory = None
    known = served["latency_ms"].dropna().to_numpy(dtype=float)
    if len(known) >= FEWEST_ROWS:
        latency = quantile_interval(known, 0.95)
    if len(served) >= FEWEST_ROWS and served["session_id"].nunique() > 1:
        errors = bootstrap_interval(_failed(served, released), clusters=served["session_id"].to_numpy(dtype=str))
    if len(server_memory_mb):
        peak = float(np.max(server_memory_mb))
        memory = Interval(peak, peak, peak)
    return [
        judge("latency_p95", latency, limits.latency_p95_ms, "ms"),
        judge("error_rate", errors, limits.error_rate, "of answers"),
        judge("memory", memory, limits.memory_mb, "MB"),
        *(
            judge(f"{one.model}_drop", one.relative_drop, limits.accuracy_drop, f"below {one.against}")
            for one in quality.findings
        ),
    ]


def _failed(served: pd.DataFrame, released: Collection[str]) -> Any:
    """(N,) 1 where a released model is missing from the answer, or nothing but a person answered."""
    part = served["model_versions"].fillna("{}").map(lambda text: frozenset(msgspec.json.decode(text)))
    missing = ~part.map(frozenset(released).issubset).to_numpy(dtype=bool)
    return (missing | served["served_by"].fillna("human").eq("human").to_numpy(dtype=bool)).astype(float)
