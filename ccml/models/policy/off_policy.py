"""What would have been earned under another policy, estimated from logged choices and their propensities.

Inverse propensity scoring (Horvitz and Thompson 1952), its self-normalised form (Swaminathan and Joachims 2015), and
the doubly robust estimator (Dudík, Langford and Li 2011). Weights are never clipped here: clipping buys variance with a
bias that no interval shows. The effective sample size says how much of the log speaks about the policy at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from ccml.errors import NotEnoughDataError
from ccml.evaluation.statistics import Clusters, Floats, Interval
from ccml.models.policy.acting import EXECUTE
from ccml.telemetry.events import ACTIONS


@dataclass(frozen=True)
class Logged:
    """Logged turns, one a row: what was seen, done, with which probability, and what came of it."""

    features: NDArray[np.float32]  # (N, P) standardised
    action: NDArray[np.int64]  # (N,) index into ACTIONS
    propensity: Floats  # (N,) in (0, 1]
    reward: Floats  # (N,) in [0, 1]
    risk: NDArray[Any]  # (N,) str

    def __len__(self) -> int:
        return len(self.action)

    def weights(self, probabilities: Floats) -> Floats:
        """Importance weights (N,) of a policy with these (N, A) action probabilities."""
        return probabilities[np.arange(len(self)), self.action] / self.propensity


@dataclass(frozen=True)
class RewardModel:
    """Expected reward of each action, ridge regression per action.

    Only the variance of the doubly robust estimate depends on how good it is, not its bias: propensities are known.
    """

    coefficients: Floats  # (A, P + 1)

    @classmethod
    def fit(cls, logged: Logged, ridge: float = 10.0) -> RewardModel:
        """Fitted on other rows than it predicts; an action that was never seen is predicted at the mean reward."""
        design = _with_intercept(logged.features)  # (N, P + 1)
        mean = logged.reward.mean()
        coefficients = np.zeros((len(ACTIONS), design.shape[1]))
        penalty = ridge * np.eye(design.shape[1])
        penalty[-1, -1] = 1e-6  # the intercept is not shrunk
        for action in range(len(ACTIONS)):
            rows = design[logged.action == action]
            centred = logged.reward[logged.action == action] - mean
            if len(rows):
                coefficients[action] = np.linalg.solve(rows.T @ rows + penalty, rows.T @ centred)
            coefficients[action, -1] += mean
        return cls(coefficients)

    def predict(self, features: NDArray[np.float32]) -> Floats:
        """(N, P) → (N, A), within the range a reward can have."""
        predicted: Floats = np.clip(_with_intercept(features) @ self.coefficients.T, 0.0, 1.0)
        return predicted


class PolicyValue(Struct, frozen=True):
    """A policy's average reward, in reward units, and its difference from what the logging policy earned."""

    ips: Interval
    snips: Interval
    doubly_robust: Interval
    improvement_snips: Interval
    improvement: Interval
    """Doubly robust value − logged reward, paired by row."""
    effective_sample_size: float
    largest_weight: float


def doubly_robust_scores(probabilities: Floats, predicted: Floats, logged: Logged) -> Floats:
    """(N,) one score a row, whose mean is the doubly robust value: Σₐ π(a) q(a) + w (r − q(logged action))."""
    weights = logged.weights(probabilities)
    expected = (probabilities * predicted).sum(axis=1)
    scores: Floats = expected + weights * (logged.reward - predicted[np.arange(len(logged)), logged.action])
    return scores


def effective_sample_size(weights: Floats) -> float:
    """(Σw)² / Σw² (Kish 1965): how many rows drawn from the policy itself would say as much."""
    squares = float(weights @ weights)
    return float(weights.sum()) ** 2 / squares if squares > 0.0 else 0.0


def policy_value(probabilities: Floats, predicted: Floats, logged: Logged, clusters: Clusters) -> PolicyValue:
    """Every estimate of one policy's value on the same rows.

    Args:
        probabilities: (N, A) of the policy exactly as it would be served.
        predicted: (N, A) expected rewards from a `RewardModel` fitted on other rows.

    Raises:
        NotEnoughDataError: the log holds no action that this policy would take.
    """
    weights = logged.weights(probabilities)
    if not weights.any():
        raise NotEnoughDataError("The log holds no action that this policy would take, so it cannot be evaluated.")
    ones = np.ones(len(logged))
    scores = doubly_robust_scores(probabilities, predicted, logged)
    columns = np.column_stack([weights * logged.reward, weights, logged.reward, ones])
    return PolicyValue(
        ips=clusters.ratio(weights * logged.reward, ones),
        snips=clusters.ratio(weights * logged.reward, weights),
        doubly_robust=clusters.ratio(scores, ones),
        improvement_snips=clusters.statistic(columns, _snips_minus_logged, share=False),
        improvement=clusters.difference(scores, logged.reward),
        effective_sample_size=effective_sample_size(weights),
        largest_weight=float(weights.max()),
    )


def constant_policy(action: str, risk: NDArray[Any], allowed: NDArray[np.bool_]) -> Floats:
    """(N, A) always `action`; where it is not allowed, 'confirm'."""
    probabilities = np.zeros((len(risk), len(ACTIONS)))
    wanted = np.full(len(risk), ACTIONS.index(action))
    wanted[~allowed[np.arange(len(risk)), wanted]] = ACTIONS.index("confirm")
    probabilities[np.arange(len(risk)), wanted] = 1.0
    return probabilities


def rule_policy(risk: NDArray[Any]) -> Floats:
    """(N, A) the rule a careful person would write down: execute what is safe, ask before everything else."""
    probabilities = np.zeros((len(risk), len(ACTIONS)))
    safe = np.asarray(risk) == "safe"
    probabilities[safe, EXECUTE] = 1.0
    probabilities[~safe, ACTIONS.index("confirm")] = 1.0
    return probabilities


def _snips_minus_logged(sums: Floats) -> Floats:
    weighted, weight, reward, rows = (sums[..., m] for m in range(4))
    with np.errstate(divide="ignore", invalid="ignore"):
        difference: Floats = weighted / weight - reward / rows
    return difference


def _with_intercept(features: NDArray[np.float32]) -> Floats:
    return np.concatenate([features.astype(np.float64), np.ones((len(features), 1))], axis=1)
