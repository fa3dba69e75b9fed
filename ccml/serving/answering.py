"""The three models as the server uses them: from turns to outputs, through the transforms that training fitted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ccml.acting import served_distribution
from ccml.commands.risk import assess
from ccml.errors import IntegrityError
from ccml.features.context import ContextTransform, context_row
from ccml.features.history import HistoryVocabulary
from ccml.policy_features import PolicyTransform, policy_row
from ccml.releases.golden import probabilities_of
from ccml.releases.reader import Release
from ccml.serving.batcher import Interrupt
from ccml.serving.models import TEXT_INPUTS, Opened, SharedTokenizer, open_release, step
from ccml.serving.schema import RankedCommand
from ccml.serving.turn import Choice, IntentGuess, Proposal, Turn
from ccml.telemetry.events import ACTIONS

if TYPE_CHECKING:
    from ccml.serving.metrics import Meter

COMMAND: Final = "command_predictor"
INTENT: Final = "intent_classifier"
POLICY: Final = "policy"
NAMES: Final = (COMMAND, INTENT, POLICY)
UNCHOSEN: Final = "unchosen"


class CommandModel:
    """Ranks commands. Each template is shown as the line that training saw most often for it."""

    def __init__(self, release: Release, threads: int, candidates: int, meter: Meter) -> None:
        inputs = {**TEXT_INPUTS, "history_ids": "int64", "history_outcomes": "int64", "context": "float32"}
        self.opened = opened = open_release(release, inputs, threads, meter)
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
        return [self._ranked(row) for row in probabilities_of(logits, self.opened.temperature)]

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


class IntentModel:
    def __init__(self, release: Release, threads: int, _candidates: int, meter: Meter) -> None:
        self.opened = opened = open_release(release, TEXT_INPUTS, threads, meter)
        with step("transforms", release):
            self._tokenizer = SharedTokenizer.of(opened.release.files["tokenizer.json"])
            self._threshold = float(opened.calibration["oos_threshold"])
            self._known: Collection[str] = frozenset(opened.labels)
            shares = _shares(opened)
            likeliest = int(np.argmax(shares))
            self.default = IntentGuess(
                opened.labels[likeliest], float(shares[likeliest]), version=opened.version, known=self._known
            )

    def answer(self, turns: Sequence[Turn], interrupt: Interrupt | None) -> list[IntentGuess]:
        logits = self.opened.graph.logits(self._tokenizer.feeds([turn.request for turn in turns]), interrupt)  # (B, V)
        return [self._guess(row) for row in logits]

    def _guess(self, logits: NDArray[np.float64]) -> IntentGuess:
        probabilities = probabilities_of(logits, self.opened.temperature)  # (V,)
        best = int(np.argmax(probabilities))
        return IntentGuess(
            self.opened.labels[best],
            float(probabilities[best]),
            bool(_energy(logits) > self._threshold),
            self.opened.version,
            probabilities,
            self._known,
        )


class PolicyModel:
    """Draws how to act, with the probabilities it was judged with; the propensity is the drawn action's."""

    def __init__(self, release: Release, threads: int, _candidates: int, meter: Meter) -> None:
        self.opened = opened = open_release(release, {"features": "float32"}, threads, meter)
        self.default = None
        with step("transforms", release):
            if tuple(opened.labels) != ACTIONS:
                raise IntegrityError(f"labels.json of a policy must be {ACTIONS}")
            self._transform = PolicyTransform.from_json(opened.transforms["policy"])
            self._exploration = float(opened.release.json("config.json")["exploration"])

    def answer(
        self, turns: Sequence[Turn], interrupt: Interrupt | None, random: np.random.Generator
    ) -> list[Choice | None]:
        """None for a turn without a proposed command: the policy weighs what to do with one."""
        proposed = [
            (turn, turn.proposal.top, turn.proposal.from_model) for turn in turns if turn.proposal and turn.proposal.top
        ]
        if not proposed:
            return [None] * len(turns)
        raw = np.stack(
            [policy_row(turn.context, top.confidence, top.risk, turn.request, top.command) for turn, top, _ in proposed]
        )  # (B, P)
        logits = self.opened.graph.logits({"features": self._transform.apply(raw)}, interrupt)  # (B, A)
        # A level that acting does not know rules out 'execute', as it does for a command that no model chose.
        risks = [top.risk if from_model else UNCHOSEN for _, top, from_model in proposed]
        rows = served_distribution(logits, risks, self._exploration)  # (B, A)
        drawn = iter([self._draw(row, random) for row in rows])
        return [next(drawn) if turn.proposal and turn.proposal.top else None for turn in turns]

    def _draw(self, probabilities: NDArray[np.float64], random: np.random.Generator) -> Choice:
        if not np.isfinite(probabilities).all():
            return Choice(ACTIONS[0], 1.0, self.opened.version, probabilities)  # verification refuses it
        place = int(random.choice(len(ACTIONS), p=probabilities))
        return Choice(ACTIONS[place], float(probabilities[place]), self.opened.version, probabilities)


def _default_proposal(opened: Opened, commands: Sequence[RankedCommand], candidates: int) -> Proposal:
    """What was used most, whatever is asked; confidence is the share among the training commands."""
    shares = _shares(opened)  # (V,)
    best = np.argsort(-shares, kind="stable")[:candidates]
    ranked = [
        RankedCommand(commands[place].command, commands[place].template, float(shares[place]), commands[place].risk)
        for place in best
    ]
    return Proposal(ranked, opened.version, shares, frozenset(opened.labels))


def _shares(opened: Opened) -> NDArray[np.float64]:
    """(V,) relative frequencies of the labels in training."""
    frequencies = opened.defaults["frequencies"]
    counts = np.array([float(frequencies[label]) for label in opened.labels], np.float64)
    if not np.isfinite(counts).all() or counts.min() < 0 or counts.sum() <= 0:
        raise IntegrityError("defaults.json: frequencies must be non-negative and not all zero")
    shares: NDArray[np.float64] = counts / counts.sum()
    return shares


def _energy(logits: NDArray[np.float64]) -> float:
    """−log Σ exp(logits): high where no class fits (Liu et al. 2020, "Energy-based out-of-distribution detection")."""
    peak = float(logits.max())
    return -(peak + float(np.log(np.exp(logits - peak).sum())))
