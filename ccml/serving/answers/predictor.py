"""From turns to decisions: commands first, then intent and policy, which look at the proposed command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ccml.models.kinds import COMMAND, INTENT, POLICY
from ccml.serving.answers.fallback import FallbackOrder
from ccml.serving.answers.responders import command_responders, intent_responders, policy_responders
from ccml.serving.answers.verify import checked_choice, checked_intent, checked_proposal
from ccml.serving.interrupt import Interrupt
from ccml.serving.loading.loaded import LoadedModels
from ccml.serving.turn import Decision, Turn

if TYPE_CHECKING:
    from ccml.serving.metrics import Meter
    from ccml.serving.settings import ServingSettings


class Predictor:
    def __init__(self, loaded: LoadedModels, settings: ServingSettings, meter: Meter) -> None:
        # Without a given seed, from the operating system: an action that could be foretold is no experiment.
        random = np.random.default_rng(settings.seed)
        self._commands = FallbackOrder(COMMAND.name, command_responders(loaded), checked_proposal, meter)
        self._intents = FallbackOrder(INTENT.name, intent_responders(loaded), checked_intent, meter)
        self._policy = FallbackOrder(POLICY.name, policy_responders(loaded, random), checked_choice, meter)

    def decide(self, turns: Sequence[Turn], interrupt: Interrupt | None) -> list[Decision]:
        """
        Args:
            interrupt: None outside the model thread; then only the responders that need no model are asked.
        """
        proposals = self._commands.answer(turns, interrupt)
        turns = [replace(turn, proposal=answered.output) for turn, answered in zip(turns, proposals, strict=True)]
        intents = self._intents.answer(turns, interrupt)
        turns = [
            replace(turn, out_of_scope=answered.output.out_of_scope)
            for turn, answered in zip(turns, intents, strict=True)
        ]
        choices = self._policy.answer(turns, interrupt)
        return [
            Decision(
                proposal=proposal.output,
                proposal_responder=proposal.responder,
                intent=intent.output,
                intent_responder=intent.responder,
                choice=choice.output,
                choice_responder=choice.responder,
                reasons=[*proposal.reasons, *intent.reasons, *choice.reasons],
            )
            for proposal, intent, choice in zip(proposals, intents, choices, strict=True)
        ]
