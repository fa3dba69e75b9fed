"""Histories of bash, zsh and fish: commands of one person, without outcomes.

    bash   `#1448570565` before an entry where HISTTIMEFORMAT was set; then an entry runs to the next such line and may
           have several lines. Without times a line is an entry.
    zsh    `: 1700000000:3;command` with EXTENDED_HISTORY (start, seconds it took); zsh writes a backslash before each
           line end inside a command, whatever stands before it, and reads it so: `echo a \\\\` and the line after it
           are one command. A command that itself ends in a backslash gets a blank. Bytes above 0x82 are stored
           "metafied".
    fish   `- cmd: …` and below it `  when: …`, with `\\n` and `\\\\` escaped.

An entry without a time gets the time one second before the entry after it; the last one gets the time one second before
the file was written. Their order is right, their times are not. The id of an entry with a time is made of the time, the
command and its number among equal ones, not of the file's name: a trimmed history or a backup adds nothing. Entries
without a time are aligned with those read earlier (`ccml.telemetry.readers.histories`).
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from ccml.telemetry.decode import MAX_LINE_BYTES, Rejection, make_event
from ccml.telemetry.events import Event, Execution, Interaction
from ccml.telemetry.readers.histories import Histories
from ccml.telemetry.readers.lines import Line, read_lines
from ccml.telemetry.readers.owner import UNKNOWN_OWNER, home_owner, path_text
from ccml.telemetry.readers.record import Facts, Reader, Record, Sample

_LONGEST_TEXT = 32_768
_BASH_TIME = re.compile(rb"#(\d{1,25})(?:[.,]\d{1,9})?\s*\Z")
_DAMAGED_TIME = re.compile(rb"#\d{9,19}\s*\Z")
_LOST_LINE_END = re.compile(rb"#[12]\d{9}[^\s\d.,]")
"""A time and a command in one line. Where one command ends and the next begins is not known, nor which program a secret
in it belongs to, so none of it is read."""
_LONGEST_SECONDS = 12
_FRACTIONS = {13: 10**3, 16: 10**6, 19: 10**9}
"""Number of digits of a stamp in milliseconds, microseconds or nanoseconds → its units in a second."""
_ZSH_ENTRY = re.compile(rb": *(\d{1,25}):(-?\d{1,9});")


_FISH_TIME = re.compile(rb"  when: (\d{1,12})\s*\Z")
_PROSE = frozenset({".md", ".rst", ".txt"})
_LINES_OF_ENTRY = 4
"""Most lines that the entries of a history have on average, where only the content shows that it is one."""


@dataclass(frozen=True)
class _Entry:
    line: Line
    """Its first line; this is what is quarantined if the entry is refused."""
    command: bytes
    seconds: int | None = None
    """Since 1970."""
    elapsed: int | None = None


_Parse = Callable[[Iterable[Line | None]], Iterator[_Entry | Record]]
_Fits = Callable[[Sample], bool]


def _read(
    name: str, parse: _Parse, path: Path, now: datetime, facts: Facts, histories: Histories | None = None
) -> Iterator[Record]:
    facts["files"] += 1
    text = path_text(path)
    owner = home_owner(text)
    # Outside of home directories, each folder counts as one person's.
    person = f"{owner}\0{Path(text).parent}" if owner == UNKNOWN_OWNER else owner
    # Session ids are stored as they are, so the owner's name must not be readable in them.
    session = hashlib.sha256(person.encode()).hexdigest()[:16]
    common = {"user_id": owner, "session_id": f"{name}:{session}", "source": name}
    records: list[Record] = []
    entries: list[_Entry] = []
    for found in parse(_readable(path, records)):
        if isinstance(found, Record):
            records.append(found)
        else:
            entries.append(found)
    untimed = [position for position, entry in enumerate(entries) if entry.seconds is None]
    commands = [entries[position].command for position in untimed]
    places = dict(zip(untimed, (histories or Histories()).place(name, owner, text, commands), strict=True))
    occurrences: Counter[tuple[int | None, bytes]] = Counter()
    for position, entry in enumerate(_timed(entries, int(path.stat().st_mtime))):
        place = places.get(position) or f"{owner}\0{entry.seconds}\0{occurrences[entry.seconds, entry.command]}"
        occurrences[entry.seconds, entry.command] += position not in places
        identity = f"{name}\0{place}\0".encode() + entry.command
        event_id = f"{name}:{hashlib.sha256(identity).hexdigest()[:24]}"
        records.append(_record(entry, common | {"event_id": event_id}, now, facts))
    yield from sorted(records, key=lambda record: record.line)


def _readable(path: Path, records: list[Record]) -> Iterator[Line | None]:
    """The lines that can be part of an entry. A refused line is recorded, and given as None, for it ends an entry."""
    for line in read_lines(path, MAX_LINE_BYTES):
        if line.digest is not None:
            reason = f"expected at most {MAX_LINE_BYTES} bytes on a line, found {line.size}"
            records.append(Record.refused(line, Rejection("too_long", reason)))
            yield None
        elif b"\x00" in line.raw:
            records.append(Record.refused(line, Rejection("nul_byte", "expected text, found a NUL byte")))
            yield None
        else:
            yield line


def _timed(entries: list[_Entry], written_at: int) -> list[_Entry]:
    """Give each entry without a time one second less than the next."""
    next_time = written_at
    for position in range(len(entries) - 1, -1, -1):
        if entries[position].seconds is None:
            entries[position] = replace(entries[position], seconds=next_time - 1)
        next_time = entries[position].seconds or next_time
    return entries


def _record(entry: _Entry, common: dict[str, str], now: datetime, facts: Facts) -> Record:
    try:
        command = entry.command.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        return Record.refused(
            entry.line, Rejection("bad_encoding", f"expected UTF-8, found byte 0x{entry.command[error.start]:02x}")
        )
    if len(command) > _LONGEST_TEXT:
        return Record.refused(
            entry.line, Rejection("too_long", f"expected a command of at most {_LONGEST_TEXT} characters")
        )
    if not command:
        return Record(entry.line.number, skipped="blank")
    try:
        time = datetime.fromtimestamp(entry.seconds or 0, UTC)
    except (OverflowError, ValueError, OSError):
        return Record.refused(entry.line, Rejection("bad_value", f"expected seconds since 1970, found {entry.seconds}"))
    event: Event | Rejection = make_event(
        Interaction, {**common, "time": time, "command": command, "tool": "bash"}, now=now
    )
    if isinstance(event, Rejection):
        return Record.refused(entry.line, event)
    facts["tool_calls"] += 1
    facts["bash_commands"] += 1
    if entry.elapsed is None:
        return Record(entry.line.number, (event,))  # type: ignore[arg-type]
    ran = make_event(
        Execution,
        {
            **common,
            "event_id": f"{common['event_id']}:result",
            "interaction_id": common["event_id"],
            "time": time,
            "duration_ms": entry.elapsed * 1_000.0,
        },
        now=now,
    )
    if isinstance(ran, Rejection):
        return Record.refused(entry.line, ran, (event,))  # type: ignore[arg-type]
    return Record(entry.line.number, (event, ran))  # type: ignore[arg-type]


def _seconds(digits: bytes) -> int | None:
    """None where the stamp is none of the usual units; it still stands before a command."""
    if len(digits) > _LONGEST_SECONDS and len(digits) not in _FRACTIONS:
        return None
    return int(digits) // _FRACTIONS.get(len(digits), 1)


def _damage(raw: bytes) -> Rejection | None:
    """Of a line that holds a time."""
    if _DAMAGED_TIME.search(raw) and _undecodable(raw):
        return Rejection("bad_encoding", "expected UTF-8, found a damaged time")
    if _LOST_LINE_END.match(raw):
        return Rejection("bad_value", "expected a time alone on its line, found a command behind it")
    return None


def _parse_bash(lines: Iterable[Line | None]) -> Iterator[_Entry | Record]:
    seconds: int | None = None
    stamped = False
    entry: _Entry | None = None
    for line in lines:
        found = None if line is None else _damage(line.raw)
        if line is None or found is not None:
            # The next line may be a command of its own: the refused line may have been its time.
            if entry is not None:
                yield entry
            entry, seconds, stamped = None, None, False
            if line is not None and found is not None:
                yield Record.refused(line, found)
            continue
        time = _BASH_TIME.match(line.raw)
        if time is not None:
            if entry is not None:
                yield entry
            entry, seconds, stamped = None, _seconds(time[1]), True
            yield Record(line.number, skipped="timestamp")
        elif not stamped:
            yield Record(line.number, skipped="blank") if line.blank else _Entry(line, line.raw)
        elif entry is None:
            entry = _Entry(line, line.raw, seconds)
        else:
            entry = replace(entry, command=entry.command + b"\n" + line.raw)
            yield Record(line.number, skipped="continuation")
    if entry is not None:
        yield entry


def _parse_zsh(lines: Iterable[Line | None]) -> Iterator[_Entry | Record]:
    entry: _Entry | None = None
    for line in lines:
        if line is None:
            if entry is not None:
                yield entry
            entry = None
            continue
        extended = _ZSH_ENTRY.match(line.raw)
        if entry is not None and extended is not None:
            # A new entry: the one before was cut, or written by a zsh that put no blank behind a last backslash.
            yield entry
            entry = None
        if entry is not None:
            entry = replace(entry, command=entry.command[:-1] + b"\n" + _unmetafied(line.raw))
            yield Record(line.number, skipped="continuation")
        elif line.blank:
            yield Record(line.number, skipped="blank")
            continue
        elif extended is not None:
            command = _unmetafied(line.raw[extended.end() :])
            entry = _Entry(line, command, _seconds(extended[1]), max(0, int(extended[2])))
        else:
            entry = _Entry(line, _unmetafied(line.raw))
        if not entry.command.endswith(b"\\"):
            yield entry
            entry = None
    if entry is not None:
        yield entry


def _undecodable(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def _unmetafied(raw: bytes) -> bytes:
    """zsh stores a byte that it uses itself as 0x83, then the byte with bit 5 inverted; this restores the byte."""
    if b"\x83" not in raw:
        return raw
    plain = bytearray()
    source = iter(raw)
    for byte in source:
        plain.append(next(source, 0x20) ^ 0x20 if byte == 0x83 else byte)
    return bytes(plain)


def _parse_fish(lines: Iterable[Line | None]) -> Iterator[_Entry | Record]:
    entry: _Entry | None = None
    for line in lines:
        if line is None:
            if entry is not None:
                yield entry
            entry = None
            continue
        if line.raw.startswith(b"- cmd: "):
            if entry is not None:
                yield entry
            entry = _Entry(line, _fish_unescaped(line.raw.removeprefix(b"- cmd: ")))
            continue
        when = _FISH_TIME.match(line.raw)
        if when is not None and entry is not None:
            entry = replace(entry, seconds=int(when[1]))
            yield Record(line.number, skipped="timestamp")
        elif line.blank:
            yield Record(line.number, skipped="blank")
        elif entry is not None and re.match(rb"  paths:|    - ", line.raw):
            yield Record(line.number, skipped="path")
        else:
            reason = "expected `- cmd: `, `  when: ` or `  paths:` as fish writes them"
            yield Record.refused(line, Rejection("bad_value", reason))
    if entry is not None:
        yield entry


def _fish_unescaped(raw: bytes) -> bytes:
    return re.sub(rb"\\(n|\\)", lambda found: b"\n" if found[1] == b"n" else b"\\", raw)


def _lines(sample: Sample) -> list[bytes]:
    return [line for line in itertools.islice(sample.head.split(b"\n"), 200) if line.strip()]


def _fits_bash(sample: Sample) -> bool:
    """Commands without times look like any text, so there the file's name decides. With times every entry has one."""
    if "bash_history" in sample.path.name:
        return not _fits_zsh(sample)
    lines = _lines(sample)
    times = sum(_BASH_TIME.match(line) is not None for line in lines)
    return bool(lines) and _BASH_TIME.match(lines[0]) is not None and _are_entries(times, len(lines) - times, sample)


def _fits_zsh(sample: Sample) -> bool:
    if "zsh_history" in sample.path.name:
        return True
    lines = _lines(sample)
    entries = [line for line, before in zip(lines, [b"", *lines], strict=False) if not before.endswith(b"\\")]
    times = sum(_ZSH_ENTRY.match(line) is not None for line in entries)
    return 2 * times > len(entries) and _are_entries(times, times, sample)


def _are_entries(times: int, lines: int, sample: Sample) -> bool:
    """Do so many times before so many lines make a history? One alone can be a sentence about histories."""
    if times < 2:
        return times == 1 and lines == 1 and sample.path.suffix not in _PROSE
    return lines <= _LINES_OF_ENTRY * times


def _fits_fish(sample: Sample) -> bool:
    """fish writes the time below each command."""
    lines = _lines(sample)
    if not lines or not lines[0].startswith(b"- cmd: "):
        return False
    return "fish_history" in sample.path.name or any(_FISH_TIME.match(line) for line in lines[1:2])


def _history(name: str, place: str, shape: str, patterns: tuple[str, ...], fits: _Fits, parse: _Parse) -> Reader:
    read = partial(_read, name, parse)
    return Reader(name, f"{place}{shape}", patterns, fits, read, read_history=read, usual_place=place)


BASH_HISTORY = _history(
    "bash-history", "~/.bash_history", ", with or without times", ("*bash_history*",), _fits_bash, _parse_bash
)
ZSH_HISTORY = _history(
    "zsh-history", "~/.zsh_history", ", extended or plain", ("*zsh_history*", ".histfile"), _fits_zsh, _parse_zsh
)
FISH_HISTORY = _history(
    "fish-history", "~/.local/share/fish/fish_history", "", ("*fish_history*",), _fits_fish, _parse_fish
)
