"""What was served, held against what was trained on and what was promised."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from ccml.evaluation.spelling import interval
from ccml.models.kinds import KINDS
from ccml.monitoring.alerts import Alert
from ccml.monitoring.drift import DriftReport
from ccml.monitoring.quality import QualityFinding, QualityReport
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
    from ccml.monitoring.drift_page import publish_drift
    from ccml.monitoring.window import champions_reference
    from ccml_assets.report_index import write_index

    with skip_with_reason(context):
        reference = champions_reference(platform.home.models)
        report = compare(reference, served, platform.profile.monitoring.drift, seed=platform.profile.seed)
        page = publish_drift(report, platform.home.reports)
        write_index(platform.home, context.instance)
        yield dg.MaterializeResult(
            value=report,
            metadata={
                "report_id": report.report_id,
                "rows": report.current_rows,
                "page": dg.MetadataValue.path(platform.home.relative(page)),
            },
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
    from ccml.releases.champions import champion_model

    with skip_with_reason(context):
        models = platform.home.models
        report = quality_report(served, promised(models), lambda name: champion_model(models, name), platform.profile)
        yield dg.MaterializeResult(
            value=report,
            metadata={f"{one.model} {one.metric}": served_figure(one) for one in report.findings},
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


def served_figure(one: QualityFinding) -> str:
    return f"not evaluated: {one.lacking}" if one.served is None else interval(one.served, KINDS[one.model].unit)


retrain_decision = dg.AssetSpec(
    ["monitoring", "retrain_decision"],
    description="Whether to train again, each time with the reason, the evidence and the cool-down: its observations.",
    deps=[DRIFT, QUALITY, ALERTS],
    kinds={"json"},
)


all_monitoring = [window, drift_report, quality, alerts]

MONITORED = {"drift": (DRIFT, DriftReport), "quality": (QUALITY, QualityReport), "alerts": (ALERTS, list[Alert])}
