"""The verdicts on what was served, each with the figures it rests on, or with what is missing for one.

They warn: no run stops for them, and the sensor that asks for a training reads the reports themselves. Of an asset that
was skipped they are skipped, too.
"""

from typing import Any

import dagster as dg

from ccml.evaluation.spelling import interval, percent
from ccml.models.kinds import KINDS
from ccml.monitoring.alerts import Alert
from ccml.monitoring.drift import DriftFinding, DriftReport
from ccml.monitoring.drift_page import strongest_first, verdict
from ccml.monitoring.quality import QualityFinding, QualityReport
from ccml_assets.checks import not_evaluated
from ccml_assets.monitoring import ALERTS, DRIFT, KEEPS_ITS_PROMISE, NO_ALERT, NO_DRIFT, QUALITY, served_figure
from ccml_assets.shown import table
from ccml_resources.platform import Platform


@dg.asset_check(name=NO_DRIFT, asset=DRIFT)
def no_drift(report: DriftReport) -> dg.AssetCheckResult:
    """No column of the served traffic is further from the training reference than its limit."""
    rows = [
        {
            "column": one.title,
            "distance": f"{one.distance:.3f}",
            "limit": f"{one.threshold:.3f}",
            "verdict": "drifted" if one.drifted else "within its limit",
        }
        for one in strongest_first(report)
    ]
    rows += [{"column": name, "verdict": "not evaluated: too few values"} for name in report.not_compared]
    examples = {f"new in: {one.title}": _examples(one) for one in report.findings if one.examples}
    metadata = {"answers": report.current_rows, "columns": table(rows), **examples}
    if not report.findings:
        return not_evaluated("no column holds enough values", metadata)
    return _warning(not report.drifted, f"{verdict(report)} {report.current_rows:,} answers were compared.", metadata)


@dg.asset_check(name=KEEPS_ITS_PROMISE, asset=QUALITY)
def keeps_its_promise(platform: Platform, report: QualityReport) -> dg.AssetCheckResult:
    """No released model is surely worse on served traffic than it was published to be."""
    limit = platform.profile.monitoring.alerts.accuracy_drop
    compared = [(one.model, one.relative_drop) for one in report.findings if one.relative_drop is not None]
    rows = [
        {
            "model": one.model,
            "metric": one.metric,
            "served": served_figure(one),
            "compared with": f"{one.against}: {_promised(one)}",
            "drop, of that": "not evaluated" if one.relative_drop is None else interval(one.relative_drop),
        }
        for one in report.findings
    ]
    metadata = {"models": table(rows), "largest drop allowed": f"{percent(limit, 0)} of that"}
    if not compared:
        best_known = max(report.findings, key=lambda one: one.known)
        return not_evaluated(best_known.lacking or "nothing to compare with", metadata)
    fell = [
        f"{model} by {percent(drop.estimate)} of what it is compared with"
        for model, drop in compared
        if drop.above(limit)
    ]
    found = f"Fell: {', '.join(fell)}" if fell else f"{len(compared)} of {len(rows)} models compared, none fell"
    return _warning(not fell, f"{found}.", metadata)


@dg.asset_check(name=NO_ALERT, asset=ALERTS)
def no_alert(raised: list[Alert]) -> dg.AssetCheckResult:
    """Latency, errors, memory and accuracy of the server are within their limits."""
    metadata = {"alerts": table([{"alert": one.name, "level": one.level, "why": one.reason} for one in raised])}
    known = [one for one in raised if one.level != "unknown"]
    if not known:
        return not_evaluated("too few answers for every limit", metadata)
    loud = [f"{one.name}: {one.reason}" for one in known if one.level == "alert"]
    found = "; ".join(loud) if loud else f"{len(known)} of {len(raised)} limits evaluated, none surely exceeded"
    return _warning(not loud, f"{found}.", metadata)


def _promised(finding: QualityFinding) -> str:
    return "none yet" if finding.reference is None else interval(finding.reference, KINDS[finding.model].unit)


def _examples(finding: DriftFinding) -> str:
    return ", ".join(f"{one.text} ({one.count})" for one in finding.examples)


def _warning(passed: bool, description: str, metadata: dict[str, Any]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=passed, severity=dg.AssetCheckSeverity.WARN, description=description, metadata=metadata
    )


monitoring_checks = [no_drift, keeps_its_promise, no_alert]
