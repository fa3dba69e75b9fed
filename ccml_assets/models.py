"""Search and training. A model's value is a reference to its candidate folder; its run in MLflow has the curves."""

from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import msgspec

from ccml.evaluation.report import Trial
from ccml.models.candidates import CandidateReference
from ccml.models.kinds import COMMAND, INTENT, POLICY
from ccml_assets.skips import skip_with_reason
from ccml_assets.versions import code_version
from ccml_resources.experiments import ExperimentRun, Experiments
from ccml_resources.platform import Platform

EMBEDDINGS = dg.AssetKey(["features", "text_embeddings"])
"""Training looks vectors up in the cache that this asset fills."""


class SearchResult(msgspec.Struct, frozen=True):
    """`best` overrides the profile's settings; `rule` says why it was chosen; `trials` as the study recorded them."""

    best: dict[str, Any]
    rule: str
    trials: list[dict[str, Any]]

    def as_trials(self) -> list[Trial]:
        return [Trial(one["number"], one["state"], one["score"], one["params"], one["chosen"]) for one in self.trials]


@dg.asset(
    key=["models", "command_search"],
    ins={"sequences": dg.AssetIn(["datasets", "command_sequences"])},
    deps=[EMBEDDINGS],
    output_required=False,
    pool="train",
    io_manager_key="documents",
    kinds={"optuna", "pytorch", "mlflow"},
)
def command_search(
    context: dg.AssetExecutionContext, platform: Platform, experiments: Experiments, sequences: Any
) -> Iterator[dg.MaterializeResult[SearchResult]]:
    """M3. Learning rate, batch size, LSTM units and attention heads, by Optuna on stored request vectors."""
    from ccml.datasets.content import content_hash
    from ccml.models.command.module import CommandTransforms
    from ccml.models.command.study import run_study

    with skip_with_reason(context):
        profile, home = platform.profile, platform.home
        training = sequences[sequences["split"] == "train"]
        transforms = CommandTransforms.fit(training, profile.command.history, profile.command.min_count)
        with experiments.run(context) as run:
            study = run_study(
                sequences,
                platform.encoder(training["request"]),
                profile.command,
                profile.study,
                transforms,
                directory=home.study,
                data_hash=content_hash(sequences),
                seed=profile.seed,
                cache_dir=home.embeddings,
                on_trial=lambda trial: _log_trial(context, run, trial),
            )
            run.log_params(study.best)
            run.log_metrics({"validation_mrr": study.best_score, "trials": float(len(study.trials))})
        yield dg.MaterializeResult(
            value=SearchResult(study.best, study.rule, study.trials),
            metadata={"best": study.best, "why": study.rule, "validation_mrr": study.best_score, **run.metadata},
        )


def _log_trial(context: dg.AssetExecutionContext, run: ExperimentRun, trial: dict[str, Any]) -> None:
    context.log.info(f"trial {trial['number']} {trial['state']}: {trial['score']} with {trial['params']}")
    run.log_trial(trial)


@dg.asset(
    key=["models", COMMAND.name],
    ins={
        "sequences": dg.AssetIn(["datasets", "command_sequences"]),
        "search": dg.AssetIn(["models", "command_search"]),
    },
    deps=[EMBEDDINGS],
    output_required=False,
    pool="train",
    io_manager_key="documents",
    kinds={"pytorch", "huggingface", "mlflow"},
)
def command_predictor(
    context: dg.AssetExecutionContext,
    platform: Platform,
    experiments: Experiments,
    sequences: Any,
    search: SearchResult,
) -> Iterator[dg.MaterializeResult[CandidateReference]]:
    """M1, M2. BERT encoder, LSTM, attention, dense: from the request and the session so far to the next command."""
    from ccml.models.command.module import CommandTransforms
    from ccml.models.command.training import train_command_predictor

    with skip_with_reason(context):
        profile = platform.profile
        training = sequences[sequences["split"] == "train"]
        transforms = CommandTransforms.fit(training, profile.command.history, profile.command.min_count)
        yield _trained(
            context,
            platform,
            experiments,
            sequences,
            lambda facts, report: train_command_predictor(
                sequences,
                platform.encoder(training["request"]),
                profile.command,
                transforms,
                seed=profile.seed,
                cache_dir=platform.home.embeddings,
                hyper=search.best,
                facts=facts,
                report=report,
            ),
        )


@dg.asset(
    key=["models", INTENT.name],
    ins={"requests": dg.AssetIn(["datasets", "labelled_requests"])},
    output_required=False,
    pool="train",
    io_manager_key="documents",
    kinds={"pytorch", "huggingface", "mlflow"},
)
def intent_classifier(
    context: dg.AssetExecutionContext, platform: Platform, experiments: Experiments, requests: Any
) -> Iterator[dg.MaterializeResult[CandidateReference]]:
    """M4, M5. BERT encoder, eight-head attention pooling, a head an intent; calibrated, with an out-of-scope answer."""
    from ccml.models.intent.training import train_intent_classifier

    with skip_with_reason(context):
        profile = platform.profile
        training = requests[requests["split"] == "train"]
        yield _trained(
            context,
            platform,
            experiments,
            requests,
            lambda facts, report: train_intent_classifier(
                requests,
                platform.encoder(training["request"]),
                profile.intent,
                seed=profile.seed,
                facts=facts,
                report=report,
            ),
        )


@dg.asset(
    key=["models", POLICY.name],
    ins={"episodes": dg.AssetIn(["datasets", "episodes"])},
    output_required=False,
    pool="train",
    io_manager_key="documents",
    kinds={"pytorch", "mlflow"},
)
def policy(
    context: dg.AssetExecutionContext, platform: Platform, experiments: Experiments, episodes: Any
) -> Iterator[dg.MaterializeResult[CandidateReference]]:
    """M6. How to act on a request, learnt from logged episodes by clipped importance-weighted policy gradient."""
    from ccml.models.policy.training import train_policy

    with skip_with_reason(context):
        profile = platform.profile
        yield _trained(
            context,
            platform,
            experiments,
            episodes,
            lambda facts, report: train_policy(
                episodes,
                profile.policy,
                seed=profile.seed,
                data_hash=facts["data_hash"],
                code_version=facts["code_version"],
                report=report,
            ),
        )


def _trained(
    context: dg.AssetExecutionContext,
    platform: Platform,
    experiments: Experiments,
    rows: Any,
    train: Callable[[dict[str, Any], Callable[[Any], None]], Any],
) -> dg.MaterializeResult[CandidateReference]:
    """Trains within one MLflow run and saves the candidate."""
    from ccml.datasets.content import content_hash

    facts = {"data_hash": content_hash(rows), "code_version": code_version("models")}
    with experiments.run(context) as run:
        candidate = train(facts, lambda progress: context.log.info(_told(progress)))
        folder = platform.home.candidates / candidate.name / context.run_id
        candidate.save(folder)
        run.log_params(_flat(candidate.training.get("hyper_parameters", {})))
        run.log_metrics(_numbers(candidate.metrics))
        reference = CandidateReference(
            candidate.name,
            platform.home.relative(folder),
            facts["data_hash"],
            run.run_id,
            trained_until=rows.loc[rows["split"] == "train", "time"].max().isoformat(),
            data_until=rows["time"].max().isoformat(),
        )
        return dg.MaterializeResult(
            value=reference,
            metadata={
                "path": dg.MetadataValue.path(platform.home.relative(folder)),
                "classes": len(candidate.labels),
                "data_hash": facts["data_hash"],
                "validation": _numbers(candidate.metrics),
                **run.metadata,
            },
        )


def _told(progress: Any) -> str:
    """One line of a training's progress, whatever it is made of."""
    told = progress if isinstance(progress, dict) else msgspec.structs.asdict(progress)
    short = {name: round(value, 4) if isinstance(value, float) else value for name, value in told.items()}
    return ", ".join(f"{name} {value}" for name, value in short.items() if not isinstance(value, list | dict))


def _numbers(values: dict[str, Any], prefix: str = "") -> dict[str, float]:
    """The numbers in nested metrics by dotted name: what MLflow and the UI can plot."""
    found: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= _numbers(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[f"{prefix}{name}"] = float(value)
    return found


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if not isinstance(value, dict | list)}


all_models = [command_search, command_predictor, intent_classifier, policy]
