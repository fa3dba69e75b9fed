"""One line of a native log → one event, or the reason why not.

Every input gives one of the two; nothing here raises. A reason names the field (`$.propensity`) and what was expected
there, so a person can repair the line. Its `reason_code` is one of `REASON_CODES`, so a report can count.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from ccml.telemetry.events import AnyEvent, Event, Execution

REASON_CODES: dict[str, str] = {
    "not_json": "the line is no JSON object at all",
    "bad_json": "the line begins as a JSON object and then breaks",
    "truncated": "the file ends in the middle of this line",
    "bad_encoding": "the bytes are not UTF-8",
    "nul_byte": "the line holds a NUL byte",
    "too_long": "the line is longer than the format's limit",
    "too_deep": "the JSON is nested deeper than 32 levels",
    "unknown_kind": "`kind` names none of the five kinds",
    "missing_field": "a required field is absent",
    "unknown_field": "a field is not part of the declaration",
    "wrong_type": "a field holds another type than declared",
    "bad_value": "a field holds a value outside what is declared",
    "future_time": "the event lies more than a day after the moment of reading",
    "too_old": "the event lies before 2009-01-01, where the daily partitions begin",
    "conflicting_duplicate": "an event with this id and another content has landed before",
}

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
MAX_DEPTH = 32
MAX_LINE_BYTES = 256 * 1024
"""The longest line that is decoded, where a format states no other limit."""
FUTURE_TOLERANCE = timedelta(days=1)
EARLIEST = datetime(2009, 1, 1, tzinfo=UTC)
AWAITED_UNTIL = datetime(2200, 1, 1, tzinfo=UTC)
"""A later time is a mistake of the log, whatever the clock of this machine says."""


class Rejection(msgspec.Struct, frozen=True):
    """Why an input did not become an event. `reason_code` is a key of `REASON_CODES`."""

    reason_code: str
    reason: str
    readable_from: datetime | None = None
    """The moment from which the same input is an event, where waiting is all that it needs."""


_decoder = msgspec.json.Decoder(AnyEvent)
_JSON_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_EventT = TypeVar("_EventT", bound=Event)
_ObjectT = TypeVar("_ObjectT")


def decode_line(raw: bytes, *, now: datetime) -> AnyEvent | Rejection:
    """Decode one JSON line, strictly: no coercion, no unknown fields.

    Args:
        raw: the line without its line end.
        now: the moment of reading, with a time zone; later than a day after it is the future.
    """
    event = decode_object(raw, _decoder)
    if isinstance(event, Rejection):
        return event
    if b"\\u0000" in raw:
        field = next((name for name in event.__struct_fields__ if _holds_nul(getattr(event, name))), None)
        if field is not None:
            return Rejection("nul_byte", f"expected text, found an escaped NUL byte - at `$.{field}`")
    return _reject_impossible_times(event, now) or event


def decode_run(raw: bytes, lines: int, *, now: datetime) -> list[AnyEvent] | None:
    """The events of so many lines, if `decode_line` would make one of each; else None.

    The same decoder decodes them, but takes a line end for a blank. Where each line end stands between two braces that
    turn away from it, none is inside an object; as many objects as lines then say that each line is one.
    """
    if b"\0" in raw or b"\\u0000" in raw or _longest_line(raw) > MAX_LINE_BYTES:
        return None
    if raw.count(b"}\n{") + raw.count(b"}\r\n{") != lines - 1:
        return None
    try:
        if not raw.isascii():
            raw.decode("utf-8")
        events = _decoder.decode_lines(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if len(events) != lines:
        return None
    times = [event.time for event in events]
    times += [event.ended_at for event in events if isinstance(event, Execution) and event.ended_at is not None]
    return events if min(times) >= EARLIEST and max(times) <= now + FUTURE_TOLERANCE else None


def _longest_line(raw: bytes) -> int:
    """Bytes, the line end included."""
    if len(raw) <= MAX_LINE_BYTES:
        return len(raw)
    longest = start = 0
    while (end := raw.find(b"\n", start)) >= 0:
        longest, start = max(longest, end + 1 - start), end + 1
    return max(longest, len(raw) - start)


def _holds_nul(value: object) -> bool:
    if isinstance(value, dict):
        return any(_holds_nul(each) for pair in value.items() for each in pair)
    return isinstance(value, str) and "\0" in value


def decode_object(raw: bytes, decoder: msgspec.json.Decoder[_ObjectT]) -> _ObjectT | Rejection:
    """Decode one line that holds one JSON object, of any format."""
    unreadable = _reject_unreadable(raw)
    if unreadable is not None:
        return unreadable
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        return explain(error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Rejection("bad_json", f"expected one JSON object: {error}")


def make_event(kind: type[_EventT], fields: dict[str, Any], *, now: datetime) -> _EventT | Rejection:
    """Build an event from what a reader found in somebody else's log, under the same rules as a native line."""
    try:
        event = msgspec.convert({"kind": kind.__struct_config__.tag, **fields}, kind)
    except msgspec.ValidationError as error:
        return explain(error)
    return _reject_impossible_times(event, now) or event


def _reject_unreadable(raw: bytes) -> Rejection | None:
    """Why a line cannot be parsed, found before it is parsed as JSON; None where it can be."""
    if raw[:2] in _UTF16_MARKS or 2 * raw.count(0) >= max(2, len(raw) - 1):
        return Rejection("nul_byte", "expected UTF-8, found UTF-16 or NUL bytes; write the file as UTF-8")
    if b"\x00" in raw:
        return Rejection("nul_byte", f"expected text, found a NUL byte at byte {raw.index(0) + 1}")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return Rejection(
            "bad_encoding", f"expected UTF-8, found byte 0x{raw[error.start]:02x} at byte {error.start + 1}"
        )
    if not raw.lstrip().startswith(b"{"):
        return Rejection("not_json", "expected a JSON object, which begins with '{'")
    if _depth_exceeds(raw, MAX_DEPTH):
        return Rejection("too_deep", f"expected at most {MAX_DEPTH} nested levels")
    return None


def _reject_impossible_times(event: Event, now: datetime) -> Rejection | None:
    times: dict[str, datetime] = {"time": event.time}
    if isinstance(event, Execution) and event.ended_at is not None:
        times["ended_at"] = event.ended_at
    for field, time in times.items():
        if time > now + FUTURE_TOLERANCE:
            reason = f"expected at most a day after {now.isoformat()}, got {time.isoformat()} - at `$.{field}`"
            # An event has several times: with the latest of them no other one is refused.
            latest = max(times.values())
            return Rejection("future_time", reason, latest - FUTURE_TOLERANCE if latest < AWAITED_UNTIL else None)
        if time < EARLIEST:
            return Rejection("too_old", f"expected {EARLIEST.date()} or later, got {time.isoformat()} - at `$.{field}`")
    return None


def _depth_exceeds(raw: bytes, limit: int) -> bool:
    if raw.count(b"{") + raw.count(b"[") <= limit:
        return False
    # Brackets inside strings do not nest. If they counted, a shell line full of braces would be refused.
    depth = 0
    for byte in _JSON_STRING.sub(b"", raw):
        if byte in b"{[":
            depth += 1
            if depth > limit:
                return True
        elif byte in b"}]":
            depth -= 1
    return False


def explain(error: msgspec.ValidationError) -> Rejection:
    """msgspec's message, which names the field and what was expected, with its reason code."""
    message = str(error)
    if "missing required field" in message:
        code = "missing_field"
    elif "unknown field" in message:
        code = "unknown_field"
    elif re.match(r"Expected `[^`]+`, got ", message):
        code = "wrong_type"
    elif message.endswith("at `$.kind`"):
        code = "unknown_kind"
    else:
        code = "bad_value"
    return Rejection(code, message)


def rfc_3339(stamp: object) -> datetime | Rejection:
    """The time that a record of another tool has at `$.timestamp`."""
    if not isinstance(stamp, str):
        return Rejection("missing_field", "expected an RFC 3339 time at `$.timestamp`")
    try:
        time = datetime.fromisoformat(stamp)
    except ValueError:
        return Rejection("bad_value", f"expected an RFC 3339 time at `$.timestamp`, found {stamp[:40]!r}")
    return time if time.tzinfo else Rejection("bad_value", "expected a time with an offset at `$.timestamp`")
