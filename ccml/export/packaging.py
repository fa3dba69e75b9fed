"""From a trained candidate to the files that a release adds to it: graphs, parity table, golden inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from ccml.errors import IntegrityError, NotEnoughDataError
from ccml.export.onnx import export_graph, graph_inputs, quantise
from ccml.export.parity import (
    FIRST_ROWS,
    Arrays,
    Comparison,
    ParityRow,
    Run,
    approximate_verdict,
    batches,
    compare,
    exact_verdict,
    parity_row,
    round_the_users,
    runner,
    target_indices,
)
from ccml.privacy.shared_words import shared_words
from ccml.releases.golden import Golden
from ccml.releases.manifest import Serving

if TYPE_CHECKING:
    from ccml.models.artifact import Candidate

FP32: Final = "model.onnx"
INT8: Final = "model.int8.onnx"

FEWEST_ROWS: Final = 10
"""Every data set has so many test rows, so whatever was trained is exported, and its report has a graph to time. So few
let nothing through that more would stop: fp32 is compared row by row, int8 ships on no fewer than 189 rows that all
agree, and the gate releases nothing on fewer than its `minimum_rows`."""
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


def export_candidate(candidate: Candidate, rows: Any, targets: Sequence[str] | None = None, seed: int = 0) -> Exported:
    """Exports, quantises, compares with torch on real rows, and says which graph to serve.

    Args:
        rows: held-out rows of the model's data set, with `user_id`.
        targets: the right label of each row, where there is one.
        seed: of the order in which rows are compared.

    Raises:
        NotEnoughDataError: fewer than `FEWEST_ROWS` rows.
        IntegrityError: the fp32 graph does not compute what torch computes; nothing may ship.
    """
    if len(rows) < FEWEST_ROWS:
        raise NotEnoughDataError(f"{len(rows)} held-out rows; {FEWEST_ROWS} are needed to compare a graph with torch.")
    order = round_the_users(rows["user_id"], seed)
    known = None if targets is None else target_indices(list(targets), candidate.labels)[order]
    held_out = _HeldOut(candidate, rows.iloc[order], candidate.logits(rows)[order], known)
    first = held_out.part(0, FIRST_ROWS)
    inputs, _ = first
    graphs = {FP32: export_graph(candidate.name, candidate.module(), inputs)}
    graphs[INT8] = quantise(graphs[FP32])

    seen = held_out.compare(runner(graphs[FP32], threads=0), 0, first)
    exact = parity_row(FP32, graphs[FP32], seen, *exact_verdict(seen), inputs)
    if not exact.ships:
        raise IntegrityError(f"{candidate.name}: {FP32} is not the model that was trained. {exact.reason}")
    approximate = runner(graphs[INT8], threads=0)
    quantised = parity_row(
        INT8,
        graphs[INT8],
        *approximate_verdict(
            lambda start, stop: held_out.compare(approximate, start, held_out.part(start, stop) if start else first),
            len(rows),
        ),
        inputs,
    )
    table = [exact, quantised]
    shipped = graphs if quantised.ships else {FP32: graphs[FP32]}
    serving = _serving(exact, quantised, graphs)
    golden_inputs = next(batches(candidate.inputs(_golden_rows(rows, order)), GOLDEN_ROWS))
    golden = Golden.record(
        runner(graphs[serving.model]), golden_inputs, candidate.temperature, GOLDEN_TOLERANCE[serving.model]
    )
    if not np.isfinite(golden.probabilities.array()).all():
        raise IntegrityError(f"{candidate.name}: {serving.model} answers a golden row with values that are not finite.")
    files = {**shipped, "parity.json": msgspec.json.format(msgspec.json.encode(table)), "golden.json": golden.to_json()}
    return Exported(files, table, serving)


def _golden_rows(rows: Any, order: Any) -> Any:
    """The first rows, of their requests the words that several users wrote: tokens lead back to a text."""
    first = rows.iloc[order[:GOLDEN_ROWS]]
    if "request" not in rows:
        return first
    texts = shared_words(rows["request"].astype(str).tolist(), rows["user_id"].astype(str).tolist())
    return first.assign(request=[texts[place] for place in order[:GOLDEN_ROWS]])


@dataclass(frozen=True)
class _HeldOut:
    """Rows in the order in which they are compared."""

    candidate: Candidate
    rows: Any
    logits: NDArray[np.float32]
    """(N, V) by torch."""
    targets: NDArray[np.int64] | None

    def part(self, start: int, stop: int) -> tuple[Arrays, NDArray[np.float32]]:
        """Inputs and torch's logits of these rows."""
        return self.candidate.inputs(self.rows.iloc[start:stop]), self.logits[start:stop]

    def compare(self, run: Run, start: int, part: tuple[Arrays, NDArray[np.float32]]) -> Comparison:
        inputs, expected = part
        here = slice(start, start + len(expected))
        return compare(
            run,
            expected,
            inputs,
            self.rows["user_id"].iloc[here],
            temperature=self.candidate.temperature,
            targets=None if self.targets is None else self.targets[here],
        )


def _serving(exact: ParityRow, quantised: ParityRow, graphs: dict[str, bytes]) -> Serving:
    saved = exact.bytes - quantised.bytes
    if not quantised.ships:
        return Serving(FP32, f"int8 does not ship. {quantised.reason}", graph_inputs(graphs[FP32]))
    if saved < WORTH_QUANTISING:
        return Serving(FP32, f"int8 would save only {saved / 1e6:.2f} MB.", graph_inputs(graphs[FP32]))
    reason = (
        f"int8 has {quantised.bytes / 1e6:.1f} MB instead of {exact.bytes / 1e6:.1f}, takes "
        f"{quantised.latency_ms_p50:.1f} ms instead of {exact.latency_ms_p50:.1f}, and agrees with torch in "
        f"{quantised.top1_agreement.text('%')} of rows."
    )
    return Serving(INT8, reason, graph_inputs(graphs[INT8]))
