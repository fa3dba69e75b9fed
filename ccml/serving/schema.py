"""What the server takes and gives. Input is checked strictly; an error names the field and never repeats the input.

Repeating it would put a password that somebody typed into the wrong place into answers, logs and screenshots.
"""

from __future__ import annotations

import json
import unicodedata
from typing import Annotated, Any, Final, Literal, TypeVar

from msgspec import Struct
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ccml.serving.routes import Refusal

MAX_DEPTH: Final = 32
_LARGEST_COUNT: Final = 1_000_000_000


def _clean_text(text: str) -> str:
    """NFC, so that one word has one spelling for the tokenizer.

    Raises:
        ValueError: it holds a NUL or half a surrogate pair, which no log line and no tokenizer can carry.
    """
    if "\x00" in text:
        raise ValueError("must not contain NUL")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("must be valid Unicode without lone surrogates")
    return unicodedata.normalize("NFC", text)


def _words(text: str) -> str:
    if not text.strip():
        raise ValueError("must contain something other than blanks")
    return text


Request = Annotated[str, Field(min_length=1, max_length=4_000), AfterValidator(_clean_text), AfterValidator(_words)]
CommandLine = Annotated[str, Field(max_length=8_000), AfterValidator(_clean_text)]
Message = Annotated[str, Field(max_length=16_000), AfterValidator(_clean_text)]
Short = Annotated[str, Field(max_length=400), AfterValidator(_clean_text)]
"""Well below what an event may hold: redaction can lengthen a text."""
Identifier = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_clean_text)]
Percent = Annotated[float, Field(ge=0, le=100)]
NonNegative = Annotated[float, Field(ge=0, le=1e12)]
Count = Annotated[int, Field(ge=0, le=_LARGEST_COUNT)]


class _Input(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class PastCommand(_Input):
    command: CommandLine
    succeeded: bool | None = None


class MachineState(_Input):
    cpu_percent: Percent | None = None
    memory_percent: Percent | None = None
    disk_percent: Percent | None = None
    load_1m: NonNegative | None = None
    processes: Count | None = None


class UserSoFar(_Input):
    interactions: Count | None = None
    successes: Count | None = None
    mean_rating: Annotated[float, Field(ge=1, le=5)] | None = None


class Session(_Input):
    session_id: Identifier
    user_id: Identifier
    directory: Short = ""
    platform: Short = ""
    history: Annotated[list[PastCommand], Field(max_length=200)] = []
    """The session's earlier commands, oldest first."""
    state: MachineState | None = None
    user: UserSoFar | None = None
    seconds_since_previous: NonNegative | None = None


class ActRequest(_Input):
    request: Request
    session: Session
    deadline_ms: Annotated[int, Field(ge=1, le=60_000)] | None = None
    """May only shorten the server's own deadline."""


class FeedbackRequest(_Input):
    """What came of an answer. `interaction_id`, `session_id` and `user_id` are those of the answered request."""

    interaction_id: Identifier
    session_id: Identifier
    user_id: Identifier
    executed_command: CommandLine | None = None
    exit_status: Annotated[int, Field(ge=-(2**31), le=2**31)] | None = None
    duration_ms: NonNegative | None = None
    cpu_ms: NonNegative | None = None
    memory_mb: NonNegative | None = None
    output_bytes: Annotated[int, Field(ge=0, le=2**53)] | None = None
    error_message: Message | None = None
    error_category: Short | None = None
    recovery_command: CommandLine | None = None
    recovered: bool | None = None
    recovery_ms: NonNegative | None = None
    rating: Annotated[int, Field(ge=1, le=5)] | None = None
    verdict: Literal["accepted", "edited", "rejected", "undone"] | None = None
    corrected_command: CommandLine | None = None
    corrected_intent: Short | None = None


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
    propensity: float
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
    """The responder furthest down the chain that had a part in this answer."""
    latency_ms: float


Model = TypeVar("Model", bound=BaseModel)


class InvalidInputError(Refusal):
    """400 for what is no JSON object, 422 for a field that is not as expected."""

    def __init__(self, status: int, fields: list[dict[str, str]]) -> None:
        super().__init__(status, "invalid", "; ".join(f"{field['field']}: {field['problem']}" for field in fields))
        self.fields = fields


def read(body: bytes, model: type[Model]) -> Model:
    """Decodes and checks a request body.

    Raises:
        InvalidInputError: names each field that is not as expected.
    """
    value = _strict_json(body)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False, include_context=False)
        raise InvalidInputError(422, [_field(detail, model) for detail in details[:20]]) from None


def _strict_json(body: bytes) -> Any:
    """JSON without what decoders disagree on: NaN, duplicate keys, invalid UTF-8, nesting beyond any real request."""
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_unique_keys, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise _invalid_body("expected UTF-8") from None
    except RecursionError:
        raise _invalid_body(f"expected at most {MAX_DEPTH} levels of nesting") from None
    except json.JSONDecodeError as error:
        raise _invalid_body(f"expected JSON; it breaks at character {error.pos}") from None
    except ValueError as error:  # a number of thousands of digits, or raised by the two hooks below
        known = isinstance(error, _NotStrictError)
        raise _invalid_body(str(error) if known else "expected numbers of ordinary length") from None
    if _depth_exceeds(value, MAX_DEPTH):
        raise _invalid_body(f"expected at most {MAX_DEPTH} levels of nesting")
    return value


class _NotStrictError(ValueError):
    pass


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _NotStrictError("expected each field at most once")
    return value


def _no_constant(_name: str) -> Any:
    raise _NotStrictError("expected finite numbers")


def _depth_exceeds(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit + 1):
        level = [
            child
            for parent in level
            if isinstance(parent, (dict, list))
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return False
    return True


def _invalid_body(problem: str) -> InvalidInputError:
    return InvalidInputError(400, [{"field": "body", "problem": problem}])


def _field(detail: Any, model: type[BaseModel]) -> dict[str, str]:
    location = list(detail["loc"])
    problem = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        location.pop()  # the unknown name is the client's text as much as any value is
        problem = "has a field that is not part of the interface (see /openapi.json)"
    if detail["type"] == "model_type":
        problem = "expected a JSON object"
    name = ".".join(str(part) for part in location)
    return {"field": name or "body", "problem": problem}
