"""Trains the command predictor step by step (`steps.py`), calibrates its confidence, and makes a candidate of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch  # noqa: TID253  (only training imports this module)

from ccml.features.encoder import LoadedEncoder
from ccml.models.artifact import Candidate
from ccml.models.command.heads import prepare_rows
from ccml.models.command.module import CommandPredictor, CommandTransforms, config_of, run_module
from ccml.models.command.steps import STEPS, CommandTraining, Report
from ccml.models.job import TrainingJob
from ccml.models.ranking import fit_temperature
from ccml.privacy.shared_words import SHARED_BY
from ccml.profiles import CommandSettings


def train(job: TrainingJob) -> Candidate:
    settings, training = job.profile.command, job.training_rows
    return train_command_predictor(
        job.rows,
        job.encoder(training["request"]),
        settings,
        CommandTransforms.fit(training, settings.history, settings.min_count),
        seed=job.profile.seed,
        cache_dir=job.embeddings,
        hyper=job.chosen,
        facts=job.facts,
        report=job.report,
    )


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
        training = CommandTraining(rows, encoder, settings, transforms, np.random.default_rng(seed), cache_dir, report)
        for step in STEPS:
            training.take(step)
        module = CommandPredictor(training.encoder.model, training.head).eval()
    held_out = rows.calibration
    inputs = {name: array[rows.text_of[held_out]] for name, array in rows.tokens.items()}
    inputs |= {name: array[held_out] for name, array in rows.head.items()}
    temperature = fit_temperature(run_module(module, inputs), rows.targets[held_out])
    counts = np.bincount(rows.targets[rows.training], minlength=len(rows.labels))
    return Candidate(
        config=config_of(encoder.architecture, encoder.name, encoder.digest, module.head.sizes),
        tensors={name: tensor.numpy() for name, tensor in module.state_dict().items()},
        tokenizer_json=encoder.tokenizer.to_str(),
        labels=rows.labels,
        transforms={**transforms.to_json(), "max_tokens": encoder.max_tokens, "target": settings.target},
        calibration={"temperature": temperature},
        defaults={
            "frequencies": dict(zip(rows.labels, counts.tolist(), strict=True)),
            "exemplars": shared_lines(sequences.iloc[rows.training], f"target_{settings.target}"),
        },
        metrics={"validation": training.validation(), "validation_rows": len(rows.validation)},
        training={
            **dict(facts or {}),
            "encoder": {"name": encoder.name, "digest": encoder.digest, "origin": encoder.origin},
            "hyper_parameters": asdict(settings),
            "rows": {"training": len(rows.training), "calibration": len(rows.calibration)},
            "seed": seed,
            "stages": training.records,
        },
    )


def shared_lines(training: Any, label: str) -> dict[str, str]:
    """Label → the line that was typed most often for it, of the lines that several users typed; a label without such
    a line is shown as it is. Where fewer users are known, all of them must have typed it."""
    typed_by = training.groupby("target_line")["user_id"].transform("nunique")
    shared = training[typed_by >= min(SHARED_BY, training["user_id"].nunique())]
    lines: dict[str, str] = shared.groupby(label)["target_line"].agg(lambda typed: typed.mode().iloc[0]).to_dict()
    return lines
