"""Learning how to act from logged episodes, without ever trying an action on a user.

The network first imitates the logging policy, so that learning starts where the log speaks, and then climbs the clipped
importance-weighted policy gradient min(w, c) · (r − V(x)) · ∇ log π(a|x) (Degris, White and Sutton 2012) with a learned
value baseline V and an entropy bonus. After each epoch the policy is evaluated on validation episodes, exactly as it
would be served; the epoch with the highest lower bound of its doubly robust improvement over the logging policy is
kept. Where nothing can be improved that is one close to the logging policy.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from msgspec import Struct, to_builtins
from numpy.typing import NDArray

from ccml.errors import CcmlError, NotEnoughDataError
from ccml.evaluation.statistics import Clusters, clusters_of
from ccml.models.artifact import Candidate
from ccml.models.job import TrainingJob
from ccml.models.policy.acting import allowed_actions, served_distribution
from ccml.models.policy.features import PolicyTransform
from ccml.models.policy.off_policy import Logged, RewardModel, doubly_robust_scores, effective_sample_size
from ccml.profiles import PolicySettings
from ccml.telemetry.events import ACTIONS
from ccml.threads import on_one_thread

RESTARTS = 3
"""Trainings from different seeds. Their spread is the stability the report states; the best on validation is kept."""

FEWEST_ROWS = 200
"""Training episodes, and a quarter as many for validation; with fewer, every lower bound lies below zero."""

FEWEST_STEPS = 16
"""Steps an epoch has at least: a short log is cut into smaller batches, or the network would hardly move."""

ENTROPY_BONUS = 0.02
"""In units of one standard deviation of the advantage. Without it the policy turns deterministic on noise."""

WEIGHT_DECAY = 1e-2


class Epoch(Struct, frozen=True):
    """One point of the learning curve; every value is measured on the validation episodes."""

    restart: int
    epoch: int
    phase: str
    """`imitation` of the logging policy, then `improvement` by policy gradient."""
    snips: float
    doubly_robust: float
    improvement: float
    improvement_low: float
    """One-sided 95 % lower bound of the improvement over the logging policy; users, else sessions, are independent."""
    entropy: float
    effective_sample_size: float
    clipped_share: float
    """Share of training rows whose importance weight was cut at the clip."""


def train(job: TrainingJob) -> Candidate:
    return train_policy(
        job.rows,
        job.profile.policy,
        seed=job.profile.seed,
        data_hash=job.facts["data_hash"],
        code_version=job.facts["code_version"],
        report=lambda epoch: _report_restart(job, epoch),
    )


def _report_restart(job: TrainingJob, epoch: Epoch) -> None:
    """One line a restart: its epochs take a tenth of a second each, and MLflow has them all as curves."""
    if epoch.epoch == job.profile.policy.epochs - 1:
        job.report(
            {
                "restart": f"{epoch.restart + 1} of {RESTARTS}",
                "epochs": epoch.epoch + 1,
                "gain over the logging policy": epoch.improvement,
                "at least": epoch.improvement_low,
            }
        )


def train_policy(
    episodes: Any,
    settings: PolicySettings,
    *,
    seed: int,
    data_hash: str,
    code_version: str,
    report: Callable[[Epoch], None] = lambda _: None,
) -> Candidate:
    """Trains on the `train` episodes and chooses on the `validation` and `calibration` ones; `test` is not looked at.

    Raises:
        NotEnoughDataError: too few episodes, or a log that never varied its action.
    """
    split = np.asarray(episodes["split"]).astype(str)
    training = episodes[split == "train"]
    held_out = episodes[np.isin(split, ("validation", "calibration"))]
    _require_enough(training, held_out)

    from ccml.models.policy.module import raw_features

    transform = PolicyTransform.fit(raw_features(training))
    train, validation = as_logged(training, transform), as_logged(held_out, transform)
    reward_model = RewardModel.fit(train)
    validator = _Validation(validation, _clusters(held_out), reward_model, settings.exploration)

    started = time.perf_counter()
    curve: list[Epoch] = []
    best: tuple[Epoch, dict[str, NDArray[np.float32]]] | None = None
    with on_one_thread():
        for restart in range(RESTARTS):
            for epoch, tensors in _one_training(train, validator, settings, restart, seed * RESTARTS + restart):
                report(epoch)
                curve.append(epoch)
                if best is None or epoch.improvement_low > best[0].improvement_low:
                    best = epoch, tensors
    assert best is not None  # every restart yields at least one epoch
    kept, tensors = best

    return Candidate(
        config={
            "model": "policy",
            "features": transform.width,
            "hidden_units": settings.hidden_units,
            "exploration": settings.exploration,
        },
        tensors=tensors,
        tokenizer_json=None,
        labels=list(ACTIONS),
        transforms={"policy": transform.to_json()},
        calibration={"temperature": 1.0},
        defaults={"frequencies": _frequencies(train)},
        metrics={"validation": to_builtins(kept)},
        training={
            "data_hash": data_hash,
            "code_version": code_version,
            "seed": seed,
            "hyper_parameters": {**asdict(settings), "restarts": RESTARTS, "entropy_bonus": ENTROPY_BONUS},
            "rows": {"train": len(train), "validation": len(validation)},
            "seconds": round(time.perf_counter() - started, 2),
            "learning_curve": to_builtins(curve),
        },
    )


def as_logged(episodes: Any, transform: PolicyTransform) -> Logged:
    """Episodes → arrays, features standardised."""
    from ccml.models.policy.module import raw_features

    return Logged(
        features=transform.apply(raw_features(episodes)),
        action=np.asarray(episodes["action_index"], np.int64),
        propensity=np.asarray(episodes["propensity"], np.float64),
        reward=np.asarray(episodes["reward"], np.float64),
        risk=np.asarray(episodes["risk"]).astype(str),
    )


def _one_training(train: Logged, validator: _Validation, settings: PolicySettings, restart: int, seed: int) -> Any:
    """Yields (epoch, weights after it) for each epoch of one restart."""
    import torch

    from ccml.models.policy.module import PolicyNetwork, served_log_probabilities

    with torch.random.fork_rng(devices=[]):  # layers draw from the process's generator, which others use too
        torch.manual_seed(seed)
        network = PolicyNetwork(train.features.shape[1], settings.hidden_units)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=WEIGHT_DECAY, fused=True
    )
    features = torch.from_numpy(train.features)  # (N, P)
    allowed = torch.from_numpy(allowed_actions(train.risk))  # (N, A)
    action = torch.from_numpy(train.action)  # (N,)
    propensity = torch.from_numpy(train.propensity.astype(np.float32))  # (N,)
    reward = torch.from_numpy(train.reward.astype(np.float32))  # (N,)
    # A logged action that the served policy may not take carries weight zero: it cannot be imitated.
    usable = torch.from_numpy(np.flatnonzero(allowed_actions(train.risk)[np.arange(len(train)), train.action]))
    shuffle = torch.Generator().manual_seed(seed)
    imitation = max(2, settings.epochs // 8)
    batch_size = min(settings.batch_size, max(32, len(usable) // FEWEST_STEPS))

    for number in range(settings.epochs):
        imitating = number < imitation
        order = usable[torch.randperm(len(usable), generator=shuffle)]
        clipped = 0
        for batch in order.split(batch_size):
            logits, value = network.logits_and_value(features[batch])  # (B, A), (B,)
            log_served = served_log_probabilities(logits, allowed[batch], settings.exploration)  # (B, A)
            log_taken = log_served.gather(1, action[batch, None]).squeeze(1)  # (B,)
            weight = (log_taken.exp() / propensity[batch]).detach()  # (B,)
            clipped += int((weight > settings.importance_clip).sum())
            weight = weight.clamp(max=settings.importance_clip)
            advantage = (reward[batch] - value).detach()  # (B,)
            if imitating:
                objective = log_taken.mean()
            else:
                gain = weight * advantage / advantage.std(correction=0).clamp(min=1e-3) * log_taken  # (B,)
                likely = log_served.masked_fill(~allowed[batch], 0.0)  # 0 · −∞ is not a number
                entropy = -(log_served.exp() * likely).sum(dim=1)  # (B,)
                objective = gain.mean() + ENTROPY_BONUS * entropy.mean()
            value_error = (weight * (value - reward[batch]) ** 2).mean()
            optimizer.zero_grad()
            (value_error - objective).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
        if not torch.isfinite(value_error - objective):
            raise CcmlError(f"Policy training diverged in epoch {number + 1}; lower the learning rate.")
        with torch.inference_mode():
            logits = network(torch.from_numpy(validator.episodes.features)).numpy()
        tensors = {name: tensor.numpy().copy() for name, tensor in network.state_dict().items()}
        phase = "imitation" if imitating else "improvement"
        yield validator.evaluate(logits, restart, number, phase, clipped / len(train)), tensors


class _Validation:
    """The validation episodes and what does not change between epochs."""

    def __init__(self, episodes: Logged, clusters: Clusters, reward_model: RewardModel, exploration: float) -> None:
        self.episodes = episodes
        self.clusters = clusters
        self.predicted = reward_model.predict(episodes.features)
        self.exploration = exploration

    def evaluate(self, logits: NDArray[np.float32], restart: int, number: int, phase: str, clipped: float) -> Epoch:
        served = served_distribution(logits, self.episodes.risk, self.exploration)
        weights = self.episodes.weights(served)
        scores = doubly_robust_scores(served, self.predicted, self.episodes)
        improvement = self.clusters.difference(scores, self.episodes.reward)
        assert improvement.low is not None  # `_clusters` refuses too few of them
        with np.errstate(divide="ignore", invalid="ignore"):
            entropy = -np.nansum(served * np.log(served), axis=1).mean()
        return Epoch(
            restart=restart,
            epoch=number,
            phase=phase,
            snips=float(weights @ self.episodes.reward / weights.sum()),
            doubly_robust=float(scores.mean()),
            improvement=improvement.estimate,
            improvement_low=improvement.low,
            entropy=float(entropy),
            effective_sample_size=effective_sample_size(weights),
            clipped_share=clipped,
        )


def _clusters(held_out: Any) -> Clusters:
    """The lower end of a two-sided 90 % interval is the one-sided 95 % bound.

    Raises:
        NotEnoughDataError: too few users and sessions for a bound, so no epoch could be chosen.
    """
    clusters = clusters_of(held_out, confidence=0.9)
    if clusters.lacking:
        raise NotEnoughDataError(f"A policy is chosen on validation episodes; they come from {clusters.lacking}.")
    return clusters


def _require_enough(training: Any, held_out: Any) -> None:
    if len(training) < FEWEST_ROWS or len(held_out) < FEWEST_ROWS // 4:
        raise NotEnoughDataError(
            f"A policy needs at least {FEWEST_ROWS} training and {FEWEST_ROWS // 4} validation episodes with an action "
            f"and its propensity; there are {len(training)} and {len(held_out)}."
        )
    if training["action_index"].nunique() < 2:
        raise NotEnoughDataError(
            f"The log only ever took the action {training['action'].iloc[0]!r}, so there is nothing to learn from."
        )


def _frequencies(train: Logged) -> dict[str, float]:
    """Share of each logged action: what is served where no policy can be."""
    counts = np.bincount(train.action, minlength=len(ACTIONS)) / len(train)
    return {name: float(share) for name, share in zip(ACTIONS, counts, strict=True)}
