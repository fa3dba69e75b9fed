"""What each model is worth on the test rows, beside its baselines, as pictures here and as a page to keep."""

from pathlib import Path
from typing import Any

import dagster as dg
import msgspec

from ccml.evaluation.report import Metric, ModelReport
from ccml.evaluation.spelling import difference, interval
from ccml.export.bundle import ExportReference
from ccml.models.candidates import CandidateReference
from ccml_assets.model_lines import ModelLine
from ccml_assets.models import SearchResult
from ccml_assets.served_cost import served_cost
from ccml_assets.shown import shown
from ccml_assets.skips import skip_with_reason
from ccml_assets.tracking import evaluation_metrics, picture_bytes
from ccml_resources.experiments import Experiments
from ccml_resources.platform import Platform

BEATS = "beats_best_baseline"


def report_assets(line: ModelLine) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=f"reports__{line.report}",
        outs={
            "report": dg.AssetOut(
                key=line.report_key,
                io_manager_key="documents",
                is_required=False,
                kinds={"json", "matplotlib"},
                description=f"Metrics of {line.name} with intervals, its baselines, slices and learning curves.",
            ),
            "scores": dg.AssetOut(
                key=line.scores_key,
                is_required=False,
                kinds={"parquet", "pandas"},
                description=f"The score of each test row under {line.name}, its champion and every baseline.",
            ),
        },
        ins={
            "trained": dg.AssetIn(line.model_key),
            "rows": dg.AssetIn(line.dataset_key),
            "exported": dg.AssetIn(line.export_key),
            **({"search": dg.AssetIn(line.search_key)} if line.searched else {}),
        },
    )
    def evaluation(  # type: ignore[no-untyped-def]  # a generator of several outputs
        context: dg.AssetExecutionContext,
        platform: Platform,
        experiments: Experiments,
        trained: CandidateReference,
        rows: Any,
        exported: ExportReference,
        **search: Any,
    ):
        from ccml.evaluation.html import now
        from ccml.evaluation.publishing import publish_page
        from ccml.evaluation.report import with_origin
        from ccml.models.job import EvaluationJob
        from ccml.releases.releasing import evaluate_beside_champion

        with skip_with_reason(context, line.report_key, line.scores_key):
            candidate = trained.load(platform.home)
            found = msgspec.convert(search["search"], SearchResult) if line.searched else None
            cost, not_measured = served_cost(line.name, trained, exported, rows, platform.home)
            job = EvaluationJob(
                rows,
                candidate,
                platform.profile,
                facts={**_facts(trained, candidate), **not_measured},
                cost=cost,
                trials=found.as_trials() if found else (),
            )
            evaluated = evaluate_beside_champion(line.kind, job, platform.home.models)
            report = with_origin(
                evaluated.report,
                rows,
                candidate=Path(trained.path).name,
                made=now(),
                search_rule=found.rule if found else "",
            )
            page, pictures = publish_page(report, platform.home.reports, platform.profile.evaluation.confidence)
            experiments.add(
                trained.mlflow_run_id,
                metrics=evaluation_metrics(report),
                tags={"headline": _headline(report)},
                files={page.name: page.read_bytes(), **picture_bytes(pictures)},
            )
            context.log.info(f"{_headline(report)}, best baseline {report.best_baseline}")
            best = report.best()
            yield dg.Output(
                report,
                "report",
                metadata={
                    "page": dg.MetadataValue.path(platform.home.relative(page)),
                    "headline": _headline(report),
                    "best baseline": f"{best.name}: {interval(best.value, report.headline_unit)}" if best else "none",
                    # All in one: Dagster shows a picture after a click.
                    "pictures": dg.MetadataValue.md("\n\n".join(pictures.values())),
                    **shown({_with_unit(metric): metric.value.estimate for metric in report.metrics}),
                },
            )
            yield dg.Output(evaluated.scores, "scores", metadata={"rows": len(evaluated.scores)})

    return evaluation


def beats_check(line: ModelLine) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        name=BEATS,
        asset=line.report_key,
        description=f"The interval of {line.name} minus its best baseline lies above zero.",
    )
    def check(report: ModelReport) -> dg.AssetCheckResult:
        best = report.best()
        return dg.AssetCheckResult(
            passed=bool(best and best.difference.above(0.0)),
            severity=dg.AssetCheckSeverity.WARN,
            description=f"{difference(best.difference, report.headline_unit)} against {best.name}" if best else None,
            metadata=_beside(report),
        )

    return check


def _headline(report: ModelReport) -> str:
    """Such as `top-1 accuracy 68.6 % [65.0, 71.9]`."""
    value = report.headline_value
    return f"{report.headline} {interval(value, report.headline_unit) if value else 'unknown'}"


def _beside(report: ModelReport) -> dict[str, dg.TableMetadataValue]:
    """Each baseline, the best first."""
    unit = report.headline_unit
    rows = [
        {"baseline": one.name, "value": interval(one.value, unit), "model − it": difference(one.difference, unit)}
        for one in report.baselines
    ]
    return {"baselines": dg.MetadataValue.table([dg.TableRecord(row) for row in rows])} if rows else {}


def _with_unit(metric: Metric) -> str:
    return f"{metric.title} ({metric.unit})" if metric.unit in ("ms", "MB") else metric.title


def _facts(trained: CandidateReference, candidate: Any) -> dict[str, str | int | float]:
    encoder = candidate.training.get("encoder", {})
    named = {"encoder": encoder["name"], "encoder digest": encoder["digest"]} if encoder else {}
    return {"training data": trained.data_hash, **named, "MLflow run": trained.mlflow_run_id}
