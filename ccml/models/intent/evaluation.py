"""The intent classifier on its test rows, beside its champion and the simple baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ccml.models.evaluating import CANDIDATE, CHAMPION, Evaluation, part, table, wide
from ccml.models.intent.report import in_scope, intent_report, intent_scores

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
    from ccml.models.baselines import intent_baselines
    from ccml.models.intent.module import energies
    from ccml.models.logits import softmax

    training, test = part(rows, "train"), part(rows, "test")
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
        cost=cost,
        training=candidate.training,
        trials=trials,
        facts=facts,
    )
    inside = in_scope(test)
    scores = {CANDIDATE: intent_scores(test, probabilities, candidate.labels)[inside]}
    if champion is not None:
        scores[CHAMPION] = intent_scores(test, wide(champion.probabilities(test)), champion.labels)[inside]
    scores |= {name: intent_scores(test, shares, candidate.labels)[inside] for name, shares in fitted.items()}
    return Evaluation(report, table(test[inside], scores))
