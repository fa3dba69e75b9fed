"""The six steps of training the command predictor, each evaluated on the validation rows by what it adds.

The encoder is the cost: it learns in two steps only (2 and 6) and on some of the rows. Between them every distinct
request is encoded once, and the LSTM, the attention and the dense layers learn from the stored vectors of all rows.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch  # noqa: TID253  (only training imports this module)
from numpy.typing import NDArray
from torch import nn  # noqa: TID253

from ccml.features.embeddings import bf16_is_fast, compute_embeddings, embed
from ccml.features.encoder import LoadedEncoder, mean_pool
from ccml.features.tokens import lengths, token_batch
from ccml.models.command.heads import CommandRows, command_loss, fit_head, head_ranks, new_head
from ccml.models.command.module import CommandHead, CommandPredictor, CommandTransforms, head_inputs
from ccml.models.fitting import (
    Epoch,
    Fit,
    Metrics,
    Ranks,
    fit,
    freeze_lower_part,
    length_bucketed,
    shuffled,
    trainable,
)
from ccml.models.ranking import ranks
from ccml.profiles import CommandSettings

ENCODER_BATCH: Final = 32
"""Rows a step where the encoder learns. The search tries batches on stored vectors and says nothing of these."""
PROBE_EPOCHS: Final = 10
PROBE_BATCH: Final = 256
Report = Callable[[dict[str, Any]], None]


class CommandTraining:
    """One training: its parts as they grow, and the record of each step taken."""

    head: CommandHead
    """From the third step on."""

    def __init__(
        self,
        rows: CommandRows,
        encoder: LoadedEncoder,
        settings: CommandSettings,
        transforms: CommandTransforms,
        generator: np.random.Generator,
        cache_dir: Path | None,
        report: Report,
    ) -> None:
        self.rows, self.settings, self.transforms, self.generator = rows, settings, transforms, generator
        self.report = report
        self.encoder = replace(encoder, model=copy.deepcopy(encoder.model))
        self.probe = nn.Linear(encoder.width, len(rows.labels))
        """Takes the place of the head in the first two steps."""
        self.unread = generator.permutation(rows.training)
        self.records: list[dict[str, Any]] = []
        self._ranks: Ranks = np.full(len(rows.validation), np.inf)
        self._began = time.perf_counter()  # the first step's time includes encoding
        self.requests = torch.from_numpy(embed(rows.texts, encoder, cache_dir))  # (texts, D)

    def take(self, step: Step) -> None:
        """Trains what the step trains, and records its metrics on the validation rows."""
        if step.encodes and not self.rows.has_requests:
            why = "The rows carry no requests, so there is nothing to encode."
            self.records.append({"name": step.name, "skipped": why})
            return
        fitted, rows = step.train(self, lambda progress: self.report({"step": step.name, **progress}))
        before = self.validation()
        if fitted.ranks is not None:
            self._ranks = fitted.ranks
        record = {
            "name": step.name,
            "trains": step.trains,
            "seconds": round(time.perf_counter() - self._began, 2),
            "rows": rows,
            "validation": fitted.metrics,
            "gain": {name: value - before[name] for name, value in fitted.metrics.items()} if before else None,
            # One 0 or 1 a validation row: the gain of the next step is a paired difference on the same rows.
            "hits": (self._ranks <= 1.0).astype(int).tolist(),
            **fitted.record(),
        }
        self._began = time.perf_counter()
        self.records.append(record)
        self.report(record)

    def validation(self) -> Metrics | None:
        """Metrics on the validation rows after the last step that ran."""
        return next((done["validation"] for done in reversed(self.records) if "validation" in done), None)

    def loss(self, logits: torch.Tensor, rows: NDArray[np.int64]) -> torch.Tensor:
        return command_loss(logits, self.rows, rows)

    def probe_ranks(self) -> Ranks:
        with torch.inference_mode():
            logits = self.probe(self.requests[self.rows.text_of[self.rows.validation]]).numpy()
        return ranks(logits, self.rows.targets[self.rows.validation])

    def sample(self, examples: int) -> tuple[NDArray[np.int64], int]:
        """Training rows, and how often to go through them, to see this many examples; rows the encoder has not
        learnt from yet go first."""
        rows = self.unread
        if examples >= len(rows):
            return rows, round(examples / len(rows))
        self.unread = np.roll(rows, -examples)
        return rows[:examples], 1

    def encode_again(self, rows: NDArray[np.int64]) -> None:
        """Renews the stored vectors of these rows' requests after the encoder has changed.

        Calibration rows need none: the finished module encodes them itself.
        """
        texts = np.unique(self.rows.text_of[rows])
        self.requests[texts] = torch.from_numpy(compute_embeddings([self.rows.texts[t] for t in texts], self.encoder))


@dataclass(frozen=True)
class Step:
    name: str
    trains: str
    train: Callable[[CommandTraining, Report], tuple[Fit, int]]
    """Gives the fit, and how many rows it was made on. Reports each epoch."""
    encodes: bool
    """Whether it is about the encoder; without requests such a step is left out."""


def try_encoder(training: CommandTraining, report: Report) -> tuple[Fit, int]:
    """What the pretrained encoder knows already: a linear layer on its frozen vectors."""
    chosen = training.rows.training

    def loss_of(batch: NDArray[np.int64]) -> torch.Tensor:
        rows = chosen[batch]
        return training.loss(training.probe(training.requests[training.rows.text_of[rows]]), rows)

    fitted = fit(
        training.probe,
        [{"params": trainable(training.probe), "lr": 10 * training.settings.learning_rate}],
        lambda: shuffled(len(chosen), PROBE_BATCH, training.generator),
        loss_of,
        training.probe_ranks,
        epochs=PROBE_EPOCHS,
        steps_per_epoch=-(-len(chosen) // PROBE_BATCH),
        report=_epochs(report, PROBE_EPOCHS),
    )
    return fitted, len(chosen)


def fine_tune_encoder(training: CommandTraining, report: Report) -> tuple[Fit, int]:
    """The encoder learns the task's words, with the linear layer of the first step on top."""
    data, encoder, settings = training.rows, training.encoder.model, training.settings
    freeze_lower_part(training.encoder)
    chosen, epochs = training.sample(settings.fine_tune_examples)
    tokens = lengths(data.tokens)[data.text_of[chosen]]
    pooled = _RequestModel(encoder, training.probe)

    def loss_of(batch: NDArray[np.int64]) -> torch.Tensor:
        rows = chosen[batch]
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16_is_fast()):
            logits = pooled(*token_batch(data.tokens, data.text_of[rows]))
        return training.loss(logits.float(), rows)

    def evaluate() -> Ranks:
        training.encode_again(data.validation)
        return training.probe_ranks()

    fitted = fit(
        pooled,
        [
            {"params": trainable(encoder), "lr": settings.encoder_learning_rate},
            {"params": trainable(training.probe), "lr": 4 * settings.step_size},
        ],
        lambda: length_bucketed(tokens, ENCODER_BATCH, training.generator),
        loss_of,
        evaluate,
        epochs=epochs,
        steps_per_epoch=-(-len(chosen) // ENCODER_BATCH),
        before=training.validation(),
        report=_epochs(report, epochs),
    )
    training.encode_again(data.training)
    if fitted.kept_epoch != epochs:  # the validation vectors are those of an epoch that was not kept
        training.encode_again(data.validation)
    return fitted, len(chosen)


def train_lstm(training: CommandTraining, report: Report) -> tuple[Fit, int]:
    """The head is made here. Of its layers the LSTM alone is used, under a linear layer."""
    training.head = new_head(training.encoder, training.rows, training.settings, training.transforms)
    return _train_head(training, report, nn.Linear(training.settings.lstm_units, len(training.rows.labels)))


def add_attention(training: CommandTraining, report: Report) -> tuple[Fit, int]:
    """LSTM and attention, under a linear layer."""
    return _train_head(training, report, nn.Linear(2 * training.settings.lstm_units, len(training.rows.labels)))


def train_dense(training: CommandTraining, report: Report) -> tuple[Fit, int]:
    """The whole head, twice as long."""
    return _train_head(training, report, None)


def _train_head(training: CommandTraining, report: Report, probe: nn.Module | None) -> tuple[Fit, int]:
    rows = len(training.rows.training)
    passes = max(1, round(training.settings.head_examples / rows))
    epochs = passes if probe is None else -(-passes // 2)
    fitted = fit_head(
        training.head,
        probe,
        training.requests,
        training.rows,
        training.settings,
        training.generator,
        _epochs(report, epochs),
        epochs=epochs,
    )
    return fitted, rows


def fine_tune_end_to_end(training: CommandTraining, report: Report) -> tuple[Fit, int]:
    """All parts together, gently: what stands on top is trained already, and large steps would undo it."""
    data, settings = training.rows, training.settings
    module = CommandPredictor(training.encoder.model, training.head)
    freeze_lower_part(training.encoder)
    chosen, epochs = training.sample(settings.end_to_end_examples)
    tokens = lengths(data.tokens)[data.text_of[chosen]]

    def loss_of(batch: NDArray[np.int64]) -> torch.Tensor:
        rows = chosen[batch]
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16_is_fast()):
            request = module.encode(*token_batch(data.tokens, data.text_of[rows]))
        return training.loss(module.head(request.float(), *head_inputs(data.head, rows)), rows)

    def evaluate() -> Ranks:
        training.encode_again(data.validation)
        return head_ranks(module.head, None, training.requests, data, data.validation)

    fitted = fit(
        module,
        [
            {"params": trainable(module.encoder), "lr": settings.encoder_learning_rate / 10},
            {"params": trainable(module.head), "lr": settings.step_size / 10},
        ],
        lambda: length_bucketed(tokens, ENCODER_BATCH, training.generator),
        loss_of,
        evaluate,
        epochs=epochs,
        steps_per_epoch=-(-len(chosen) // ENCODER_BATCH),
        before=training.validation(),
        report=_epochs(report, epochs),
    )
    return fitted, len(chosen)


STEPS: Final = (
    Step("initialise the encoder", "a linear layer on the pretrained encoder's vectors", try_encoder, encodes=True),
    Step("fine-tune the encoder", "the encoder's upper layers, that linear layer", fine_tune_encoder, encodes=True),
    Step("train the LSTM", "the history's vectors and the LSTM", train_lstm, encodes=False),
    Step("add attention", "the same and the attention", add_attention, encodes=False),
    Step("train the dense layers", "the whole head", train_dense, encodes=False),
    Step("fine-tune end to end", "the encoder's upper layers and the head", fine_tune_end_to_end, encodes=True),
)


def _epochs(report: Report, epochs: int) -> Callable[[Epoch], None]:
    return lambda epoch: report({"epoch": epoch.epoch, "epochs": epochs, "loss": epoch.loss, "mrr": epoch.score})


class _RequestModel(nn.Module):  # type: ignore[misc]
    """Encoder and one linear layer: what the second step trains."""

    def __init__(self, encoder: Any, probe: nn.Linear) -> None:
        super().__init__()
        self.encoder, self.probe = encoder, probe

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state  # (B, T, D)
        return self.probe(mean_pool(states, attention_mask))  # (B, V)
