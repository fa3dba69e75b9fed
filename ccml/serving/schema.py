"""What the server takes and gives.

What a request shares with an event has the event's type and bounds (`ccml.telemetry.events`), so that whatever the
server accepts can be logged and landed. `ccml.serving.http.reading` checks a body against these declarations, and
`/openapi.json` is generated from them.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from ccml.telemetry.events import (
    Count,
    ExitStatus,
    Identifier,
    NonNegative,
    Percent,
    Rating,
    ShortText,
    Text,
    Verdict,
)

CLEAN = r"^[^\x00\ud800-\udfff]*$"
"""Without NUL and without half a surrogate pair, which no log line and no tokenizer can carry."""
CLEAN_WORDS = r"^(?=\s*\S)[^\x00\ud800-\udfff]*$"
"""The same, and not blank."""

CleanIdentifier: TypeAlias = Annotated[Identifier, Meta(pattern=CLEAN)]
CleanText: TypeAlias = Annotated[Text, Meta(pattern=CLEAN)]
CleanShortText: TypeAlias = Annotated[ShortText, Meta(pattern=CLEAN)]
Words: TypeAlias = Annotated[str, Meta(min_length=1, max_length=4_000, pattern=CLEAN_WORDS)]
"""Shorter than an event may hold: each is encoded by two models within the deadline."""


class _Input(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    def __post_init__(self) -> None:
        """Unicode's NFC, so that one word has one spelling for the tokenizer."""
        for field in self.__struct_fields__:
            value = getattr(self, field)
            if isinstance(value, str) and not value.isascii():
                force_setattr(self, field, unicodedata.normalize("NFC", value))


class PastCommand(_Input, frozen=True, kw_only=True):
    command: CleanText
    succeeded: bool | None = None


class MachineState(_Input, frozen=True, kw_only=True):
    cpu_percent: Percent | None = None
    memory_percent: Percent | None = None
    disk_percent: Percent | None = None
    load_1m: NonNegative | None = None
    processes: Count | None = None


class UserSoFar(_Input, frozen=True, kw_only=True):
    interactions: Count | None = None
    successes: Count | None = None
    mean_rating: Annotated[float, Meta(ge=1, le=5)] | None = None


class Session(_Input, frozen=True, kw_only=True):
    session_id: CleanIdentifier
    user_id: CleanIdentifier
    directory: CleanShortText = ""
    platform: CleanShortText = ""
    history: Annotated[list[PastCommand], Meta(max_length=200)] = []
    """The session's earlier commands, oldest first."""
    state: MachineState | None = None
    user: UserSoFar | None = None
    seconds_since_previous: NonNegative | None = None


class ActRequest(_Input, frozen=True, kw_only=True):
    request: Words
    session: Session
    deadline_ms: Annotated[int, Meta(ge=1, le=60_000)] | None = None
    """May only shorten the server's own deadline."""


class FeedbackRequest(_Input, frozen=True, kw_only=True):
    """What came of an answer. `interaction_id`, `session_id` and `user_id` are those of the answered request."""

    interaction_id: CleanIdentifier
    session_id: CleanIdentifier
    user_id: CleanIdentifier
    executed_command: CleanText | None = None
    exit_status: ExitStatus | None = None
    duration_ms: NonNegative | None = None
    cpu_ms: NonNegative | None = None
    memory_mb: NonNegative | None = None
    output_bytes: Count | None = None
    error_message: CleanText | None = None
    error_category: CleanShortText | None = None
    recovery_command: CleanText | None = None
    recovered: bool | None = None
    recovery_ms: NonNegative | None = None
    rating: Rating | None = None
    verdict: Verdict | None = None
    corrected_command: CleanText | None = None
    corrected_intent: CleanShortText | None = None


class IntentAnswer(Struct, frozen=True):
    label: str | None
    """None where no responder could name one."""
    confidence: float | None
    """Calibrated probability from a model, share of the training requests from the defaults, None from a rule."""
    out_of_scope: bool
    served_by: str
    version: str | None


class RankedCommand(Struct, frozen=True):
    command: str
    template: str
    confidence: float | None
    risk: str


class ActionAnswer(Struct, frozen=True):
    name: str
    propensity: float | None
    """Probability with which the action was drawn; null where a fallback chose it without drawing."""
    served_by: str
    version: str | None


class Answer(Struct, frozen=True):
    interaction_id: str
    intent: IntentAnswer
    commands: list[RankedCommand]
    command_served_by: str
    command_version: str | None
    action: ActionAnswer
    degraded: bool
    """Some part was not answered by its champion; `reasons` says why."""
    reasons: list[str]
    served_by: str
    """The last responder in the order of the fallbacks that had a part in this answer."""
    latency_ms: float


class FeedbackAnswer(Struct, frozen=True):
    interaction_id: str
    events: int
    """How many events were logged; 0 where the same feedback was logged before."""


class FieldProblem(Struct, frozen=True):
    field: str
    """Its path, such as `session.history.0.command`; `body` for the request as a whole."""
    problem: str


class Refusal(Struct, frozen=True, omit_defaults=True):
    code: str
    problem: str
    fields: list[FieldProblem] = []


class RefusalAnswer(Struct, frozen=True):
    error: Refusal
