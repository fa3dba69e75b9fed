"""What acting by the learnt policy would have earned on the test episodes, beside simpler ways to act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ccml.errors import NotEnoughDataError
from ccml.evaluation.cost import Cost
from ccml.evaluation.report import (
    MOST_EXAMPLES,
    ActionShare,
    Curve,
    Example,
    Metric,
    ModelReport,
    Panel,
    against_baselines,
    slices,
    user_groups,
)
from ccml.evaluation.spelling import percent
from ccml.evaluation.statistics import Clusters, Floats, Interval, clusters_of
from ccml.models.artifact import Candidate
from ccml.models.policy.acting import allowed_actions, explore
from ccml.models.policy.off_policy import (
    Logged,
    PolicyValue,
    RewardModel,
    constant_policy,
    doubly_robust_scores,
    policy_value,
    rule_policy,
)
from ccml.profiles import EvaluationSettings
from ccml.telemetry.events import ACTIONS

HEADLINE = "doubly robust reward"
LOGGING_POLICY = "logging policy"
CONVERGED = 0.95
"""Share of the way from the first to the best validation value at which learning counts as converged."""


@dataclass(frozen=True)
class PolicyEvaluator:
    """The test episodes, and expected rewards fitted on the training episodes; scores any policy on the same rows."""

    test: Any
    logged: Logged
    predicted: Floats  # (N, A)
    exploration: float

    @classmethod
    def of(cls, episodes: Any, candidate: Candidate) -> PolicyEvaluator:
        """
        Args:
            episodes: the whole data set `episodes`.
            candidate: its transform gives the reward model's features.

        Raises:
            NotEnoughDataError: fewer than two test episodes.
        """
        from ccml.models.policy.features import PolicyTransform
        from ccml.models.policy.training import as_logged

        training, test = episodes[episodes["split"] == "train"], episodes[episodes["split"] == "test"]
        if len(test) < 2:
            raise NotEnoughDataError(f"The policy cannot be evaluated: there are {len(test)} test episodes.")
        transform = PolicyTransform.from_json(candidate.transforms["policy"])
        logged = as_logged(test, transform)
        predicted = RewardModel.fit(as_logged(training, transform)).predict(logged.features)
        return cls(test, logged, predicted, float(candidate.config["exploration"]))

    def served(self, candidate: Candidate) -> Floats:
        """(N, A) of a candidate or champion, exactly as it is served."""
        from ccml.models.policy.module import served_probabilities

        return served_probabilities(candidate, self.test)

    def scores(self, probabilities: Floats) -> Floats:
        """(N,) doubly robust terms, whose mean is the policy's value: what the gate compares."""
        return doubly_robust_scores(probabilities, self.predicted, self.logged)

    def baselines(self) -> dict[str, Floats]:
        """(N,) scores of the logging policy, of always the same action, and of a rule on the command's risk.

        All but the logging policy, which is scored as it was, explore as the candidate does: a policy that is
        served must explore, or its log cannot show what another action earns.
        """
        risk = self.logged.risk
        allowed = allowed_actions(risk)
        policies = {f"always {name.replace('_', ' ')}": constant_policy(name, risk, allowed) for name in ACTIONS}
        policies["rule on risk"] = rule_policy(risk)
        explored = {name: explore(chosen, allowed, self.exploration) for name, chosen in policies.items()}
        return {LOGGING_POLICY: self.logged.reward, **{name: self.scores(own) for name, own in explored.items()}}


def policy_report(
    evaluator: PolicyEvaluator,
    candidate: Candidate,
    *,
    evaluation: EvaluationSettings,
    cost: Cost | None,
    facts: Mapping[str, str | int | float],
) -> ModelReport:
    clusters = clusters_of(evaluator.test, confidence=evaluation.confidence)
    served = evaluator.served(candidate)
    value = policy_value(served, evaluator.predicted, evaluator.logged, clusters)
    scores, baselines = evaluator.scores(served), evaluator.baselines()
    compared, best = against_baselines(scores, baselines, clusters)
    curve = candidate.training["learning_curve"]
    clip = float(candidate.training["hyper_parameters"]["importance_clip"])
    return ModelReport(
        model="policy",
        title="Policy",
        question="What average reward would acting by this policy have earned, exploration included?",
        headline=HEADLINE,
        headline_value=value.doubly_robust,
        headline_unit="reward",
        metrics=[
            *_values(value),
            *_support(evaluator, served, clip, clusters),
            *_learning_metrics(curve),
            *(cost.metrics(evaluation.confidence) if cost else ()),
        ],
        baselines=compared,
        best_baseline=best,
        slices=slices(evaluator.test, scores, baselines[best], _groups(evaluator.test), evaluation),
        learning=[
            _panel(curve, "improvement", "gain over the logging policy (validation)"),
            _panel(curve, "entropy", "entropy of the served actions"),
        ],
        actions=_shares(evaluator.logged, served, clusters),
        examples=_worst_turns(evaluator, served),
        examples_score="reward",
        facts={
            "test rows": len(evaluator.test),
            "independent units": str(clusters),
            "effective sample size": round(value.effective_sample_size, 1),
            "largest importance weight": round(value.largest_weight, 2),
            "exploration": float(candidate.config["exploration"]),
            **facts,
        },
    )


def _values(value: PolicyValue) -> list[Metric]:
    def reward(name: str, title: str, of: Interval, meaning: str) -> Metric:
        return Metric(name, title, of, "reward", True, meaning)

    return [
        reward("reward_dr", "Average reward, doubly robust", value.doubly_robust, "Reward model corrected by the log."),
        reward("improvement_dr", "Improvement, doubly robust", value.improvement, "Over the logging policy, paired."),
        reward("reward_snips", "Average reward, SNIPS", value.snips, "Self-normalised importance weighting."),
        reward("improvement_snips", "Improvement, SNIPS", value.improvement_snips, "Over the logging policy."),
        reward("reward_ips", "Average reward, IPS", value.ips, "Plain importance weighting; unbiased and noisy."),
    ]


def _support(evaluator: PolicyEvaluator, served: Floats, clip: float, clusters: Clusters) -> list[Metric]:
    weights = evaluator.logged.weights(served)
    columns = np.column_stack([weights, weights**2, np.ones(len(weights))])
    effective = clusters.statistic(columns, lambda sums: sums[..., 0] ** 2 / (sums[..., 1] * sums[..., 2]), share=True)
    clipped = clusters.mean((weights > clip).astype(np.float64))
    return [
        Metric(
            "effective_share", "Effective share of the log", effective, "share", None,
            "Effective sample size over rows: so many rows of its own would make it as certain.",
        ),
        Metric(
            "clipped_share", "Weights above the training clip", clipped, "share", None,
            f"Test rows whose importance weight exceeds {clip:g}; the estimates above do not clip.",
        ),
    ]  # fmt: skip


def _learning_metrics(curve: Sequence[Mapping[str, Any]]) -> list[Metric]:
    """Convergence and stability, as ranges over the restarts."""
    reached, spread, final = [], [], []
    for restart in sorted({point["restart"] for point in curve}):
        gains = np.array([point["improvement"] for point in curve if point["restart"] == restart])
        goal = gains[0] + CONVERGED * (gains.max() - gains[0])
        reached.append(float(np.argmax(gains >= goal) + 1))
        spread.append(float(gains[-max(2, len(gains) // 4) :].std()))
        final.append(float(gains[-1]))

    def over_restarts(name: str, title: str, values: list[float], unit: Any, better: bool, meaning: str) -> Metric:
        interval = Interval(float(np.median(values)), min(values), max(values))
        return Metric(name, title, interval, unit, better, f"{meaning} Range over {len(values)} restarts.")

    return [
        over_restarts("convergence", "Convergence", reached, "epochs", False, "Epochs to 95 % of the validation gain."),
        over_restarts(
            "stability", "Late spread", spread, "reward", False, "Deviation over the last quarter of epochs."
        ),
        over_restarts("final_gain", "Gain of each restart", final, "reward", True, "Validation, after the last epoch."),
    ]


def _panel(curve: Sequence[Mapping[str, Any]], field: str, label: str) -> Panel:
    curves = []
    for restart in sorted({point["restart"] for point in curve}):
        own = [point for point in curve if point["restart"] == restart]
        x, y = [float(point["epoch"] + 1) for point in own], [float(point[field]) for point in own]
        curves.append(Curve(f"restart {restart + 1}", x, y))
    return Panel(field.capitalize(), "epoch", label, curves)


def _shares(logged: Logged, served: Floats, clusters: Clusters) -> list[ActionShare]:
    """How often each action was taken, and how often the policy would have taken it."""
    ones = np.ones(len(logged))
    return [
        ActionShare(
            name,
            clusters.mean((logged.action == a).astype(np.float64)),
            clusters.ratio(served[:, a], ones),
        )
        for a, name in enumerate(ACTIONS)
    ]


def _worst_turns(evaluator: PolicyEvaluator, served: Floats) -> list[Example]:
    """Of the turns in which the log did what this policy prefers, those that earned least.

    Episodes hold no text; the interaction's id leads to it in the table `clean/interactions`.
    """
    logged, preferred = evaluator.logged, served.argmax(axis=1)
    followed = np.flatnonzero(logged.action == preferred)
    return [
        Example(
            text=str(evaluator.test["interaction_id"].iloc[row]),
            right=ACTIONS[int(evaluator.predicted[row].argmax())].replace("_", " "),
            predicted=f"{ACTIONS[int(preferred[row])].replace('_', ' ')} ({percent(served[row].max(), 0)})",
            score=float(logged.reward[row]),
            notes=f"command's risk: {logged.risk[row]}; the log took it with probability {logged.propensity[row]:.2f}",
        )
        for row in followed[np.argsort(logged.reward[followed], kind="stable")][:MOST_EXAMPLES]
    ]


def _groups(test: Any) -> dict[str, NDArray[Any]]:
    position = np.asarray(test["position"], np.int64)
    return {
        **user_groups(test),
        "risk of the command": np.asarray(test["risk"]).astype(str),
        "place in the session": np.select([position == 0, position <= 3], ["first", "2nd to 4th"], "later"),
        "logged by": np.asarray(test["policy_version"]).astype(str),
    }
