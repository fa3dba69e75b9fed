"""The training loop that every stage of every text model runs: bucketed batches, warm-up, decay, weights of the epoch
that the validation rows speak for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch  # noqa: TID253  (only training and export import this module)
from numpy.typing import NDArray

from ccml.features.encoder import LoadedEncoder
from ccml.models.ranking import metrics_of_ranks

WARM_UP = 0.1
"""Share of the steps over which the learning rate rises; without it the first steps undo what pretraining learnt."""

LOSS_POINTS = 40
"""Points kept of a loss curve. Steps between two points are averaged: one batch's loss says little."""

Ranks = NDArray[np.float64]
"""(N,) rank of the right answer of each validation row, infinite where it is no class."""
Metrics = dict[str, float]


@dataclass(frozen=True)
class Epoch:
    """One pass: mean training loss and what the validation rows say after it. Epoch 0 is before any step."""

    epoch: int
    loss: float | None
    score: float
    """Mean reciprocal rank."""
    seconds: float


@dataclass(frozen=True)
class Fit:
    epochs: list[Epoch]
    kept_epoch: int
    """Whose weights were kept; 0 where those that came in were."""
    metrics: Metrics
    """Of the kept epoch."""
    ranks: Ranks | None
    """Of the kept epoch; None where the weights that came in were kept."""
    step_losses: list[float]
    """Training loss of each step of the optimiser."""
    seconds: float

    def record(self) -> dict[str, Any]:
        """What `training.json` keeps of a stage's way: its epochs, and the loss between them."""
        return {
            "kept_epoch": self.kept_epoch,
            "epochs": [asdict(epoch) for epoch in self.epochs],
            "losses": loss_curve(self.step_losses),
        }


def loss_curve(step_losses: Sequence[float]) -> list[dict[str, float]]:
    """At most `LOSS_POINTS` points: the mean over equally many steps each, placed at the last of them."""
    windows = np.array_split(np.arange(len(step_losses)), min(LOSS_POINTS, len(step_losses)) or 1)
    return [
        {"step": int(steps[-1]) + 1, "loss": float(np.mean([step_losses[step] for step in steps]))}
        for steps in windows
        if len(steps)
    ]


def fit(
    trained: torch.nn.Module,
    groups: Sequence[dict[str, Any]],
    batches: Callable[[], Iterator[NDArray[np.int64]]],
    loss_of: Callable[[NDArray[np.int64]], torch.Tensor],
    evaluate: Callable[[], Ranks],
    *,
    epochs: int,
    steps_per_epoch: int,
    before: Metrics | None = None,
    patience: int = 2,
    report: Callable[[Epoch], None] = lambda epoch: None,
) -> Fit:
    """AdamW with linear warm-up and decay. Keeps the last epoch that the validation rows do not show to be
    worse than an earlier one: its mean reciprocal rank is not lower by more than a standard error of the difference.

    The highest score alone is luck on few rows, and a later epoch has seen more, at a lower rate. With `before`, the
    weights that came in are kept unless an epoch scores as high: the stage cannot make them worse on the validation
    rows. Training ends after `patience` epochs that were not kept.

    Args:
        groups: parameter groups with their own `lr`.
        batches: one epoch's batches of row numbers.
        loss_of: mean loss of these rows.
        evaluate: ranks the right answers of the validation rows by `trained` as it is. It is called once an epoch: with
            an encoder inside it costs as much as the training itself.
        before: metrics on the validation rows of the weights that `trained` comes with. None: a part of it is untrained
            yet, and the first epoch stands whatever it is worth.
    """
    started = time.perf_counter()
    optimiser = torch.optim.AdamW(groups, weight_decay=0.01, fused=True)  # one pass over the weights instead of ten
    steps = max(1, epochs * steps_per_epoch)
    warm_up = max(1, int(WARM_UP * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm_up, max(0.0, (steps - step) / max(1, steps - warm_up)))
    )
    parameters = [parameter for group in groups for parameter in group["params"]]
    trained.eval()
    kept = Epoch(0, None, before["mrr"] if before else -1.0, 0.0)
    floor, history, kept_metrics, kept_weights = kept.score, [kept] if before else [], before or {}, _copy(trained)
    kept_ranks: Ranks | None = None
    highest: Ranks | None = None
    step_losses: list[float] = []
    for number in range(1, epochs + 1):
        epoch_started = time.perf_counter()
        trained.train()
        losses = []
        for rows in batches():
            loss = loss_of(rows)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
        trained.eval()
        step_losses += losses
        rank = evaluate()
        metrics = metrics_of_ranks(rank)
        epoch = Epoch(number, float(np.mean(losses)), metrics["mrr"], time.perf_counter() - epoch_started)
        history.append(epoch)
        report(epoch)
        if epoch.score >= floor and not (highest is not None and shown_worse(rank, highest)):
            kept, kept_metrics, kept_ranks, kept_weights = epoch, metrics, rank, _copy(trained)
        elif number - kept.epoch >= patience:
            break
        if highest is None or metrics["mrr"] > metrics_of_ranks(highest)["mrr"]:
            highest = rank
    if kept is not history[-1]:
        trained.load_state_dict(kept_weights, strict=False)
    return Fit(history, kept.epoch, kept_metrics, kept_ranks, step_losses, time.perf_counter() - started)


def shown_worse(ranks: Ranks, best: Ranks) -> bool:
    """Whether the mean reciprocal rank is below that of `best` on the same rows by more than a standard error.

    As in the one-standard-error rule of Breiman et al. (1984). One row shows nothing but its own difference.
    """
    lost = 1.0 / best - 1.0 / ranks  # (N,)
    error = lost.std(ddof=1) / np.sqrt(len(lost)) if len(lost) > 1 else 0.0
    return bool(lost.mean() > error)


def _copy(trained: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Only what training changes: a frozen encoder is ten times the size of what is trained on top of it."""
    return {
        name: parameter.detach().clone() for name, parameter in trained.named_parameters() if parameter.requires_grad
    }


def shuffled(rows: int, batch_size: int, generator: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    order = generator.permutation(rows)
    for start in range(0, rows, batch_size):
        yield order[start : start + batch_size]


def length_bucketed(
    lengths: NDArray[np.int64], batch_size: int, generator: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Batches of rows of like length in random order: a batch costs as much as its longest row."""
    order = generator.permutation(len(lengths))
    order = order[np.argsort(lengths[order], kind="stable")]
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    for index in generator.permutation(len(batches)):
        yield batches[index]


def freeze_lower_part(encoder: LoadedEncoder) -> None:
    """Leaves the embeddings and the lowest third of the layers as pretrained; the rest learns.

    For MiniLM a step of 64 texts of 12 tokens takes 0.63 s in full, 0.42 s without the embeddings, 0.19 s so (one
    thread, bfloat16). Words that training never saw also stay comparable to those it did. Random weights have nothing
    to keep.
    """
    model = encoder.model
    model.requires_grad_(True)
    if encoder.pretrained:
        model.embeddings.requires_grad_(False)
        for layer in model.encoder.layer[: model.config.num_hidden_layers // 3]:
            layer.requires_grad_(False)


def trainable(module: torch.nn.Module) -> list[torch.nn.Parameter]:
    return [parameter for parameter in module.parameters() if parameter.requires_grad]
