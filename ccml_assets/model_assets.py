"""All assets and checks of all models.

A further kind of model gets them from its entry in `ccml.models.kinds`.
"""

import dagster as dg

from ccml_assets.datasets import dataset_asset, dataset_checks
from ccml_assets.exports import export_asset, parity_check
from ccml_assets.model_lines import MODEL_LINES, ModelLine
from ccml_assets.models import model_asset, search_asset
from ccml_assets.releases import gate_asset, release_asset
from ccml_assets.reports import beats_check, report_assets
from ccml_assets.serving import deployment_asset


def assets_of(line: ModelLine) -> list[dg.AssetsDefinition]:
    """Data set, search, model, export, report, gate, release, deployment."""
    return [
        dataset_asset(line),
        *([search_asset(line)] if line.searched else []),
        model_asset(line),
        export_asset(line),
        report_assets(line),
        gate_asset(line),
        release_asset(line),
        deployment_asset(line),
    ]


def checks_of(line: ModelLine) -> list[dg.AssetChecksDefinition]:
    return [*dataset_checks(line), parity_check(line), beats_check(line)]


all_model_assets = [asset for line in MODEL_LINES for asset in assets_of(line)]

model_checks = [check for line in MODEL_LINES for check in checks_of(line)]
