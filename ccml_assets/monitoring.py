"""What was served, held against what was trained on and what was promised."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from ccml.models.kinds import COMMAND
from ccml.monitoring.alerts import Alert
from ccml.monitoring.drift import DriftFinding, DriftReport
from ccml.monitoring.quality import QualityFinding, QualityReport
from ccml_assets.checks import not_evaluated
from ccml_assets.skips import skip_with_reason
from ccml_resources.platform import Platform

DRIFT = dg.AssetKey(["monitoring", "drift_report"])
QUALITY = dg.AssetKey(["monitoring", "quality_report"])
ALERTS = dg.AssetKey(["monitoring", "alerts"])
WINDOW = dg.AssetKey(["monitoring", "served_window"])

NO_DRIFT = "no_drift"
KEEPS_ITS_PROMISE = "keeps_its_promise"
NO_ALERT = "no_alert"


@dg.asset(
    key=WINDOW,
    ins={"interactions": dg.AssetIn(["clean", "interactions"])},
    output_required=False,
    kinds={"parquet", "pandas"},
)
def window(
    context: dg.AssetExecutionContext, platform: Platform, interactions: Any
) -> Iterator[dg.MaterializeResult[Any]]:
    """Answers served under the present champions, with their outcomes and feedback."""
    from ccml.datasets.content import content_hash
    from ccml.monitoring.window import served_window

    with skip_with_reason(context):
        served = served_window(interactions, platform.home.models)
        yield dg.MaterializeResult(
            value=served,
            metadata={"rows": len(served), "sessions": int(served["session_id"].nunique())},
            data_version=dg.DataVersion(content_hash(served[["interaction_id", "verdict", "succeeded"]])),
        )


@dg.asset(
    key=DRIFT,
    ins={"served": dg.AssetIn(WINDOW)},
    output_required=False,
    io_manager_key="documents",
    kinds={"evidently"},
)
def drift_report(
    context: dg.AssetExecutionContext, platform: Platform, served: Any
) -> Iterator[dg.MaterializeResult[DriftReport]]:
    """Evidently compares served requests, machines and durations with the reference in the champion's release."""
    from ccml.monitoring.drift import drift_report as compare
    from ccml.monitoring.window import champions_reference

    with skip_with_reason(context):
        reference = champions_reference(platform.home.models)
        report = compare(reference, served, platform.profile.monitoring.drift, seed=platform.profile.seed)
        yield dg.MaterializeResult(
            value=report,
            metadata={"report_id": report.report_id, "rows": report.current_rows},
            data_version=dg.DataVersion(report.report_id),
        )


@dg.asset(
    key=QUALITY,
    ins={"served": dg.AssetIn(WINDOW)},
    output_required=False,
    io_manager_key="documents",
    kinds={"json"},
)
def quality(
    context: dg.AssetExecutionContext, platform: Platform, served: Any
) -> Iterator[dg.MaterializeResult[QualityReport]]:
    """Served accuracy and reward, beside what the releases were published with or what was served before."""
    from ccml.monitoring.quality import quality_report
    from ccml.monitoring.window import promised
    from ccml.releases.champions import load_champion

    with skip_with_reason(context):
        models = platform.home.models
        commands = load_champion(models, COMMAND.name)
        known = frozenset(commands.model.labels if commands else ())
        target = commands.model.transforms["target"] if commands else platform.profile.command.target
        fewest = platform.profile.monitoring.fewest_answers
        report = quality_report(served, promised(models), known, target, fewest=fewest)
        yield dg.MaterializeResult(
            value=report,
            metadata={f"{one.model} {one.metric}": _figure(one) for one in report.findings},
        )


@dg.asset(
    key=ALERTS,
    ins={
        "served": dg.AssetIn(WINDOW),
        "quality": dg.AssetIn(QUALITY),
        "states": dg.AssetIn(["raw", "system_states"]),
    },
    output_required=False,
    io_manager_key="documents",
    kinds={"json"},
)
def alerts(
    context: dg.AssetExecutionContext, platform: Platform, served: Any, quality: QualityReport, states: Any
) -> Iterator[dg.MaterializeResult[list[Alert]]]:
    """Latency, errors, memory and accuracy against their limits."""
    from ccml.monitoring.alerts import serving_alerts
    from ccml.monitoring.window import promised

    with skip_with_reason(context):
        own = states[states["interaction_id"].isin(served["interaction_id"])] if len(states) else None
        memory = own["process_memory_mb"].dropna().to_numpy(dtype=float) if own is not None else ()
        raised = serving_alerts(served, memory, quality, promised(platform.home.models), platform.profile.monitoring)
        yield dg.MaterializeResult(
            value=raised,
            metadata={alert.name: f"{alert.level}: {alert.reason}" for alert in raised},
        )


retrain_decision = dg.AssetSpec(
    ["monitoring", "retrain_decision"],
    description="Whether to train again, each time with the reason, the evidence and the cool-down: its observations.",
    deps=[DRIFT, QUALITY, ALERTS],
    kinds={"json"},
)


# The checks warn: no run stops for them, the retraining sensor reads what they read.


@dg.asset_check(name=NO_DRIFT, asset=DRIFT)
def no_drift(report: DriftReport) -> dg.AssetCheckResult:
    """No column of the served traffic is further from the training reference than its limit."""
    rows = [
        {
            "column": one.title,
            "distance": round(one.distance, 3),
            "limit": round(one.threshold, 3),
            "verdict": "drifted" if one.drifted else "within its limit",
        }
        for one in report.findings
    ]
    rows += [{"column": name, "verdict": "not evaluated: too few values"} for name in report.not_compared]
    examples = {f"new in: {one.title}": _examples(one) for one in report.findings if one.examples}
    metadata = {"answers": report.current_rows, "columns": _table(rows), **examples}
    if not report.findings:
        return not_evaluated("no column holds enough values", metadata)
    drifted = [one.title for one in report.findings if one.drifted]
    found = f"Drift in: {', '.join(drifted)}" if drifted else f"No drift in {len(report.findings)} columns"
    return _warning(not drifted, f"{found}, over {report.current_rows:,} answers.", metadata)


@dg.asset_check(name=KEEPS_ITS_PROMISE, asset=QUALITY)
def keeps_its_promise(platform: Platform, report: QualityReport) -> dg.AssetCheckResult:
    """No released model is surely worse on served traffic than it was published to be."""
    limit = platform.profile.monitoring.alerts.accuracy_drop
    compared = [(one.model, one.relative_drop) for one in report.findings if one.relative_drop is not None]
    rows = [
        {"model": one.model, "metric": one.metric, "served": _figure(one), "compared with": one.against}
        for one in report.findings
    ]
    metadata = {"models": _table(rows), "largest drop allowed": f"{limit:.0%}"}
    if not compared:
        most = max((one.known for one in report.findings), default=0)
        needed = platform.profile.monitoring.fewest_answers
        why = f"{most} answers with a known outcome, {needed} needed" if most < needed else "nothing to compare with"
        return not_evaluated(why, metadata)
    fell = [f"{model} by {drop.estimate:.1%}" for model, drop in compared if drop.above(limit)]
    found = f"Fell: {', '.join(fell)}" if fell else f"{len(compared)} of {len(rows)} models compared, none fell"
    return _warning(not fell, f"{found}.", metadata)


@dg.asset_check(name=NO_ALERT, asset=ALERTS)
def no_alert(raised: list[Alert]) -> dg.AssetCheckResult:
    """Latency, errors, memory and accuracy of the server are within their limits."""
    metadata = {"alerts": _table([{"alert": one.name, "level": one.level, "why": one.reason} for one in raised])}
    known = [one for one in raised if one.level != "unknown"]
    if not known:
        return not_evaluated("too few answers for every limit", metadata)
    loud = [f"{one.name}: {one.reason}" for one in known if one.level == "alert"]
    found = "; ".join(loud) if loud else f"{len(known)} of {len(raised)} limits evaluated, none surely exceeded"
    return _warning(not loud, f"{found}.", metadata)


def _figure(one: QualityFinding) -> str:
    if one.served is None:
        few = f"{one.known} answers, {one.needed} needed" if one.known < one.needed else "answers of one session alone"
        return f"not evaluated: {few}"
    return str(one.served)


def _examples(finding: DriftFinding) -> str:
    return ", ".join(f"{one.text} ({one.count})" for one in finding.examples)


def _table(rows: list[dict[str, Any]]) -> dg.TableMetadataValue:
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = [dg.TableColumn(name, "string") for name in names]
    records = [dg.TableRecord({name: str(row.get(name, "")) for name in names}) for row in rows]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns))


def _warning(passed: bool, description: str, metadata: dict[str, Any]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=passed, severity=dg.AssetCheckSeverity.WARN, description=description, metadata=metadata
    )


all_monitoring = [window, drift_report, quality, alerts]

monitoring_checks = [no_drift, keeps_its_promise, no_alert]

MONITORED = {"drift": (DRIFT, DriftReport), "quality": (QUALITY, QualityReport), "alerts": (ALERTS, list[Alert])}
