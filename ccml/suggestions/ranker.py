"""Ranks candidates by the evidence on them: a small network that gives each a score, fitted so that the one that came
next is the likeliest of its row (listwise softmax, Cao et al. 2007)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ccml.profiles import RankerSettings
from ccml.suggestions.candidates import Candidates, gather
from ccml.suggestions.evidence import Matrix, evidence
from ccml.suggestions.memory import Knowledge, Running
from ccml.suggestions.turns import Session, Turn, Unit, blocks_of

if TYPE_CHECKING:
    import torch

LEAST_OTHER: Final = 0.1
"""Weight of what is no candidate, where the plain counts leave less for it."""

Layers = list[tuple[NDArray[np.float32], NDArray[np.float32]]]


@dataclass(frozen=True)
class Network:
    mean: NDArray[np.float32]  # (F,)
    scale: NDArray[np.float32]  # (F,)
    layers: Layers
    """Weights (out, in) and biases: two hidden layers, the score of the last one, and the linear part."""

    def scores(self, rows: Matrix) -> NDArray[np.float64]:
        """(C, F) → (C,)"""
        x = (rows - self.mean) / self.scale
        (w1, b1), (w2, b2), (w3, b3), (linear, bias) = self.layers
        hidden = np.maximum(np.maximum(x @ w1.T + b1, 0.0) @ w2.T + b2, 0.0)
        scores: NDArray[np.float64] = (hidden @ w3.T + b3 + x @ linear.T + bias)[:, 0].astype(np.float64)
        return scores


@dataclass(frozen=True)
class Ranked:
    tokens: list[str]
    probabilities: NDArray[np.float64]  # (C,)
    other: float
    """That it is none of them."""


@dataclass(frozen=True)
class Ranker:
    unit: Unit
    knowledge: Knowledge
    networks: Sequence[Network]
    """Without any the plain counts rank."""
    settings: RankerSettings

    @classmethod
    def fit(cls, sessions: Sequence[Session], unit: Unit, settings: RankerSettings, seed: int) -> Ranker:
        rows = training_rows(sessions, unit, settings)
        count = settings.networks if len(rows) >= settings.minimum_rows else 0
        networks = [fit_network(rows, settings, seed + number) for number in range(count)]
        return cls(unit, Knowledge(sessions), networks, settings)

    def rank(self, running: Running, turn: Turn, user: str) -> Ranked:
        """The candidates with the probability of each, the likeliest first."""
        candidates = gather(self.unit, running, user, self.settings.candidates)
        if not self.networks or not candidates.tokens:
            known = candidates.prior / max(candidates.prior.sum(), 1.0)
            return Ranked(candidates.tokens, known, 1.0 - float(known.sum()))
        rows = evidence(self.unit, candidates, running, turn)
        scores = np.mean([network.scores(rows) for network in self.networks], axis=0)  # (C + 1,)
        likely = np.exp(scores - scores.max())
        by_counts = np.append(candidates.prior, max(1.0 - candidates.prior.sum(), LEAST_OTHER))
        share = self.settings.counts_share
        likely = (1.0 - share) * likely / likely.sum() + share * by_counts / by_counts.sum()
        order = np.argsort(-likely[:-1], kind="stable")
        return Ranked([candidates.tokens[at] for at in order], likely[order], float(likely[-1]))


Row = tuple[Matrix, int]
"""Evidence (C + 1, F) and the place of what came next; the last place where it was no candidate."""


def training_rows(sessions: Sequence[Session], unit: Unit, settings: RankerSettings) -> list[Row]:
    """A row for each of the latest turns, each with counts that do not hold its own block of time."""
    blocks = blocks_of(sessions, settings.blocks)
    if len(blocks) < 2:
        return []
    rows: list[Row] = []
    for at in range(len(blocks) - 1, -1, -1):
        farthest = 0 if at >= len(blocks) / 2 else len(blocks) - 1
        everything = Knowledge(session for place, block in enumerate(blocks) if place != at for session in block)
        little = Knowledge(blocks[farthest])
        for number, session in enumerate(reversed(blocks[at])):
            if len(rows) >= settings.maximum_rows:
                return rows
            running = Running(little if number % settings.unfamiliar_every == 0 else everything)
            for turn in session.turns:
                candidates = gather(unit, running, session.user, settings.candidates)
                rows.append((evidence(unit, candidates, running, turn), _place(candidates, turn, unit)))
                running.take(turn)
    return rows


def _place(candidates: Candidates, turn: Turn, unit: Unit) -> int:
    token = turn.words.unit(unit)
    return candidates.tokens.index(token) if token in candidates.tokens else len(candidates.tokens)


def fit_network(rows: Sequence[Row], settings: RankerSettings, seed: int) -> Network:
    """Adam on the listwise loss over batches of rows, its rate raised and lowered once (Smith 2018)."""
    import torch
    from torch import nn

    generator = np.random.default_rng(seed)
    torch.manual_seed(seed)
    sizes = np.array([len(matrix) for matrix, _ in rows])  # (N,)
    begins = np.cumsum(sizes) - sizes  # (N,)
    right = np.array([place for _, place in rows])  # (N,)
    stacked = np.concatenate([matrix for matrix, _ in rows])  # (sum of C + 1, F)
    mean, scale = stacked.mean(axis=0), stacked.std(axis=0) + 1e-6
    inputs = torch.from_numpy((stacked - mean) / scale)
    width, units = stacked.shape[1], settings.hidden_units
    deep = nn.Sequential(
        nn.Linear(width, units), nn.ReLU(), nn.Dropout(settings.dropout),
        nn.Linear(units, units), nn.ReLU(), nn.Dropout(settings.dropout),
        nn.Linear(units, 1),
    )  # fmt: skip
    linear = nn.Linear(width, 1)
    network = nn.ModuleList([deep, linear])
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=1e-2)
    steps = settings.epochs * -(-len(rows) // settings.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.learning_rate, total_steps=steps)
    for _ in range(settings.epochs):
        order = generator.permutation(len(rows))
        for start in range(0, len(order), settings.batch_size):
            batch = order[start : start + settings.batch_size]
            places = np.concatenate([np.arange(begins[row], begins[row] + sizes[row]) for row in batch])
            row_of = torch.from_numpy(np.repeat(np.arange(len(batch)), sizes[batch]))
            chosen = inputs[torch.from_numpy(places)]  # (sum of C + 1, F)
            scores = (deep(chosen) + linear(chosen)).squeeze(1)  # (sum of C + 1,)
            right_at = torch.from_numpy(np.cumsum(sizes[batch]) - sizes[batch] + right[batch])  # (B,)
            loss = (_log_sums(scores, row_of, len(batch)) - scores[right_at]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    layers = [
        (layer.weight.detach().numpy().copy(), layer.bias.detach().numpy().copy())
        for layer in (deep[0], deep[3], deep[6], linear)
    ]
    return Network(mean, scale, layers)


def _log_sums(scores: torch.Tensor, row_of: torch.Tensor, count: int) -> torch.Tensor:
    """(sum,) scores and the row of each → (count,) logarithm of each row's sum of exponentials."""
    import torch

    highest = torch.full((count,), -1e9).scatter_reduce(0, row_of, scores.detach(), "amax")
    sums = torch.zeros(count).index_add(0, row_of, torch.exp(scores - highest[row_of]))
    return highest + torch.log(sums)
