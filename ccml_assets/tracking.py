"""What MLflow holds of a training besides its settings: its curves, and what its report says of the test rows."""

from __future__ import annotations

import base64
import re
from typing import Any

from ccml.evaluation.report import ModelReport
from ccml.evaluation.statistics import Interval

Curves = dict[str, list[tuple[int, float]]]


def training_curves(training: dict[str, Any]) -> Curves:
    """Name → points of everything that a training recorded over its steps, epochs or restarts."""
    curves: Curves = {}
    for stage in training.get("stages", []):
        name = stage["name"]
        for epoch in stage.get("epochs") or []:
            for what in ("loss", "score"):
                if epoch.get(what) is not None:
                    curves.setdefault(f"{name}/{what} by epoch", []).append((epoch["epoch"], epoch[what]))
        for point in stage.get("losses") or []:
            curves.setdefault(f"{name}/loss by step", []).append((point["step"], point["loss"]))
    for epoch in training.get("learning_curve", []):
        for what in ("doubly_robust", "snips", "entropy", "effective_sample_size"):
            points = curves.setdefault(f"restart {epoch['restart']}/{what}", [])
            points.append((len(points), epoch[what]))
    return curves


def evaluation_metrics(report: ModelReport) -> dict[str, float]:
    """The figures on the test rows, each with the ends of its interval, and the difference to the best baseline."""
    values: dict[str, Interval] = {metric.name: metric.value for metric in report.metrics}
    best = report.best()
    if best is not None:
        values["minus the best baseline"] = best.difference
    found: dict[str, float] = {}
    for name, value in values.items():
        key = f"test/{re.sub(r'[^A-Za-z0-9_. /-]', ' ', name)}"
        ends = {key: value.estimate, f"{key}.low": value.low, f"{key}.high": value.high}
        found |= {end: number for end, number in ends.items() if number is not None}
    return found


def picture_bytes(inline: dict[str, str]) -> dict[str, bytes]:
    """File name → PNG of the pictures that the report gave to Dagster's pages."""
    return {
        f"{name}.png": base64.b64decode(markdown.partition("base64,")[2].rstrip(")"))
        for name, markdown in inline.items()
    }
