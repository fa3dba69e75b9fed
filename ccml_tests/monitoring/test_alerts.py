"""Alerts: the level on either side of every limit, and silence where too little was served."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from ccml.evaluation.statistics import Interval
from ccml.monitoring.alerts import Alert, Thresholds, judge, serving_alerts
from ccml.monitoring.quality import QualityFinding, QualityReport
from ccml_tests.monitoring.turns import VERSIONS, served, table

LIMITS = Thresholds()


def alert(name: str, rows: pd.DataFrame, memory: Any = (100.0,), drop: Interval | None = None) -> Alert:
    finding = QualityFinding(
        model="command_predictor",
        metric="top-1 accuracy",
        judged=40,
        answered=40,
        served=None,
        reference=None,
        against="its release",
        relative_drop=drop,
    )
    quality = QualityReport(findings=[finding], new_commands=None)
    return {one.name: one for one in serving_alerts(rows, memory, quality, VERSIONS, LIMITS)}[name]


@pytest.mark.parametrize(
    ("value", "level"),
    [
        (Interval(0.04, 0.03, 0.05), "ok"),
        (Interval(0.05, 0.04, 0.06), "ok"),
        (Interval(0.051, 0.04, 0.06), "watch"),
        (Interval(0.06, 0.05, 0.07), "watch"),
        (Interval(0.06, 0.051, 0.07), "alert"),
        (None, "unknown"),
    ],
)
def test_an_alert_needs_the_whole_interval_beyond_the_limit(value: Interval | None, level: str) -> None:
    assert judge("error_rate", value, 0.05, "of answers").level == level


def test_the_limits_are_the_missions() -> None:
    assert (LIMITS.latency_p95_ms, LIMITS.error_rate, LIMITS.memory_mb, LIMITS.accuracy_drop) == (100, 0.05, 512, 0.1)


@pytest.mark.parametrize(("slow", "level"), [(1, "ok"), (12, "watch"), (40, "alert")])
def test_latency_is_judged_by_its_95th_percentile(slow: int, level: str) -> None:
    rows = table(served(200))
    rows.loc[: slow - 1, "latency_ms"] = 150.0
    assert alert("latency_p95", rows).level == level


@pytest.mark.parametrize(("failed", "level"), [(2, "ok"), (12, "watch"), (60, "alert")])
@pytest.mark.parametrize("fault", ["a person was left", "a released model took no part"])
def test_errors_are_answers_without_a_released_model_or_left_to_a_person(failed: int, level: str, fault: str) -> None:
    rows = table(served(200))
    if fault == "a person was left":
        rows.loc[: failed - 1, "served_by"] = "human"
    else:
        rows.loc[: failed - 1, "model_versions"] = '{"command_predictor": "1.0.0", "policy": "1.0.0"}'
    assert alert("error_rate", rows).level == level


def test_what_has_no_release_is_not_missed() -> None:
    rows = table(served(60))
    rows["model_versions"] = '{"policy": "1.0.0"}'
    quality = QualityReport(findings=[], new_commands=None)
    raised = {one.name: one for one in serving_alerts(rows, (), quality, ["policy"], LIMITS)}
    assert raised["error_rate"].level == "ok"


@pytest.mark.parametrize(("peak", "level"), [(511.0, "ok"), (512.0, "ok"), (513.0, "alert")])
def test_memory_is_judged_by_its_peak(peak: float, level: str) -> None:
    assert alert("memory", table(served(5)), memory=[100.0, peak, 120.0]).level == level


@pytest.mark.parametrize(
    ("drop", "level"),
    [
        (Interval(0.05, 0.0, 0.1), "ok"),
        (Interval(0.15, 0.05, 0.25), "watch"),
        (Interval(0.3, 0.2, 0.4), "alert"),
        (None, "unknown"),
    ],
)
def test_a_fall_is_judged_by_its_interval(drop: Interval | None, level: str) -> None:
    raised = alert("command_predictor_drop", table(served(40)), drop=drop)
    assert raised.level == level
    if drop:
        assert "below its release" in raised.reason


@pytest.mark.parametrize("rows", [served(29), served(40, per_session=40)], ids=["few answers", "one session"])
def test_a_handful_of_answers_raises_nothing(rows: list[Any]) -> None:
    answers = table(rows)
    answers["served_by"] = "human"
    assert alert("error_rate", answers).level == "unknown"
    assert alert("memory", answers, memory=()).level == "unknown"
