"""Alerts: the level on either side of every limit, and silence where too little was served."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from ccml.evaluation.statistics import Interval
from ccml.monitoring import alerts
from ccml.monitoring.alerts import Alert, serving_alerts
from ccml.monitoring.limits import AlertLimits, MonitoringLimits, Watched
from ccml.monitoring.quality import QualityReport
from ccml_tests.monitoring.evidence import LIMITS, NO_QUALITY, fell, quality
from ccml_tests.monitoring.turns import VERSIONS, served, table


def alert(name: str, rows: pd.DataFrame, memory: Any = (100.0,), found: QualityReport = NO_QUALITY) -> Alert:
    return {one.name: one for one in serving_alerts(rows, memory, found, VERSIONS, LIMITS)}[name]


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
    assert alerts.alert("error_rate", value, 0.05, "of answers", lacking="5 answers, 30 needed").level == level


def test_the_limits_are_the_published_ones() -> None:
    limits = LIMITS.alerts
    assert (limits.latency_p95_ms, limits.error_rate, limits.memory_mb, limits.accuracy_drop) == (100, 0.05, 512, 0.1)


def test_a_new_threshold_is_declared_among_the_limits_and_nowhere_else() -> None:

    class Stricter(AlertLimits):
        @property
        def watched(self) -> tuple[Watched, ...]:
            return (*super().watched, Watched("latency_mean", 10.0, "latency_ms", "mean", "ms"))

    rows = table(served(60))
    raised = serving_alerts(rows, (), NO_QUALITY, VERSIONS, MonitoringLimits(alerts=Stricter()))
    assert {one.name: one.level for one in raised}["latency_mean"] == "alert"


@pytest.mark.parametrize(("slow", "level"), [(1, "ok"), (12, "watch"), (40, "alert")])
def test_latency_is_measured_by_its_95th_percentile(slow: int, level: str) -> None:
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
    raised = {one.name: one for one in serving_alerts(rows, (), NO_QUALITY, ["policy"], LIMITS)}
    assert raised["error_rate"].level == "ok"


@pytest.mark.parametrize(("peak", "level"), [(511.0, "ok"), (512.0, "ok"), (513.0, "alert")])
def test_memory_is_measured_by_its_peak(peak: float, level: str) -> None:
    assert alert("memory", table(served(5)), memory=[100.0, peak, 120.0]).level == level


@pytest.mark.parametrize(("undone", "level"), [(20, "ok"), (30, "watch"), (50, "alert")])
def test_a_fall_is_measured_by_its_interval(undone: int, level: str) -> None:
    raised = fell(undone)
    assert raised.level == level
    assert "below its release, limit 10.0 %" in raised.reason


def test_a_figure_of_too_few_answers_is_not_evaluated_and_says_how_many_are_needed() -> None:
    rows = table(served(5))
    raised = {one.name: one for one in serving_alerts(rows, (), quality(rows), VERSIONS, LIMITS)}
    assert {one.level for one in raised.values()} == {"unknown"}
    assert raised["latency_p95"].reason == "not evaluated: 5 answers, 30 needed"
    assert raised["command_predictor_drop"].reason == "not evaluated: 5 answers, 30 needed"
    assert raised["memory"].reason == "not evaluated: 0 answers, 1 needed"
    enough = table(served(60, predicted_intent="list_files"))
    raised = {one.name: one for one in serving_alerts(enough, (), quality(enough), VERSIONS, LIMITS)}
    assert raised["intent_classifier_drop"].reason == "not evaluated: no figure of its release to compare with"


def test_figures_are_rounded_and_have_units() -> None:
    rows = table(served(200))
    assert alert("latency_p95", rows).reason == "20 ms, limit 100 ms"
    assert alert("memory", rows, memory=(244.26,)).reason == "244 MB, limit 512 MB"
    assert alert("error_rate", rows).reason == "0.0 % [0.0, 18.0] of answers, limit 5.0 %"


@pytest.mark.parametrize("rows", [served(29), served(40, per_session=40)], ids=["few answers", "one session"])
def test_a_handful_of_answers_raises_nothing(rows: list[Any]) -> None:
    answers = table(rows)
    answers["served_by"] = "human"
    assert alert("error_rate", answers).level == "unknown"
    assert alert("memory", answers, memory=()).level == "unknown"


def test_the_users_are_the_independent_units_of_latency_and_errors() -> None:
    """All answers of 3 of 20 users are slow and fail: 3 of 20 may be chance where 60 of 400 is not."""
    rows = table(served(400, per_session=2))
    few = rows["user_id"].isin(sorted(set(rows["user_id"]))[:3])
    rows.loc[few, "latency_ms"] = 150.0
    rows.loc[few, "served_by"] = "human"
    assert alert("latency_p95", rows).level == "watch"
    assert alert("error_rate", rows).level == "watch"
    rows["user_id"] = rows["session_id"]
    assert alert("latency_p95", rows).level == "alert"
    assert alert("error_rate", rows).level == "alert"


def test_answers_of_few_users_are_counted_by_their_sessions_and_of_few_sessions_not_at_all() -> None:
    rows = table(served(40)).assign(user_id="u-1")
    assert alert("latency_p95", rows).level == "ok"
    few = alert("latency_p95", rows.assign(session_id="s1"))
    assert (few.level, few.reason) == ("unknown", "not evaluated: 1 sessions, 8 needed")
