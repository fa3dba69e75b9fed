"""Is an exported graph still the model? Measured on real rows against torch, in the runtime that will serve it.

The rows go round the test users, so that each counts about alike however the table is ordered. Whether an approximate
graph (int8) ships is decided by intervals, not by one sample's figure: rows are added until the 99.9 % interval lies on
one side of the limit. Where it never does, the 95 % interval over all test rows decides, and a graph that it does not
show to agree does not ship. So another order of the rows gives another answer about once in a thousand.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from statistics import NormalDist
from typing import Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ccml.evaluation.spelling import percent, signs
from ccml.features.tokens import lengths
from ccml.models.logits import softmax

Arrays = Mapping[str, NDArray[Any]]
Run = Callable[[Arrays], NDArray[np.float32]]

BATCH: Final = 16
"""Rows run together; about what a loaded server's micro-batch holds."""
TIMED_CALLS: Final = 40

EXACT_DIFFERENCE: Final = 1e-4
"""Of any probability. fp32 is the same computation in another order, so only ties may fall differently."""
LEAST_AGREEMENT: Final = 0.98
"""Share of rows with the same top label that an approximate graph must be shown to reach,"""
MOST_LOST: Final = 0.01
"""and the top-1 accuracy that it must be shown not to lose, where targets are known."""
FIRST_ROWS: Final = 512
"""Rows of the first comparison; an approximate graph is compared on twice as many, and again, while that is needed."""
CONFIDENCE: Final = 0.95
EARLY_CONFIDENCE: Final = 0.999
"""As long as rows are left: with several looks at 95 %, the luckiest one would decide."""

Verdict = Literal["ships", "differs", "open"]
"""`open`: the rows seen so far show neither that the graph agrees nor that it does not."""


class Range(msgspec.Struct, frozen=True):
    """A share of rows with its interval; users are the independent units."""

    estimate: float
    low: float
    high: float

    def text(self, unit: str) -> str:
        """With two decimals, for the limits lie near: '97.57 % [96.98, 98.00]'."""
        estimate, low, high = (f"{100 * one:.2f}" for one in (self.estimate, self.low, self.high))
        return signs(f"{estimate} {unit} [{low}, {high}]")


class ParityRow(msgspec.Struct, frozen=True):
    """One exported file beside torch."""

    file: str
    rows: int
    users: int
    max_abs_difference: float
    """Of calibrated probabilities."""
    mean_abs_difference: float
    top1_agreement: Range
    accuracy: float | None
    torch_accuracy: float | None
    lost_accuracy: Range | None
    """Share of rows that only torch answers rightly, less the share that only the graph does."""
    bytes: int
    latency_ms_p50: float
    """One row, one thread, in this process."""
    latency_ms_p95: float
    ships: bool
    reason: str


@dataclass(frozen=True)
class Comparison:
    """A graph beside torch on N rows."""

    users: NDArray[Any]  # (N,)
    difference: NDArray[np.float64]  # (N,) largest of any probability, infinite where one is not a number
    agreed: NDArray[np.bool_]  # (N,)
    right: NDArray[np.bool_] | None  # (N,)
    torch_right: NDArray[np.bool_] | None  # (N,)

    def __add__(self, more: Comparison) -> Comparison:
        def join(a: Any, b: Any) -> Any:
            return None if a is None else np.concatenate([a, b])

        return Comparison(*(join(getattr(self, one.name), getattr(more, one.name)) for one in fields(self)))

    def agreement(self, confidence: float = CONFIDENCE) -> Range:
        """Wilson's interval."""
        from scipy.stats import binomtest

        share = float(self.agreed.mean())
        counted = self._independent_rows()
        interval = binomtest(int(share * counted), counted).proportion_ci(confidence, "wilson")
        return Range(share, float(interval.low), float(interval.high))

    def lost_accuracy(self, confidence: float = CONFIDENCE) -> Range | None:
        """Bonett and Price's (2012) interval of the difference of two paired proportions."""
        if self.right is None or self.torch_right is None:
            return None
        counted = self._independent_rows()
        lost = float((self.torch_right & ~self.right).mean()) * counted
        won = float((self.right & ~self.torch_right).mean()) * counted
        trials = counted + 2
        middle = (lost - won) / trials
        error = np.sqrt(lost + won + 2 - (lost - won) ** 2 / trials) / trials
        half = NormalDist().inv_cdf(0.5 + confidence / 2) * float(error)
        return Range((lost - won) / counted, middle - half, middle + half)

    def _independent_rows(self) -> int:
        """Rows over the design effect: so many independent rows know as much about the agreement (Kish 1965)."""
        share, rows = self.agreed.mean(), len(self.agreed)
        sums = np.bincount(np.unique(self.users, return_inverse=True)[1], self.agreed - share)  # (U,)
        if len(sums) < 2 or share in (0.0, 1.0):
            return rows
        effect = len(sums) / (len(sums) - 1) * float(sums @ sums) / (rows * share * (1 - share))
        return max(int(rows / max(1.0, effect)), 1)


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


def compare(
    run: Run,
    torch_logits: NDArray[np.floating[Any]],
    inputs: Arrays,
    users: ArrayLike,
    *,
    temperature: float,
    targets: NDArray[np.int64] | None = None,
) -> Comparison:
    """
    Args:
        torch_logits: (N, V) on the same rows.
        inputs: the graph's inputs for N rows. They are run in batches of `BATCH`, each cut to its own longest
            request, so that other batch sizes and lengths than the traced ones are part of the comparison.
        users: (N,) whose row it is.
        targets: (N,) index of the right label, −1 where it is none of the labels; None where nothing is right or wrong.
    """
    expected = softmax(torch_logits, temperature)  # (N, V)
    # Shortest first, so that a batch is not padded to the one long request in it.
    order = np.argsort(lengths(inputs), kind="stable") if "attention_mask" in inputs else np.arange(len(expected))
    logits = np.empty(torch_logits.shape, np.float32)  # (N, V)
    logits[order] = np.concatenate([run(batch) for batch in batches({k: v[order] for k, v in inputs.items()}, BATCH)])
    found = softmax(logits, temperature)  # (N, V)
    difference = np.abs(expected - found).max(axis=1)  # (N,)
    top, torch_top = found.argmax(axis=1), expected.argmax(axis=1)
    return Comparison(
        np.asarray(users),
        np.where(np.isfinite(difference), difference, np.inf),
        top == torch_top,
        None if targets is None else top == targets,
        None if targets is None else torch_top == targets,
    )


def exact_verdict(seen: Comparison) -> tuple[Verdict, str]:
    """Does the graph compute what torch computes? One row that differs says no."""
    worst = float(seen.difference.max())
    if not np.isfinite(worst):
        return "differs", "it answers with values that are not finite"
    if worst > EXACT_DIFFERENCE:
        return "differs", f"a probability differs by {signs(f'{worst:.2g}, at most {EXACT_DIFFERENCE:.2g}')} is allowed"
    return "ships", f"probabilities differ by at most {signs(f'{worst:.2g}')}"


def approximate_verdict(part: Callable[[int, int], Comparison], rows: int) -> tuple[Comparison, Verdict, str]:
    """Does the graph decide as torch does, without losing accuracy? Compares as many rows as the answer needs.

    Args:
        part: compares the rows from the first to the second number.
        rows: how many there are.
    """
    seen = part(0, FIRST_ROWS)
    while len(seen.agreed) < rows:
        verdict, facts = _decides_alike(seen, EARLY_CONFIDENCE)
        if verdict != "open":
            return seen, verdict, facts
        seen += part(len(seen.agreed), 2 * len(seen.agreed))
    return seen, *_decides_alike(seen, CONFIDENCE)


def _decides_alike(seen: Comparison, confidence: float) -> tuple[Verdict, str]:
    if not np.isfinite(seen.difference).all():
        return "differs", "it answers with values that are not finite"
    agreement, lost = seen.agreement(confidence), seen.lost_accuracy(confidence)
    facts = f"the top label agrees in {agreement.text('%')} of {len(seen.agreed):,} rows"
    facts += f", {percent(LEAST_AGREEMENT, 0)} is needed"
    if lost is not None:
        facts += f"; accuracy falls by {lost.text('points')}, at most {100 * MOST_LOST:g} is allowed"
    if agreement.high < LEAST_AGREEMENT or (lost is not None and lost.low > MOST_LOST):
        return "differs", facts
    if agreement.low >= LEAST_AGREEMENT and (lost is None or lost.high <= MOST_LOST):
        return "ships", facts
    return "open", facts


def parity_row(file: str, graph: bytes, seen: Comparison, verdict: Verdict, facts: str, inputs: Arrays) -> ParityRow:
    """
    Args:
        inputs: rows to time single calls on.
    """
    words = {"ships": "Agrees", "differs": "Differs from torch", "open": "Not shown to agree on all test rows"}
    p50, p95 = _latency(runner(graph), inputs)
    finite = bool(np.isfinite(seen.difference).all())
    return ParityRow(
        file=file,
        rows=len(seen.agreed),
        users=len(np.unique(seen.users)),
        max_abs_difference=float(seen.difference.max()) if finite else 1.0,
        mean_abs_difference=float(seen.difference.mean()) if finite else 1.0,
        top1_agreement=seen.agreement(),
        accuracy=None if seen.right is None else float(seen.right.mean()),
        torch_accuracy=None if seen.torch_right is None else float(seen.torch_right.mean()),
        lost_accuracy=seen.lost_accuracy(),
        bytes=len(graph),
        latency_ms_p50=p50,
        latency_ms_p95=p95,
        ships=verdict == "ships",
        reason=f"{words[verdict]}: {facts}.",
    )


def round_the_users(users: ArrayLike, seed: int) -> NDArray[np.int64]:
    """(N,) an order of the rows: everybody's first row, then everybody's second, and so on, each user's rows shuffled.

    Any beginning of it holds all users as evenly as they have rows.
    """
    _, codes = np.unique(np.asarray(users), return_inverse=True)
    shuffled = np.random.default_rng(seed).permutation(len(codes))
    turn = np.empty(len(codes), np.int64)
    seen: dict[int, int] = {}
    for row in shuffled:
        turn[row] = seen[codes[row]] = seen.get(codes[row], -1) + 1
    order: NDArray[np.int64] = shuffled[np.argsort(turn[shuffled], kind="stable")]
    return order


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
