"""From per-row scores to a decision, and from a decision to a release that is served."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from ccml.evaluation.statistics import clusters_of
from ccml.models.evaluating import CANDIDATE, CHAMPION, CHAMPION_VERSION, Evaluation, baseline_columns
from ccml.models.kinds import KINDS, ModelKind
from ccml.releases.champions import load_champion
from ccml.releases.gate import GateDecision, decide
from ccml.releases.manifest import DRIFT_REFERENCE, Lineage, ReleaseFacts, Serving
from ccml.releases.store import promote, publish

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from ccml.evaluation.report import ModelReport
    from ccml.home import Home
    from ccml.models.candidates import CandidateReference
    from ccml.models.job import EvaluationJob
    from ccml.profiles import Profile


class ReleaseReference(msgspec.Struct, frozen=True):
    name: str
    version: str
    path: str
    """Of the folder, from the home's root."""
    replaced: str | None
    """The champion before it."""


def evaluate_beside_champion(kind: ModelKind, job: EvaluationJob, models: Path) -> Evaluation:
    """The candidate and the champion of this moment on the same rows.

    The champion may be exchanged meanwhile. The version kept with the scores is that of the model that was scored, so
    promotion notices; a version read afterwards would hide that the candidate was compared with another one.
    """
    champion = load_champion(models, kind.name)
    evaluated = kind.evaluate(replace(job, champion=champion.model if champion else None))
    scores = evaluated.scores.assign(**{CHAMPION_VERSION: champion.version if champion else None})
    return replace(evaluated, scores=scores)


def decide_on_scores(name: str, scores: pd.DataFrame, profile: Profile) -> GateDecision:
    """Candidate against champion and baselines, on the rows of `Evaluation.scores`."""
    decision = decide(
        name,
        KINDS[name].score,
        scores[CANDIDATE].to_numpy(),
        unit=KINDS[name].unit,
        champion=scores[CHAMPION].to_numpy() if CHAMPION in scores else None,
        baselines={column: scores[column].to_numpy() for column in baseline_columns(scores)},
        clusters=clusters_of(scores, confidence=profile.evaluation.confidence),
        gate=profile.gate,
    )
    if CHAMPION not in scores:
        return decision
    return msgspec.structs.replace(decision, champion_version=str(scores[CHAMPION_VERSION].iloc[0]))


def release_candidate(
    trained: CandidateReference,
    exported: Mapping[str, bytes],
    serving: Serving,
    report: ModelReport,
    decision: GateDecision,
    home: Home,
    *,
    drift_reference: bytes,
    run_id: str,
) -> ReleaseReference:
    """Publishes the candidate and makes it champion.

    Args:
        exported: file name → bytes of the graphs and what belongs to them; `serving` says which of them is served.
        drift_reference: what the data of this training looked like, for monitoring.

    Raises:
        ChampionMovedError: another one than the candidate was compared with is champion by now.
    """
    candidate = trained.load(home)
    facts = ReleaseFacts(
        metrics=_promised(report),
        training_data_hash=trained.data_hash,
        hyper_parameters=candidate.training.get("hyper_parameters", {}),
        lineage=Lineage(dagster_run_id=run_id, mlflow_run_id=trained.mlflow_run_id, code_version=trained.code_version),
        gate=decision.summary(),
        serving=serving,
        trained_until=trained.trained_until,
        data_until=trained.data_until,
    )
    files = {**exported, DRIFT_REFERENCE: drift_reference}
    published = publish(home.root / trained.path, home.models, trained.name, exported=files, facts=facts)
    before = decision.champion_version
    promote(home.models, trained.name, published.version, expected=before, reason=" ".join(decision.reasons))
    return ReleaseReference(trained.name, published.version, home.relative(published.path), before)


def _promised(report: ModelReport) -> dict[str, Any]:
    """The figures that monitoring holds the release to: the headline first, each with its interval."""
    headline = {"headline": report.headline, "value": msgspec.to_builtins(report.headline_value)}
    return {"headline": headline, **{one.name: msgspec.to_builtins(one.value) for one in report.metrics}}
