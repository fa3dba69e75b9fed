"""What a person wants to know at the end of a run, collected from what the assets left behind."""

from pathlib import Path
from typing import Any

import dagster as dg
import msgspec

from ccml import atomic
from ccml.evaluation.report import ModelReport
from ccml.evaluation.statistics import Interval
from ccml.home import Home
from ccml.monitoring.alerts import Alert
from ccml.releases.gate import GateDecision
from ccml.releases.reader import read_pointer
from ccml_assets.held import sentences
from ccml_assets.model_lines import MODEL_LINES, ModelLine
from ccml_assets.monitoring import ALERTS, DRIFT
from ccml_assets.skips import skip_reason
from ccml_resources.lake import documents, rows_of, tables


def summarise(home: Home, instance: dg.DagsterInstance, *, seconds: float, assets: int) -> dict[str, Any]:
    """`interactions`, `held`, `models`, `gates`, `releases`, `alerts`, `reports`, `skipped`, `assets_made` and
    `seconds`; paths from the home's root.
    """
    return {
        "interactions": interactions(home),
        "held": sentences(home),
        "models": {line.name: _model(home, instance, line) for line in MODEL_LINES},
        "gates": {line.name: _gate(home, instance, line) for line in MODEL_LINES},
        "releases": {line.name: _release(home, line) for line in MODEL_LINES},
        "alerts": _alerts(home, instance),
        "reports": {path.stem: home.relative(path) for path in sorted(home.reports.glob("*.html"))},
        "skipped": _skipped(instance),
        "assets_made": assets,
        "seconds": round(seconds, 1),
    }


def write_summary(home: Home, summary: dict[str, Any]) -> Path:
    path = home.reports / "summary.json"
    atomic.write_bytes(path, msgspec.json.format(msgspec.json.encode(summary), indent=1))
    return path


def interactions(home: Home) -> dict[str, Any]:
    """Sums over every landing so far; `kept` counts the clean table."""
    from ccml.telemetry.totals import landed_totals

    landed = landed_totals(home.lake)
    kept, rejected = dg.AssetKey(["clean", "interactions"]), dg.AssetKey(["clean", "rejected"])
    return {**landed, "kept": _rows(home, kept), "rejected": _rows(home, rejected)}


def _rows(home: Home, key: dg.AssetKey) -> int:
    return sum(rows_of(path, key) for path in tables(home).folder(key).glob("*.parquet"))


def _model(home: Home, instance: dg.DagsterInstance, line: ModelLine) -> dict[str, Any]:
    reason = _why_missing(instance, line)
    if reason is not None:
        return {"skipped": reason}
    report: ModelReport = documents(home).read(line.report_key, ModelReport)
    return {
        "headline": report.headline,
        "value": _interval(report.headline_value),
        "unit": report.headline_unit,
        "baselines": [
            {"name": one.name, "value": _interval(one.value), "model_minus_baseline": _interval(one.difference)}
            for one in report.baselines
        ],
        "best_baseline": report.best_baseline,
    }


def _gate(home: Home, instance: dg.DagsterInstance, line: ModelLine) -> dict[str, Any]:
    reason = _why_missing(instance, line)
    if reason is not None:
        return {"answer": "skipped", "reasons": [reason]}
    decision: GateDecision = documents(home).read(line.gate_key, GateDecision)
    return {"answer": decision.answer, "reasons": decision.reasons, "rows": decision.rows}


def _release(home: Home, line: ModelLine) -> dict[str, Any] | None:
    pointer = read_pointer(home.models, line.name, "champion")
    if pointer is None:
        return None
    return {
        "version": pointer.version,
        "path": home.relative(home.models / line.name / pointer.version),
        "since": pointer.since,
        "reason": pointer.reason,
    }


def _alerts(home: Home, instance: dg.DagsterInstance) -> list[dict[str, Any]]:
    stored = documents(home)
    if not stored.path(ALERTS).exists() or skip_reason(instance, ALERTS) is not None:
        return []
    raised: list[Alert] = stored.read(ALERTS, list[Alert])
    return [msgspec.to_builtins(alert) for alert in raised if alert.level in ("alert", "watch")]


def _skipped(instance: dg.DagsterInstance) -> dict[str, str]:
    lines = [
        key
        for line in MODEL_LINES
        for key in (line.dataset_key, line.model_key, line.export_key, line.report_key, line.release_key)
    ]
    keys = [dg.AssetKey(["datasets", "splits"]), *lines, DRIFT]
    reasons = {key.to_user_string(): skip_reason(instance, key) for key in keys}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def _why_missing(instance: dg.DagsterInstance, line: ModelLine) -> str | None:
    """Why the model has no present report: the first skip on its way."""
    for key in (
        dg.AssetKey(["datasets", "splits"]),
        line.dataset_key,
        line.model_key,
        line.export_key,
        line.report_key,
    ):
        reason = skip_reason(instance, key)
        if reason is not None:
            return reason
    made = instance.fetch_materializations(line.gate_key, limit=1).records
    return None if made else "not trained yet"


def _interval(value: Interval | None) -> dict[str, Any] | None:
    return msgspec.to_builtins(value) if value else None
