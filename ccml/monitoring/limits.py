"""Every threshold of monitoring. They are part of the profile: changed there, recorded with each result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

Count: TypeAlias = Annotated[int, Meta(ge=1)]
Positive: TypeAlias = Annotated[float, Meta(gt=0)]
Share: TypeAlias = Annotated[float, Meta(gt=0, lt=1)]

Measure: TypeAlias = Literal["latency_ms", "failed", "server_memory_mb", "relative_drop"]
Statistic: TypeAlias = Literal["p95", "mean", "peak", "given"]


@dataclass(frozen=True)
class Watched:
    """One alert: what is measured, how it is summed up, and the limit that it is compared with. Higher is worse."""

    alert: str
    """Name of the alert; of `relative_drop` there is one per model, named `<model>_drop`."""
    limit: float
    measure: Measure
    statistic: Statistic
    unit: str


@dataclass(frozen=True)
class AlertLimits:
    """A new threshold on something that is measured already is a field here and a line below."""

    latency_p95_ms: Positive = 100.0
    error_rate: Share = 0.05
    memory_mb: Positive = 512.0
    accuracy_drop: Share = 0.10
    """As a share of what the release was published with."""

    @property
    def watched(self) -> tuple[Watched, ...]:
        return (
            Watched("latency_p95", self.latency_p95_ms, "latency_ms", "p95", "ms"),
            Watched("error_rate", self.error_rate, "failed", "mean", "of answers"),
            Watched("memory", self.memory_mb, "server_memory_mb", "peak", "MB"),
            Watched("drop", self.accuracy_drop, "relative_drop", "given", "below"),
        )


@dataclass(frozen=True)
class DriftLimits:
    fewest_answers: Count = 100
    """Of the window, and of the held-out rows it is compared with; below it nothing is compared."""
    fewest_values: Count = 30
    """A column of which either side knows fewer values is not compared."""
    false_alarm_rate: Share = 0.005
    """Of a window without drift, over all columns together."""
    least_distance: Share = 0.1
    """Evidently's own default. In a large window a smaller difference may be certain and still not worth a training; of
    something never seen before it is a share of three in a hundred."""


@dataclass(frozen=True)
class RetrainLimits:
    new_class_share: Share = 0.1
    """The vocabulary is old when even the low end of the interval says that so many corrections have no class."""
    cool_down_hours: Positive = 6.0
    """Since the last training that was asked for and did not fail."""
    attempts: Count = 3
    """A training that failed is asked for again until it has failed this often."""


@dataclass(frozen=True)
class LandingLimits:
    refused_share: Share = 0.05
    """Of a file of which more is refused nothing is prepared until somebody has looked."""
    fewest_lines: Count = 100
    """Of a shorter file no share is taken."""
    false_alarm_rate: Share = 0.005
    """Of a landing whose share of refused lines is as in the landings before."""


@dataclass(frozen=True)
class MonitoringLimits:
    landing: LandingLimits = field(default_factory=LandingLimits)
    alerts: AlertLimits = field(default_factory=AlertLimits)
    drift: DriftLimits = field(default_factory=DriftLimits)
    retrain: RetrainLimits = field(default_factory=RetrainLimits)
    fewest_answers: Count = 30
    """Fewer answers, or fewer with a known outcome, give no figure: people learn to ignore alarms on a handful."""
