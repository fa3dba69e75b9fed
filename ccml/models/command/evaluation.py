"""The command predictor on its test rows, beside its champion and the simple baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccml.models.command.report import command_report, command_scores, label_programs
from ccml.models.evaluating import CANDIDATE, CHAMPION, Evaluation, table, wide

if TYPE_CHECKING:
    from ccml.models.job import EvaluationJob


def evaluate(job: EvaluationJob) -> Evaluation:
    from ccml.models.baselines import command_baselines

    candidate, champion, profile = job.candidate, job.champion, job.profile
    training, test = job.part("train"), job.part("test")
    target = profile.command.target
    fitted = {
        name: wide(baseline.fit(training).probabilities(test))
        for name, baseline in command_baselines(candidate.labels, target, profile.seed).items()
    }
    probabilities = wide(candidate.probabilities(test))
    report = command_report(
        test,
        probabilities,
        candidate.labels,
        fitted,
        target=target,
        programs=label_programs(training, candidate.labels, target),
        evaluation=profile.evaluation,
        cost=job.cost,
        training=candidate.training,
        validation=job.part("validation"),
        trials=job.trials,
        facts=job.facts,
    )
    scores = {CANDIDATE: command_scores(test, probabilities, candidate.labels, target)}
    if champion is not None:
        theirs = champion.transforms["target"]
        scores[CHAMPION] = command_scores(test, wide(champion.probabilities(test)), champion.labels, theirs)
    scores |= {name: command_scores(test, shares, candidate.labels, target) for name, shares in fitted.items()}
    return Evaluation(report, table(test, scores))
