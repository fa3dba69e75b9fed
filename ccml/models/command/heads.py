"""The command predictor's head, trained on stored request vectors: the layers above the encoder without its cost.

Both the staged training (steps 3 to 5) and the search run this, so a hyper-parameter means the same in both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch  # noqa: TID253  (only training imports this module)
import torch.nn.functional as F  # noqa: TID253
from numpy.typing import NDArray
from torch import nn  # noqa: TID253

from ccml.commands.shared_templates import shared_templates
from ccml.errors import NotEnoughDataError
from ccml.features.embeddings import compute_embeddings
from ccml.features.encoder import LoadedEncoder
from ccml.features.history import PROGRAM
from ccml.features.tokens import Inputs, tokenize
from ccml.models.command.module import (
    OUTCOMES,
    CommandHead,
    CommandSizes,
    CommandTransforms,
    head_inputs,
    request_texts,
)
from ccml.models.fitting import Epoch, Fit, Ranks, fit, shuffled
from ccml.models.ranking import NOT_A_CLASS, frequent_labels, ranks, target_indices
from ccml.profiles import CommandSettings

LABEL_SMOOTHING: Final = 0.05
MINIMUM_ROWS: Final = 50


@dataclass(frozen=True)
class CommandRows:
    """`command_sequences` as arrays; `training`, `validation` and `calibration` are row numbers of the data set."""

    labels: list[str]
    texts: list[str]
    """Distinct requests; `text_of[row]` says which one a row has."""
    text_of: NDArray[np.int64]
    tokens: Inputs
    head: Inputs
    targets: NDArray[np.int64]
    training: NDArray[np.int64]
    """Rows whose target is a class; the others teach nothing."""
    validation: NDArray[np.int64]
    calibration: NDArray[np.int64]

    @property
    def has_requests(self) -> bool:
        """Shell histories carry none; then there is nothing for the encoder to learn."""
        return sum(bool(text.strip()) for text in self.texts) > 1


def prepare_rows(
    sequences: Any, encoder: LoadedEncoder, settings: CommandSettings, transforms: CommandTransforms
) -> CommandRows:
    """
    Raises:
        NotEnoughDataError: too few training rows, or fewer than two commands that occur often enough.
    """
    split = sequences["split"].to_numpy()
    targets_column = sequences[f"target_{settings.target}"]
    known = sequences[split == "train"]
    # The server shows a label, and the line of it, to everybody.
    public = shared_templates(known["target_template"].tolist(), known["user_id"].tolist())
    public |= shared_templates(known["target_program"].tolist(), known["user_id"].tolist())
    labels = frequent_labels(targets_column[split == "train"], settings.min_count)
    labels = [label for label in labels if label in public]
    targets = target_indices(targets_column, labels)
    training = np.flatnonzero((split == "train") & (targets != NOT_A_CLASS))
    validation = np.flatnonzero(split == "validation")
    if len(labels) < 2 or len(training) < MINIMUM_ROWS or not len(validation):
        raise NotEnoughDataError(
            f"The command predictor needs at least {MINIMUM_ROWS} training rows of two commands that occur "
            f"{settings.min_count} times each, and validation rows; there are {len(training)} rows of {len(labels)} "
            f"such commands and {len(validation)} validation rows. Add logs of more days."
        )
    texts, text_of = np.unique(np.array(request_texts(sequences), dtype=object), return_inverse=True)
    return CommandRows(
        labels=labels,
        texts=[str(text) for text in texts],
        text_of=text_of.reshape(-1),
        tokens=tokenize(encoder.tokenizer, [str(text) for text in texts]),
        head=transforms.apply(sequences),
        targets=targets,
        training=training,
        validation=validation,
        calibration=np.flatnonzero(split == "calibration"),
    )


def new_head(
    encoder: LoadedEncoder, rows: CommandRows, settings: CommandSettings, transforms: CommandTransforms
) -> CommandHead:
    """Untrained, but for the history: a command starts where the encoder puts its template's text."""
    head = CommandHead(
        encoder.width,
        CommandSizes(
            classes=len(rows.labels),
            history_tokens=len(transforms.history),
            context_width=transforms.context.width,
            lstm_units=settings.lstm_units,
            attention_heads=settings.attention_heads,
            dropout=settings.dropout,
        ),
    )
    texts = [token.removeprefix(PROGRAM) for token in transforms.history.tokens]
    with torch.no_grad():
        head.commands.weight[1:] = torch.from_numpy(compute_embeddings(texts[1:], encoder))  # row 0 is padding
        met = np.unique(rows.head["history_outcomes"][rows.training])
        # An outcome that training never met would otherwise move served answers by what it was drawn with.
        head.outcomes.weight[np.setdiff1d(np.arange(OUTCOMES), met)] = 0.0
    return head


def fit_head(
    head: CommandHead,
    probe: nn.Module | None,
    requests: torch.Tensor,
    rows: CommandRows,
    settings: CommandSettings,
    generator: np.random.Generator,
    report: Callable[[Epoch], None],
    *,
    epochs: int,
    training: NDArray[np.int64] | None = None,
) -> Fit:
    """Trains the head. requests (texts, D) are the encoder's stored vectors.

    `probe` takes the place of the layers a step does not have yet: a linear layer on the last state (H) is the LSTM
    alone, one on [attended; last] (2H) adds attention, None is the whole head.
    """
    training = rows.training if training is None else training
    trained = nn.ModuleList([head] if probe is None else [head, probe])

    def loss_of(batch: NDArray[np.int64]) -> torch.Tensor:
        chosen = training[batch]
        return command_loss(_head_logits(head, probe, requests[rows.text_of[chosen]], rows, chosen), rows, chosen)

    return fit(
        trained,
        [{"params": list(trained.parameters()), "lr": settings.step_size}],
        lambda: shuffled(len(training), settings.batch_size, generator),
        loss_of,
        lambda: head_ranks(head, probe, requests, rows, rows.validation),
        epochs=epochs,
        steps_per_epoch=-(-len(training) // settings.batch_size),
        report=report,
    )


def head_ranks(
    head: CommandHead,
    probe: nn.Module | None,
    requests: torch.Tensor,
    rows: CommandRows,
    evaluated: NDArray[np.int64],
) -> Ranks:
    """Ranks of the right commands of some rows, from stored request vectors."""
    with torch.inference_mode():
        logits = [
            _head_logits(head, probe, requests[rows.text_of[part]], rows, part)
            for part in np.array_split(evaluated, -(-len(evaluated) // 512))
        ]
    return ranks(torch.cat(logits).numpy(), rows.targets[evaluated])


def _head_logits(
    head: CommandHead,
    probe: nn.Module | None,
    requests: torch.Tensor,
    rows: CommandRows,
    chosen: NDArray[np.int64],
) -> torch.Tensor:
    ids, outcomes, context = head_inputs(rows.head, chosen)
    if probe is None:
        return head(requests, ids, outcomes, context)
    steps, last = head.recur(requests, ids, outcomes)  # (B, K+1, H), (B, H)
    if probe.in_features == last.shape[1]:
        return probe(last)
    return probe(torch.cat([head.attend(steps, last, ids), last], dim=-1))


def command_loss(logits: torch.Tensor, rows: CommandRows, chosen: NDArray[np.int64]) -> torch.Tensor:
    return F.cross_entropy(logits, torch.from_numpy(rows.targets[chosen]), label_smoothing=LABEL_SMOOTHING)
