"""How to act on a request, drawn with the probabilities that the policy was evaluated with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ccml.errors import IntegrityError
from ccml.models.policy.acting import acting_level, served_distribution
from ccml.models.policy.features import PolicyTransform, policy_row
from ccml.releases.reader import ModelFiles
from ccml.serving.interrupt import Interrupt
from ccml.serving.loading.opened import open_release, step
from ccml.serving.loading.stored_rows import OneAnswer
from ccml.serving.turn import Choice, Turn
from ccml.telemetry.events import ACTIONS

if TYPE_CHECKING:
    from ccml.serving.metrics import Meter

UNCHOSEN: Final = "unchosen"


class PolicyModel:
    """Draws how to act, with the probabilities it was evaluated with; the propensity is the drawn action's."""

    def __init__(self, release: ModelFiles, threads: int, _candidates: int, meter: Meter) -> None:
        self.opened = opened = open_release(release, threads, meter)
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
        # A level that acting does not know rules out 'execute', as it does for a command that no model chose.
        risks = [
            acting_level(
                top.risk if from_model else UNCHOSEN, turn.request, top.command, out_of_scope=turn.out_of_scope
            )
            for turn, top, from_model in proposed
        ]
        rows = self.distribution(raw, risks, interrupt)
        drawn = iter([self._draw(row, random) for row in rows])
        return [next(drawn) if turn.proposal and turn.proposal.top else None for turn in turns]

    def distribution(
        self, raw: NDArray[np.float32], risks: Sequence[str], interrupt: Interrupt | None
    ) -> NDArray[np.float64]:
        """Raw features (B, P) and the risk of each proposed command → probabilities of the actions (B, A)."""
        logits = self.opened.graph.logits({"features": self._transform.apply(raw)}, interrupt)  # (B, A)
        return served_distribution(logits, risks, self._exploration)

    def one_answer(self, rows: Any) -> OneAnswer:
        """A stored episode holds the features and no text: reading the request is not part of this answer."""
        features = np.stack([np.asarray(row, np.float32) for row in rows["features"]])  # (N, P)
        risks = [str(risk) for risk in rows["risk"]]
        steps = "scaling of stored features, graph and probabilities"
        return lambda i: self.distribution(features[i : i + 1], risks[i : i + 1], None), steps

    def _draw(self, probabilities: NDArray[np.float64], random: np.random.Generator) -> Choice:
        if not np.isfinite(probabilities).all():
            return Choice(ACTIONS[0], 1.0, self.opened.version, probabilities)  # verification refuses it
        place = int(random.choice(len(ACTIONS), p=probabilities))
        return Choice(ACTIONS[place], float(probabilities[place]), self.opened.version, probabilities)
