"""The six steps of training the command predictor, each judged on the validation rows by what it adds.

The encoder is the cost: it learns in two steps only (2 and 6) and on some of the rows. Between them every distinct
request is encoded once, and the LSTM, the attention and the dense layers learn from the stored vectors of all rows.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch  # noqa: TID253  (only training imports this module)
from numpy.typing import NDArray
from torch import nn  # noqa: TID253

from ccml.features.embeddings import bf16_is_fast, compute_embeddings, embed
from ccml.features.encoder import LoadedEncoder, mean_pool
from ccml.features.tokens import lengths, token_batch
from ccml.models.artifact import Candidate
from ccml.models.command.heads import CommandRows, command_loss, fit_head, head_ranks, new_module, prepare_rows
from ccml.models.command.module import CommandPredictor, CommandTransforms, config_of, head_inputs, run_module
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
from ccml.models.ranking import fit_temperature, ranks
from ccml.profiles import CommandSettings

STEPS: Final = (
    "initialise the encoder",
    "fine-tune the encoder",
    "train the LSTM",
    "add attention",
    "train the dense layers",
    "fine-tune end to end",
)
ENCODER_BATCH: Final = 32
"""Rows a step where the encoder learns. The search tries batches on stored vectors and says nothing of these."""
Report = Callable[[dict[str, Any]], None]


def train_command_predictor(
    sequences: Any,
    encoder: LoadedEncoder,
    settings: CommandSettings,
    transforms: CommandTransforms,
    *,
    seed: int,
    cache_dir: Path | None = None,
    hyper: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
    report: Report = lambda progress: None,
) -> Candidate:
    """`sequences` is the data set `command_sequences`; the encoder given is left as it is.

    `hyper` overrides settings with what the study found; `facts` (data hash, code version, …) are kept with the model.
    `report` gets `{"step", "epoch", "epochs", "loss", "mrr"}` after each epoch and each step's record at its end.

    Raises:
        NotEnoughDataError: the rows do not carry a model.
    """
    settings = replace(settings, **dict(hyper or {}))
    sequences = sequences[sequences["split"] != "test"]  # nothing here may look at them, nor pay for encoding them
    rows = prepare_rows(sequences, encoder, settings, transforms)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        training = _Training(rows, encoder, settings, transforms, np.random.default_rng(seed), cache_dir, report)
        module = training.run()
    held_out = rows.calibration
    inputs = {name: array[rows.text_of[held_out]] for name, array in rows.tokens.items()}
    inputs |= {name: array[held_out] for name, array in rows.head.items()}
    temperature = fit_temperature(run_module(module, inputs), rows.targets[held_out])
    counts = np.bincount(rows.targets[rows.training], minlength=len(rows.labels))
    lines = sequences.iloc[rows.training].groupby(f"target_{settings.target}")["target_line"]
    return Candidate(
        config=config_of(encoder.architecture, encoder.name, encoder.digest, module.sizes),
        tensors={name: tensor.numpy() for name, tensor in module.state_dict().items()},
        tokenizer_json=encoder.tokenizer.to_str(),
        labels=rows.labels,
        transforms={**transforms.to_json(), "max_tokens": encoder.max_tokens, "target": settings.target},
        calibration={"temperature": temperature},
        defaults={
            "frequencies": dict(zip(rows.labels, counts.tolist(), strict=True)),
            "exemplars": lines.agg(lambda of_label: of_label.mode().iloc[0]).to_dict(),
        },
        metrics={"validation": training.validation(), "validation_rows": len(rows.validation)},
        training={
            **dict(facts or {}),
            "encoder": {"name": encoder.name, "digest": encoder.digest, "origin": encoder.origin},
            "hyper_parameters": asdict(settings),
            "rows": {"training": len(rows.training), "calibration": len(rows.calibration)},
            "seed": seed,
            "stages": training.steps,
        },
    )


class _Training:
    """One training: the module as it grows, and the record of each step."""

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
        self.rows, self.settings, self.generator = rows, settings, generator
        self.cache_dir, self.report = cache_dir, report
        self.pretrained = encoder
        self.encoder = replace(encoder, model=copy.deepcopy(encoder.model))
        self.transforms = transforms
        self.probe = nn.Linear(encoder.width, len(rows.labels))
        self.unread = generator.permutation(rows.training)
        self.steps: list[dict[str, Any]] = []
        self.ranks: Ranks = np.full(len(rows.validation), np.inf)

    def run(self) -> CommandPredictor:
        self._initialise_encoder()
        self._fine_tune_encoder()
        module = new_module(self.encoder, self.rows, self.settings, self.transforms)
        self._train_head(module, 2, nn.Linear(self.settings.lstm_units, len(self.rows.labels)))
        self._train_head(module, 3, nn.Linear(2 * self.settings.lstm_units, len(self.rows.labels)))
        self._train_head(module, 4, None)
        self._fine_tune_end_to_end(module)
        module.eval()
        return module

    def _initialise_encoder(self) -> None:
        """Step 1. What the pretrained encoder knows already: a linear layer on its frozen vectors."""
        started = time.perf_counter()
        self.requests = torch.from_numpy(embed(self.rows.texts, self.pretrained, self.cache_dir))  # (texts, D)
        if not self.rows.has_requests:
            return self._skip(0)
        fitted = fit(
            self.probe,
            [{"params": trainable(self.probe), "lr": 10 * self.settings.learning_rate}],
            lambda: shuffled(len(self.rows.training), 256, self.generator),
            lambda batch: self._loss(self.probe(self._requests(self.rows.training[batch])), self.rows.training[batch]),
            self._probe_ranks,
            epochs=10,
            steps_per_epoch=-(-len(self.rows.training) // 256),
            report=self._report(0, 10),
        )
        return self._record(0, started, fitted, len(self.rows.training))

    def _fine_tune_encoder(self) -> None:
        """Step 2. The encoder learns the task's words, with the linear layer of step 1 on top."""
        if not self.rows.has_requests:
            return self._skip(1)
        started = time.perf_counter()
        model = self.encoder.model
        freeze_lower_part(self.encoder)
        chosen, epochs = self._sample(self.settings.fine_tune_examples)
        tokens = lengths(self.rows.tokens)[self.rows.text_of[chosen]]
        pooled = _RequestModel(model, self.probe)

        def loss_of(batch: NDArray[np.int64]) -> torch.Tensor:
            rows = chosen[batch]
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16_is_fast()):
                logits = pooled(*token_batch(self.rows.tokens, self.rows.text_of[rows]))
            return self._loss(logits.float(), rows)

        def evaluate() -> Ranks:
            self._encode_again(self.rows.validation)
            return self._probe_ranks()

        fitted = fit(
            pooled,
            [
                {"params": trainable(model), "lr": self.settings.encoder_learning_rate},
                {"params": trainable(self.probe), "lr": 4 * self.settings.step_size},
            ],
            lambda: length_bucketed(tokens, ENCODER_BATCH, self.generator),
            loss_of,
            evaluate,
            epochs=epochs,
            steps_per_epoch=-(-len(chosen) // ENCODER_BATCH),
            before=self.validation(),
            report=self._report(1, epochs),
        )
        self._encode_again(self.rows.training)
        if fitted.best_epoch != epochs:  # the validation vectors are those of an epoch that was not kept
            self._encode_again(self.rows.validation)
        return self._record(1, started, fitted, len(chosen))

    def _train_head(self, module: CommandPredictor, step: int, probe: nn.Module | None) -> None:
        """Steps 3 to 5 on stored request vectors; `probe` stands for the layers that are not there yet."""
        started = time.perf_counter()
        passes = max(1, round(self.settings.head_examples / len(self.rows.training)))
        epochs = passes if probe is None else -(-passes // 2)
        fitted = fit_head(
            module,
            probe,
            self.requests,
            self.rows,
            self.settings,
            self.generator,
            self._report(step, epochs),
            epochs=epochs,
        )
        self._record(step, started, fitted, len(self.rows.training))

    def _fine_tune_end_to_end(self, module: CommandPredictor) -> None:
        """Step 6. All parts together, gently: what stands on top is trained already, and large steps would undo it."""
        if not self.rows.has_requests:
            return self._skip(5)
        started = time.perf_counter()
        freeze_lower_part(self.encoder)
        chosen, epochs = self._sample(self.settings.end_to_end_examples)
        tokens = lengths(self.rows.tokens)[self.rows.text_of[chosen]]

        def loss_of(batch: NDArray[np.int64]) -> torch.Tensor:
            rows = chosen[batch]
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16_is_fast()):
                request = module.encode(*token_batch(self.rows.tokens, self.rows.text_of[rows]))
            return self._loss(module.predict(request.float(), *head_inputs(self.rows.head, rows)), rows)

        def evaluate() -> Ranks:
            self._encode_again(self.rows.validation)
            return head_ranks(module, None, self.requests, self.rows, self.rows.validation)

        encoder_parameters = trainable(module.encoder)
        inside = {id(parameter) for parameter in encoder_parameters}
        fitted = fit(
            module,
            [
                {"params": encoder_parameters, "lr": self.settings.encoder_learning_rate / 10},
                {
                    "params": [p for p in trainable(module) if id(p) not in inside],
                    "lr": self.settings.step_size / 10,
                },
            ],
            lambda: length_bucketed(tokens, ENCODER_BATCH, self.generator),
            loss_of,
            evaluate,
            epochs=epochs,
            steps_per_epoch=-(-len(chosen) // ENCODER_BATCH),
            before=self.validation(),
            report=self._report(5, epochs),
        )
        return self._record(5, started, fitted, len(chosen))

    def _encode_again(self, rows: NDArray[np.int64]) -> None:
        """Renews the stored vectors of these rows' requests after the encoder has changed.

        Calibration rows need none: the finished module encodes them itself.
        """
        texts = np.unique(self.rows.text_of[rows])
        self.requests[texts] = torch.from_numpy(compute_embeddings([self.rows.texts[t] for t in texts], self.encoder))

    def _sample(self, examples: int) -> tuple[NDArray[np.int64], int]:
        """Training rows, and how often to go through them, to see this many examples; rows the encoder has not
        learnt from yet go first."""
        rows = self.unread
        if examples >= len(rows):
            return rows, round(examples / len(rows))
        self.unread = np.roll(rows, -examples)
        return rows[:examples], 1

    def _requests(self, rows: NDArray[np.int64]) -> torch.Tensor:
        return self.requests[self.rows.text_of[rows]]  # (B, D)

    def _loss(self, logits: torch.Tensor, rows: NDArray[np.int64]) -> torch.Tensor:
        return command_loss(logits, self.rows, rows)

    def _probe_ranks(self) -> Ranks:
        with torch.inference_mode():
            logits = self.probe(self._requests(self.rows.validation)).numpy()
        return ranks(logits, self.rows.targets[self.rows.validation])

    def _report(self, step: int, epochs: int) -> Callable[[Epoch], None]:
        return lambda epoch: self.report(
            {"step": STEPS[step], "epoch": epoch.epoch, "epochs": epochs, "loss": epoch.loss, "mrr": epoch.score}
        )

    def _record(self, step: int, started: float, fitted: Fit, rows: int) -> None:
        before = self.validation()
        if fitted.ranks is not None:
            self.ranks = fitted.ranks
        record = {
            "name": STEPS[step],
            "seconds": round(time.perf_counter() - started, 2),
            "rows": rows,
            "validation": fitted.metrics,
            "gain": {name: value - before[name] for name, value in fitted.metrics.items()} if before else None,
            # One 0 or 1 a validation row: the gain of the next step is a paired difference on the same rows.
            "hits": (self.ranks <= 1.0).astype(int).tolist(),
            **fitted.record(),
        }
        self.steps.append(record)
        self.report(record)

    def validation(self) -> Metrics | None:
        """What the validation rows said after the last step that ran."""
        return next((done["validation"] for done in reversed(self.steps) if "validation" in done), None)

    def _skip(self, step: int) -> None:
        self.steps.append(
            {"name": STEPS[step], "skipped": "The rows carry no requests, so there is nothing to encode."}
        )


class _RequestModel(nn.Module):  # type: ignore[misc]
    """Encoder and one linear layer: what step 2 trains."""

    def __init__(self, encoder: Any, probe: nn.Linear) -> None:
        super().__init__()
        self.encoder, self.probe = encoder, probe

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state  # (B, T, D)
        return self.probe(mean_pool(states, attention_mask))  # (B, V)
