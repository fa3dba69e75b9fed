"""The policy on its test episodes, beside its champion and simpler ways to act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ccml.models.evaluating import CANDIDATE, CHAMPION, Evaluation, table
from ccml.models.policy.report import PolicyEvaluator, policy_report

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
    evaluator = PolicyEvaluator.of(rows, candidate)
    report = policy_report(evaluator, candidate, evaluation=profile.evaluation, cost=cost, facts=facts)
    scores = {CANDIDATE: evaluator.scores(evaluator.served(candidate))}
    if champion is not None:
        scores[CHAMPION] = evaluator.scores(evaluator.served(champion))
    return Evaluation(report, table(evaluator.test, scores | evaluator.baselines()))
