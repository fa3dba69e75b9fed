"""Simple models that each trained one must beat: the same training rows to fit, the same test rows to be evaluated on.

All give probabilities over the labels of the model they are compared with, so every metric is computed the same way.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ccml.models.ranking import NOT_A_CLASS, ranking_metrics, target_indices
from ccml.profiles import CommandTarget

Probabilities = NDArray[np.float32]

_HISTORY: Final = {"program": "history_programs", "template": "history_templates", "line": "history_lines"}


class Baseline(Protocol):
    """`fit` on training rows of a data set, then `probabilities` (N, V) for any rows of it."""

    def fit(self, frame: Any) -> Baseline: ...

    def probabilities(self, frame: Any) -> Probabilities: ...


def command_baselines(labels: Sequence[str], target: CommandTarget, seed: int = 0) -> dict[str, Baseline]:
    """By the name they have in reports. `labels` are the command predictor's."""
    return {
        "frequency": Frequency(labels, f"target_{target}"),
        "last used": LastUsed(labels, target),
        "back-off n-gram with session memory": BackOffNGram(labels, target),
        "TF-IDF + linear, request": TextLinear(labels, f"target_{target}", seed=seed),
        "TF-IDF + linear, request and previous commands": TextLinear(
            labels, f"target_{target}", history=_HISTORY[target], seed=seed
        ),
    }


def intent_baselines(labels: Sequence[str], seed: int = 0) -> dict[str, Baseline]:
    """By the name they have in reports. `labels` are the intent classifier's."""
    return {
        "frequency": Frequency(labels, "intent"),
        "TF-IDF + linear": TextLinear(labels, "intent", seed=seed),
    }


class Frequency:
    """How often each label occurs in training, whatever was asked."""

    def __init__(self, labels: Sequence[str], column: str) -> None:
        self.labels, self.column = list(labels), column

    def fit(self, frame: Any) -> Frequency:
        targets = target_indices(frame[self.column], self.labels)
        counts = np.bincount(targets[targets != NOT_A_CLASS], minlength=len(self.labels)) + 1.0
        self.shares = (counts / counts.sum()).astype(np.float32)  # (V,)
        return self

    def probabilities(self, frame: Any) -> Probabilities:
        return np.tile(self.shares, (len(frame), 1))


class LastUsed:
    """The session's latest commands, newest first, then the frequent ones."""

    FADING: Final = 0.5
    """Weight of a command relative to the one after it."""

    def __init__(self, labels: Sequence[str], target: CommandTarget) -> None:
        self.labels, self.column = list(labels), _HISTORY[target]
        self.frequency = Frequency(labels, f"target_{target}")

    def fit(self, frame: Any) -> LastUsed:
        self.frequency.fit(frame)
        return self

    def probabilities(self, frame: Any) -> Probabilities:
        recent = session_memory(frame[self.column], self.labels, self.FADING)
        unused = 1.0 - 0.9 * recent.sum(axis=1, keepdims=True)  # (N, 1)
        return np.asarray(0.9 * recent + unused * self.frequency.shares, dtype=np.float32)


class BackOffNGram:
    """The next command given the last two, interpolated down to none (Witten and Bell 1991), mixed with what the
    running session has seen (Kuhn and De Mori 1990). The share of that memory is chosen on the last tenth of training.
    """

    ORDER: Final = 2
    FADING: Final = 0.9
    SHARES: Final = (0.0, 0.1, 0.2, 0.35, 0.5, 0.65)

    def __init__(self, labels: Sequence[str], target: CommandTarget) -> None:
        self.labels, self.target, self.column = list(labels), f"target_{target}", _HISTORY[target]

    def fit(self, frame: Any) -> BackOffNGram:
        ordered = frame.sort_values("time", kind="stable")
        held = max(1, len(ordered) // 10)
        self._count(ordered.iloc[:-held])
        targets = target_indices(ordered[self.target].iloc[-held:], self.labels)
        scores = {}
        for share in self.SHARES:
            self.memory = share
            scores[share] = ranking_metrics(self.probabilities(ordered.iloc[-held:]), targets)["mrr"]
        self.memory = max(scores, key=lambda share: scores[share])
        self._count(ordered)
        return self

    def _count(self, frame: Any) -> None:
        self.counts: dict[tuple[str, ...], Counter[int]] = defaultdict(Counter)
        targets = target_indices(frame[self.target], self.labels)
        for history, target in zip(frame[self.column], targets, strict=True):
            if target != NOT_A_CLASS:
                for order in range(self.ORDER + 1):
                    self.counts[_last(history, order)][int(target)] += 1
        self._known: dict[tuple[str, ...], NDArray[np.float64]] = {}

    def probabilities(self, frame: Any) -> Probabilities:
        ngram = np.stack([self._after(_last(history, self.ORDER)) for history in frame[self.column]])  # (N, V)
        recent = session_memory(frame[self.column], self.labels, self.FADING)
        share = self.memory * recent.sum(axis=1, keepdims=True)  # nothing to remember at a session's start
        return np.asarray((1.0 - share) * ngram + self.memory * recent, dtype=np.float32)

    def _after(self, context: tuple[str, ...]) -> NDArray[np.float64]:
        """(V,)"""
        if context not in self._known:
            uniform = np.full(len(self.labels), 1.0 / len(self.labels))
            shorter = self._after(context[1:]) if context else uniform
            seen = self.counts.get(context, Counter())
            counts = np.zeros(len(self.labels))
            counts[list(seen)] = list(seen.values())
            self._known[context] = (counts + len(seen) * shorter) / (counts.sum() + len(seen)) if seen else shorter
        return self._known[context]


def _last(history: Sequence[str], order: int) -> tuple[str, ...]:
    """The newest `order` commands; a session's start is a context of its own."""
    padded = ["<start>"] * order + list(history)
    return tuple(padded[len(padded) - order :])


def session_memory(histories: Any, labels: Sequence[str], fading: float) -> NDArray[np.float64]:
    """(N, V) share of each label in a row's history, a command weighing `fading` times the one after it.

    A row is zero where its history holds no label.
    """
    index = {label: position for position, label in enumerate(labels)}
    weights = np.zeros((len(histories), len(labels)))
    for row, history in enumerate(histories):
        for back, command in enumerate(reversed(list(history))):
            if command in index:
                weights[row, index[command]] += fading**back
    total = weights.sum(axis=1, keepdims=True)
    shares: NDArray[np.float64] = weights / np.where(total > 0, total, 1.0)
    return shares


class TextLinear:
    """Words, word pairs and character n-grams, TF-IDF weighted, into a linear classifier with logistic loss; optionally
    also the last three commands of the session, each with its distance."""

    def __init__(self, labels: Sequence[str], column: str, *, history: str | None = None, seed: int = 0) -> None:
        self.labels, self.column, self.history, self.seed = list(labels), column, history, seed

    def fit(self, frame: Any) -> TextLinear:
        from scipy.sparse import hstack
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import SGDClassifier

        targets = target_indices(frame[self.column], self.labels)
        known = frame[targets != NOT_A_CLASS]
        self.words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\S+")  # noqa: S106
        self.characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, min_df=2)
        self.previous = TfidfVectorizer(analyzer=_unchanged, use_idf=False)
        # A leading mark in each text keeps the vocabulary from being empty where no row has a request.
        texts = _texts(known)
        parts = [self.words.fit_transform(texts), self.characters.fit_transform(texts)]
        if self.history:
            parts.append(self.previous.fit_transform(_previous(known[self.history])))
        # One class against the rest at a time, without the interpreter's lock: two classes side by side on two cores.
        self.classifier = SGDClassifier(
            loss="log_loss", alpha=1e-5, max_iter=10, tol=None, average=True, random_state=self.seed, n_jobs=-1
        )
        self.classifier.fit(hstack(parts).tocsr(), targets[targets != NOT_A_CLASS])
        return self

    def probabilities(self, frame: Any) -> Probabilities:
        shares = np.full((len(frame), len(self.labels)), 1e-9)
        shares[:, self.classifier.classes_] += self.classifier.predict_proba(self._features(frame))
        normalised: Probabilities = (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
        return normalised

    def _features(self, frame: Any) -> Any:
        from scipy.sparse import hstack

        texts = _texts(frame)
        parts = [self.words.transform(texts), self.characters.transform(texts)]
        if self.history:
            parts.append(self.previous.transform(_previous(frame[self.history])))
        return hstack(parts).tocsr()


def _texts(frame: Any) -> list[str]:
    return [f"^^ {text}" for text in frame["request"]]


def _previous(histories: Any) -> list[list[str]]:
    return [
        [f"{back}:{command}" for back, command in enumerate(reversed(list(h)[-3:]), 1)] or ["0:"] for h in histories
    ]


def _unchanged(tokens: list[str]) -> list[str]:
    return tokens
