"""Formats: which there are, which file is in which, and what a file holds.

Files are read where they lie and are never copied or changed.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatch
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
from ccml.telemetry.sources import Source

__all__ = ["AUTO", "FORMATS", "LogFile", "Reader", "Record", "detect_format", "find_files", "read_file"]

AUTO = "auto"

FORMATS: dict[str, Reader] = {
    reader.name: reader
    for reader in (NATIVE, CLAUDE_CODE, MINI_SWE_AGENT, MUNI, FISH_HISTORY, ZSH_HISTORY, BASH_HISTORY)
}
"""In the order in which `auto` tries them."""

_HEAD_BYTES = 64 * 1024
_LONGEST_SAMPLED_LINE = 16 * 1024 * 1024
_SAMPLED_LINES = 50
_SAMPLED_OBJECTS = 10


class LogFile(NamedTuple):
    """One file and the format it is read in, a key of `FORMATS`."""

    path: Path
    format: str


def find_files(sources: Sequence[Source]) -> list[LogFile]:
    """The files behind the sources, in the order of their paths.

    In a folder, names that end in `.tmp` (a writer has not finished) or begin with `.` are passed over, and so is what
    fits no format; a file that was named itself must fit one.

    Raises:
        InputError: a path does not exist, a format is unknown, a named file fits no format, or a folder has files and
            none of them fits.
    """
    found: dict[Path, LogFile] = {}
    for source in sources:
        path = Path(source.path).expanduser()
        if source.format != AUTO and source.format not in FORMATS:
            raise InputError(f"Unknown format {source.format!r}; expected {AUTO} or one of {', '.join(FORMATS)}.")
        try:
            if path.is_dir():
                files = _in_folder(path, source.format)
            elif path.is_file():
                files = [LogFile(path, detect_format(path) if source.format == AUTO else source.format)]
            else:
                raise InputError(f"{path} is neither a file nor a folder; expected one that exists.")
        except OSError as error:
            raise InputError(f"{error.filename or path} cannot be read: {error.strerror}.") from error
        found |= {file.path.resolve(): file for file in files}
    return sorted(found.values())


def _in_folder(root: Path, format: str) -> list[LogFile]:
    files: list[LogFile] = []
    passed_over = 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder) / name
            if name.startswith(".") or name.endswith(".tmp") or not path.is_file():
                continue
            reader = _fitting(path) if format == AUTO else FORMATS[format]
            if reader is None or (format != AUTO and not any(fnmatch(name, pattern) for pattern in reader.patterns)):
                passed_over += 1
            else:
                files.append(LogFile(path, reader.name))
    if passed_over and not files:
        expected = (
            f"fits a known format; tried {', '.join(FORMATS)}"
            if format == AUTO
            else f"is named {' or '.join(FORMATS[format].patterns)}, as {format} logs are"
        )
        raise InputError(f"None of the {passed_over} files in {root} {expected}.")
    return files


def detect_format(path: Path) -> str:
    """The format of one file, by what it holds.

    Raises:
        InputError: it fits none.
    """
    reader = _fitting(path)
    if reader is None:
        tried = ", ".join(f"{reader.name} ({reader.description})" for reader in FORMATS.values())
        raise InputError(f"{path} fits no known format. Tried: {tried}. Name one with --format if it is one of these.")
    return reader.name


def _fitting(path: Path) -> Reader | None:
    sample = _sample(path)
    fitting = next((reader for reader in FORMATS.values() if reader.fits(sample)), None)
    if fitting is None and path.suffix == ".jsonl":
        # A log whose every line is broken must end in quarantine, not unnoticed.
        return NATIVE
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
        facts: counts of what was met (requests, tool_calls, bash_commands, errors, …) are added to it.
    """
    return FORMATS[format].read(path, now or datetime.now(UTC), Counter() if facts is None else facts)
