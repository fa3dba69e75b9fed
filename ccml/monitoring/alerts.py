"""Is serving within its limits? Latency, errors, memory, and the fall of each model's accuracy or reward."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec
import numpy as np

from ccml.evaluation.spelling import signs
from ccml.evaluation.statistics import Floats, Interval
from ccml.monitoring.figures import Figure, figure, too_few

if TYPE_CHECKING:
    import pandas as pd

    from ccml.monitoring.limits import MonitoringLimits, Watched
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
    measured = {
        "latency_ms": served["latency_ms"].to_numpy(dtype=float),
        "failed": _failed(served, released),
        "server_memory_mb": np.asarray(server_memory_mb, dtype=float),
    }
    alerts: list[Alert] = []
    for watched in limits.alerts.watched:
        if watched.statistic == "given":
            alerts += _falls(quality, watched)
            continue
        values = measured[watched.measure]
        if watched.statistic == "peak":
            found = _peak(values)
        else:
            found = figure(served, values, limits.fewest_answers, watched.statistic)
        alerts.append(alert(watched.alert, found.value, watched.limit, watched.unit, found.lacking))
    return alerts


def alert(name: str, value: Interval | None, limit: float, unit: str, lacking: str) -> Alert:
    """The level of one figure; higher is worse.

    Args:
        lacking: why there is no figure, for the reason of an `unknown`.
    """
    level: Level
    if value is None:
        level, reason = "unknown", f"not evaluated: {lacking}"
    else:
        level = "watch" if value.estimate > limit else "ok"
        if value.above(limit):
            level = "alert"
        beside = "" if unit in ABSOLUTE else f" {unit}"
        reason = f"{_shown(value, unit)}{beside}, limit {_shown(limit, unit)}"
    return Alert(name=name, level=level, value=value, limit=limit, unit=unit, reason=reason)


def _falls(quality: QualityReport, watched: Watched) -> Iterator[Alert]:
    for one in quality.findings:
        name, unit = f"{one.model}_{watched.alert}", f"{watched.unit} {one.against}"
        lacking = one.lacking or f"no figure of {one.against} to compare with"
        yield alert(name, one.relative_drop, watched.limit, unit, lacking)


def _peak(values: Floats) -> Figure:
    """A process either went beyond the limit or did not: one value is enough, and no interval is needed."""
    known = values[~np.isnan(values)]
    if not len(known):
        return Figure(None, 0, too_few(0, 1))
    peak = float(known.max())
    return Figure(Interval(peak, peak, peak), len(known), "")


def _failed(served: pd.DataFrame, released: Collection[str]) -> Any:
    """(N,) 1 where a released model is missing from the answer, or nothing but a person answered."""
    part = served["model_versions"].fillna("{}").map(lambda text: frozenset(msgspec.json.decode(text)))
    missing = ~part.map(frozenset(released).issubset).to_numpy(dtype=bool)
    return (missing | served["served_by"].fillna("human").eq("human").to_numpy(dtype=bool)).astype(float)


def _shown(value: Interval | float, unit: str) -> str:
    """Rounded to what the unit bears: whole milliseconds and megabytes, tenths of a per cent."""
    numbers = [value.estimate, *(value.ends or ())] if isinstance(value, Interval) else [value]
    absolute = unit in ABSOLUTE
    first, *ends = [f"{one:,.0f}" if absolute else f"{100 * one:.1f}" for one in numbers]
    interval = f" [{ends[0]}, {ends[1]}]" if ends and ends[0] != ends[1] else ""
    return signs(f"{first} {unit if absolute else '%'}{interval}")
