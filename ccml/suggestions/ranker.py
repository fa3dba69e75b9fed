"""Ranks candidates by the evidence on them: a small network that gives each a score, fitted so that the one that came
next is the likeliest of its row (listwise softmax, Cao et al. 2007)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ccml.suggestions.candidates import Candidates, gather
from ccml.suggestions.evidence import Matrix, evidence
from ccml.suggestions.memory import Knowledge, Running
from ccml.suggestions.turns import Session, Turn, Unit, blocks_of

if TYPE_CHECKING:
    import torch

BLOCKS: Final = 6
"""The training sessions are cut into so many blocks of time; the evidence on each is taken from the others, because the
ranker will meet sessions that its counts do not hold."""
LITTLE: Final = 3
"""Of so many training sessions one is read with the counts of the block farthest in time alone: a user whose work is
new to the counts must be met in training, so that the ranker learns when to trust the running session instead."""
FEWEST_ROWS: Final = 150
"""With fewer training turns the counts alone rank."""
LEAST: Final = 0.01
"""Share of the plain counts in each likelihood: the networks are surer than so few training turns allow."""
_MOST_ROWS: Final = 12_000
_UNITS: Final = 64
_EPOCHS: Final = 6
_BATCH: Final = 64
_RATE: Final = 3e-3
_DROPOUT: Final = 0.2
_NETWORKS: Final = 2

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

    @classmethod
    def fit(cls, sessions: Sequence[Session], unit: Unit, seed: int = 0) -> Ranker:
        knowledge = Knowledge(sessions)
        rows = training_rows(sessions, unit)
        if len(rows) < FEWEST_ROWS:
            return cls(unit, knowledge, [])
        return cls(unit, knowledge, [fit_network(rows, seed + number) for number in range(_NETWORKS)])

    def rank(self, running: Running, turn: Turn, user: str) -> Ranked:
        """The candidates with the probability of each, the likeliest first."""
        candidates = gather(self.unit, running, user)
        if not self.networks or not candidates.tokens:
            known = candidates.prior / max(candidates.prior.sum(), 1.0)
            return Ranked(candidates.tokens, known, 1.0 - float(known.sum()))
        rows = evidence(self.unit, candidates, running, turn)
        scores = np.mean([network.scores(rows) for network in self.networks], axis=0)
        likely = np.exp(scores - scores.max())
        likely /= likely.sum()
        by_counts = np.append(candidates.prior, max(1.0 - candidates.prior.sum(), 0.1))
        likely = (1.0 - LEAST) * likely + LEAST * by_counts / by_counts.sum()
        order = np.argsort(-likely[:-1], kind="stable")
        return Ranked([candidates.tokens[at] for at in order], likely[order], float(likely[-1]))


Row = tuple[Matrix, int]
"""Evidence (C + 1, F) and the place of what came next; the last place where it was no candidate."""


def training_rows(sessions: Sequence[Session], unit: Unit) -> list[Row]:
    """A row for each turn, the latest `_MOST_ROWS` of them, each with counts that do not hold its own block of time."""
    blocks = blocks_of(sessions, BLOCKS)
    if len(blocks) < 2:
        return []
    rows: list[Row] = []
    for at in range(len(blocks) - 1, -1, -1):
        farthest = 0 if at >= len(blocks) / 2 else len(blocks) - 1
        everything = Knowledge(session for place, block in enumerate(blocks) if place != at for session in block)
        little = Knowledge(blocks[farthest])
        for number, session in enumerate(reversed(blocks[at])):
            if len(rows) >= _MOST_ROWS:
                return rows
            running = Running(little if number % LITTLE == 0 else everything)
            for turn in session.turns:
                candidates = gather(unit, running, session.user)
                rows.append((evidence(unit, candidates, running, turn), _place(candidates, turn, unit)))
                running.take(turn)
    return rows


def _place(candidates: Candidates, turn: Turn, unit: Unit) -> int:
    token = turn.words.unit(unit)
    return candidates.tokens.index(token) if token in candidates.tokens else len(candidates.tokens)


def fit_network(rows: Sequence[Row], seed: int) -> Network:
    import torch
    from torch import nn

    generator = np.random.default_rng(seed)
    torch.manual_seed(seed)
    matrices = [matrix for matrix, _ in rows]
    ends = np.cumsum([len(matrix) for matrix in matrices])
    begins = ends - [len(matrix) for matrix in matrices]
    right = begins + [place for _, place in rows]
    stacked = np.concatenate(matrices)  # (sum of C + 1, F)
    mean, scale = stacked.mean(axis=0), stacked.std(axis=0) + 1e-6
    inputs = torch.from_numpy((stacked - mean) / scale)
    width = stacked.shape[1]
    deep = nn.Sequential(
        nn.Linear(width, _UNITS), nn.ReLU(), nn.Dropout(_DROPOUT),
        nn.Linear(_UNITS, _UNITS), nn.ReLU(), nn.Dropout(_DROPOUT),
        nn.Linear(_UNITS, 1),
    )  # fmt: skip
    linear = nn.Linear(width, 1)
    network = nn.ModuleList([deep, linear])
    optimizer = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=1e-2)
    batches = -(-len(rows) // _BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=_EPOCHS * batches)
    network.train()
    for _ in range(_EPOCHS):
        order = generator.permutation(len(rows))
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            places = np.concatenate([np.arange(begins[row], ends[row]) for row in batch])
            row_of = torch.from_numpy(np.repeat(np.arange(len(batch)), ends[batch] - begins[batch]))
            chosen = inputs[torch.from_numpy(places)]  # (sum, F)
            scores = (deep(chosen) + linear(chosen)).squeeze(1)  # (sum,)
            at = np.cumsum(ends[batch] - begins[batch]) - (ends[batch] - begins[batch]) + (right[batch] - begins[batch])
            loss = (_log_sums(scores, row_of, len(batch)) - scores[torch.from_numpy(at)]).mean()
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
