"""The intent of a request as the server predicts it, and whether it is none of the known intents."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ccml.models.logits import log_sum_exp, softmax
from ccml.releases.reader import ModelFiles
from ccml.serving.interrupt import Interrupt
from ccml.serving.loading.opened import SharedTokenizer, open_release, shares_of, step
from ccml.serving.loading.stored_rows import OneAnswer, answer_texts
from ccml.serving.turn import IntentGuess, Turn

if TYPE_CHECKING:
    from ccml.serving.metrics import Meter


class IntentModel:
    def __init__(self, release: ModelFiles, threads: int, _candidates: int, meter: Meter) -> None:
        self.opened = opened = open_release(release, threads, meter)
        with step("transforms", release):
            self._tokenizer = SharedTokenizer.of(opened.release.files["tokenizer.json"])
            self._threshold = float(opened.calibration["oos_threshold"])
            self._known: Collection[str] = frozenset(opened.labels)
            shares = shares_of(opened)
            likeliest = int(np.argmax(shares))
            self.default = IntentGuess(
                opened.labels[likeliest], float(shares[likeliest]), version=opened.version, known=self._known
            )

    def answer(self, turns: Sequence[Turn], interrupt: Interrupt | None) -> list[IntentGuess]:
        logits = self.opened.graph.logits(self._tokenizer.feeds([turn.request for turn in turns]), interrupt)  # (B, V)
        return [self._guess(row) for row in logits]

    def one_answer(self, rows: Any) -> OneAnswer:
        return answer_texts(self.answer, rows)

    def _guess(self, logits: NDArray[np.float64]) -> IntentGuess:
        probabilities = softmax(logits, self.opened.temperature)  # (V,)
        best = int(np.argmax(probabilities))
        return IntentGuess(
            self.opened.labels[best],
            float(probabilities[best]),
            bool(_energy(logits) > self._threshold),
            self.opened.version,
            probabilities,
            self._known,
        )


def _energy(logits: NDArray[np.float64]) -> float:
    """−log Σ exp(logits): high where no class fits (Liu et al. 2020, "Energy-based out-of-distribution detection")."""
    return -float(log_sum_exp(logits))
