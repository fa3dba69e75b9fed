"""Native logs: JSON Lines, one declared event a line.

Good lines are decoded many at once. Where that fails, the chunk is halved until the lines that are not good stand among
few others; these are read one by one, with the reason for each that is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

from ccml.telemetry.decode import MAX_LINE_BYTES, decode_line, decode_run
from ccml.telemetry.events import KINDS, AnyEvent, Execution, Interaction
from ccml.telemetry.events import Error as ErrorEvent
from ccml.telemetry.readers.json_lines import decode_lines
from ccml.telemetry.readers.lines import Chunk, Line, lines_of, read_chunks, read_lines
from ccml.telemetry.readers.record import Facts, Reader, Record, Run, Sample

_TAGS = frozenset(str(kind.__struct_config__.tag) for kind in KINDS.values())
_FEW_BYTES = 4096


def read(path: Path, now: datetime, facts: Facts) -> Iterator[Record]:
    facts["files"] += 1
    return _one_by_one(read_lines(path, MAX_LINE_BYTES), now, facts)


def read_many(path: Path, now: datetime, facts: Facts) -> Iterator[Record | Run]:
    facts["files"] += 1
    for found in read_chunks(path, MAX_LINE_BYTES):
        if isinstance(found, Line):
            yield from _one_by_one([found], now, facts)
        else:
            yield from _runs(found, now, facts)


def fits(sample: Sample) -> bool:
    return any(found.get("kind") in _TAGS for found in sample.objects)


def _runs(chunk: Chunk, now: datetime, facts: Facts) -> Iterator[Record | Run]:
    events = decode_run(chunk.raw, chunk.lines, now=now)
    if events is not None:
        facts.update(_facts(events))
        yield Run(chunk.first, events, len(chunk.raw))
        return
    half = chunk.raw.find(b"\n", len(chunk.raw) // 2) + 1
    if len(chunk.raw) <= _FEW_BYTES or half in (0, len(chunk.raw)):
        yield from _one_by_one(lines_of(chunk, MAX_LINE_BYTES), now, facts)
        return
    first = Chunk(chunk.first, chunk.raw[:half])
    yield from _runs(first, now, facts)
    yield from _runs(Chunk(chunk.first + first.lines, chunk.raw[half:]), now, facts)


def _one_by_one(lines: Iterable[Line], now: datetime, facts: Facts) -> Iterator[Record]:
    found: Iterator[tuple[Line, AnyEvent] | Record] = decode_lines(lines, partial(decode_line, now=now))
    for each in found:
        if isinstance(each, Record):
            yield each
            continue
        line, event = each
        facts.update(_facts([event]))
        yield Record(line.number, (event,))


def _facts(events: list[AnyEvent]) -> dict[str, int]:
    turns = [event for event in events if isinstance(event, Interaction)]
    kinds = Counter(map(type, events))
    counted = {
        "requests": sum(bool(turn.request) for turn in turns),
        "tool_calls": sum(bool(turn.command) for turn in turns),
        "bash_commands": sum(bool(turn.command) and turn.tool == "bash" for turn in turns),
        "executions": kinds[Execution],
        "errors": kinds[ErrorEvent],
    }
    return {name: count for name, count in counted.items() if count}


NATIVE = Reader(
    "native",
    "the platform's own JSON Lines, one event a line",
    ("*.jsonl",),
    fits,
    read,
    repeats="conflict",
    read_many=read_many,
)
