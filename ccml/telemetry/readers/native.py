"""Native logs: JSON Lines, one declared event a line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

from ccml.telemetry.decode import decode_line
from ccml.telemetry.events import KINDS, AnyEvent, Execution, Interaction
from ccml.telemetry.events import Error as ErrorEvent
from ccml.telemetry.readers.json_lines import read_json_lines
from ccml.telemetry.readers.lines import Line
from ccml.telemetry.readers.record import Facts, Reader, Record, Sample

_TAGS = frozenset(str(kind.__struct_config__.tag) for kind in KINDS.values())


def read(path: Path, now: datetime, facts: Facts) -> Iterator[Record]:
    facts["files"] += 1
    lines: Iterator[tuple[Line, AnyEvent] | Record] = read_json_lines(path, partial(decode_line, now=now))
    for found in lines:
        if isinstance(found, Record):
            yield found
            continue
        line, event = found
        if isinstance(event, Interaction):
            facts["requests"] += bool(event.request)
            facts["tool_calls"] += bool(event.command)
            facts["bash_commands"] += bool(event.command) and event.tool == "bash"
        elif isinstance(event, Execution):
            facts["executions"] += 1
        elif isinstance(event, ErrorEvent):
            facts["errors"] += 1
        yield Record(line.number, (event,))


def fits(sample: Sample) -> bool:
    return any(found.get("kind") in _TAGS for found in sample.objects)


NATIVE = Reader(
    "native", "the platform's own JSON Lines, one event a line", ("*.jsonl",), fits, read, repeats="conflict"
)
