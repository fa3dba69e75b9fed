from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch  # noqa: TID253
from hypothesis import given, settings
from hypothesis import strategies as st

from ccml.models.fitting import LOSS_POINTS, Fit, Ranks, fit, length_bucketed, loss_curve, shown_worse, shuffled


def run(
    scores: Sequence[float | list[float]], epochs: int, before: float | None = None, patience: int = 2
) -> tuple[torch.nn.Linear, list[torch.Tensor], Fit]:
    """Trains a small layer while the validation score follows a script; also the weights before and at each score.

    A score that is a list has the rank of each of several validation rows.
    """
    torch.manual_seed(0)
    layer = torch.nn.Linear(2, 1)
    seen = [layer.weight.detach().clone()]

    def evaluate() -> Ranks:
        seen.append(layer.weight.detach().clone())
        score = scores[len(seen) - 2]
        if isinstance(score, list):
            return np.array(score)
        return np.array([1 / score if score else np.inf])

    fitted = fit(
        layer,
        [{"params": list(layer.parameters()), "lr": 0.1}],
        lambda: shuffled(8, 4, np.random.default_rng(0)),
        lambda rows: layer(torch.ones(len(rows), 2)).square().mean(),
        evaluate,
        epochs=epochs,
        steps_per_epoch=2,
        before=None if before is None else {"mrr": before},
        patience=patience,
    )
    return layer, seen, fitted


def test_the_weights_of_a_last_epoch_that_is_shown_to_be_worse_are_not_kept() -> None:
    layer, seen, fitted = run([0.5, 0.25], epochs=2, before=0.1)
    assert torch.equal(layer.weight, seen[1])
    assert not torch.equal(seen[1], seen[2])
    assert (fitted.kept_epoch, fitted.metrics["mrr"]) == (1, 0.5)
    assert fitted.ranks is not None
    assert fitted.ranks.tolist() == [2.0]


def test_a_later_epoch_is_kept_unless_the_rows_show_it_to_be_worse() -> None:
    """On 72 rows, two right answers more or fewer are luck: an epoch chosen by them was trained half as long."""
    first = np.random.default_rng(0).integers(1, 4, 72).astype(float)
    second = first.copy()
    (right,) = np.nonzero(first == 1)
    (wrong,) = np.nonzero(first == 2)
    second[right[:5]], second[wrong[:3]] = 2, 1
    assert (1 / second).mean() < (1 / first).mean()
    assert not shown_worse(second, first)
    assert shown_worse(first + 1, first)


@settings(max_examples=200)
@given(seed=st.integers(0, 10_000), rows=st.integers(30, 400))
def test_the_epoch_with_the_highest_score_is_never_shown_to_be_worse(seed: int, rows: int) -> None:
    generator = np.random.default_rng(seed)
    one, other = generator.integers(1, 20, (2, rows)).astype(float)
    assert not (shown_worse(one, other) and shown_worse(other, one))
    assert not shown_worse(one, one)


def test_an_epoch_as_good_as_an_earlier_one_by_what_few_rows_show_takes_its_place() -> None:
    layer, seen, fitted = run([[1.0, 4.0, 4.0, 2.0], [2.0, 1.0, 4.0, 8.0]], epochs=2)
    assert torch.equal(layer.weight, seen[2])
    assert fitted.kept_epoch == 2


def test_weights_that_only_got_worse_are_given_back_as_they_came() -> None:
    layer, seen, fitted = run([0.2, 0.1], epochs=2, before=0.9)
    assert torch.equal(layer.weight, seen[0])
    assert (fitted.kept_epoch, fitted.metrics) == (0, {"mrr": 0.9})
    assert fitted.ranks is None


def test_of_untrained_weights_the_first_epoch_stands_whatever_it_is_worth() -> None:
    layer, seen, fitted = run([0.0], epochs=1)
    assert torch.equal(layer.weight, seen[1])
    assert [epoch.epoch for epoch in fitted.epochs] == [1]


def test_training_ends_when_the_score_no_longer_rises() -> None:
    _, seen, fitted = run([0.5, 0.4, 0.3, 0.9], epochs=9, before=0.1, patience=2)
    assert [epoch.epoch for epoch in fitted.epochs] == [0, 1, 2, 3]
    assert len(seen) == 4


def test_the_loss_falls() -> None:
    _, _, fitted = run([1.0, 2.0, 3.0, 4.0], epochs=4)
    assert fitted.epochs[-1].loss < fitted.epochs[0].loss / 2


def test_the_loss_curve_has_a_point_for_equally_many_steps_and_ends_at_the_last() -> None:
    points = loss_curve([float(step) for step in range(100)])
    assert len(points) == LOSS_POINTS
    assert points[-1]["step"] == 100
    assert points[0]["loss"] == 1.0  # the mean of 0, 1 and 2
    assert loss_curve([0.5, 0.25]) == [{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.25}]
    assert loss_curve([]) == []


def test_every_step_of_the_optimiser_has_its_loss() -> None:
    _, _, fitted = run([0.5, 0.6], epochs=2)
    assert [point["step"] for point in fitted.record()["losses"]] == [1, 2, 3, 4]


def test_bucketed_batches_hold_every_row_once_and_like_lengths_together() -> None:
    lengths = np.random.default_rng(0).integers(1, 40, 200)
    batches = list(length_bucketed(lengths, 16, np.random.default_rng(1)))
    assert sorted(np.concatenate(batches).tolist()) == list(range(200))
    assert np.mean([np.ptp(lengths[batch]) for batch in batches]) < 5
