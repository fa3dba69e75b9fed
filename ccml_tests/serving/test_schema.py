"""What the server accepts is what a log may hold: the bounds of requests are those of the events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from ccml.privacy.pseudonyms import Pseudonyms
from ccml.serving.http.reading import read
from ccml.serving.http.refusal import RefusedError
from ccml.serving.logging.telemetry import answer_events, feedback_events
from ccml.serving.schema import (
    ActionAnswer,
    ActRequest,
    Answer,
    FeedbackRequest,
    IntentAnswer,
    MachineState,
    RankedCommand,
    Session,
)
from ccml.serving.turn import Turn
from ccml.telemetry.decode import decode_line
from ccml.telemetry.events import Error, Event, Execution, Feedback, Interaction, SystemState, bare
from ccml.telemetry.redaction import redact_event

FEEDBACK_FIELDS = {
    **{name: (Execution, name) for name in ("exit_status", "duration_ms", "cpu_ms", "memory_mb", "output_bytes")},
    "executed_command": (Interaction, "command"),
    "error_message": (Error, "message"),
    "error_category": (Error, "category"),
    **{name: (Error, name) for name in ("recovery_command", "recovered", "recovery_ms")},
    **{name: (Feedback, name) for name in ("rating", "verdict", "corrected_command", "corrected_intent")},
    **{name: (Feedback, name) for name in ("interaction_id", "session_id", "user_id")},
}
SHARED: dict[tuple[type[Any], str], tuple[type[Event], str]] = {
    **{(FeedbackRequest, field): logged for field, logged in FEEDBACK_FIELDS.items()},
    **{(MachineState, field): (SystemState, field) for field in MachineState.__struct_fields__},
    **{(Session, field): (Interaction, field) for field in ("session_id", "user_id", "directory", "platform")},
    (ActRequest, "request"): (Interaction, "request"),
}
"""Field of a request → field of the event in which it is logged."""
OWN = {
    Session: {"history", "state", "user", "seconds_since_previous"},
    ActRequest: {"session", "deadline_ms"},
    FeedbackRequest: set(),
    MachineState: set(),
}
"""What no event has under a name of its own."""


def declared(struct: type[Any], field: str) -> inspect.Type:
    kind = inspect.type_info(struct)
    assert isinstance(kind, inspect.StructType)
    return next(bare(one.type) for one in kind.fields if one.name == field)


def on_the_edges(kind: inspect.Type) -> Iterator[Any]:
    """Values on and just beyond every bound, and values of other types."""
    yield from (True, 1, 1.5, "x", None, [], {})
    match kind:
        case inspect.StrType(min_length=shortest, max_length=longest):
            assert longest is not None, "a text without a bound"
            lengths = [longest - 1, longest, longest + 1, *([shortest, shortest - 1] if shortest else [0])]
            yield from ("x" * length for length in lengths)
        case inspect.IntType(ge=low, le=high):
            yield from (low - 1, low, high, high + 1)
        case inspect.FloatType(ge=low, le=high):
            yield from (low - 1e-9, low, high, high * (1 + 1e-9), float("inf"))
        case inspect.LiteralType(values=values):
            yield from (*values, "another")
        case inspect.BoolType():
            pass
        case other:
            raise AssertionError(f"no boundary values for {other}")


def takes(struct: type[Any], field: str, value: Any) -> bool:
    try:
        msgspec.convert(value, next(one.type for one in msgspec.structs.fields(struct) if one.name == field))
    except msgspec.ValidationError:
        return False
    return True


def test_every_field_of_a_request_is_compared_with_its_event() -> None:
    for struct, own in OWN.items():
        assert {field for owner, field in SHARED if owner is struct} | own == set(struct.__struct_fields__)


@pytest.mark.parametrize(("asked", "logged"), SHARED.items(), ids=[f"{s.__name__}.{f}" for s, f in SHARED])
def test_a_value_at_any_bound_is_taken_by_the_server_exactly_where_an_event_may_hold_it(
    asked: tuple[type[Any], str], logged: tuple[type[Event], str]
) -> None:
    values = [value for value in on_the_edges(declared(*logged)) if value is not None]
    different = [value for value in values if takes(*asked, value) != takes(*logged, value)]
    if asked == (ActRequest, "request"):  # words are needed, and shorter: see `Words`
        assert all(not takes(*asked, value) for value in different)
        assert takes(*asked, "x" * 4_000)
        assert not takes(*asked, "x" * 4_001)
    else:
        assert different == []


GROWING = ("mysql -pa", "redis-cli -a b", "pwd=a", "curl -u a:b", "https://a:b@h", "/home/a")
"""Text that redaction makes longer, up to five times."""


def filled(kind: inspect.Type, unit: str) -> str:
    assert isinstance(kind, inspect.StrType)
    assert kind.max_length is not None
    return ((unit + " ") * kind.max_length)[: kind.max_length]


@pytest.mark.parametrize("unit", GROWING)
def test_the_longest_texts_that_the_server_takes_can_be_landed_after_redaction(unit: str) -> None:
    texts = {
        name: filled(declared(FeedbackRequest, name), unit)
        for name in FeedbackRequest.__struct_fields__
        if isinstance(declared(FeedbackRequest, name), inspect.StrType) and not name.endswith("_id")
    }
    ids = {"interaction_id": "i-1", "session_id": "s-1", "user_id": "u-1"}
    given = msgspec.convert({**ids, **texts}, FeedbackRequest)
    session = msgspec.convert({**ids, "directory": filled(declared(Session, "directory"), unit)}, dict[str, Any])
    session.pop("interaction_id")
    asked = msgspec.convert({"request": filled(declared(ActRequest, "request"), unit), "session": session}, ActRequest)
    answer = Answer(
        "i-1",
        IntentAnswer("inspect_file", 0.5, False, "rules", None),
        [RankedCommand("ls", "ls", 0.5, "safe")],
        "rules",
        None,
        ActionAnswer("suggest", 1.0, "default", "default"),
        True,
        [],
        "default",
        1.0,
    )
    now = datetime.now(UTC)
    for event in [*feedback_events(given, "ls", "digest01"), *answer_events(asked, Turn.of(asked), answer, "host")]:
        line = msgspec.json.encode(redact_event(event, Pseudonyms(b"k" * 32)))
        landed = decode_line(line, now=now)
        assert isinstance(landed, Event), landed
        assert b":a@" not in line


def test_infinity_in_a_log_is_refused_as_a_number_out_of_bounds() -> None:
    from ccml.telemetry.decode import make_event

    fields = {"event_id": "e", "time": datetime.now(UTC), "user_id": "u", "session_id": "s", "interaction_id": "i"}
    made = make_event(Execution, {**fields, "duration_ms": float("inf")}, now=datetime.now(UTC))
    assert not isinstance(made, Execution)
    assert "$.duration_ms" in made.reason


def test_a_text_is_read_in_one_spelling_wherever_it_stands() -> None:
    combined = "cafe\u0301"
    body = {
        "request": combined,
        "session": {"session_id": "s", "user_id": combined, "directory": combined, "history": [{"command": combined}]},
    }
    asked = read(json.dumps(body).encode(), ActRequest)
    session = asked.session
    assert {asked.request, session.user_id, session.directory, session.history[0].command} == {"caf\u00e9"}


def test_every_wrong_field_is_named() -> None:
    wrong = {name: {"an": "object"} for name in FeedbackRequest.__struct_fields__}
    with pytest.raises(RefusedError) as refused:
        read(json.dumps(wrong).encode(), FeedbackRequest)
    assert [one.field for one in refused.value.fields] == list(FeedbackRequest.__struct_fields__)
