"""What was served, held against what was trained on and what was promised."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from ccml.models.kinds import COMMAND
from ccml.monitoring.alerts import Alert
from ccml.monitoring.drift import DriftReport
from ccml.monitoring.quality import QualityReport
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
    ins={"served": dg.AssetIn(WINDOW), "reference": dg.AssetIn(["datasets", "drift_reference"])},
    output_required=False,
    io_manager_key="documents",
    kinds={"evidently"},
)
def drift_report(
    context: dg.AssetExecutionContext, platform: Platform, served: Any, reference: Any
) -> Iterator[dg.MaterializeResult[DriftReport]]:
    """Evidently's comparison of served requests, machines and durations with the champions' training reference."""
    from ccml.datasets.drift_reference import of_champions
    from ccml.monitoring.drift import drift_report as compare
    from ccml.monitoring.reference import DriftReference
    from ccml.releases.champions import seen_by_champions

    with skip_with_reason(context):
        seen = seen_by_champions(platform.home.models)
        reference = of_champions(reference, seen.data_until if seen else None)
        fitted = DriftReference.fit(reference[reference["split"] == "train"], reference[reference["split"] != "train"])
        report = compare(fitted, served, platform.profile.monitoring.drift, seed=platform.profile.seed)
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
        known = frozenset(commands.labels if commands else ())
        target = commands.transforms["target"] if commands else platform.profile.command.target
        fewest = platform.profile.monitoring.fewest_answers
        report = quality_report(served, promised(models), known, target, fewest=fewest)
        yield dg.MaterializeResult(
            value=report,
            metadata={f"{one.model} {one.metric}": str(one.served) for one in report.findings},
        )


@dg.asset(
    key=ALERTS,
    ins={
        "served": dg.AssetIn(WINDOW),
        "judged": dg.AssetIn(QUALITY),
        "states": dg.AssetIn(["raw", "system_states"]),
    },
    output_required=False,
    io_manager_key="documents",
    kinds={"json"},
)
def alerts(
    context: dg.AssetExecutionContext, platform: Platform, served: Any, judged: QualityReport, states: Any
) -> Iterator[dg.MaterializeResult[list[Alert]]]:
    """Latency, errors, memory and accuracy against their limits."""
    from ccml.monitoring.alerts import serving_alerts
    from ccml.monitoring.window import promised

    with skip_with_reason(context):
        own = states[states["interaction_id"].isin(served["interaction_id"])] if len(states) else None
        memory = own["process_memory_mb"].dropna().to_numpy(dtype=float) if own is not None else ()
        raised = serving_alerts(served, memory, judged, promised(platform.home.models), platform.profile.monitoring)
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
    found = {one.column: f"{one.distance:.3f} (limit {one.threshold:.3f})" for one in report.findings}
    return _warning(not report.drifted, {"drifted": report.drifted, **found})


@dg.asset_check(name=KEEPS_ITS_PROMISE, asset=QUALITY)
def keeps_its_promise(platform: Platform, report: QualityReport) -> dg.AssetCheckResult:
    """No released model is surely worse on served traffic than it was published to be."""
    limit = platform.profile.monitoring.alerts.accuracy_drop
    drops = {one.model: f"{one.relative_drop} below {one.against}" for one in report.findings if one.relative_drop}
    fell = [one.model for one in report.findings if one.relative_drop is not None and one.relative_drop.above(limit)]
    return _warning(not fell, {"fell": fell, **drops})


@dg.asset_check(name=NO_ALERT, asset=ALERTS)
def no_alert(raised: list[Alert]) -> dg.AssetCheckResult:
    """Latency, errors, memory and accuracy of the server are within their limits."""
    loud = [alert.name for alert in raised if alert.level == "alert"]
    return _warning(not loud, {"alerts": loud})


def _warning(passed: bool, metadata: dict[str, Any]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=passed, severity=dg.AssetCheckSeverity.WARN, metadata=metadata)


all_monitoring = [window, drift_report, quality, alerts]

monitoring_checks = [no_drift, keeps_its_promise, no_alert]

MONITORED = {"drift": (DRIFT, DriftReport), "quality": (QUALITY, QualityReport), "alerts": (ALERTS, list[Alert])}
