from __future__ import annotations

import numpy as np
import torch  # noqa: TID253

from ccml.models.fitting import fit, length_bucketed, shuffled


def run(scores: list[float], epochs: int, patience: int = 2) -> tuple[torch.nn.Linear, list[torch.Tensor], object]:
    """Trains a small layer while the validation score follows a script; also the weights seen at each judgement."""
    torch.manual_seed(0)
    layer = torch.nn.Linear(2, 1)
    seen: list[torch.Tensor] = []

    def score() -> float:
        seen.append(layer.weight.detach().clone())
        return scores[len(seen) - 1]

    fitted = fit(
        layer,
        [{"params": list(layer.parameters()), "lr": 0.1}],
        lambda: shuffled(8, 4, np.random.default_rng(0)),
        lambda rows: layer(torch.ones(len(rows), 2)).square().mean(),
        score,
        epochs=epochs,
        steps_per_epoch=2,
        patience=patience,
    )
    return layer, seen, fitted


def test_the_best_epochs_weights_are_kept_not_the_last() -> None:
    layer, seen, fitted = run([0.1, 0.9, 0.5], epochs=2)
    assert torch.equal(layer.weight, seen[1])
    assert not torch.equal(seen[1], seen[2])
    assert fitted.best_epoch == 1


def test_weights_that_only_got_worse_are_given_back_as_they_came() -> None:
    layer, seen, fitted = run([0.9, 0.2, 0.1], epochs=2)
    assert torch.equal(layer.weight, seen[0])
    assert fitted.best_epoch == 0


def test_training_ends_when_the_score_no_longer_rises() -> None:
    _, seen, fitted = run([0.1, 0.5, 0.4, 0.3, 0.9], epochs=9, patience=2)
    assert [epoch.epoch for epoch in fitted.epochs] == [0, 1, 2, 3]
    assert len(seen) == 4


def test_the_loss_falls() -> None:
    _, _, fitted = run([0.0, 1.0, 2.0, 3.0, 4.0], epochs=4)
    assert fitted.epochs[-1].loss < fitted.epochs[1].loss / 2


def test_bucketed_batches_hold_every_row_once_and_like_lengths_together() -> None:
    lengths = np.random.default_rng(0).integers(1, 40, 200)
    batches = list(length_bucketed(lengths, 16, np.random.default_rng(1)))
    assert sorted(np.concatenate(batches).tolist()) == list(range(200))
    assert np.mean([np.ptp(lengths[batch]) for batch in batches]) < 5
