"""ONNX, in fp32 and int8, each compared with torch on real rows before either may ship."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from ccml.export.bundle import ExportReference
from ccml.models.candidates import CandidateReference
from ccml_assets.model_lines import ModelLine
from ccml_assets.skips import skip_with_reason
from ccml_resources.platform import Platform

PARITY = "agrees_with_torch"


def export_asset(line: ModelLine) -> dg.AssetsDefinition:
    @dg.asset(
        key=line.export_key,
        ins={"trained": dg.AssetIn(line.model_key), "rows": dg.AssetIn(line.dataset_key)},
        description=f"The graphs of {line.name} and how far each is from torch; one that differs is not shipped.",
        output_required=False,
        io_manager_key="documents",
        kinds={"onnx"},
    )
    def export(
        context: dg.AssetExecutionContext, platform: Platform, trained: CandidateReference, rows: Any
    ) -> Iterator[dg.MaterializeResult[ExportReference]]:
        from ccml.export.bundle import write_export
        from ccml.export.packaging import export_candidate

        with skip_with_reason(context):
            test = rows[rows["split"] == "test"].reset_index(drop=True)
            targets = test[line.target].tolist() if line.target else None
            exported = export_candidate(trained.load(platform.home), test, targets)
            reference = write_export(exported, platform.home, trained, context.run.run_id)
            yield dg.MaterializeResult(
                value=reference,
                metadata={"serve": reference.serving.model, "why": reference.serving.reason, **_verdicts(reference)},
            )

    return export


def parity_check(line: ModelLine) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        name=PARITY,
        asset=line.export_key,
        description="Every graph that ships answers test rows as torch does, and its golden inputs as recorded. int8 "
        "ships only where that is shown; where it is not, fp32 serves, and nothing is wrong.",
    )
    def check(exported: ExportReference, platform: Platform) -> dg.AssetCheckResult:
        problems = exported.problems(platform.home)
        return dg.AssetCheckResult(
            passed=not problems,
            severity=dg.AssetCheckSeverity.ERROR,
            description="; ".join(problems) or f"{exported.serving.model} is served. {exported.serving.reason}",
            metadata={**_verdicts(exported), **({"problems": "; ".join(problems)} if problems else {})},
        )

    return check


def _verdicts(exported: ExportReference) -> dict[str, str]:
    return {row.file: f"{'ships' if row.ships else 'does not ship'}: {row.reason}" for row in exported.table}
