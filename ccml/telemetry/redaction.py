"""Events as they may be stored: no secret in any text, pseudonyms in place of people and machines."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from msgspec import inspect

from ccml.privacy.pseudonyms import Pseudonyms, Subject
from ccml.privacy.redaction import redact
from ccml.telemetry.events import Event, bare

_E = TypeVar("_E", bound=Event)
_SHORT: Final = 256
"""Characters of a text that is remembered with what redaction made of it."""
_PSEUDONYMS: Final[dict[str, Subject]] = {"user_id": "user", "host": "host"}
_IDENTIFIERS: Final = ("event_id", "session_id", "interaction_id")


def redact_event(event: _E, pseudonyms: Pseudonyms) -> _E:
    """The event as it may be stored: every text redacted, user and host replaced by pseudonyms.

    Redaction can make a text longer than declared, up to five times for secrets of one character; it is then cut, or
    the event would be refused at landing. Identifiers are kept, because the kinds are joined by them. An identifier
    that holds something private is replaced by its pseudonym, which is the same in every event.
    """
    return redact_events([[event]], pseudonyms, lambda texts: texts)[0][0]


def redact_events(
    groups: Sequence[Sequence[_E]], pseudonyms: Pseudonyms, suspicious: Callable[[list[str]], list[str]]
) -> list[list[_E]]:
    """What `redact_event` makes of each event.

    Args:
        groups: of one kind each.
        suspicious: those among some texts that redaction may change; no other one is examined.
    """
    columns = [_columns(events) for events in groups]
    texts = {text for each in columns for field in each.texts.keys() - _PSEUDONYMS for text in each.texts[field]}
    texts |= {text for each in columns for mapping in each.mapped() for pair in mapping.items() for text in pair}
    texts -= {None, ""}
    redacted = {text: now for text in suspicious([*texts]) if (now := _redacted(text)) != text}
    return [_changed(events, each, redacted, pseudonyms) for events, each in zip(groups, columns, strict=True)]


class _Columns(NamedTuple):
    """The values of some events, by field."""

    texts: dict[str, list[Any]]
    mappings: dict[str, list[Any]]

    def mapped(self) -> Iterator[dict[str, str]]:
        return (mapping for column in self.mappings.values() for mapping in column if mapping)


def _columns(events: Sequence[Event]) -> _Columns:
    kind = type(events[0])
    texts, mappings = (
        {field: [*map(operator.attrgetter(field), events)] for field in fields}
        for fields in (_longest(kind), _mappings(kind))
    )
    return _Columns(texts, mappings)


def _changed(events: Sequence[_E], columns: _Columns, redacted: Mapping[str, str], pseudonyms: Pseudonyms) -> list[_E]:
    changed: dict[str, list[Any]] = {}
    for field, column in columns.texts.items():
        if field in _PSEUDONYMS:
            subject = _PSEUDONYMS[field]
            now_of = {name: now for name in {*column} if (now := pseudonyms.of(subject, name)) != name}
        elif redacted.keys().isdisjoint(column):
            continue
        elif field in _IDENTIFIERS:
            now_of = {text: pseudonyms.of("identifier", text) for text in redacted.keys() & {*column}}
        else:
            longest = _longest(type(events[0]))[field]
            now_of = {text: redacted[text][:longest] for text in redacted.keys() & {*column}}
        if now_of:
            changed[field] = [now_of.get(text, text) for text in column]
    for field, column in columns.mappings.items():
        if redacted and any(column):
            changed[field] = [each and _mapped(each, redacted) for each in column]
    if not changed:
        return [*events]
    return [
        msgspec.structs.replace(event, **dict(zip(changed, values, strict=True)))
        for event, values in zip(events, zip(*changed.values(), strict=True), strict=True)
    ]


def _mapped(mapping: Mapping[str, str], redacted: Mapping[str, str]) -> dict[str, str]:
    return {redacted.get(key, key): redacted.get(value, value) for key, value in mapping.items()}


def _redacted(text: str) -> str:
    return _redacted_short(text) if len(text) <= _SHORT else redact(text)


@functools.lru_cache(maxsize=16_384)
def _redacted_short(text: str) -> str:
    """Four of five texts of a log stand in an event before: folders, tools, sessions, commands. At most 16 MB."""
    return redact(text)


@functools.cache
def _longest(kind: type[Event]) -> dict[str, int | None]:
    """Text field → most characters that it may have."""
    texts = ((field.name, bare(field.type)) for field in _fields(kind))
    return {name: text.max_length for name, text in texts if isinstance(text, inspect.StrType)}


@functools.cache
def _mappings(kind: type[Event]) -> tuple[str, ...]:
    return tuple(field.name for field in _fields(kind) if isinstance(bare(field.type), inspect.DictType))


def _fields(kind: type[Event]) -> tuple[inspect.Field, ...]:
    declared = inspect.type_info(kind)
    assert isinstance(declared, inspect.StructType)
    return declared.fields
