"""Fine-tunes the intent classifier, calibrates its confidence, and sets the threshold of its out-of-scope answer."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any, Final

import numpy as np
import torch  # noqa: TID253  (only training imports this module)
import torch.nn.functional as F  # noqa: TID253
from numpy.typing import NDArray

from ccml.errors import NotEnoughDataError
from ccml.features.embeddings import bf16_is_fast
from ccml.features.encoder import LoadedEncoder
from ccml.features.tokens import Inputs, lengths, token_batch, tokenize
from ccml.intents.tables import OUT_OF_SCOPE
from ccml.models.artifact import Candidate
from ccml.models.fitting import fit, freeze_lower_part, length_bucketed, trainable
from ccml.models.intent.module import IntentClassifier, IntentSizes, energies, run_module
from ccml.models.job import TrainingJob
from ccml.models.ranking import NOT_A_CLASS, fit_temperature, frequent_labels, ranks, target_indices
from ccml.profiles import IntentSettings

FALSE_REJECTIONS: Final = 0.03
"""Share of in-scope calibration requests that the threshold may call out of scope."""
MINIMUM_ROWS: Final = 50
MIN_COUNT: Final = 3


def train(job: TrainingJob) -> Candidate:
    return train_intent_classifier(
        job.rows,
        job.encoder(job.training_rows["request"]),
        job.profile.intent,
        seed=job.profile.seed,
        facts=job.facts,
        report=job.report,
    )


def train_intent_classifier(
    requests: Any,
    encoder: LoadedEncoder,
    settings: IntentSettings,
    *,
    seed: int,
    facts: Mapping[str, Any] | None = None,
    report: Callable[[dict[str, Any]], None] = lambda progress: None,
) -> Candidate:
    """`requests` is the data set `labelled_requests`; the encoder given is left as it is.

    Training rows of intent "out_of_scope" teach what to reject; without any, the threshold alone has to do.
    `report` gets `{"epoch", "epochs", "loss", "mrr"}` after each epoch.

    Raises:
        NotEnoughDataError: the rows do not carry a model.
    """
    split = requests["split"].to_numpy()
    in_scope = requests["intent"].to_numpy() != OUT_OF_SCOPE
    labels = frequent_labels(requests["intent"][(split == "train") & in_scope], MIN_COUNT)
    rejected = len(labels)
    targets = np.where(in_scope, target_indices(requests["intent"], labels), rejected)
    usable = np.flatnonzero((split == "train") & (targets != NOT_A_CLASS))
    validation = np.flatnonzero((split == "validation") & in_scope)
    calibration = np.flatnonzero((split == "calibration") & in_scope)
    if len(labels) < 2 or len(usable) < MINIMUM_ROWS or not len(validation) or not len(calibration):
        raise NotEnoughDataError(
            f"The intent classifier needs at least {MINIMUM_ROWS} labelled training requests of two intents seen "
            f"{MIN_COUNT} times each, and held-out ones; there are {len(usable)} of {len(labels)} such intents, "
            f"{len(validation)} for validation and {len(calibration)} for calibration. Add logs that carry intents."
        )
    generator = np.random.default_rng(seed)
    texts = np.array([str(text) for text in requests["request"]], dtype=object)
    training = _choose(texts, targets, requests["augmented"].to_numpy(dtype=bool), usable, settings.examples, generator)
    inputs = tokenize(encoder.tokenizer, texts.tolist())
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        own = replace(encoder, model=copy.deepcopy(encoder.model))
        freeze_lower_part(own)
        module = IntentClassifier(own.model, IntentSizes(len(labels), settings.attention_heads, settings.dropout))
        fitted = _fine_tune(module, inputs, targets, training, validation, settings, generator, report)
    held_out = _logits(module, inputs, calibration)
    known = np.bincount(targets[usable], minlength=len(labels) + 1)
    return Candidate(
        config={
            "model": "intent_classifier",
            "encoder": encoder.architecture,
            "encoder_name": encoder.name,
            "encoder_digest": encoder.digest,
            "sizes": asdict(module.sizes),
        },
        tensors={name: tensor.numpy() for name, tensor in module.state_dict().items()},
        tokenizer_json=encoder.tokenizer.to_str(),
        labels=labels,
        transforms={"max_tokens": encoder.max_tokens},
        calibration={
            "temperature": fit_temperature(held_out, targets[calibration]),
            "oos_score": "energy: -logsumexp(logits), before the temperature; out of scope above the threshold",
            "oos_threshold": float(np.quantile(energies(held_out), 1.0 - FALSE_REJECTIONS)),
            "oos_false_rejections": FALSE_REJECTIONS,
        },
        defaults={"frequencies": dict(zip(labels, known[:-1].tolist(), strict=True))},
        metrics={
            "validation": fitted.metrics,
            "validation_rows": len(validation),
        },
        training={
            **dict(facts or {}),
            "encoder": {"name": encoder.name, "digest": encoder.digest, "origin": encoder.origin},
            "hyper_parameters": asdict(settings),
            "rows": {
                "training": len(training),
                "training_out_of_scope": int((targets[training] == rejected).sum()),
                "calibration": len(calibration),
            },
            "seed": seed,
            "stages": [
                {
                    "name": "fine-tune the classifier",
                    "seconds": round(fitted.seconds, 2),
                    "rows": len(training),
                    "validation": fitted.metrics,
                    **fitted.record(),
                }
            ],
        },
    )


def _choose(
    texts: NDArray[Any],
    targets: NDArray[np.int64],
    augmented: NDArray[np.bool_],
    usable: NDArray[np.int64],
    limit: int,
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """At most `limit` training rows: each text once, what people wrote, then rewrites, then repetitions.

    The same text again costs as much as a new one and teaches less.
    """
    mixed = generator.permutation(usable)
    seen: set[tuple[str, int]] = set()
    turn = np.zeros(len(mixed), dtype=np.int64)
    for position in np.argsort(augmented[mixed], kind="stable"):
        row = mixed[position]
        key = (texts[row], int(targets[row]))
        turn[position] = 2 if key in seen else int(augmented[row])
        seen.add(key)
    return mixed[np.argsort(turn, kind="stable")][:limit]


def _fine_tune(
    module: IntentClassifier,
    inputs: Inputs,
    targets: NDArray[np.int64],
    training: NDArray[np.int64],
    validation: NDArray[np.int64],
    settings: IntentSettings,
    generator: np.random.Generator,
    report: Callable[[dict[str, Any]], None],
) -> Any:
    encoder_parameters = trainable(module.encoder)
    inside = {id(parameter) for parameter in encoder_parameters}
    tokens = lengths(inputs)[training]
    epochs = max(1, round(settings.examples / len(training)))

    def loss_of(batch: NDArray[np.int64]) -> torch.Tensor:
        rows = training[batch]
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16_is_fast()):
            logits = module(*token_batch(inputs, rows)).float()  # (B, C)
        with_rejection = F.pad(logits, (0, 1))  # (B, C+1): the last class is out of scope, at zero
        return F.cross_entropy(
            with_rejection, torch.from_numpy(targets[rows]), label_smoothing=settings.label_smoothing
        )

    return fit(
        module,
        [
            {"params": encoder_parameters, "lr": settings.learning_rate},
            {"params": [p for p in trainable(module) if id(p) not in inside], "lr": 10 * settings.learning_rate},
        ],
        lambda: length_bucketed(tokens, settings.batch_size, generator),
        loss_of,
        lambda: ranks(_logits(module, inputs, validation), targets[validation]),
        epochs=epochs,
        steps_per_epoch=-(-len(training) // settings.batch_size),
        report=lambda epoch: report({"epoch": epoch.epoch, "epochs": epochs, "loss": epoch.loss, "mrr": epoch.score}),
    )


def _logits(module: IntentClassifier, inputs: Inputs, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    return run_module(module.eval(), {name: array[rows] for name, array in inputs.items()})
