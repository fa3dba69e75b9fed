"""What was served, held against what was trained on and what was promised."""

from typing import Any

import dagster as dg

from ccml.models.kinds import COMMAND
from ccml.monitoring.alerts import Alert
from ccml.monitoring.drift import DriftReport
from ccml.monitoring.quality import QualityReport
from ccml_assets.skips import skippable
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
@skippable
def window(context: dg.AssetExecutionContext, platform: Platform, interactions: Any) -> Any:
    """Answers served under the present champions, with their outcomes and feedback."""
    from ccml.datasets.content import content_hash
    from ccml.monitoring.window import served_window

    served = served_window(interactions, platform.home.models)
    return dg.MaterializeResult(
        value=served,
        metadata={"rows": len(served), "sessions": int(served["session_id"].nunique())},
        data_version=dg.DataVersion(content_hash(served[["interaction_id", "verdict", "succeeded"]])),
    )


@dg.asset(
    key=DRIFT,
    ins={"served": dg.AssetIn(WINDOW), "reference": dg.AssetIn(["datasets", "drift_reference"])},
    output_required=False,
    io_manager_key="documents",
    check_specs=[dg.AssetCheckSpec(NO_DRIFT, asset=DRIFT)],
    kinds={"evidently"},
)
@skippable
def drift_report(context: dg.AssetExecutionContext, platform: Platform, served: Any, reference: Any) -> Any:
    """Evidently's comparison of served requests, machines and durations with the champions' training reference."""
    from ccml.datasets.drift_reference import of_champions
    from ccml.monitoring.drift import DriftReference
    from ccml.monitoring.drift import drift_report as compare
    from ccml.releases.champions import seen_by_champions

    seen = seen_by_champions(platform.home.models)
    reference = of_champions(reference, seen.data_until if seen else None)
    fitted = DriftReference.fit(reference[reference["split"] == "train"], reference[reference["split"] != "train"])
    page = platform.home.reports / "drift.html"
    report = compare(fitted, served, page=page, seed=platform.profile.seed)
    found = {one.column: f"{one.distance:.3f} (limit {one.threshold:.3f})" for one in report.findings}
    return dg.MaterializeResult(
        value=report,
        metadata={"report_id": report.report_id, "rows": report.current_rows, "page": dg.MetadataValue.path(page)},
        data_version=dg.DataVersion(report.report_id),
        check_results=[_check(NO_DRIFT, DRIFT, not report.drifted, {"drifted": report.drifted, **found})],
    )


@dg.asset(
    key=QUALITY,
    ins={"served": dg.AssetIn(WINDOW)},
    output_required=False,
    io_manager_key="documents",
    check_specs=[dg.AssetCheckSpec(KEEPS_ITS_PROMISE, asset=QUALITY)],
    kinds={"json"},
)
@skippable
def quality(context: dg.AssetExecutionContext, platform: Platform, served: Any) -> Any:
    """Served accuracy and reward, beside what the releases were published with or what was served before."""
    from ccml.monitoring.alerts import Thresholds
    from ccml.monitoring.quality import quality_report
    from ccml.monitoring.window import promised
    from ccml.releases.champions import load_champion

    models = platform.home.models
    commands = load_champion(models, COMMAND.name)
    known = frozenset(commands.labels if commands else ())
    target = commands.transforms["target"] if commands else platform.profile.command.target
    report = quality_report(served, promised(models), known, target)
    limit = Thresholds().accuracy_drop
    drops = {one.model: f"{one.relative_drop} below {one.against}" for one in report.findings if one.relative_drop}
    fell = [one.model for one in report.findings if one.relative_drop is not None and one.relative_drop.low > limit]
    return dg.MaterializeResult(
        value=report,
        metadata={f"{one.model} {one.metric}": str(one.served) for one in report.findings},
        check_results=[_check(KEEPS_ITS_PROMISE, QUALITY, not fell, {"fell": fell, **drops})],
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
    check_specs=[dg.AssetCheckSpec(NO_ALERT, asset=ALERTS)],
    kinds={"json"},
)
@skippable
def alerts(
    context: dg.AssetExecutionContext, platform: Platform, served: Any, judged: QualityReport, states: Any
) -> Any:
    """P4. Latency, errors, memory and accuracy against their limits."""
    from ccml.monitoring.alerts import Thresholds, serving_alerts
    from ccml.monitoring.window import promised

    own = states[states["interaction_id"].isin(served["interaction_id"])] if len(states) else None
    memory = own["process_memory_mb"].dropna().to_numpy(dtype=float) if own is not None else ()
    raised = serving_alerts(served, memory, judged, promised(platform.home.models), Thresholds())
    loud = [alert.name for alert in raised if alert.level == "alert"]
    return dg.MaterializeResult(
        value=raised,
        metadata={alert.name: f"{alert.level}: {alert.reason}" for alert in raised},
        check_results=[_check(NO_ALERT, ALERTS, not loud, {"alerts": loud})],
    )


retrain_decision = dg.AssetSpec(
    ["monitoring", "retrain_decision"],
    description="Whether to train again, each time with the reason, the evidence and the cool-down: its observations.",
    deps=[DRIFT, QUALITY, ALERTS],
    kinds={"json"},
)


def _check(name: str, key: dg.AssetKey, passed: bool, metadata: dict[str, Any]) -> dg.AssetCheckResult:
    """A warning: nothing in the run depends on it, the retraining sensor does."""
    return dg.AssetCheckResult(
        passed=passed, check_name=name, asset_key=key, severity=dg.AssetCheckSeverity.WARN, metadata=metadata
    )


all_monitoring = [window, drift_report, quality, alerts]

MONITORED = {"drift": (DRIFT, DriftReport), "quality": (QUALITY, QualityReport), "alerts": (ALERTS, list[Alert])}
