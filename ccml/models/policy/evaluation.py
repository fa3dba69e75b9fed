"""The policy on its test episodes, beside its champion and simpler ways to act."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccml.models.evaluating import CANDIDATE, CHAMPION, Evaluation, table
from ccml.models.policy.report import PolicyEvaluator, policy_report

if TYPE_CHECKING:
    from ccml.models.job import EvaluationJob


def evaluate(job: EvaluationJob) -> Evaluation:
    evaluator = PolicyEvaluator.of(job.rows, job.candidate)
    report = policy_report(evaluator, job.candidate, evaluation=job.profile.evaluation, cost=job.cost, facts=job.facts)
    scores = {CANDIDATE: evaluator.scores(evaluator.served(job.candidate))}
    if job.champion is not None:
        scores[CHAMPION] = evaluator.scores(evaluator.served(job.champion))
    return Evaluation(report, table(evaluator.test, scores | evaluator.baselines()))
