"""The pictures of a report, as PNG bytes: for the HTML page and for the metadata of Dagster's assets."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from textwrap import fill
from typing import Any

import numpy as np

from ccml.evaluation.html import tone
from ccml.evaluation.report import ModelReport
from ccml.evaluation.statistics import Interval
from ccml.intents.tables import OUT_OF_SCOPE

INK, QUIET, GRID = "#1d2733", "#7b8794", "#e4e7eb"
MODEL, OTHER, GOOD, BAD = "#1f6f8b", "#9aa5b1", "#2f855a", "#c05621"
SERIES = ("#1f6f8b", "#c05621", "#2f855a", "#6b46c1", "#b7791f", "#2c5282")
TONES = {"good": GOOD, "bad": BAD, "even": QUIET}

WIDTH = 7.2
"""Inches of every picture, so that text has one size throughout a page."""

MOST_TICKS = 9
"""Of an axis in per cent."""


def pictures(report: ModelReport) -> dict[str, bytes]:
    """Every picture that the report's data gives, by name, in reading order."""
    drawn: dict[str, Callable[[ModelReport], Any] | None] = {
        "baselines": _baselines if report.headline_value else None,
        "slices": _slices if report.slices else None,
        "actions": _actions if report.actions else None,
        "reliability": _reliability if report.reliability else None,
        "confusion": _confusion if report.confusion else None,
        "roc": _roc if report.roc else None,
        "stages": _stages if any(stage.value for stage in report.stages) else None,
        "learning": _learning if report.learning else None,
        "trials": _trials if any(trial.value is not None for trial in report.trials) else None,
    }
    return {name: _png(draw(report)) for name, draw in drawn.items() if draw is not None}


def _figure(height: float, rows: int = 1, columns: int = 1, **arguments: Any) -> tuple[Any, Any]:
    """Made without pyplot, which keeps global state that threads of one process would share."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), dpi=144, layout="constrained", facecolor="white")
    axes = figure.subplots(rows, columns, **arguments)
    for axis in np.ravel(axes):
        axis.spines[["top", "right"]].set_visible(False)
        axis.spines[["left", "bottom"]].set_color(OTHER)
        axis.tick_params(colors=INK, labelsize=8, length=3, color=OTHER)
        axis.xaxis.label.set(color=QUIET, fontsize=8)
        axis.yaxis.label.set(color=QUIET, fontsize=8)
    return figure, axes


def _in_percent(axis: Any, unit: str, symbol: str = " %") -> None:
    """Shares are written as on the page, ticks at whole per cents; rewards stay as they are."""
    from matplotlib.ticker import MultipleLocator, PercentFormatter

    if unit != "share":
        return
    low, high = axis.get_view_interval()
    step = next((step for step in (0.01, 0.02, 0.05, 0.1) if (high - low) / step <= MOST_TICKS), 0.2)
    axis.set_major_locator(MultipleLocator(step))
    axis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=symbol))


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _interval(axis: Any, place: float, interval: Interval, color: str) -> None:
    """A bar from end to end and a tick at the estimate: a dot would hide a narrow interval."""
    axis.use_sticky_edges = False  # room beyond the ends of the outermost bars
    if interval.ends is not None:
        low, high = interval.ends
        axis.barh(place, high - low, 0.34, left=low, color=color, alpha=0.4, lw=0)
    axis.plot([interval.estimate] * 2, [place - 0.26, place + 0.26], color=color, lw=2.2)


def _lines(axis: Any, names: Sequence[str]) -> None:
    """One name a line, the first on top."""
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.xaxis.grid(visible=True, color=GRID, lw=0.8)
    axis.set_axisbelow(True)
    axis.spines["left"].set_visible(False)
    axis.tick_params(axis="y", length=0)


def _baselines(report: ModelReport) -> Any:
    assert report.headline_value is not None
    figure, (values, differences) = _figure(
        1.0 + 0.3 * (len(report.baselines) + 1), 1, 2, width_ratios=[1.0, 1.0], sharey=True
    )
    names = [report.title, *(fill(baseline.name, 34) for baseline in report.baselines)]
    intervals = [report.headline_value, *(baseline.value for baseline in report.baselines)]
    for place, value in enumerate(intervals):
        _interval(values, place, value, OTHER if place else MODEL)
    _lines(values, names)
    values.get_yticklabels()[0].set(color=MODEL, fontweight="bold")
    values.set_xlabel(report.headline)
    _in_percent(values.xaxis, report.headline_unit)
    differences.axvline(0.0, color=QUIET, lw=0.8)
    for place, baseline in enumerate(report.baselines, start=1):
        _interval(differences, place, baseline.difference, TONES[tone(baseline.difference)])
    differences.spines["left"].set_visible(False)
    differences.tick_params(axis="y", length=0, labelleft=False)
    differences.xaxis.grid(visible=True, color=GRID, lw=0.8)
    differences.set_axisbelow(True)
    points = report.headline_unit == "share"
    differences.set_xlabel("model − simple model" + (", in points" if points else ""))
    _in_percent(differences.xaxis, report.headline_unit, symbol="")
    return figure


def _slices(report: ModelReport) -> Any:
    rows: list[tuple[str, Interval | None]] = []
    for group in dict.fromkeys(one.group for one in report.slices):
        rows.append((group, None))
        rows += [(f"{one.name}  (n = {one.rows:,})", one.value) for one in report.slices if one.group == group]
    figure, axis = _figure(0.8 + 0.23 * len(rows))
    overall = report.headline_value
    if overall is not None and overall.ends is not None:
        axis.axvspan(*overall.ends, color=MODEL, alpha=0.12, lw=0)
    for place, (_, interval) in enumerate(rows):
        if interval is not None:
            _interval(axis, place, interval, MODEL)
    axis.set_yticks(range(len(rows)), [name for name, _ in rows])
    for label, (_, interval) in zip(axis.get_yticklabels(), rows, strict=True):
        label.set(fontweight="bold" if interval is None else "normal", color=INK if interval is None else QUIET)
    axis.set_ylim(len(rows) - 0.4, -0.6)
    axis.xaxis.grid(visible=True, color=GRID, lw=0.8)
    axis.spines["left"].set_visible(False)
    axis.tick_params(axis="y", length=0)
    axis.set_xlabel(f"{report.headline}; the band is the whole test set")
    _in_percent(axis.xaxis, report.headline_unit)
    return figure


def _actions(report: ModelReport) -> Any:
    figure, axis = _figure(0.9 + 0.42 * len(report.actions))
    for place, share in enumerate(report.actions):
        for offset, value, color in ((-0.17, share.served, MODEL), (0.17, share.logged, OTHER)):
            axis.barh(place + offset, value.estimate, 0.3, color=color)
            if value.ends is not None:
                axis.plot(value.ends, [place + offset] * 2, color=INK, lw=1.0)
    axis.set_yticks(range(len(report.actions)), [share.action.replace("_", " ") for share in report.actions])
    axis.set_ylim(len(report.actions) - 0.4, -0.6)
    axis.set_xlabel("share of turns")
    _in_percent(axis.xaxis, "share")
    axis.barh(0, 0, color=MODEL, label="as this policy would act")
    axis.barh(0, 0, color=OTHER, label="as logged")
    axis.legend(frameon=False, fontsize=8, loc="lower right")
    return figure


def _reliability(report: ModelReport) -> Any:
    figure, axis = _figure(3.6)
    axis.plot([0, 1], [0, 1], color=OTHER, lw=1.0, ls="--")
    largest = max(one.rows for one in report.reliability)
    for one in report.reliability:
        axis.bar(one.confidence, 0.22 * one.rows / largest, 0.035, color="#d5dbe1", zorder=1)
        if one.accuracy.ends is not None:
            axis.plot([one.confidence] * 2, one.accuracy.ends, color=MODEL, lw=1.8, zorder=2)
        axis.plot(one.confidence, one.accuracy.estimate, "o", color=MODEL, ms=5, zorder=3)
    axis.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="mean confidence of the bin (grey: rows)", ylabel="accuracy")
    for one_axis in (axis.xaxis, axis.yaxis):
        _in_percent(one_axis, "share")
    return figure


def _confusion(report: ModelReport) -> Any:
    assert report.confusion is not None
    counts = np.asarray(report.confusion.counts, np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    size = len(report.confusion.labels)
    figure, axis = _figure(2.2 + 0.24 * size)
    axis.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
    names = [label.replace("_", " ") for label in report.confusion.labels]
    axis.set_xticks(range(size), names, rotation=90)
    axis.set_yticks(range(size), [f"{name} ({int(n):,})" for name, n in zip(names, counts.sum(axis=1), strict=True)])
    axis.tick_params(length=0, labelsize=7)
    for true, predicted in zip(*np.nonzero(shares >= 0.005), strict=True):
        share = shares[true, predicted]
        color = "white" if share > 0.5 else INK
        axis.text(predicted, true, f"{100 * share:.0f}", ha="center", va="center", fontsize=6, color=color)
    axis.spines[:].set_visible(False)
    axis.set(xlabel="predicted", ylabel="true (test requests); cells in % of the row")
    return figure


def _roc(report: ModelReport) -> Any:
    figure, axis = _figure(3.8)
    curves = [curve for curve in report.roc if curve.name != OUT_OF_SCOPE]
    for curve in curves:
        axis.plot(curve.x, curve.y, color=OTHER, lw=0.7, alpha=0.8)
    if curves:
        mean = np.mean([curve.y for curve in curves], axis=0)
        axis.plot(curves[0].x, mean, color=MODEL, lw=2.0, label="mean over intents (grey: each)")
    for curve in report.roc:
        if curve.name == OUT_OF_SCOPE:
            axis.plot(curve.x, curve.y, color=BAD, lw=2.0, label="out of scope")
    axis.plot([0, 1], [0, 1], color=OTHER, lw=1.0, ls="--")
    axis.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel="false positive rate", ylabel="true positive rate")
    axis.legend(frameon=False, fontsize=8, loc="lower right")
    return figure


def _stages(report: ModelReport) -> Any:
    ran = [(stage.name, stage.value) for stage in report.stages if stage.value is not None]
    figure, axis = _figure(0.8 + 0.3 * len(ran))
    for place, (_, value) in enumerate(ran):
        _interval(axis, place, value, MODEL)
    _lines(axis, [name for name, _ in ran])
    axis.set_xlabel("top-1 accuracy on the validation rows after each step")
    _in_percent(axis.xaxis, "share")
    return figure


def _learning(report: ModelReport) -> Any:
    """One panel below the other over the same steps, one legend for all beneath them."""
    figure, axes = _figure(0.6 + 2.3 * len(report.learning), len(report.learning), sharex=True)
    for axis, panel in zip(np.ravel(axes), report.learning, strict=True):
        for place, curve in enumerate(panel.curves):
            color = SERIES[place % len(SERIES)]
            axis.plot(curve.x, curve.y, color=color, lw=1.6, marker="o", ms=2.5, label=curve.name)
        axis.yaxis.grid(visible=True, color=GRID, lw=0.8)
        axis.set_ylabel(panel.y_label)
    last = np.ravel(axes)[-1]
    last.set_xlabel(report.learning[-1].x_label)
    last.xaxis.get_major_locator().set_params(integer=True)
    handles, names = last.get_legend_handles_labels()
    if len(names) > 1:
        figure.legend(handles, names, loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def _trials(report: ModelReport) -> Any:
    figure, axis = _figure(3.0)
    scored = [(trial.number, trial.value, trial) for trial in report.trials if trial.value is not None]
    for state, marker, color, name in (("complete", "o", MODEL, "complete"), ("pruned", "x", QUIET, "stopped early")):
        own = [(number, value) for number, value, trial in scored if trial.state == state]
        if own:
            axis.plot(*zip(*own, strict=True), marker, color=color, ms=5, label=name)
    complete = [(number, value) for number, value, trial in scored if trial.state == "complete"]
    if complete:
        best = np.maximum.accumulate([value for _, value in complete])
        axis.step([number for number, _ in complete], best, where="post", color=MODEL, lw=1.2, label="best so far")
    for number, value, trial in scored:
        if trial.chosen:
            axis.plot(number, value, "o", mfc="none", mec=BAD, ms=11, mew=1.6, label="chosen")
    axis.yaxis.grid(visible=True, color=GRID, lw=0.8)
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.margins(0.08)
    axis.set(xlabel="trial", ylabel="validation mean reciprocal rank")
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return figure
