"""`reports/index.html`, written again by whatever writes a report: a run of the command, a gate, a monitoring run."""

import fcntl
from pathlib import Path

import dagster as dg

from ccml import atomic
from ccml.evaluation.html import now
from ccml.evaluation.index_page import DriftEntry, ModelEntry, index_page
from ccml.evaluation.report import read_report
from ccml.home import Home
from ccml.models.kinds import KINDS
from ccml.monitoring.drift import DriftReport
from ccml.monitoring.drift_page import verdict
from ccml.releases.reader import read_pointer
from ccml.stored import read_json
from ccml_assets.model_lines import MODEL_LINES, ModelLine
from ccml_assets.skips import skip_reason


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
            documents=sorted(file.stem for file in (home.reports / "data_docs").glob("*.html")),
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
