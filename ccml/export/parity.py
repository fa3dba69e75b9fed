"""Is an exported graph still the model? Judged on real rows against torch, in the runtime that will serve it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from ccml.features.tokens import lengths
from ccml.releases.golden import probabilities_of

Arrays = Mapping[str, NDArray[Any]]
Run = Callable[[Arrays], NDArray[np.float32]]

BATCH: Final = 16
"""Rows run together; about what a loaded server's micro-batch holds."""
TIMED_CALLS: Final = 40


class Tolerance(msgspec.Struct, frozen=True):
    """How far a graph may be from torch and still ship."""

    probability: float
    """Largest absolute difference of any probability; 1 leaves it to the agreement."""
    agreement: float
    """Least share of rows with the same top label."""
    lost_accuracy: float
    """Most top-1 accuracy that may be lost, where targets are known."""


EXACT: Final = Tolerance(probability=1e-4, agreement=0.999, lost_accuracy=0.001)
"""fp32 is the same computation in another order; only ties may fall differently."""
QUANTISED: Final = Tolerance(probability=1.0, agreement=0.98, lost_accuracy=0.01)
"""int8 is an approximation: it ships if it decides as torch does and does not cost accuracy."""


class ParityRow(msgspec.Struct, frozen=True):
    """One exported file beside torch."""

    file: str
    rows: int
    max_abs_difference: float
    """Of calibrated probabilities."""
    mean_abs_difference: float
    top1_agreement: float
    accuracy: float | None
    torch_accuracy: float | None
    bytes: int
    latency_ms_p50: float
    """One row, one thread, in this process."""
    latency_ms_p95: float
    passed: bool
    reason: str


def runner(graph: bytes, *, threads: int = 1) -> Run:
    """Inputs by name → (N, V) logits, in onnxruntime. From bytes, it can follow no path. 0 threads: one a core."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def run(inputs: Arrays) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = session.run(None, dict(inputs))[0]
        return logits

    return run


def parity(
    file: str,
    graph: bytes,
    torch_logits: NDArray[np.floating[Any]],
    inputs: Arrays,
    *,
    tolerance: Tolerance,
    temperature: float,
    targets: NDArray[np.int64] | None = None,
) -> ParityRow:
    """Runs the graph over all rows and compares it with what torch answered.

    Args:
        torch_logits: (N, V) on the same rows.
        inputs: the graph's inputs for N rows. They are run in batches of `BATCH`, each cut to its own longest
            request, so that other batch sizes and lengths than the traced ones are part of the comparison.
        targets: (N,) index of the right label, −1 where it is none of the labels; None where nothing is right or wrong.
    """
    run = runner(graph, threads=0)
    expected = probabilities_of(torch_logits, temperature)  # (N, V)
    # Shortest first, so that a batch is not padded to the one long request in it.
    order = np.argsort(lengths(inputs), kind="stable") if "attention_mask" in inputs else np.arange(len(expected))
    logits = np.empty(torch_logits.shape, np.float32)  # (N, V)
    logits[order] = np.concatenate([run(batch) for batch in batches({k: v[order] for k, v in inputs.items()}, BATCH)])
    found = probabilities_of(logits, temperature)  # (N, V)
    difference = np.abs(expected - found)
    agreement = float((expected.argmax(axis=1) == found.argmax(axis=1)).mean())
    accuracy = torch_accuracy = None
    if targets is not None:
        accuracy = float((found.argmax(axis=1) == targets).mean())
        torch_accuracy = float((expected.argmax(axis=1) == targets).mean())
    worst = float(difference.max()) if np.isfinite(found).all() else float("inf")
    passed, reason = _judge(worst, agreement, accuracy, torch_accuracy, tolerance)
    p50, p95 = _latency(runner(graph), inputs)
    return ParityRow(
        file=file,
        rows=len(found),
        max_abs_difference=worst if np.isfinite(worst) else 1.0,
        mean_abs_difference=float(difference.mean()) if np.isfinite(worst) else 1.0,
        top1_agreement=agreement,
        accuracy=accuracy,
        torch_accuracy=torch_accuracy,
        bytes=len(graph),
        latency_ms_p50=p50,
        latency_ms_p95=p95,
        passed=passed,
        reason=reason,
    )


def batches(inputs: Arrays, size: int) -> Iterator[dict[str, NDArray[Any]]]:
    """Rows in order, `size` at a time, tokens cut to the longest request of the batch."""
    rows = len(next(iter(inputs.values())))
    for start in range(0, rows, size):
        batch = {name: array[start : start + size] for name, array in inputs.items()}
        if "attention_mask" in batch:
            longest = max(int(batch["attention_mask"].sum(axis=1).max()), 1)
            for name in ("input_ids", "attention_mask"):
                batch[name] = batch[name][:, :longest]
        yield batch


def target_indices(targets: Sequence[str], labels: Sequence[str]) -> NDArray[np.int64]:
    """(N,) position of each target among the labels, −1 where it is none of them."""
    position = {label: index for index, label in enumerate(labels)}
    return np.array([position.get(target, -1) for target in targets], np.int64)


def _judge(
    worst: float, agreement: float, accuracy: float | None, torch_accuracy: float | None, tolerance: Tolerance
) -> tuple[bool, str]:
    problems = []
    if not np.isfinite(worst):
        problems.append("it answers with values that are not finite")
    elif worst > tolerance.probability:
        problems.append(f"a probability differs by {worst:.2g}, at most {tolerance.probability:.2g} is allowed")
    if agreement < tolerance.agreement:
        problems.append(f"the top label agrees in {agreement:.2%} of rows, {tolerance.agreement:.2%} is needed")
    if accuracy is not None and torch_accuracy is not None and torch_accuracy - accuracy > tolerance.lost_accuracy:
        problems.append(f"accuracy falls from {torch_accuracy:.3f} to {accuracy:.3f}")
    if problems:
        return False, f"Not shipped: {'; '.join(problems)}."
    return True, f"Probabilities differ by at most {worst:.2g}, the top label agrees in {agreement:.2%} of rows."


def _latency(run: Run, inputs: Arrays) -> tuple[float, float]:
    """Median and 95th percentile in milliseconds over single real rows, after a warm-up."""
    rows = list(batches({name: array[:TIMED_CALLS] for name, array in inputs.items()}, 1))
    run(rows[0])
    taken = []
    for call in range(TIMED_CALLS):
        start = time.perf_counter()
        run(rows[call % len(rows)])
        taken.append((time.perf_counter() - start) * 1e3)
    return float(np.quantile(taken, 0.5)), float(np.quantile(taken, 0.95))
