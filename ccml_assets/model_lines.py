"""The keys of a model's assets, from its data set to what is deployed."""

from dataclasses import dataclass

import dagster as dg

from ccml.models.kinds import KINDS, ModelKind


@dataclass(frozen=True)
class ModelLine:
    kind: ModelKind

    @property
    def name(self) -> str:
        return self.kind.name

    @property
    def report(self) -> str:
        return self.kind.report

    @property
    def target(self) -> str | None:
        return self.kind.target

    @property
    def searched(self) -> bool:
        return self.kind.search is not None

    @property
    def search_key(self) -> dg.AssetKey:
        """Only of a kind with a search."""
        assert self.kind.search is not None
        return dg.AssetKey(["models", self.kind.search])

    @property
    def model_key(self) -> dg.AssetKey:
        return dg.AssetKey(["models", self.name])

    @property
    def dataset_key(self) -> dg.AssetKey:
        return dg.AssetKey(["datasets", self.kind.dataset])

    @property
    def export_key(self) -> dg.AssetKey:
        return dg.AssetKey(["exports", f"{self.name}_onnx"])

    @property
    def report_key(self) -> dg.AssetKey:
        return dg.AssetKey(["reports", self.kind.report])

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


MODEL_LINES = tuple(ModelLine(kind) for kind in KINDS.values())
