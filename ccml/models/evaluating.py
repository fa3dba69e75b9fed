"""Evaluates a candidate on the test rows: the report that people read, and the per-row scores that the gate compares.

Each model has one function, all of one shape: data set and candidate in, `Evaluation` out. Simple baselines are fitted
here, on the training rows alone, so that no report can be made without them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ccml.evaluation.cost import Cost, measure
from ccml.evaluation.report import ModelReport, Trial
from ccml.evaluation.statistics import Floats
from ccml.models.command.report import command_report, command_scores, label_programs
from ccml.models.intent.report import in_scope, intent_report, intent_scores
from ccml.models.policy.report import PolicyEvaluator, policy_report

if TYPE_CHECKING:
    import pandas as pd

    from ccml.models.artifact import Candidate
    from ccml.profiles import Profile

CANDIDATE: Final = "candidate"
CHAMPION: Final = "champion"
IDENTITY: Final = ("interaction_id", "session_id", "user_id")
CHAMPION_VERSION: Final = "champion_version"

SCORE: Final = {
    "command_predictor": "top-1 accuracy",
    "intent_classifier": "accuracy",
    "policy": "doubly robust reward",
}
"""What the rows of each model are scored by: the headline is its mean."""


@dataclass(frozen=True)
class Evaluation:
    report: ModelReport
    scores: pd.DataFrame
    """`IDENTITY`, `candidate`, `champion` where there is one, and a column for each baseline; one row a test row."""


def evaluate_commands(
    sequences: pd.DataFrame,
    candidate: Candidate,
    champion: Candidate | None,
    profile: Profile,
    *,
    trials: Sequence[Trial],
    facts: Mapping[str, str | int | float],
) -> Evaluation:
    from ccml.models.baselines import command_baselines

    training, test = _part(sequences, "train"), _part(sequences, "test")
    target = profile.command.target
    fitted = {
        name: _wide(baseline.fit(training).probabilities(test))
        for name, baseline in command_baselines(candidate.labels, target, profile.seed).items()
    }
    probabilities = _wide(candidate.probabilities(test))
    report = command_report(
        test,
        probabilities,
        candidate.labels,
        fitted,
        target=target,
        programs=label_programs(training, candidate.labels, target),
        evaluation=profile.evaluation,
        cost=_cost(candidate, test),
        training=candidate.training,
        validation_rows=int((sequences["split"] == "validation").sum()),
        trials=trials,
        facts=facts,
    )
    scores = {CANDIDATE: command_scores(test, probabilities, candidate.labels, target)}
    if champion is not None:
        theirs = champion.transforms["target"]
        scores[CHAMPION] = command_scores(test, _wide(champion.probabilities(test)), champion.labels, theirs)
    scores |= {name: command_scores(test, shares, candidate.labels, target) for name, shares in fitted.items()}
    return Evaluation(report, _table(test, scores))


def evaluate_intents(
    requests: pd.DataFrame,
    candidate: Candidate,
    champion: Candidate | None,
    profile: Profile,
    *,
    trials: Sequence[Trial],
    facts: Mapping[str, str | int | float],
) -> Evaluation:
    from ccml.models.artifact import softmax
    from ccml.models.baselines import intent_baselines
    from ccml.models.intent.module import energies

    training, test = _part(requests, "train"), _part(requests, "test")
    fitted = {
        name: _wide(baseline.fit(training[in_scope(training)]).probabilities(test))
        for name, baseline in intent_baselines(candidate.labels, profile.seed).items()
    }
    logits = candidate.logits(test)
    probabilities = _wide(softmax(logits, candidate.temperature))
    report = intent_report(
        test,
        probabilities,
        candidate.labels,
        fitted,
        out_of_scope=energies(logits),
        threshold=float(candidate.calibration["oos_threshold"]),
        evaluation=profile.evaluation,
        cost=_cost(candidate, test),
        training=candidate.training,
        trials=trials,
        facts=facts,
    )
    inside = in_scope(test)
    scores = {CANDIDATE: intent_scores(test, probabilities, candidate.labels)[inside]}
    if champion is not None:
        scores[CHAMPION] = intent_scores(test, _wide(champion.probabilities(test)), champion.labels)[inside]
    scores |= {name: intent_scores(test, shares, candidate.labels)[inside] for name, shares in fitted.items()}
    return Evaluation(report, _table(test[inside], scores))


def evaluate_policy(
    episodes: pd.DataFrame,
    candidate: Candidate,
    champion: Candidate | None,
    profile: Profile,
    *,
    trials: Sequence[Trial],
    facts: Mapping[str, str | int | float],
) -> Evaluation:
    judge = PolicyEvaluator.of(episodes, candidate)
    report = policy_report(judge, candidate, evaluation=profile.evaluation, facts=facts)
    scores = {CANDIDATE: judge.scores(judge.served(candidate))}
    if champion is not None:
        scores[CHAMPION] = judge.scores(judge.served(champion))
    return Evaluation(report, _table(judge.test, scores | judge.baselines()))


EVALUATIONS: Final[dict[str, Callable[..., Evaluation]]] = {
    "command_predictor": evaluate_commands,
    "intent_classifier": evaluate_intents,
    "policy": evaluate_policy,
}


def baseline_columns(scores: pd.DataFrame) -> list[str]:
    return [name for name in scores.columns if name not in (*IDENTITY, CANDIDATE, CHAMPION, CHAMPION_VERSION)]


def _part(rows: pd.DataFrame, split: str) -> pd.DataFrame:
    return rows[rows["split"] == split].reset_index(drop=True)


def _wide(probabilities: Any) -> Floats:
    """In double precision, in which scores and intervals are computed."""
    return np.asarray(probabilities, np.float64)


def _cost(candidate: Candidate, test: pd.DataFrame) -> Cost:
    return measure(lambda i: candidate.probabilities(test.iloc[[i % len(test)]]))


def _table(rows: pd.DataFrame, scores: dict[str, Floats]) -> pd.DataFrame:
    columns = {name: np.asarray(values, np.float64) for name, values in scores.items()}
    identity: Any = rows[list(IDENTITY)].reset_index(drop=True)
    return identity.assign(**columns)
