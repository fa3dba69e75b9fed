"""The next command as the server predicts it: from turns to ranked lines."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ccml.commands.risk import assess
from ccml.features.context import ContextTransform, context_row
from ccml.features.history import HistoryVocabulary
from ccml.models.logits import softmax
from ccml.releases.reader import ModelFiles
from ccml.serving.interrupt import Interrupt
from ccml.serving.loading.opened import Opened, SharedTokenizer, open_release, shares_of, step
from ccml.serving.loading.stored_rows import OneAnswer, answer_texts
from ccml.serving.schema import RankedCommand
from ccml.serving.turn import Proposal, Turn

if TYPE_CHECKING:
    from ccml.serving.metrics import Meter


class CommandModel:
    """Ranks commands. Each template is shown as the line that training saw most often for it."""

    def __init__(self, release: ModelFiles, threads: int, candidates: int, meter: Meter) -> None:
        self.opened = opened = open_release(release, threads, meter)
        with step("transforms", release):
            self._tokenizer = SharedTokenizer.of(opened.release.files["tokenizer.json"])
            self._vocabulary = HistoryVocabulary.from_json(opened.transforms["history"])
            self._context = ContextTransform.from_json(opened.transforms["context"])
            self._length = int(opened.transforms["history_length"])
            exemplars = opened.defaults["exemplars"]
            lines = [str(exemplars.get(label, label)) for label in opened.labels]
            self._commands = [
                RankedCommand(line, label, None, assess(line).level)
                for line, label in zip(lines, opened.labels, strict=True)
            ]
            self.default = _default_proposal(opened, self._commands, candidates)
        self._known: Collection[str] = frozenset(opened.labels)
        self._candidates = candidates

    def answer(self, turns: Sequence[Turn], interrupt: Interrupt | None) -> list[Proposal]:
        ids, outcomes = zip(*(self._history(turn) for turn in turns), strict=True)
        feeds = {
            **self._tokenizer.feeds([turn.request for turn in turns]),  # (B, T), (B, T)
            "history_ids": np.stack(ids),  # (B, K)
            "history_outcomes": np.stack(outcomes),  # (B, K)
            "context": self._context.apply(np.stack([context_row(turn.context) for turn in turns])),  # (B, F)
        }
        logits = self.opened.graph.logits(feeds, interrupt)  # (B, V)
        return [self._ranked(row) for row in softmax(logits, self.opened.temperature)]

    def one_answer(self, rows: Any) -> OneAnswer:
        return answer_texts(self.answer, rows)

    def _history(self, turn: Turn) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        commands = [(past.template, past.program) for past in turn.history]
        return self._vocabulary.encode(commands, [past.succeeded for past in turn.history], self._length)

    def _ranked(self, probabilities: NDArray[np.float64]) -> Proposal:
        best = np.argsort(-probabilities, kind="stable")[: self._candidates]
        commands = [
            RankedCommand(command.command, command.template, float(probabilities[place]), command.risk)
            for place, command in ((int(place), self._commands[place]) for place in best)
        ]
        return Proposal(commands, self.opened.version, probabilities, self._known, from_model=True)


def _default_proposal(opened: Opened, commands: Sequence[RankedCommand], candidates: int) -> Proposal:
    """What was used most, whatever is asked; confidence is the share among the training commands."""
    shares = shares_of(opened)  # (V,)
    best = np.argsort(-shares, kind="stable")[:candidates]
    ranked = [
        RankedCommand(commands[place].command, commands[place].template, float(shares[place]), commands[place].risk)
        for place in best
    ]
    return Proposal(ranked, opened.version, shares, frozenset(opened.labels))
