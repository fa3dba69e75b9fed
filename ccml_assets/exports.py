"""ONNX, in fp32 and int8, each compared with torch on real rows before either may ship."""

from pathlib import Path
from typing import Any

import dagster as dg

from ccml.models.candidates import CandidateReference
from ccml_assets.model_lines import MODEL_LINES, ModelLine
from ccml_assets.skips import skippable

PARITY = "agrees_with_torch"


def _export(line: ModelLine) -> dg.AssetsDefinition:
    @dg.asset(
        key=line.export_key,
        ins={"trained": dg.AssetIn(line.model_key), "rows": dg.AssetIn(line.dataset_key)},
        description=f"The graphs of {line.name} and how far each is from torch; one that differs is not shipped.",
        output_required=False,
        io_manager_key="documents",
        check_specs=[dg.AssetCheckSpec(PARITY, asset=line.export_key)],
        kinds={"onnx"},
    )
    @skippable
    def export(context: dg.AssetExecutionContext, trained: CandidateReference, rows: Any) -> Any:
        from ccml.export.bundle import write_export
        from ccml.export.packaging import export_candidate

        test = rows[rows["split"] == "test"].reset_index(drop=True)
        targets = test[line.target].tolist() if line.target else None
        reference = write_export(
            export_candidate(trained.load(), test, targets), Path(trained.path).with_name(f"{context.run_id}.onnx")
        )
        told = {row.file: f"{'ships' if row.passed else 'does not ship'}: {row.reason}" for row in reference.table}
        return dg.MaterializeResult(
            value=reference,
            metadata={"serve": reference.serving.model, "why": reference.serving.reason, **told},
            check_results=[
                dg.AssetCheckResult(
                    passed=all(row.passed for row in reference.table),
                    check_name=PARITY,
                    asset_key=line.export_key,
                    severity=dg.AssetCheckSeverity.WARN,
                    metadata=told,
                )
            ],
        )

    return export


all_exports = [_export(line) for line in MODEL_LINES]
