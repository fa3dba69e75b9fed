"""The command predictor on its test rows, beside its champion and the simple baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ccml.models.command.report import command_report, command_scores, label_programs
from ccml.models.evaluating import CANDIDATE, CHAMPION, Evaluation, part, table, wide

if TYPE_CHECKING:
    import pandas as pd

    from ccml.evaluation.cost import Cost
    from ccml.evaluation.report import Trial
    from ccml.models.artifact import Candidate
    from ccml.profiles import Profile


def evaluate(
    rows: pd.DataFrame,
    candidate: Candidate,
    champion: Candidate | None,
    profile: Profile,
    *,
    cost: Cost | None,
    trials: Sequence[Trial],
    facts: Mapping[str, str | int | float],
) -> Evaluation:
    from ccml.models.baselines import command_baselines

    training, test = part(rows, "train"), part(rows, "test")
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
        cost=cost,
        training=candidate.training,
        validation=part(rows, "validation"),
        trials=trials,
        facts=facts,
    )
    scores = {CANDIDATE: command_scores(test, probabilities, candidate.labels, target)}
    if champion is not None:
        theirs = champion.transforms["target"]
        scores[CHAMPION] = command_scores(test, wide(champion.probabilities(test)), champion.labels, theirs)
    scores |= {name: command_scores(test, shares, candidate.labels, target) for name, shares in fitted.items()}
    return Evaluation(report, table(test, scores))
