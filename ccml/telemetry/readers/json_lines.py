"""The loop over a file of JSON Lines that all formats share: a blank line, a line over the limit and a line that is not
decoded become records here, so the same damage has the same reason code in every format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from ccml.telemetry.decode import MAX_LINE_BYTES, Rejection
from ccml.telemetry.readers.lines import Line, read_lines
from ccml.telemetry.readers.record import Record

_T = TypeVar("_T")


def read_json_lines(
    path: Path, decode: Callable[[bytes], _T | Rejection], limit: int = MAX_LINE_BYTES
) -> Iterator[tuple[Line, _T] | Record]:
    """Each line with what `decode` made of it, or the record of a line that holds nothing or cannot be read.

    Args:
        limit: the longest line, in bytes, that is decoded.
    """
    return decode_lines(read_lines(path, limit), decode, limit)


def decode_lines(
    lines: Iterable[Line], decode: Callable[[bytes], _T | Rejection], limit: int = MAX_LINE_BYTES
) -> Iterator[tuple[Line, _T] | Record]:
    for line in lines:
        if line.blank:
            yield Record(line.number, skipped="blank")
            continue
        if line.size > limit:
            reason = f"expected at most {limit} bytes on a line, found {line.size}"
            yield Record.refused(line, Rejection("too_long", reason))
            continue
        found = decode(line.raw)
        if not isinstance(found, Rejection):
            yield line, found
        elif found.reason_code == "bad_json" and not line.ended:
            yield Record.refused(line, Rejection("truncated", f"the file ends inside this line: {found.reason}"))
        else:
            yield Record.refused(line, found)
