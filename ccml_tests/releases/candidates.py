"""A small trained model on disk, in the layout that training saves, with the files that export adds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ccml.models.artifact import save_candidate
from ccml.releases.manifest import GateSummary, GraphInput, Lineage, ReleaseFacts, Serving

NAME = "policy"
EXPORTED = {"model.onnx": b"a graph", "parity.json": b"{}", "golden.json": b"{}"}


def candidate(
    folder: Path, *, weight: float = 1.0, labels: tuple[str, ...] = ("yes", "no"), units: int = 4, seconds: float = 1.0
) -> Path:
    """`weight` stands for what training found, `seconds` for what differs between two runs of the same training."""
    return save_candidate(
        folder,
        config={"model": NAME, "units": units},
        tensors={"weight": np.full((units, len(labels)), weight, np.float32)},
        tokenizer_json=None,
        labels=list(labels),
        transforms={"mean": [0.0]},
        calibration={"temperature": 1.0},
        defaults={},
        metrics={"top1": 0.5},
        training={"seconds": seconds, "data_hash": "d1"},
    )


def facts(*, width: int = 3, graph: str = "model.onnx") -> ReleaseFacts:
    return ReleaseFacts(
        metrics={"top1": {"estimate": 0.5, "low": 0.45, "high": 0.55}},
        training_data_hash="d1",
        hyper_parameters={"learning_rate": 1e-3},
        lineage=Lineage("run-1", "mlflow-1", "c0de"),
        gate=GateSummary("better", ["Better than the best baseline."]),
        serving=Serving(graph, "int8 was not tried", [GraphInput("features", "float32", [None, width])]),
    )
