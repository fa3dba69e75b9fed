"""The formats: which there are, which one a file has, and the records of a file.

Files are read where they lie and are never copied or changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from ccml.errors import InputError
from ccml.telemetry.readers.claude_code import CLAUDE_CODE
from ccml.telemetry.readers.mini_swe_agent import MINI_SWE_AGENT
from ccml.telemetry.readers.muni import MUNI
from ccml.telemetry.readers.native import NATIVE
from ccml.telemetry.readers.record import Facts, Reader, Record, Sample
from ccml.telemetry.readers.shell_history import BASH_HISTORY, FISH_HISTORY, ZSH_HISTORY
from ccml.telemetry.readers.unread import lies_beside_sessions, unread_program

__all__ = [
    "AUTO",
    "FORMATS",
    "INSTEAD",
    "LogFile",
    "Reader",
    "Record",
    "detect_format",
    "fitting_format",
    "read_file",
    "recognised_program",
    "require_format",
]

AUTO = "auto"

FORMATS: dict[str, Reader] = {
    reader.name: reader
    for reader in (NATIVE, CLAUDE_CODE, MINI_SWE_AGENT, MUNI, FISH_HISTORY, ZSH_HISTORY, BASH_HISTORY)
}
"""In the order in which `auto` tries them."""

INSTEAD = (
    "Write the commands as native JSON Lines (docs/telemetry.md shows the fields) and name that file with "
    "--format native."
)
"""What to do with the log of a program that is not read."""

_HEAD_BYTES = 64 * 1024
_LONGEST_SAMPLED_LINE = 16 * 1024 * 1024
_SAMPLED_LINES = 50
_SAMPLED_OBJECTS = 10


class LogFile(NamedTuple):
    """One file and the format it is read in, a key of `FORMATS`."""

    path: Path
    format: str


def detect_format(path: Path) -> str:
    """The format of one file, by its content.

    Raises:
        InputError: it fits none.
    """
    sample = _sample(path)
    format = _fitting(sample)
    if format is not None:
        return format
    program = unread_program(sample)
    if program is not None:
        raise InputError(f"{path} is a log of {program}, which is recognised but not read. {INSTEAD}")
    tried = ", ".join(f"{reader.name} ({reader.description})" for reader in FORMATS.values())
    raise InputError(f"{path} fits no known format. Tried: {tried}. Name one with --format if it is one of these.")


def require_format(path: Path, format: str) -> None:
    """
    Raises:
        InputError: the content of the file fits another format, and not this one.
    """
    sample = _sample(path)
    fitting = [reader.name for reader in FORMATS.values() if reader.fits(sample)]
    if fitting and format not in fitting:
        raise InputError(f"{path} is no {format} log: its content is {fitting[0]}. Leave --format out, or name that.")


def fitting_format(path: Path) -> str | None:
    """The format that the beginning of a file fits, a key of `FORMATS`; None where it fits none or is no log of its
    own."""
    sample = _sample(path)
    return None if lies_beside_sessions(sample) else _fitting(sample)


def recognised_program(path: Path) -> str | None:
    """Whose log a file is that fits no format: that of a program which no reader reads."""
    return unread_program(_sample(path))


def _fitting(sample: Sample) -> str | None:
    by_fields = next((reader.name for reader in (NATIVE, CLAUDE_CODE, MUNI) if reader.fits(sample)), None)
    if by_fields is not None:
        return by_fields
    if unread_program(sample) is not None:
        return None
    fitting = next((reader.name for reader in FORMATS.values() if reader.fits(sample)), None)
    foreign = bool(sample.objects) and not any({"kind", "event_id"} & found.keys() for found in sample.objects)
    if fitting is None and sample.path.suffix == ".jsonl" and not foreign:
        # A damaged log is read as native: its lines are then seen in the quarantine. Left out, nobody would see them.
        return NATIVE.name
    return fitting


def _sample(path: Path) -> Sample:
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
        stream.seek(0)
        objects: list[dict[str, object]] = []
        if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"/"):
            for _ in range(_SAMPLED_LINES):
                line = stream.readline(_LONGEST_SAMPLED_LINE)
                if not line:
                    break
                try:
                    found = msgspec.json.decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    continue
                if isinstance(found, dict):
                    objects.append(found)
                if len(objects) == _SAMPLED_OBJECTS:
                    break
    return Sample(path, head, objects)


def read_file(path: Path, format: str, *, now: datetime | None = None, facts: Facts | None = None) -> Iterator[Record]:
    """Every line of one file as a record; see `ccml.telemetry.readers.record`.

    Args:
        format: a name in `FORMATS`.
        now: events more than a day after it are refused; the present moment if left out.
        facts: what the reader counts (requests, tool_calls, bash_commands, errors, …) is added to it.
    """
    return FORMATS[format].read(path, now or datetime.now(UTC), Counter() if facts is None else facts)
