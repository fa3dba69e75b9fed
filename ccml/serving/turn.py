"""One request on its way through the server, and what the responders answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Literal, TypeAlias

import numpy as np
from msgspec.structs import asdict
from numpy.typing import NDArray

from ccml.commands.parse import parse
from ccml.features.context import TurnContext
from ccml.privacy.redaction import redact
from ccml.serving.schema import ActRequest, RankedCommand

ResponderName: TypeAlias = Literal["champion", "rules", "previous", "default", "human"]
RESPONDERS: Final[tuple[ResponderName, ...]] = ("champion", "rules", "previous", "default", "human")
"""In the order in which they are asked."""


@dataclass(frozen=True)
class PastCommand:
    line: str
    template: str
    program: str
    succeeded: bool | None


@dataclass
class Turn:
    """Text is redacted already: models were trained on landed telemetry, which holds no secret either."""

    request: str
    context: TurnContext
    history: Sequence[PastCommand]
    proposal: Proposal | None = None
    """None until commands are proposed; the intent rules and the policy look at it."""
    out_of_scope: bool = False
    """Whether the request means none of the intents, once that is known; the policy looks at it."""

    @classmethod
    def of(cls, asked: ActRequest) -> Turn:
        session = asked.session
        context = TurnContext.from_session(
            time=datetime.now(UTC),
            directory=redact(session.directory),
            platform=session.platform,
            outcomes=[past.succeeded for past in session.history],
            seconds_since_previous=session.seconds_since_previous,
            state=asdict(session.state) if session.state else None,
            user=asdict(session.user) if session.user else None,
        )
        history = [_past(past.command, past.succeeded) for past in session.history]
        return cls(redact(asked.request), context, history)


def _past(line: str, succeeded: bool | None) -> PastCommand:
    clean, template, program = _reading(line)
    return PastCommand(clean, template, program, succeeded)


@lru_cache(maxsize=4096)
def _reading(line: str) -> tuple[str, str, str]:
    """A session sends its history again with each request, so nearly every line has been read before."""
    clean = redact(line)
    command = parse(clean)
    return clean, command.template, command.program


@dataclass(frozen=True)
class Proposal:
    """Ranked commands, best first."""

    commands: list[RankedCommand]
    version: str | None = None
    distribution: NDArray[np.float64] | None = None  # (V,)
    """Over all labels of a model; None where the responder computes no probabilities."""
    known: Collection[str] | None = None
    """Templates of the label set the responder answers from; None where it has none."""
    from_model: bool = False
    """A command that no model chose for this request is never proposed for immediate execution."""

    @property
    def top(self) -> RankedCommand | None:
        return self.commands[0] if self.commands else None


@dataclass(frozen=True)
class IntentGuess:
    label: str | None
    confidence: float | None
    out_of_scope: bool = False
    version: str | None = None
    distribution: NDArray[np.float64] | None = None  # (V,)
    known: Collection[str] = ()
    """The label set the responder answers from."""


@dataclass(frozen=True)
class Choice:
    """How to act. `distribution` is over `ACTIONS`, as drawn from."""

    action: str
    propensity: float | None
    """Probability with which the action was drawn; None where nothing was drawn, as by a fallback."""
    version: str | None = None
    distribution: NDArray[np.float64] | None = None  # (5,)


@dataclass(frozen=True)
class Decision:
    """What is answered to one turn, and which responder each part came from."""

    proposal: Proposal
    proposal_responder: ResponderName
    intent: IntentGuess
    intent_responder: ResponderName
    choice: Choice
    choice_responder: ResponderName
    reasons: list[str] = field(default_factory=list)

    @property
    def degraded(self) -> bool:
        return any(responder != "champion" for responder in self.responders)

    @property
    def served_by(self) -> ResponderName:
        """Of the responders that answered a part, the one that is asked last."""
        return max(self.responders, key=RESPONDERS.index)

    @property
    def responders(self) -> tuple[ResponderName, ResponderName, ResponderName]:
        return self.proposal_responder, self.intent_responder, self.choice_responder
