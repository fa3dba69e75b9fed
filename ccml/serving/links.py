"""The links of the three chains, in S6's order: champion, rules, previous version, defaults, a person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np

from ccml.serving import rules
from ccml.serving.answering import COMMAND, INTENT, POLICY, CommandModel, IntentModel, PolicyModel
from ccml.serving.batcher import Interrupt
from ccml.serving.breaker import CircuitBreaker
from ccml.serving.fallback import Link, Unavailable
from ccml.serving.shelf import Model, Role, Shelf
from ccml.serving.turn import Choice, IntentGuess, LinkName, Proposal, Turn

Out = TypeVar("Out")


class ReleaseLink(Generic[Out]):
    """A loaded release. Its breaker belongs to the version, so an exchanged model starts with a clean record."""

    needs_model_thread = True

    def __init__(
        self,
        shelf: Shelf,
        component: str,
        role: Role,
        ask: Callable[[Model, Sequence[Turn], Interrupt | None], Sequence[Out | None]],
    ) -> None:
        self.name: LinkName = role
        self._shelf = shelf
        self._component = component
        self._ask = ask
        self._nothing_loaded = CircuitBreaker()

    def _model(self) -> Model | None:
        if self.name == "champion":
            return self._shelf.champion(self._component)
        return self._shelf.previous(self._component)

    @property
    def breaker(self) -> CircuitBreaker:
        model = self._model()
        return model.opened.breaker if model is not None else self._nothing_loaded

    def answer(self, turns: Sequence[Turn], interrupt: Interrupt | None) -> Sequence[Out | None]:
        model = self._model()
        if model is None:
            raise Unavailable("not_loaded")
        return self._ask(model, turns, interrupt)


class PlainLink(Generic[Out]):
    """A link that needs no model: one turn at a time, in whichever thread asks."""

    needs_model_thread = False

    def __init__(self, name: LinkName, say: Callable[[Turn], Out | None]) -> None:
        self.name: LinkName = name
        self.breaker = CircuitBreaker()
        self._say = say

    def answer(self, turns: Sequence[Turn], _interrupt: Interrupt | None) -> Sequence[Out | None]:
        return [self._say(turn) for turn in turns]


def command_links(shelf: Shelf) -> list[Link[Proposal]]:
    def ask(model: Model, turns: Sequence[Turn], interrupt: Interrupt | None) -> Sequence[Proposal | None]:
        assert isinstance(model, CommandModel)
        return model.answer(turns, interrupt)

    return [
        ReleaseLink(shelf, COMMAND, "champion", ask),
        PlainLink("rules", rules.propose),
        ReleaseLink(shelf, COMMAND, "previous", ask),
        PlainLink("default", lambda _turn: shelf.default_proposal),
        PlainLink("human", lambda _turn: Proposal([])),
    ]


def intent_links(shelf: Shelf) -> list[Link[IntentGuess]]:
    def ask(model: Model, turns: Sequence[Turn], interrupt: Interrupt | None) -> Sequence[IntentGuess | None]:
        assert isinstance(model, IntentModel)
        return model.answer(turns, interrupt)

    return [
        ReleaseLink(shelf, INTENT, "champion", ask),
        PlainLink("rules", rules.guess_intent),
        ReleaseLink(shelf, INTENT, "previous", ask),
        PlainLink("default", lambda _turn: shelf.default_intent),
        PlainLink("human", lambda _turn: IntentGuess(None, None)),
    ]


def policy_links(shelf: Shelf, random: np.random.Generator) -> list[Link[Choice]]:
    def ask(model: Model, turns: Sequence[Turn], interrupt: Interrupt | None) -> Sequence[Choice | None]:
        assert isinstance(model, PolicyModel)
        return model.answer(turns, interrupt, random)

    def show_a_list(turn: Turn) -> Choice | None:
        return Choice("suggest", 1.0, version="default") if turn.proposal and turn.proposal.top else None

    return [
        ReleaseLink(shelf, POLICY, "champion", ask),
        PlainLink("rules", rules.choose),
        ReleaseLink(shelf, POLICY, "previous", ask),
        PlainLink("default", show_a_list),
        PlainLink("human", lambda _turn: Choice("hand_over", 1.0, version="human")),
    ]
