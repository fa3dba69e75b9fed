"""A contextual bandit whose truth is known, for the tests of learning and evaluating from logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ccml.models.policy.off_policy import Logged
from ccml.telemetry.events import ACTIONS

A = len(ACTIONS)
P = 4


@dataclass(frozen=True)
class Bandit:
    """Rewards depend linearly on features, except where `contextual` is false: then all actions are equally good."""

    contextual: bool = True
    session_spread: float = 0.08

    def expected_reward(self, features: Any) -> Any:
        """(N, P) → (N, A)"""
        if not self.contextual:
            return np.full((len(features), A), 0.55)
        effect = np.array([[0.2, 0.0, 0.0], [-0.1, 0.1, 0.0], [0.0, -0.15, 0.1], [0.05, 0.0, -0.1], [-0.2, 0.0, 0.05]])
        return np.clip(np.array([0.5, 0.55, 0.5, 0.45, 0.4]) + features[:, :3] @ effect.T, 0.05, 0.95)

    def logging(self, features: Any) -> Any:
        """(N, A) soft, with at least 0.05 on each action."""
        scores = 1.2 * features[:, :1] * np.linspace(-1, 1, A) + np.array([0.8, 0.6, 0.0, -0.3, -0.6])
        soft = np.exp(scores)
        return 0.75 * soft / soft.sum(axis=1, keepdims=True) + 0.25 / A

    def draw(self, rng: np.random.Generator, sessions: int) -> tuple[Logged, Any]:
        """Logged turns in sessions of about six whose rewards share a mood; also the session of each turn."""
        session = np.repeat(np.arange(sessions), rng.poisson(5, sessions) + 1)
        n = len(session)
        features = rng.normal(size=(n, P)).astype(np.float32)
        chances = self.logging(features)
        action = (chances.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
        mood = rng.normal(0, self.session_spread, sessions)[session]
        reward = self.expected_reward(features)[np.arange(n), action] + mood + rng.normal(0, 0.15, n)
        propensity = chances[np.arange(n), action]
        return Logged(features, action, propensity, reward, np.full(n, "safe")), session

    def value(self, policy: Any, rows: int = 400_000) -> float:
        """True mean reward of `policy`, a function (N, P) → (N, A)."""
        features = np.random.default_rng(99).normal(size=(rows, P)).astype(np.float32)
        return float((policy(features) * self.expected_reward(features)).sum(axis=1).mean())


def episodes(bandit: Bandit, seed: int, sessions: dict[str, int]) -> Any:
    """The episodes data set that the bandit's turns would make; `sessions` counts them by split."""
    import pandas as pd

    from ccml.models.policy.features import POLICY_FIELDS

    rng = np.random.default_rng(seed)
    parts = []
    for split, count in sessions.items():
        logged, session = bandit.draw(rng, count)
        features = np.full((len(logged), len(POLICY_FIELDS)), np.nan, np.float32)
        features[:, :P] = logged.features
        parts.append(
            pd.DataFrame(
                {
                    "interaction_id": [f"i-{split}-{n}" for n in range(len(logged))],
                    "session_id": [f"s-{split}-{number}" for number in session],
                    "user_id": [f"u-{number % 40}" for number in session],
                    "split": split,
                    "unseen_user": session % 40 < 4,
                    "position": pd.Series(session).groupby(session).cumcount(),
                    "features": list(features),
                    "action": [ACTIONS[a] for a in logged.action],
                    "action_index": logged.action,
                    "propensity": logged.propensity,
                    "reward": logged.reward,
                    "policy_version": "logging-1",
                    "risk": logged.risk,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
