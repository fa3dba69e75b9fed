"""Lines that are decoded many at once give what they give one by one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccml.privacy.pseudonyms import Pseudonyms
from ccml.privacy.suspicious import suspicious_texts
from ccml.telemetry.decode import MAX_LINE_BYTES
from ccml.telemetry.events import Interaction
from ccml.telemetry.readers import lines, native
from ccml.telemetry.readers.record import Record, Run
from ccml.telemetry.redaction import redact_event, redact_events

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def event(number: int, **fields: Any) -> bytes:
    found = {"kind": "interaction", "event_id": f"e-{number}", "time": "2026-01-05T09:00:00Z", "user_id": "ada"}
    return json.dumps(found | {"session_id": "s", "command": f"ls {number}"} | fields).encode()


def one_by_one(path: Path) -> tuple[list[Record], dict[str, int]]:
    facts: Counter[str] = Counter()
    return [*native.read(path, NOW, facts)], dict(facts)


def many_at_once(path: Path) -> tuple[list[Record], dict[str, int], int]:
    facts: Counter[str] = Counter()
    records, runs = list[Record](), 0
    for found in native.read_many(path, NOW, facts):
        if isinstance(found, Run):
            runs += 1
            records += [Record(line, (each,)) for line, each in enumerate(found.events, start=found.first)]
        else:
            records.append(found)
    return records, dict(facts), runs


def execution(**fields: Any) -> bytes:
    return event(1, kind="execution", interaction_id="i", **fields)


def padded(size: int) -> bytes:
    return event(1) + b" " * (size - len(event(1)))


ODD: list[bytes] = [
    b"", b"  ", b"\r", b"\x0b", b"x", b"null", b"[]", b"{}", b"\xef\xbb\xbf" + event(1), b"\xff\xfe{", b"\x00", b"{",
    event(1)[:-5], event(1) + event(2), event(1) + b" " + event(2), event(1) + b",", event(1) + b"\r" + event(2),
    event(1).replace(b", ", b",\n", 1), b" \t" + event(1) + b" \t", event(1) + b"\r", event(1) + b"\x0c",
    event(1, colour="red"), event(1, request=7), event(1, confidence=2), event(1, kind="mood"),
    event(1, time="2027-01-01T00:00:00Z"), event(1, time="1999-01-01T00:00:00Z"), event(1, time="2026-01-05T09:00:00"),
    event(1, time="2026-01-05T09:00:00+14:00"), event(1)[:-1] + b', "event_id": "twice"}',
    event(1)[:-1] + b', "confidence": NaN}', event(1)[:-1] + b', "confidence": 1e999}', execution(output_bytes=10**30),
    execution(), execution(ended_at="2027-01-01T00:00:00Z"), execution(ended_at="2001-01-01T00:00:00Z"),
    event(1, request="a\x00b"), event(1).replace(b"ls", rb"\\u0000"), event(1).replace(b"ls", rb"\ud800"),
    event(1).replace(b"ls", rb"\ud83d\ude00"), event(1).replace(b"ls", b"\xc3\xa9"), event(1).replace(b"ls", b"\xe9"),
    event(1).replace(b"ls", b"\xed\xa0\x80"), event(1).replace(b"ls", b"a\nb"), b'{"a":' * 50 + b"1" + b"}" * 50,
    b"[" * 3_000, event(1, model_versions={"intent": "1.0.0"}), event(1, request="x" * 40_000),
    padded(MAX_LINE_BYTES), padded(MAX_LINE_BYTES + 1), padded(600_000),
]  # fmt: skip
LINES = st.one_of(
    st.integers(0, 99).map(event),
    st.integers(0, 99).map(event),
    st.sampled_from(ODD),
    st.binary(max_size=30),
    st.builds(
        lambda place, noise: event(7)[:place] + noise + event(7)[place + 1 :],
        st.integers(0, 150),
        st.binary(max_size=2),
    ),
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(LINES, max_size=25), st.sampled_from([b"\n", b"\r\n"]), st.booleans(), st.booleans(),
    st.sampled_from([64, 700, 1 << 21]), st.sampled_from([0, 500, 4096]),
)  # fmt: skip
def test_any_lines_give_the_same_many_at_once(
    tmp_path: Path, found: list[bytes], end: bytes, ended: bool, mark: bool, chunk: int, few: int
) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" * mark + end.join(found) + end * ended)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "_CHUNK_OF_LINES", chunk)
        patch.setattr(native, "_FEW_BYTES", few)
        assert many_at_once(path)[:2] == one_by_one(path)


@pytest.mark.parametrize(
    "raw",
    [
        b"\n" + event(1) + event(2) + b"\n",  # as many objects as lines
        event(1).replace(b", ", b",\n", 1) + b"\n" + event(2) + event(3) + b"\n",
        event(1) + event(2) + b"\n" + event(3).replace(b", ", b",\n", 1),
    ],
)
def test_two_objects_on_a_line_do_not_make_up_for_a_line_without_one(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(raw)
    assert many_at_once(path)[:2] == one_by_one(path)


@pytest.mark.parametrize("odd", range(len(ODD)))
def test_an_odd_line_among_good_ones_gives_the_same_and_the_others_come_as_runs(tmp_path: Path, odd: int) -> None:
    path = tmp_path / "log.jsonl"
    good = [event(number) for number in range(200)]
    path.write_bytes(b"\n".join([*good, ODD[odd], *good]) + b"\n")
    records, facts, runs = many_at_once(path)
    assert (records, facts) == one_by_one(path)
    assert runs


TEXTS = st.one_of(
    st.sampled_from(
        ["ls", "ada@example.com", "cat /home/ada/x", "ghp_" + "a1B2" * 9, "mysql -phunter2", "é", "x" * 300]
    ),
    st.text(max_size=12),
)


@settings(max_examples=60)
@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS.filter(bool), st.dictionaries(TEXTS, TEXTS, max_size=2)), min_size=1))
def test_events_are_redacted_together_as_they_are_one_by_one(
    rows: Iterable[tuple[str, str, str, dict[str, str]]],
) -> None:
    pseudonyms = Pseudonyms(b"k" * 32)
    events = [
        Interaction(
            event_id=name[:200], time=NOW, user_id=name[:200], session_id="s", request=request, command=command,
            host=command[:100], intent=request[:50] or None, model_versions=mapping or None,
        )
        for request, command, name, mapping in rows
    ]  # fmt: skip
    assert redact_events([events], pseudonyms, suspicious_texts) == [
        [redact_event(each, pseudonyms) for each in events]
    ]
