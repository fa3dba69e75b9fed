"""Whether a graph ships: measured on rows of every user, and the same whichever rows are looked at first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch  # noqa: TID253  # the modules under test are built here
from numpy.typing import NDArray
from torch import nn  # noqa: TID253

from ccml.export.onnx import export_graph, quantise
from ccml.export.parity import (
    FIRST_ROWS,
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
from ccml_tests.export.test_onnx import TinyPredictor, rows, torch_logits


@pytest.fixture(scope="module")
def module() -> TinyPredictor:
    torch.manual_seed(0)
    return TinyPredictor().eval()


@pytest.fixture(scope="module")
def graph(module: TinyPredictor) -> bytes:
    return export_graph("command_predictor", module, rows(4, 9))


def exact_row(
    graph: bytes, logits: NDArray[Any], inputs: dict[str, NDArray[Any]], targets: NDArray[np.int64] | None = None
) -> ParityRow:
    users = np.arange(len(logits)) % 7
    seen = compare(runner(graph), logits, inputs, users, temperature=0.7, targets=targets)
    return parity_row("model.onnx", graph, seen, *exact_verdict(seen), inputs)


def in_parts(
    run: Run, logits: NDArray[Any], inputs: dict[str, NDArray[Any]], targets: NDArray[np.int64] | None = None
) -> Callable[[int, int], Comparison]:
    def part(start: int, stop: int) -> Comparison:
        here = slice(start, stop)
        few = {name: array[here] for name, array in inputs.items()}
        known = None if targets is None else targets[here]
        return compare(run, logits[here], few, np.arange(len(logits))[here] % 7, temperature=1.0, targets=known)

    return part


def test_int8_is_smaller_and_is_shown_to_decide_as_torch_does(module: TinyPredictor, graph: bytes) -> None:
    inputs = rows(4_000, 12)
    logits = torch_logits(module, inputs)
    small = quantise(graph)
    seen, verdict, facts = approximate_verdict(in_parts(runner(small), logits, inputs), 4_000)
    row = parity_row("model.int8.onnx", small, seen, verdict, facts, inputs)
    assert row.bytes < 0.6 * len(graph)
    assert row.ships, row.reason
    assert row.top1_agreement.low >= 0.98
    assert 0.0 < row.max_abs_difference < 0.2


def test_the_exact_graph_ships_on_rows_of_many_lengths(module: TinyPredictor, graph: bytes) -> None:
    inputs = rows(50, 21)
    logits = torch_logits(module, inputs)
    targets = logits.argmax(axis=1)
    targets[:10] = -1
    row = exact_row(graph, logits, inputs, targets)
    assert row.ships, row.reason
    assert (row.rows, row.users, row.accuracy, row.torch_accuracy) == (50, 7, 0.8, 0.8)
    assert row.max_abs_difference < 1e-5
    assert row.latency_ms_p95 >= row.latency_ms_p50 > 0.0


def test_one_row_that_differs_keeps_the_exact_graph_from_shipping(module: TinyPredictor, graph: bytes) -> None:
    inputs = rows(40, 8)
    other = torch_logits(module, inputs)
    other[17] = -other[17]
    row = exact_row(graph, other, inputs)
    assert not row.ships
    assert "Differs from torch: a probability differs by" in row.reason


def test_a_graph_that_answers_nan_does_not_ship_as_either() -> None:
    features = {"features": np.ones((20, 3), np.float32)}
    broken = nn.Linear(3, 5)
    logits = torch_logits(broken, features)
    with torch.no_grad():
        broken.weight[0, 0] = float("nan")
    graph = export_graph("policy", broken, features)
    row = exact_row(graph, logits, features)
    assert (row.ships, row.max_abs_difference) == (False, 1.0)
    assert "not finite" in row.reason
    assert approximate_verdict(in_parts(runner(graph), logits, features), 20)[1] == "differs"


def world(agreement: float, count: int = 4_000, users: int = 60) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Rows in the order of a table, whole users after each other, and whether a graph agrees on each. Users differ."""
    random = np.random.default_rng(5)
    owner = np.sort(random.integers(0, users, count))
    shares = np.clip(random.beta(agreement * 80, (1 - agreement) * 80, users), 0, 1)
    agreed = random.random(count) < shares[owner]
    # Exactly this share, so that what is right is known.
    for place in random.permutation(np.flatnonzero(agreed == (agreed.mean() > agreement))):
        if round(agreed.sum()) == round(agreement * count):
            break
        agreed[place] = not agreed[place]
    return owner, agreed


def decided(owner: NDArray[Any], agreed: NDArray[np.bool_], seed: int) -> tuple[str, int]:
    order = round_the_users(owner, seed)

    def part(start: int, stop: int) -> Comparison:
        here = order[start:stop]
        return Comparison(owner[here], np.zeros(len(here)), agreed[here], None, None)

    seen, verdict, _ = approximate_verdict(part, len(owner))
    return verdict, len(seen.agreed)


@pytest.mark.parametrize("agreement", [0.93, 0.975, 0.98, 0.985, 0.999])
def test_whether_it_ships_does_not_depend_on_the_rows_looked_at_first(agreement: float) -> None:
    owner, agreed = world(agreement)
    found = [decided(owner, agreed, seed) for seed in range(40)]
    assert len({verdict == "ships" for verdict, _ in found}) == 1, Counter(found)
    assert (found[0][0] == "ships") == (agreement > 0.99)


def test_a_figure_of_the_first_rows_alone_says_both_where_the_agreement_is_near_the_limit() -> None:
    """Why there are intervals: the rule before them, on the same rows in forty orders."""
    owner, agreed = world(0.98)
    samples = [np.random.default_rng(seed).permutation(len(owner))[:FIRST_ROWS] for seed in range(40)]
    assert {bool(agreed[sample].mean() >= 0.98) for sample in samples} == {True, False}


def test_what_is_clear_is_decided_on_the_first_rows() -> None:
    assert decided(*world(0.93), seed=1) == ("differs", FIRST_ROWS)
    assert decided(*world(0.999), seed=1) == ("ships", 2 * FIRST_ROWS)
    assert decided(*world(0.98), seed=1) == ("open", 4_000)


@pytest.mark.parametrize(("rows", "verdict"), [(10, "open"), (188, "open"), (189, "ships")])
def test_few_rows_that_all_agree_do_not_show_that_a_graph_agrees(rows: int, verdict: str) -> None:
    assert decided(np.arange(rows) % 60, np.ones(rows, bool), seed=0) == (verdict, rows)


def test_lost_accuracy_keeps_a_graph_from_shipping_that_agrees_often_enough() -> None:
    count = 4_000
    agreed = np.arange(count) % 70 != 0  # 98.6 %
    right = np.ones(count, bool)

    def part(start: int, stop: int) -> Comparison:
        here = slice(start, stop)
        return Comparison(np.arange(count)[here] % 60, np.zeros(count)[here], agreed[here], agreed[here], right[here])

    _, verdict, facts = approximate_verdict(part, count)
    assert verdict != "ships"
    assert "accuracy falls by 1.4" in facts


def test_the_first_rows_are_of_every_user_however_the_table_is_ordered() -> None:
    owner, _ = world(0.98)
    beginning = Counter(owner[round_the_users(owner, seed=0)[:FIRST_ROWS]].tolist())
    assert len(beginning) == 60
    assert max(beginning.values()) - min(beginning.values()) <= 1
    assert len(set(owner[:FIRST_ROWS].tolist())) < 12, "what the first rows of the table would have been"


def test_an_order_has_every_row_once_also_where_a_user_has_few() -> None:
    owner = np.array(["a"] * 90 + ["b"] * 3 + ["c"] * 7)
    order = round_the_users(owner, seed=3)
    assert sorted(order.tolist()) == list(range(100))
    assert set(owner[order[:3]]) == {"a", "b", "c"}


def test_the_interval_is_wider_where_the_rows_of_a_user_agree_or_differ_together() -> None:
    agreed = np.arange(1_000) >= 20
    alone, together = np.arange(1_000) % 50, np.arange(1_000) // 20
    spread, clumped = (
        Comparison(users, np.zeros(1_000), agreed, None, None).agreement() for users in (alone, together)
    )
    assert clumped.low < spread.low < 0.98 < spread.high < clumped.high


def test_batches_keep_every_row_and_cut_to_their_own_longest() -> None:
    inputs = rows(10, 12)
    found = list(batches(inputs, 4))
    assert [len(batch["context"]) for batch in found] == [4, 4, 2]
    for batch in found:
        assert batch["input_ids"].shape[1] == batch["attention_mask"].sum(axis=1).max()
    assert sum(int(batch["attention_mask"].sum()) for batch in found) == inputs["attention_mask"].sum()


def test_a_target_that_is_no_label_never_counts_as_right() -> None:
    assert target_indices(["b", "x", "a"], ["a", "b"]).tolist() == [1, -1, 0]
