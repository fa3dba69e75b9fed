"""An event as it may be stored: no secret in any text, pseudonyms in place of people and machines."""

from __future__ import annotations

import functools
from typing import Final, TypeVar

import msgspec
from msgspec import inspect

from ccml.privacy.pseudonyms import Pseudonyms
from ccml.privacy.redaction import redact
from ccml.telemetry.events import Event, bare

_E = TypeVar("_E", bound=Event)
_SHORT: Final = 256
"""Characters of a text that is remembered with what redaction made of it."""
_IDENTIFIERS: Final = ("event_id", "session_id", "interaction_id")


def redact_event(event: _E, pseudonyms: Pseudonyms) -> _E:
    """The event as it may be stored: every text redacted, user and host replaced by pseudonyms.

    Redaction can make a text longer than declared, up to five times for secrets of one character; it is then cut, or
    the event would be refused at landing. Identifiers are kept, because the kinds are joined by them. An identifier
    that holds something private is replaced by its pseudonym, which is the same in every event.
    """
    changes: dict[str, object] = {}
    for field in event.__struct_fields__:
        value = getattr(event, field)
        if not value:
            continue
        if field == "user_id":
            changed: object = pseudonyms.of("user", value)
        elif field == "host":
            changed = pseudonyms.of("host", value)
        elif isinstance(value, str):
            changed = _redacted(value)[: _longest(type(event)).get(field)]
            if changed != value and field in _IDENTIFIERS:
                changed = pseudonyms.of("identifier", value)
        elif isinstance(value, dict):
            changed = {redact(k): redact(v) for k, v in value.items()}
        else:
            continue
        if changed != value:
            changes[field] = changed
    return msgspec.structs.replace(event, **changes) if changes else event


def _redacted(text: str) -> str:
    return _redacted_short(text) if len(text) <= _SHORT else redact(text)


@functools.lru_cache(maxsize=16_384)
def _redacted_short(text: str) -> str:
    """Four of five texts of a log stand in an event before: folders, tools, sessions, commands. At most 16 MB."""
    return redact(text)


@functools.cache
def _longest(kind: type[Event]) -> dict[str, int]:
    """Text field → most characters it may have."""
    declared = inspect.type_info(kind)
    assert isinstance(declared, inspect.StructType)
    texts = ((field.name, bare(field.type)) for field in declared.fields)
    return {name: text.max_length for name, text in texts if isinstance(text, inspect.StrType) and text.max_length}
