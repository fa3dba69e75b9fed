"""Evidence for decisions, made by the code that makes it when the platform runs: no alert is named by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import pandas as pd

from ccml.evaluation.statistics import Interval
from ccml.models.artifact import Candidate
from ccml.monitoring.alerts import Alert, serving_alerts
from ccml.monitoring.drift import DriftReport, drift_report
from ccml.monitoring.limits import MonitoringLimits
from ccml.monitoring.quality import QualityReport, quality_report
from ccml.monitoring.reference import DriftReference
from ccml.profiles import PROFILES
from ccml_tests.monitoring.turns import VERSIONS, served, table

LIMITS = MonitoringLimits()
RELEASED = {"command_predictor": Interval(0.8, 0.78, 0.82)}
NO_QUALITY = QualityReport(findings=[])


def champion_of(*labels: str, target: str = "template") -> Callable[[str], Candidate]:
    """Loads a champion with these classes: all of it that the rules for served answers read."""

    def load(name: str) -> Candidate:
        return Candidate({"model": name}, {}, None, list(labels), {"target": target}, {}, {}, {}, {})

    return load


def quality(rows: pd.DataFrame, released: Mapping[str, Interval] = RELEASED) -> QualityReport:
    return quality_report(rows, released, champion_of("ls -la", "df -h"), PROFILES["laptop"])


def corrected(new: int, known: int = 0) -> QualityReport:
    """So many corrections to a command that the champion has no class for, and so many to one it has."""
    groups = [
        served(known, feedback={"corrected_command": "df -h"}),
        served(new, first=known, feedback={"corrected_command": "podman ps"}),
    ]
    return quality(table(*groups))


def raised(rows: pd.DataFrame, memory: tuple[float, ...] = (100.0,)) -> dict[str, Alert]:
    """Alerts by name."""
    return {one.name: one for one in serving_alerts(rows, memory, quality(rows), VERSIONS, LIMITS)}


@cache
def fell(undone: int = 50) -> Alert:
    """Of 100 commands so many were undone, where 20 are what the release was published with; 400 answers in all."""
    kept, lost = 4 * (100 - undone), 4 * undone
    rows = table(served(kept), served(lost, first=kept, feedback={"verdict": "undone"}))
    return raised(rows)["command_predictor_drop"]


@cache
def strained() -> Alert:
    return raised(table(served(5)), memory=(600.0,))["memory"]


@cache
def slow() -> Alert:
    rows = table(served(60))
    return raised(rows.assign(latency_ms=300.0))["latency_p95"]


@cache
def drift(window: int, *, changed: bool) -> DriftReport:
    """The report on one of many windows; where `changed`, every request is of words that training had not seen."""
    reference = DriftReference.fit(table(served(200)), table(served(200, first=200)))
    rows = table(served(300, first=400 + 300 * window))
    return drift_report(reference, rows.assign(request="zorgle blorp quux") if changed else rows, LIMITS.drift)
