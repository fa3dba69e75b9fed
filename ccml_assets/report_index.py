"""`reports/index.html`, written again by whatever writes a report: a run of the command, a gate, a monitoring run."""

import fcntl
from pathlib import Path
from typing import Literal

import dagster as dg

from ccml import atomic
from ccml.evaluation.html import now
from ccml.evaluation.index_page import CheckEntry, DriftEntry, ModelEntry, index_page
from ccml.evaluation.report import read_report
from ccml.home import Home
from ccml.models.kinds import KINDS
from ccml.monitoring.drift import DriftReport
from ccml.monitoring.drift_page import verdict
from ccml.releases.reader import read_pointer
from ccml.stored import read_json
from ccml.telemetry.events import KINDS as EVENTS
from ccml_assets.checks import EXPECTATIONS, LEAKAGE, NOT_EVALUATED
from ccml_assets.model_lines import MODEL_LINES, ModelLine
from ccml_assets.skips import skip_reason

CHECKS = [
    *((dg.AssetKey(["raw", kind]), EXPECTATIONS, kind) for kind in EVENTS),
    (dg.AssetKey(["clean", "interactions"]), EXPECTATIONS, "clean"),
    *((line.dataset_key, EXPECTATIONS, line.kind.dataset) for line in MODEL_LINES),
    *((line.dataset_key, LEAKAGE, None) for line in MODEL_LINES),
]
"""Table, name of its check, and the suite whose Data Docs say more."""


def write_index(home: Home, instance: dg.DagsterInstance) -> Path:
    """Joins what lies in `reports/`. One writer at a time: the last one has seen everything that was there before."""
    from ccml_assets.summary import interactions

    home.reports.mkdir(parents=True, exist_ok=True)
    path = home.reports / "index.html"
    with (home.reports / ".index.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        days = sorted(file.stem for file in (home.lake / "clean" / "interactions").glob("*.parquet"))
        page = index_page(
            [_model(home, instance, line) for line in MODEL_LINES],
            _drift(home, instance),
            interactions(home),
            period=(days[0], days[-1]) if days else None,
            checks=[entry for key, name, suite in CHECKS if (entry := _check(home, instance, key, name, suite))],
            made=now(),
        )
        atomic.write_text(path, page)
    return path


def _model(home: Home, instance: dg.DagsterInstance, line: ModelLine) -> ModelEntry:
    written = home.reports / f"{line.name}.json"
    report = read_report(written.read_bytes()) if written.exists() else None
    keys = (line.dataset_key, line.model_key, line.report_key)
    reasons = [reason for key in keys if (reason := skip_reason(instance, key)) is not None]
    champion = read_pointer(home.models, line.name, "champion")
    return ModelEntry(
        title=KINDS[line.name].title,
        report=report,
        missing=reasons[0] if reasons else "it has not been trained yet.",
        champion=champion.version if champion else None,
        since=str(champion.since) if champion else None,
    )


def _check(
    home: Home, instance: dg.DagsterInstance, key: dg.AssetKey, name: str, suite: str | None
) -> CheckEntry | None:
    """None where the check has not looked at anything yet."""
    record = instance.get_latest_asset_check_evaluation_record(dg.AssetCheckKey(key, name))
    event = record.event.dagster_event if record and record.event else None
    if event is None or event.event_type != dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        return None
    result = event.asset_check_evaluation_data
    seen = result.description or ""
    verdict: Literal["passed", "failed", "warning", "not evaluated"] = "passed"
    if not result.passed:
        verdict = "failed" if result.severity == dg.AssetCheckSeverity.ERROR else "warning"
        verdict = "not evaluated" if seen.startswith(NOT_EVALUATED) else verdict
    document = suite if suite and (home.reports / "data_docs" / f"{suite}.html").exists() else None
    return CheckEntry(key.to_user_string(), name.replace("_", " "), verdict, seen, document)


def _drift(home: Home, instance: dg.DagsterInstance) -> DriftEntry:
    """The last comparison, or why there is none since. Its own run has not recorded it yet when it writes the index."""
    key = dg.AssetKey(["monitoring", "drift_report"])
    reason, written = skip_reason(instance, key), home.reports / "drift.json"
    if not written.exists():
        return DriftEntry(reason or "Not evaluated: nothing was served under a release yet.", None, None)
    report: DriftReport = read_json(written, DriftReport, "Materialize monitoring/drift_report again")
    if reason is not None and instance.fetch_observations(key, limit=1).records[0].timestamp > report.made.timestamp():
        return DriftEntry(reason, None, None)
    return DriftEntry(verdict(report), bool(report.drifted), report.made.isoformat())
