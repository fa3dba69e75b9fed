"""The intent classifier on its test rows, beside its champion and the simple baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccml.models.evaluating import CANDIDATE, CHAMPION, Evaluation, table, wide
from ccml.models.intent.report import in_scope, intent_report, intent_scores

if TYPE_CHECKING:
    from ccml.models.job import EvaluationJob


def evaluate(job: EvaluationJob) -> Evaluation:
    from msgspec.structs import replace

    from ccml.models.baselines import intent_baselines
    from ccml.models.intent.label_quality import intent_label_quality
    from ccml.models.intent.module import energies
    from ccml.models.logits import softmax

    candidate, champion, profile = job.candidate, job.champion, job.profile
    training, test = job.part("train"), job.part("test")
    fitted = {
        name: wide(baseline.fit(training[in_scope(training)]).probabilities(test))
        for name, baseline in intent_baselines(candidate.labels, profile.seed).items()
    }
    logits = candidate.logits(test)
    probabilities = wide(softmax(logits, candidate.temperature))
    report = intent_report(
        test,
        probabilities,
        candidate.labels,
        fitted,
        out_of_scope=energies(logits),
        threshold=float(candidate.calibration["oos_threshold"]),
        evaluation=profile.evaluation,
        cost=job.cost,
        training=candidate.training,
        facts=job.facts,
    )
    report = replace(report, labels=intent_label_quality(job.rows, profile.evaluation, profile.seed))
    inside = in_scope(test)
    scores = {CANDIDATE: intent_scores(test, probabilities, candidate.labels)[inside]}
    if champion is not None:
        scores[CHAMPION] = intent_scores(test, wide(champion.probabilities(test)), champion.labels)[inside]
    scores |= {name: intent_scores(test, shares, candidate.labels)[inside] for name, shares in fitted.items()}
    return Evaluation(report, table(test[inside], scores))
