"""What the three models share from here on: each has a data set, an export, a report, a gate, a release."""

from dataclasses import dataclass

import dagster as dg

from ccml.models.kinds import KINDS


@dataclass(frozen=True)
class ModelLine:
    """One model's way through the graph."""

    name: str
    dataset: str
    report: str
    target: str | None
    """Column of the data set that holds the right answer; None where rows have none."""
    searched: bool
    """Whether a search chooses its settings."""

    @property
    def model_key(self) -> dg.AssetKey:
        return dg.AssetKey(["models", self.name])

    @property
    def dataset_key(self) -> dg.AssetKey:
        return dg.AssetKey(["datasets", self.dataset])

    @property
    def export_key(self) -> dg.AssetKey:
        return dg.AssetKey(["exports", f"{self.name}_onnx"])

    @property
    def report_key(self) -> dg.AssetKey:
        return dg.AssetKey(["reports", self.report])

    @property
    def scores_key(self) -> dg.AssetKey:
        return dg.AssetKey(["reports", f"{self.name}_scores"])

    @property
    def gate_key(self) -> dg.AssetKey:
        return dg.AssetKey(["releases", f"{self.name}_gate"])

    @property
    def release_key(self) -> dg.AssetKey:
        return dg.AssetKey(["releases", self.name])

    @property
    def deployment_key(self) -> dg.AssetKey:
        return dg.AssetKey(["serving", f"{self.name}_deployment"])


MODEL_LINES = tuple(
    ModelLine(kind.name, kind.dataset, kind.report, kind.target, searched=kind.search is not None)
    for kind in KINDS.values()
)
