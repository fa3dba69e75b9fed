from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccml.telemetry.decode import REASON_CODES, Rejection, decode_line, make_event
from ccml.telemetry.events import KINDS, Event, Execution, Interaction

NOW = datetime(2026, 6, 1, tzinfo=UTC)

INTERACTION: dict[str, Any] = {
    "kind": "interaction",
    "event_id": "i-1",
    "time": "2026-01-05T09:00:00Z",
    "user_id": "ada",
    "session_id": "s-1",
    "request": "show me the big files",
    "command": "du -ah . | sort -rh | head",
}


def line(**changes: Any) -> bytes:
    fields = {**INTERACTION, **changes}
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()


def test_a_declared_event_decodes_to_its_kind() -> None:
    event = decode_line(line(), now=NOW)

    assert isinstance(event, Interaction)
    assert event.command == "du -ah . | sort -rh | head"
    assert event.time == datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize("kind", KINDS.values())
def test_every_kind_survives_encoding_and_decoding(kind: type[Event]) -> None:
    required = {"event_id": "e", "time": NOW, "user_id": "u", "session_id": "s"}
    if "interaction_id" in msgspec.structs.asdict(kind(**required, **_link(kind))):
        required["interaction_id"] = "i-1"
    event = kind(**required)

    assert decode_line(msgspec.json.encode(event), now=NOW) == event


def _link(kind: type[Event]) -> dict[str, str]:
    return {"interaction_id": "i-1"} if "interaction_id" in kind.__struct_fields__ else {}


@pytest.mark.parametrize(
    ("raw", "code", "named"),
    [
        (b"// exported by hand", "not_json", "'{'"),
        (b"[1, 2]", "not_json", "'{'"),
        (line()[:-1], "bad_json", "truncated"),
        (line() + b" {}", "bad_json", "trailing"),
        (b'{"kind": "interaction", "event_id": "\\ud800"}', "bad_json", "object"),
        (b'{"event_id": "\xff"}', "bad_encoding", "0xff at byte 15"),
        (b'{"event_id": "\x00"}', "nul_byte", "byte 15"),
        (line(command="ls \0 -la"), "nul_byte", "$.command"),
        (line(model_versions={"a": "\0"}), "nul_byte", "$.model_versions"),
        (line().decode().encode("utf-16"), "nul_byte", "UTF-16"),
        (line().decode().encode("utf-16-le"), "nul_byte", "UTF-16"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "too_deep", "32"),
        (line(kind=None), "missing_field", "`kind`"),
        (line(kind="mood"), "unknown_kind", "mood"),
        (line(time=None), "missing_field", "`time`"),
        (line(colour="red"), "unknown_field", "`colour`"),
        (line(request=7), "wrong_type", "$.request"),
        (line(kind=7), "unknown_kind", "$.kind"),
        (line(model_versions={"policy": 1}), "wrong_type", "$.model_versions"),
        (line(propensity=1.5), "bad_value", "$.propensity"),
        (line(propensity=0.0), "bad_value", "$.propensity"),
        (line(action="dance"), "bad_value", "$.action"),
        (line(user_id=""), "bad_value", "$.user_id"),
        (line(time="yesterday"), "bad_value", "$.time"),
        (line(time="2026-01-05T09:00:00"), "bad_value", "timezone"),
        (line(time="2026-06-02T00:00:01Z"), "future_time", "$.time"),
        (line(time="2008-12-31T23:59:59Z"), "too_old", "2009-01-01"),
    ],
)
def test_a_bad_line_is_refused_with_its_code_and_the_place(raw: bytes, code: str, named: str) -> None:
    rejection = decode_line(raw, now=NOW)

    assert isinstance(rejection, Rejection)
    assert rejection.reason_code == code
    assert named in rejection.reason


def test_a_clock_that_is_a_day_ahead_is_forgiven() -> None:
    assert isinstance(decode_line(line(time="2026-06-02T00:00:00Z"), now=NOW), Interaction)


def test_an_end_in_the_future_is_refused_like_a_beginning_there() -> None:
    execution = {**INTERACTION, "kind": "execution", "interaction_id": "i-1", "ended_at": "2027-01-01T00:00:00Z"}
    del execution["request"], execution["command"]

    rejection = decode_line(json.dumps(execution).encode(), now=NOW)

    assert isinstance(rejection, Rejection)
    assert (rejection.reason_code, "$.ended_at" in rejection.reason) == ("future_time", True)


def test_whole_numbers_beyond_a_column_are_refused() -> None:
    execution = {"kind": "execution", "event_id": "x", "time": "2026-01-05T09:00:00Z", "user_id": "u"}
    execution |= {"session_id": "s", "interaction_id": "i"}

    for field in ("exit_status", "output_bytes"):
        rejection = decode_line(json.dumps({**execution, field: 10**30}).encode(), now=NOW)
        assert isinstance(rejection, Rejection)
        assert f"$.{field}" in rejection.reason


def test_brackets_inside_a_command_are_not_depth() -> None:
    assert isinstance(decode_line(line(command="echo " + "{[" * 200), now=NOW), Interaction)


def test_an_event_built_by_a_reader_obeys_the_same_rules() -> None:
    fields = {"event_id": "x", "time": NOW, "user_id": "u", "session_id": "s", "interaction_id": "i"}

    good = make_event(Execution, {**fields, "exit_status": 0}, now=NOW)
    bad = make_event(Execution, {**fields, "exit_status": "0"}, now=NOW)
    late = make_event(Execution, {**fields, "time": NOW + timedelta(days=2)}, now=NOW)

    assert isinstance(good, Execution)
    assert isinstance(bad, Rejection)
    assert bad.reason_code == "wrong_type"
    assert isinstance(late, Rejection)
    assert late.reason_code == "future_time"


def test_a_line_that_spells_out_the_escape_of_a_nul_byte_holds_none() -> None:
    assert isinstance(decode_line(line(command="grep '\\u0000' log"), now=NOW), Interaction)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.binary(max_size=300))
def test_any_bytes_end_as_an_event_or_a_known_reason(raw: bytes) -> None:
    _judged(raw)


@given(st.dictionaries(st.sampled_from([*INTERACTION, "propensity", "action", "model_versions"]), _JSON))
def test_any_json_in_the_place_of_fields_ends_as_an_event_or_a_known_reason(changes: dict[str, Any]) -> None:
    _judged(json.dumps({**INTERACTION, **changes}).encode())


@given(st.integers(0, len(line())), st.binary(max_size=4))
def test_a_line_with_a_few_bytes_replaced_ends_as_an_event_or_a_known_reason(place: int, noise: bytes) -> None:
    raw = line()
    _judged(raw[:place] + noise + raw[place + len(noise) :])


@given(st.datetimes(timezones=st.timezones()))
def test_any_moment_is_judged(moment: datetime) -> None:
    _judged(line(time=moment.isoformat()))


def _judged(raw: bytes) -> None:
    found = decode_line(raw, now=NOW)
    if isinstance(found, Rejection):
        assert found.reason_code in REASON_CODES
        assert found.reason
    else:
        assert isinstance(found, tuple(KINDS.values()))
        assert decode_line(msgspec.json.encode(found), now=NOW) == found
