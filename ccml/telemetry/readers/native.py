"""Native logs: JSON Lines, one declared event a line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from ccml.telemetry.decode import MAX_LINE_BYTES, Rejection, decode_line
from ccml.telemetry.events import KINDS, Execution, Interaction
from ccml.telemetry.events import Error as ErrorEvent
from ccml.telemetry.readers.lines import read_lines
from ccml.telemetry.readers.record import Facts, Reader, Record, Sample

_TAGS = frozenset(str(kind.__struct_config__.tag) for kind in KINDS.values())


def read(path: Path, now: datetime, facts: Facts) -> Iterator[Record]:
    facts["files"] += 1
    for line in read_lines(path, MAX_LINE_BYTES):
        if line.blank:
            yield Record(line.number, skipped="blank")
            continue
        if line.digest is not None:
            limit = f"expected at most {MAX_LINE_BYTES} bytes on a line, found {line.size}"
            yield Record.refused(line, Rejection("too_long", limit))
            continue
        event = decode_line(line.raw, now=now)
        if isinstance(event, Rejection):
            if event.reason_code == "bad_json" and not line.ended:
                event = Rejection("truncated", f"the file ends inside this line: {event.reason}")
            yield Record.refused(line, event)
            continue
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
