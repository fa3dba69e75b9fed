"""Search and training. A model's value is a reference to its candidate folder; its run in MLflow has the curves."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import msgspec

from ccml.evaluation.report import Trial
from ccml.evaluation.spelling import short
from ccml.models.candidates import CandidateReference
from ccml.models.job import TrainingJob
from ccml_assets.model_lines import ModelLine
from ccml_assets.shown import shown
from ccml_assets.skips import skip_with_reason
from ccml_assets.tracking import training_curves
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


def search_asset(line: ModelLine) -> dg.AssetsDefinition:
    @dg.asset(
        key=line.search_key,
        ins={"rows": dg.AssetIn(line.dataset_key)},
        deps=_stored_vectors(line),
        description=f"Optuna's search for settings of {line.name}, the profile's own first; the cheapest of the best.",
        output_required=False,
        pool="train",
        io_manager_key="documents",
        kinds={"optuna", "pytorch", "mlflow"},
    )
    def search(
        context: dg.AssetExecutionContext, platform: Platform, experiments: Experiments, rows: Any
    ) -> Iterator[dg.MaterializeResult[SearchResult]]:
        with skip_with_reason(context):
            job = _job(context, platform, rows, {})
            with experiments.run(context) as run:
                study = line.kind.search_settings(
                    job, platform.home.study, lambda trial: _log_trial(context, run, trial)
                )
                run.log_params(study.best)
                run.log_metrics({"validation_mrr": study.best_score, "trials": float(len(study.trials))})
            context.log.info(study.rule)
            yield dg.MaterializeResult(
                value=SearchResult(study.best, study.rule, study.trials),
                metadata=shown(
                    {"best": study.best, "why": study.rule, "validation_mrr": study.best_score, **run.metadata}
                ),
            )

    return search


def _log_trial(context: dg.AssetExecutionContext, run: ExperimentRun, trial: dict[str, Any]) -> None:
    score = "no score" if trial["score"] is None else f"score {trial['score']:.3f}"
    context.log.info(f"trial {trial['number']} {trial['state']}: {score} with {_one_line(trial['params'])}")
    run.log_trial(trial)


def model_asset(line: ModelLine) -> dg.AssetsDefinition:
    @dg.asset(
        key=line.model_key,
        ins={
            "rows": dg.AssetIn(line.dataset_key),
            **({"search": dg.AssetIn(line.search_key)} if line.searched else {}),
        },
        deps=_stored_vectors(line),
        description=line.kind.description,
        output_required=False,
        pool="train",
        io_manager_key="documents",
        kinds=set(line.kind.tools),
    )
    def model(
        context: dg.AssetExecutionContext, platform: Platform, experiments: Experiments, rows: Any, **search: Any
    ) -> Iterator[dg.MaterializeResult[CandidateReference]]:
        with skip_with_reason(context):
            chosen = msgspec.convert(search["search"], SearchResult).best if line.searched else {}
            job = _job(context, platform, rows, chosen)
            with experiments.run(context) as run:
                candidate = line.kind.train(job)
                folder = platform.home.candidates / candidate.name / context.run.run_id
                candidate.save(folder)
                run.log_params(_flat(candidate.training["hyper_parameters"]))
                run.log_metrics(_numbers(candidate.metrics))
            run.log_curves(training_curves(candidate.training))
            run.log_rows(
                line.dataset_key.path[-1],
                job.facts["data_hash"],
                source=f"lake/{'/'.join(line.dataset_key.path)}/all.parquet",
                facts={str(split): int(count) for split, count in rows["split"].value_counts().items()},
            )
            reference = CandidateReference(
                candidate.name,
                platform.home.relative(folder),
                job.facts["data_hash"],
                run.run_id,
                job.facts["code_version"],
                trained_until=job.training_rows["time"].max().isoformat(),
                data_until=rows["time"].max().isoformat(),
            )
            yield dg.MaterializeResult(
                value=reference,
                metadata=shown(
                    {
                        "path": dg.MetadataValue.path(platform.home.relative(folder)),
                        "classes": len(candidate.labels),
                        "data_hash": job.facts["data_hash"],
                        **_numbers(candidate.metrics),
                        **run.metadata,
                    }
                ),
            )

    return model


def _stored_vectors(line: ModelLine) -> list[dg.AssetKey]:
    return [EMBEDDINGS] if line.kind.reads_stored_vectors else []


def _job(context: dg.AssetExecutionContext, platform: Platform, rows: Any, chosen: dict[str, Any]) -> TrainingJob:
    from ccml.datasets.content import content_hash

    version = context.assets_def.get_asset_spec(context.asset_key).code_version
    return TrainingJob(
        rows=rows,
        profile=platform.profile,
        encoder=platform.encoder,
        embeddings=platform.home.embeddings,
        facts={"data_hash": content_hash(rows), "code_version": version},
        chosen=chosen,
        report=lambda progress: context.log.info(_one_line(progress)),
    )


def _one_line(progress: dict[str, Any]) -> str:
    """Such as `epoch 3, loss 2.31`, without what is nested and what there is none of."""
    plain = {name: short(value) for name, value in progress.items() if not isinstance(value, list | dict | None)}
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in plain.items())


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
