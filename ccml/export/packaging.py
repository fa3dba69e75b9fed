"""From a trained candidate to the files that a release adds to it: graphs, parity table, golden inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from ccml.errors import IntegrityError, NotEnoughDataError
from ccml.export.onnx import export_graph, graph_inputs, quantise
from ccml.export.parity import EXACT, QUANTISED, ParityRow, batches, parity, runner, target_indices
from ccml.releases.golden import Golden
from ccml.releases.manifest import Serving

if TYPE_CHECKING:
    from ccml.models.artifact import Candidate

FP32: Final = "model.onnx"
INT8: Final = "model.int8.onnx"

PARITY_ROWS: Final = 512
"""Enough to tell 98 % agreement from 96 % and quick on two cores."""
FEWEST_ROWS: Final = 16
GOLDEN_ROWS: Final = 8
GOLDEN_TOLERANCE: Final = {FP32: 1e-3, INT8: 0.05}
"""Of a probability, between this processor and the server's. Without VNNI, int8 products saturate."""
WORTH_QUANTISING: Final = 1_000_000
"""Bytes that int8 has to save before a server loads it: a small network gains nothing and loses exactness."""


@dataclass(frozen=True)
class Exported:
    """`files` are ready for `ccml.releases.store.publish`; `table` has one row per graph, shipped or not."""

    files: dict[str, bytes]
    table: list[ParityRow]
    serving: Serving


def export_candidate(candidate: Candidate, rows: Any, targets: Sequence[str] | None = None) -> Exported:
    """Exports, quantises, compares with torch on real rows, and says which graph to serve.

    Args:
        rows: held-out rows of the model's data set; the first `PARITY_ROWS` are used.
        targets: the right label of each row, where there is one.

    Raises:
        NotEnoughDataError: fewer than `FEWEST_ROWS` rows.
        IntegrityError: the fp32 graph does not compute what torch computes; nothing may ship.
    """
    rows = rows.iloc[:PARITY_ROWS]
    if len(rows) < FEWEST_ROWS:
        raise NotEnoughDataError(f"{len(rows)} held-out rows; {FEWEST_ROWS} are needed to compare a graph with torch.")
    inputs = candidate.inputs(rows)
    expected = candidate.logits(rows)  # (N, V)
    known = None if targets is None else target_indices(list(targets)[: len(rows)], candidate.labels)

    graphs = {FP32: export_graph(candidate.name, candidate.module(), inputs)}
    graphs[INT8] = quantise(graphs[FP32])
    table = [
        parity(file, graphs[file], expected, inputs, tolerance=bound, temperature=candidate.temperature, targets=known)
        for file, bound in ((FP32, EXACT), (INT8, QUANTISED))
    ]
    exact, quantised = table
    if not exact.passed:
        raise IntegrityError(f"{candidate.name}: {FP32} is not the model that was trained. {exact.reason}")
    shipped = graphs if quantised.passed else {FP32: graphs[FP32]}
    serving = _serving(exact, quantised, graphs)
    first = next(batches({name: array[:GOLDEN_ROWS] for name, array in inputs.items()}, GOLDEN_ROWS))
    run = runner(graphs[serving.model])
    golden = Golden.record(run, first, candidate.temperature, GOLDEN_TOLERANCE[serving.model])
    if not np.isfinite(golden.probabilities.array()).all():
        raise IntegrityError(f"{candidate.name}: {serving.model} answers a golden row with values that are not finite.")
    files = {**shipped, "parity.json": msgspec.json.format(msgspec.json.encode(table)), "golden.json": golden.to_json()}
    return Exported(files, table, serving)


def _serving(exact: ParityRow, quantised: ParityRow, graphs: dict[str, bytes]) -> Serving:
    saved = exact.bytes - quantised.bytes
    if not quantised.passed:
        return Serving(FP32, f"int8 was not shipped: {quantised.reason}", graph_inputs(graphs[FP32]))
    if saved < WORTH_QUANTISING:
        return Serving(FP32, f"int8 would save only {saved / 1e6:.2f} MB.", graph_inputs(graphs[FP32]))
    reason = (
        f"int8 has {quantised.bytes / 1e6:.1f} MB instead of {exact.bytes / 1e6:.1f}, takes "
        f"{quantised.latency_ms_p50:.1f} ms instead of {exact.latency_ms_p50:.1f}, and agrees with torch in "
        f"{quantised.top1_agreement:.2%} of rows."
    )
    return Serving(INT8, reason, graph_inputs(graphs[INT8]))
