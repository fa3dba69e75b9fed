"""The gate, and what passes it: an immutable release, and the pointer that a server follows."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from ccml.errors import NotBetterError
from ccml.evaluation.report import ModelReport
from ccml.export.bundle import ExportReference
from ccml.models.candidates import CandidateReference
from ccml.monitoring.reference import DriftReference
from ccml.releases.gate import GateDecision
from ccml.releases.releasing import ReleaseReference
from ccml_assets.model_lines import ModelLine
from ccml_assets.shown import shown
from ccml_assets.skips import skip_with_reason
from ccml_resources.experiments import Experiments
from ccml_resources.platform import Platform


def gate_asset(line: ModelLine) -> dg.AssetsDefinition:
    @dg.asset(
        key=line.gate_key,
        ins={
            "scores": dg.AssetIn(line.scores_key),
            "report": dg.AssetIn(line.report_key),
            "trained": dg.AssetIn(line.model_key),
        },
        description=f"Is the new {line.name} better than the champion and every simple baseline, on the same rows?",
        io_manager_key="documents",
        kinds={"json"},
    )
    def gate(
        context: dg.AssetExecutionContext,
        platform: Platform,
        experiments: Experiments,
        scores: Any,
        report: ModelReport,
        trained: CandidateReference,
    ) -> dg.MaterializeResult[GateDecision]:
        from ccml.releases.releasing import decide_on_scores

        decision = decide_on_scores(line.name, scores, platform.profile)
        context.log.info(decision.answer)
        page = _publish(context, platform, report, decision)
        experiments.add(
            trained.mlflow_run_id,
            tags={"gate": decision.answer, "gate.reasons": "; ".join(decision.reasons)},
            files={f"{line.name}.html": (platform.home.reports / f"{line.name}.html").read_bytes()},
        )
        return dg.MaterializeResult(
            value=decision,
            metadata=shown(
                {"answer": decision.answer, "reasons": decision.reasons, "rows": decision.rows, "page": page}
            ),
        )

    return gate


def release_asset(line: ModelLine) -> dg.AssetsDefinition:
    @dg.asset(
        key=line.release_key,
        ins={
            "decision": dg.AssetIn(line.gate_key),
            "trained": dg.AssetIn(line.model_key),
            "exported": dg.AssetIn(line.export_key),
            "report": dg.AssetIn(line.report_key),
            "reference": dg.AssetIn(["datasets", "drift_reference"]),
        },
        description=f"The {line.name} that passed the gate, as files that never change again, and now the champion.",
        output_required=False,
        io_manager_key="documents",
        pool="release",
        kinds={"onnx", "safetensors", "mlflow"},
    )
    def release(
        context: dg.AssetExecutionContext,
        platform: Platform,
        experiments: Experiments,
        decision: GateDecision,
        trained: CandidateReference,
        exported: ExportReference,
        report: ModelReport,
        reference: DriftReference,
    ) -> Iterator[dg.MaterializeResult[ReleaseReference]]:
        from ccml.releases.releasing import release_candidate

        with skip_with_reason(context):
            if not decision.passed:
                raise NotBetterError(f"{decision.answer}. {' '.join(decision.reasons)}")
            released = release_candidate(
                trained,
                exported.read(platform.home),
                exported.serving,
                report,
                decision,
                platform.home,
                drift_reference=reference.encode(),
                run_id=context.run.run_id,
            )
            experiments.mirror_releases(platform.home.models, line.name)
            context.log.info(f"{line.name} {released.version} is the champion")
            _publish(context, platform, report, decision, released.version)
            yield dg.MaterializeResult(
                value=released,
                metadata={"version": released.version, "path": dg.MetadataValue.path(released.path)},
                data_version=dg.DataVersion(released.version),
            )

    return release


def _publish(
    context: dg.AssetExecutionContext,
    platform: Platform,
    report: ModelReport,
    decision: GateDecision,
    version: str | None = None,
) -> dg.PathMetadataValue:
    """Writes the gate's answer, and the version once there is one, on the report's page."""
    from ccml.evaluation.publishing import publish_answer
    from ccml_assets.report_index import write_index

    page = publish_answer(
        report, decision.on_page(version), platform.home.reports, platform.profile.evaluation.confidence
    )
    write_index(platform.home, context.instance)
    return dg.MetadataValue.path(platform.home.relative(page))
