"""Is serving within its limits? Latency, errors, memory, and the fall of each model's accuracy or reward."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec
import numpy as np

from ccml.evaluation.statistics import FEWEST_CLUSTERS, Clusters, Interval, quantile_interval

if TYPE_CHECKING:
    import pandas as pd

    from ccml.monitoring.limits import MonitoringLimits, Statistic, Watched
    from ccml.monitoring.quality import QualityReport

ABSOLUTE = ("ms", "MB")
"""Units of figures that are no shares; the others are shown in per cent."""

Level: TypeAlias = Literal["ok", "watch", "alert", "unknown"]


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """`alert` when the whole interval lies beyond the limit, `watch` when only the estimate does, `unknown` when too
    few answers, or those of too few sessions, were served."""

    name: str
    level: Level
    value: Interval | None
    limit: float
    unit: str
    reason: str


def serving_alerts(
    served: pd.DataFrame,
    server_memory_mb: Any,
    quality: QualityReport,
    released: Collection[str],
    limits: MonitoringLimits,
) -> list[Alert]:
    """One alert per limit; of the fall one per model.

    Args:
        served: clean interactions answered by a server. An answer is an error if a model that has a release took no
            part in it, or if only a person was left to ask; what was refused at the door left no answer to count.
        server_memory_mb: (M,) resident memory of the serving process, one value per answer.
        quality: served figures beside those the models are held to.
        released: names of the models that have a champion.
    """
    sessions = served["session_id"].to_numpy(dtype=str)
    memory = np.asarray(server_memory_mb, dtype=float)
    measured = {
        "latency_ms": (served["latency_ms"].to_numpy(dtype=float), sessions),
        "failed": (_failed(served, released), sessions),
        "server_memory_mb": (memory, None),
    }
    alerts: list[Alert] = []
    for watched in limits.alerts.watched:
        if watched.measure == "relative_drop":
            alerts += _falls(quality, watched, limits.fewest_answers)
        else:
            values, clusters = measured[watched.measure]
            needed = 1 if watched.statistic == "peak" else limits.fewest_answers
            value, known = _figure(values, clusters, watched.statistic, needed)
            alerts.append(alert(watched.alert, value, watched.limit, watched.unit, known, needed))
    return alerts


def alert(name: str, value: Interval | None, limit: float, unit: str, known: int, needed: int) -> Alert:
    """The level of one figure; higher is worse.

    Args:
        known: how many answers the figure rests on.
        needed: how many it takes to tell, for the reason of an `unknown`.
    """
    level: Level
    if value is None:
        level, reason = "unknown", f"not evaluated: {_too_few(known, needed)}"
    else:
        level = "watch" if value.estimate > limit else "ok"
        if value.above(limit):
            level = "alert"
        beside = "" if unit in ABSOLUTE else f" {unit}"
        reason = f"{_shown(value, unit)}{beside}, limit {_shown(limit, unit)}"
    return Alert(name=name, level=level, value=value, limit=limit, unit=unit, reason=reason)


def _falls(quality: QualityReport, watched: Watched, needed: int) -> Iterator[Alert]:
    for one in quality.findings:
        name, unit = f"{one.model}_{watched.alert}", f"{watched.unit} {one.against}"
        if one.served is not None and one.relative_drop is None:
            reason = f"not evaluated: no figure of {one.against} to compare with"
            yield Alert(name=name, level="unknown", value=None, limit=watched.limit, unit=unit, reason=reason)
        else:
            yield alert(name, one.relative_drop, watched.limit, unit, one.known, needed)


def _figure(values: Any, sessions: Any, statistic: Statistic, needed: int) -> tuple[Interval | None, int]:
    """The figure, None where too little is known for one, and how many values it rests on."""
    present = ~np.isnan(values)
    known = values[present]
    if statistic == "peak":
        # A process either went beyond the limit or did not: one value is enough, and no interval is needed.
        peak = float(known.max()) if len(known) else None
        return (None if peak is None else Interval(peak, peak, peak)), len(known)
    if len(known) < needed:
        return None, len(known)
    if statistic == "p95":
        return quantile_interval(known, 0.95), len(known)
    figure = Clusters(sessions[present], "sessions").mean(known)
    return (None if figure.lacking else figure), len(known)


def _too_few(known: int, needed: int) -> str:
    if known < needed:
        return f"{known} answers, {needed} needed"
    return f"{known} answers of fewer than {FEWEST_CLUSTERS} sessions"


def _failed(served: pd.DataFrame, released: Collection[str]) -> Any:
    """(N,) 1 where a released model is missing from the answer, or nothing but a person answered."""
    part = served["model_versions"].fillna("{}").map(lambda text: frozenset(msgspec.json.decode(text)))
    missing = ~part.map(frozenset(released).issubset).to_numpy(dtype=bool)
    return (missing | served["served_by"].fillna("human").eq("human").to_numpy(dtype=bool)).astype(float)


def _shown(value: Interval | float, unit: str) -> str:
    """Rounded to what the unit bears: whole milliseconds and megabytes, tenths of a per cent."""
    numbers = [value.estimate, *(value.ends or ())] if isinstance(value, Interval) else [value]
    absolute = unit in ABSOLUTE
    first, *ends = [f"{one:.0f}" if absolute else f"{100 * one:.1f}" for one in numbers]
    interval = f" [{ends[0]}, {ends[1]}]" if ends and ends[0] != ends[1] else ""
    return f"{first} {unit if absolute else '%'}{interval}"
