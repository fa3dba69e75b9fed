"""How the assistant acts on a request: a small network from what is known before acting to one logit per action.

Only training code and the model loader import this module; the server runs the exported graph and then
`ccml.models.policy.acting`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch  # noqa: TID253  # defines an nn.Module; imported inside functions by everything else
from numpy.typing import NDArray
from torch import Tensor, nn  # noqa: TID253

from ccml.models.artifact import Candidate
from ccml.models.policy.acting import served_distribution
from ccml.models.policy.features import PolicyTransform
from ccml.telemetry.events import ACTIONS


class PolicyNetwork(nn.Module):  # type: ignore[misc]  # torch is Any here
    """Two hidden layers shared by the action logits and the value, the baseline of the policy gradient."""

    def __init__(self, features: int, hidden_units: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(features, hidden_units), nn.Tanh(), nn.Linear(hidden_units, hidden_units), nn.Tanh()
        )
        self.actor = nn.Linear(hidden_units, len(ACTIONS))
        self.critic = nn.Linear(hidden_units, 1)
        nn.init.zeros_(self.actor.weight)  # starts even: no action is preferred before any has been seen
        nn.init.zeros_(self.actor.bias)

    def forward(self, features: Tensor) -> Tensor:
        """(B, P) standardised → (B, A) logits; what is exported and served."""
        logits: Tensor = self.actor(self.body(features))  # (B, A)
        return logits

    def logits_and_value(self, features: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.body(features)  # (B, H)
        return self.actor(hidden), self.critic(hidden).squeeze(-1)  # (B, A), (B,)


def served_log_probabilities(logits: Tensor, allowed: Tensor, exploration: float) -> Tensor:
    """`ccml.models.policy.acting.served_distribution`, differentiable, as logarithms; a test holds the two together.

    Args:
        logits: (B, A).
        allowed: (B, A) bool; an action that is not allowed gets probability zero, logarithm −∞.
    """
    chosen = logits.masked_fill(~allowed, float("-inf")).softmax(dim=-1)  # (B, A)
    even = allowed / allowed.sum(dim=-1, keepdim=True)  # (B, A)
    served = (1.0 - exploration) * chosen + exploration * even  # (B, A)
    # The logarithm of zero would have no gradient: one such row would turn every weight into 'not a number'.
    return served.masked_fill(~allowed, 1.0).log().masked_fill(~allowed, float("-inf"))  # (B, A)


def build_module(candidate: Candidate) -> PolicyNetwork:
    network = PolicyNetwork(int(candidate.config["features"]), int(candidate.config["hidden_units"]))
    network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in candidate.tensors.items()})
    network.eval()
    return network


def raw_features(frame: Any) -> NDArray[np.float32]:
    """The `features` column of episodes → (N, F) raw, NaN where unknown."""
    return np.stack([np.asarray(row, np.float32) for row in frame["features"]])


def model_inputs(candidate: Candidate, frame: Any) -> dict[str, NDArray[Any]]:
    """Episodes → the graph's input, standardised as in training, (N, P)."""
    return {"features": PolicyTransform.from_json(candidate.transforms["policy"]).apply(raw_features(frame))}


def run_module(module: PolicyNetwork, inputs: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
    """(N, P) → (N, A) logits."""
    with torch.inference_mode():
        logits: NDArray[np.float32] = module(torch.from_numpy(inputs["features"])).numpy()
    return logits


def served_probabilities(candidate: Candidate, frame: Any) -> NDArray[np.float64]:
    """(N, A) the probabilities with which this candidate would act on these episodes, exploration and mask included."""
    risk = np.asarray(frame["risk"]).astype(str)
    return served_distribution(candidate.logits(frame), risk, float(candidate.config["exploration"]))
