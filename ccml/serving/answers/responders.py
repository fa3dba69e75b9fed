"""Who answers for commands, intent and policy, in order: champion, rules, previous version, defaults, a person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np

from ccml.models.kinds import COMMAND, INTENT, POLICY
from ccml.serving.answers import rules
from ccml.serving.answers.fallback import Responder, Unavailable
from ccml.serving.interrupt import Interrupt
from ccml.serving.loading.breaker import CircuitBreaker
from ccml.serving.loading.command import CommandModel
from ccml.serving.loading.intent import IntentModel
from ccml.serving.loading.loaded import LoadedModels, Model, Role
from ccml.serving.loading.policy import PolicyModel
from ccml.serving.turn import Choice, IntentGuess, Proposal, ResponderName, Turn

Out = TypeVar("Out")


class ReleaseResponder(Generic[Out]):
    """A loaded release. The breaker belongs to the version: a new one starts without failures."""

    needs_model_thread = True

    def __init__(
        self,
        loaded: LoadedModels,
        component: str,
        role: Role,
        ask: Callable[[Model, Sequence[Turn], Interrupt | None], Sequence[Out | None]],
    ) -> None:
        self.name: ResponderName = role
        self._loaded = loaded
        self._component = component
        self._ask = ask
        self._nothing_loaded = CircuitBreaker()

    def _model(self) -> Model | None:
        if self.name == "champion":
            return self._loaded.champion(self._component)
        return self._loaded.previous(self._component)

    @property
    def breaker(self) -> CircuitBreaker:
        model = self._model()
        return model.opened.breaker if model is not None else self._nothing_loaded

    def answer(self, turns: Sequence[Turn], interrupt: Interrupt | None) -> Sequence[Out | None]:
        model = self._model()
        if model is None:
            raise Unavailable("not_loaded")
        return self._ask(model, turns, interrupt)


class PlainResponder(Generic[Out]):
    """A responder that needs no model: one turn at a time, in whichever thread asks."""

    needs_model_thread = False

    def __init__(self, name: ResponderName, answer_one: Callable[[Turn], Out | None]) -> None:
        self.name: ResponderName = name
        self.breaker = CircuitBreaker()
        self._answer_one = answer_one

    def answer(self, turns: Sequence[Turn], _interrupt: Interrupt | None) -> Sequence[Out | None]:
        return [self._answer_one(turn) for turn in turns]


def command_responders(loaded: LoadedModels) -> list[Responder[Proposal]]:
    def ask(model: Model, turns: Sequence[Turn], interrupt: Interrupt | None) -> Sequence[Proposal | None]:
        assert isinstance(model, CommandModel)
        return model.answer(turns, interrupt)

    return [
        ReleaseResponder(loaded, COMMAND.name, "champion", ask),
        PlainResponder("rules", rules.propose),
        ReleaseResponder(loaded, COMMAND.name, "previous", ask),
        PlainResponder("default", lambda _turn: loaded.default_proposal),
        PlainResponder("human", lambda _turn: Proposal([])),
    ]


def intent_responders(loaded: LoadedModels) -> list[Responder[IntentGuess]]:
    def ask(model: Model, turns: Sequence[Turn], interrupt: Interrupt | None) -> Sequence[IntentGuess | None]:
        assert isinstance(model, IntentModel)
        return model.answer(turns, interrupt)

    return [
        ReleaseResponder(loaded, INTENT.name, "champion", ask),
        PlainResponder("rules", rules.guess_intent),
        ReleaseResponder(loaded, INTENT.name, "previous", ask),
        PlainResponder("default", lambda _turn: loaded.default_intent),
        PlainResponder("human", lambda _turn: IntentGuess(None, None)),
    ]


def policy_responders(loaded: LoadedModels, random: np.random.Generator) -> list[Responder[Choice]]:
    def ask(model: Model, turns: Sequence[Turn], interrupt: Interrupt | None) -> Sequence[Choice | None]:
        assert isinstance(model, PolicyModel)
        return model.answer(turns, interrupt, random)

    def show_a_list(turn: Turn) -> Choice | None:
        shown = turn.proposal and turn.proposal.top and not turn.out_of_scope
        return Choice("suggest", None, version="default") if shown else None

    return [
        ReleaseResponder(loaded, POLICY.name, "champion", ask),
        PlainResponder("rules", rules.choose),
        ReleaseResponder(loaded, POLICY.name, "previous", ask),
        PlainResponder("default", show_a_list),
        PlainResponder("human", lambda _turn: Choice("hand_over", None, version="human")),
    ]
