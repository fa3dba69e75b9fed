"""Optuna over the command predictor's hyper-parameters, on stored request vectors: pruned, and resumable by name.

The journal outlives the process. A second call with the same data and settings finds the trials done and runs none; one
that was killed goes on with the rest.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ccml.errors import NotEnoughDataError
from ccml.evaluation.report import TrialState
from ccml.features.encoder import LoadedEncoder
from ccml.models.command.module import CommandTransforms
from ccml.models.job import TrainingJob
from ccml.profiles import CommandSettings, StudySettings

if TYPE_CHECKING:
    import optuna

LEARNING_RATE: Final = (1e-5, 1e-3)
BATCH_SIZES: Final = (16, 32, 64, 128)
LSTM_UNITS: Final = (128, 512)
UNITS_STEP: Final = 64
"""Every multiple divides by every number of heads."""
ATTENTION_HEADS: Final = (4, 8, 16)
RESOLVED: Final = 2.0
"""Standard errors, as if rows were independent. Rows of one session are alike, so the usual one resolves too little."""
SEARCHED: Final = ("learning_rate", "batch_size", "lstm_units", "attention_heads")


@dataclass(frozen=True)
class StudyResult:
    """`best` holds the chosen values by the names of `CommandSettings`; `trials` are in order, older runs' included."""

    best: dict[str, Any]
    best_score: float
    """Of the chosen trial; another may have a higher one, see `rule`."""
    rule: str
    """Which trial was chosen and why, with the numbers."""
    trials: list[dict[str, Any]]


def search(job: TrainingJob, directory: Path, on_trial: Callable[[dict[str, Any]], None]) -> StudyResult:
    command, training = job.profile.command, job.training_rows
    return run_study(
        job.rows,
        job.encoder(training["request"]),
        command,
        job.profile.study,
        CommandTransforms.fit(training, command.history, command.min_count),
        directory=directory,
        data_hash=job.facts["data_hash"],
        seed=job.profile.seed,
        cache_dir=job.embeddings,
        on_trial=on_trial,
    )


def run_study(
    sequences: Any,
    encoder: LoadedEncoder,
    command: CommandSettings,
    settings: StudySettings,
    transforms: CommandTransforms,
    *,
    directory: Path,
    data_hash: str,
    seed: int,
    cache_dir: Path | None = None,
    on_trial: Callable[[dict[str, Any]], None] = lambda trial: None,
) -> StudyResult:
    """Runs the trials that are still missing. The score is the validation rows' mean reciprocal rank.

    The first trial is `command` as it stands, so the search has it to beat. The trials after the first `random_trials`
    are suggested from the scores of those before. Of the trials that are within `RESOLVED` standard errors of the best
    the cheapest is chosen (after Breiman et al. 1984): a difference the validation rows cannot resolve is not worth a
    wider model; `rule` says so with the numbers. One process at a time may work on a study: trials left running by a
    killed one are closed.

    Raises:
        NotEnoughDataError: the rows do not carry a model, or no trial came to an end within the time limit.
    """
    import optuna
    import torch

    from ccml.features.embeddings import embed
    from ccml.models.command.heads import fit_head, new_head, prepare_rows

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sequences = sequences[sequences["split"] != "test"]
    rows = prepare_rows(sequences, encoder, command, transforms)
    requests = torch.from_numpy(embed(rows.texts, encoder, cache_dir))  # (texts, D)
    sample = np.random.default_rng(seed).permutation(rows.training)[: settings.examples]

    study = _open_study(directory, _study_name(data_hash, encoder, command, settings), command)
    done = len(_finished(study))
    # A sampler that starts again from the same seed would suggest again what the first run tried.
    study.sampler = optuna.samplers.TPESampler(seed=seed + done, n_startup_trials=random_trials(settings.trials))

    def objective(trial: optuna.Trial) -> float:
        started = time.perf_counter()
        tried = replace(command, **_suggested(trial))

        def report(epoch: Any) -> None:
            trial.report(epoch.score, epoch.epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

        with torch.random.fork_rng():
            torch.manual_seed(seed)
            head = new_head(encoder, rows, tried, transforms)
            fitted = fit_head(
                head, None, requests, rows, tried, np.random.default_rng(seed), report,
                training=sample, epochs=settings.epochs,
            )  # fmt: skip
        trial.set_user_attr("seconds", round(time.perf_counter() - started, 2))
        return max(epoch.score for epoch in fitted.epochs)

    study.optimize(
        objective,
        n_trials=max(0, settings.trials - done),
        timeout=settings.timeout_seconds,
        callbacks=[lambda _, trial: on_trial(_record(trial))],
    )
    complete = [trial for trial in study.trials if trial.state == optuna.trial.TrialState.COMPLETE]
    if not complete:
        raise NotEnoughDataError(
            f"No trial of the study ended within {settings.timeout_seconds:.0f} s. Give it more time or fewer examples."
        )
    finished = _finished(study)
    chosen, rule = _cheapest_of_the_best(complete, len(rows.validation))
    return StudyResult(
        best=dict(chosen.params),
        best_score=float(chosen.value),
        rule=rule,
        trials=[{**_record(trial), "chosen": trial.number == chosen.number} for trial in finished],
    )


def _open_study(directory: Path, name: str, command: CommandSettings) -> optuna.Study:
    """The study of this name in the folder's journal, a new one with `command` as its first trial."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    directory.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(directory / "journal.log"))),
        study_name=name,
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=1),
    )
    _close_stale_trials(study)
    if not study.trials:
        study.enqueue_trial({setting: getattr(command, setting) for setting in SEARCHED})
    return study


def random_trials(trials: int) -> int:
    """How many trials, the first included, precede those that are suggested from scores: at most half of all.

    With Optuna's ten, or with as many as a small study has, every trial would be drawn at random.
    """
    return min(10, max(1, trials // 2))


def _study_name(data_hash: str, encoder: LoadedEncoder, command: CommandSettings, settings: StudySettings) -> str:
    """Names what the scores depend on; how many trials and how long is not part of it, so that more can be added."""
    fixed = {**asdict(command), "examples": settings.examples, "epochs": settings.epochs, "encoder": encoder.digest}
    digest = hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()
    return f"command_predictor-{data_hash[:12]}-{digest[:8]}"


def _close_stale_trials(study: optuna.Study) -> None:
    """Trials of a killed process stay RUNNING in a journal for ever, and the sampler would wait for their scores."""
    from optuna import trial as states

    for trial in study.get_trials(deepcopy=False, states=(states.TrialState.RUNNING,)):
        study.tell(trial.number, state=states.TrialState.FAIL)


def _suggested(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "learning_rate": trial.suggest_float("learning_rate", *LEARNING_RATE, log=True),
        "batch_size": trial.suggest_categorical("batch_size", BATCH_SIZES),
        "lstm_units": trial.suggest_int("lstm_units", *LSTM_UNITS, step=UNITS_STEP),
        "attention_heads": trial.suggest_categorical("attention_heads", ATTENTION_HEADS),
    }


def _cheapest_of_the_best(
    complete: list[optuna.trial.FrozenTrial], validation_rows: int
) -> tuple[optuna.trial.FrozenTrial, str]:
    """The chosen trial, and the sentence that says why it is that one."""
    best = max(complete, key=lambda trial: trial.value)
    # A reciprocal rank lies in [0, 1], so its variance is at most m(1 − m).
    error = RESOLVED * float(np.sqrt(best.value * (1.0 - best.value) / max(1, validation_rows)))
    near = [trial for trial in complete if trial.value >= best.value - error]
    chosen = min(near, key=lambda trial: (trial.params["lstm_units"], -trial.params["batch_size"], trial.number))
    what = f"Trial {chosen.number}{' (the settings as they stood)' if chosen.number == 0 else ''}"
    if len(near) == 1:
        return (
            chosen,
            f"{what} has the best score, {chosen.value:.3f}; no other finished trial is within {error:.3f} of it.",
        )
    return chosen, (
        f"{what}, with {chosen.value:.3f}, is the cheapest (fewest LSTM units, then the largest batch) of the "
        f"{len(near)} trials within {error:.3f} of the best score, {best.value:.3f} of trial {best.number}; a "
        f"difference of less than {RESOLVED:.0f} standard errors on {validation_rows} validation rows counts as none."
    )


def _finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    from optuna import trial as states

    ended = (states.TrialState.COMPLETE, states.TrialState.PRUNED)
    return list(study.get_trials(deepcopy=False, states=ended))


def _record(trial: optuna.trial.FrozenTrial) -> dict[str, Any]:
    state: TrialState = "complete" if trial.state.name == "COMPLETE" else "pruned"
    return {
        "number": trial.number,
        "state": state,
        "params": dict(trial.params),
        "score": trial.value,
        "epochs": {str(epoch): score for epoch, score in trial.intermediate_values.items()},
        "seconds": trial.user_attrs.get("seconds"),
    }
