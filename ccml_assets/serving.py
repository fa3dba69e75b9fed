"""What a server would answer from: the champion of each model, verified, loaded and run by the server's own code."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from ccml_assets.model_lines import ModelLine
from ccml_assets.shown import shown
from ccml_assets.skips import skip_with_reason
from ccml_resources.platform import Platform


def deployment_asset(line: ModelLine) -> dg.AssetsDefinition:
    @dg.asset(
        key=line.deployment_key,
        deps=[line.release_key],
        description=f"The champion of {line.name} as a server loads it; a running one picks it up within a second.",
        output_required=False,
        io_manager_key="documents",
        kinds={"onnx", "starlette"},
    )
    def deployment(context: dg.AssetExecutionContext, platform: Platform) -> Iterator[dg.MaterializeResult[Any]]:
        from ccml.serving.loading.readiness import check_readiness

        with skip_with_reason(context):
            ready = check_readiness(platform.home.models, line.name)
            yield dg.MaterializeResult(
                value=ready,
                metadata=shown({"version": ready.version, "graph": ready.graph, "load_seconds": ready.load_seconds}),
                data_version=dg.DataVersion(ready.version),
            )

    return deployment
