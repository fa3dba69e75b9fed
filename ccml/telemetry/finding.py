"""Which log files lie behind the sources, and which of them a landing has read as they stand now.

The register `<lake>/landed/read_files.json` holds size, time of change and inode of every file that a landing has
looked at. A file that still has all three is not opened: a tick of the sensor costs one `stat` a file, and a landing
opens what is new. Without the register every file is opened once more, and the hash of its content shows that it has
landed: nothing lands twice. The register holds a digest in place of each path, because files and folders are named
after people and hosts, and some after secrets; the path of a file in the home counts from the home's root, so that the
register stays right when the home is moved.

A file is read again as it stands when its `again_at` has come: lines of it lay in the future when they were read, or
somebody has asked for it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple, TypeAlias

import msgspec

from ccml import atomic
from ccml.errors import InputError
from ccml.stored import read_json, read_or_set_aside
from ccml.telemetry.readers import (
    AUTO,
    FORMATS,
    INSTEAD,
    LogFile,
    detect_format,
    fitting_format,
    recognised_program,
    require_format,
)
from ccml.telemetry.readers.owner import storable
from ccml.telemetry.sources import Source

_CURE = "Remove it: the next landing opens every file once more"
_NAMED = 5
"""Files that a message names: hidden ones, or those of no known format."""
_LOOKED_AT = 50
"""Files of no known format that are opened once more, to say whose they are."""


class Written(NamedTuple):
    """What changes when a file is written to or replaced."""

    bytes: int
    changed_ns: int
    inode: int


class FileState(msgspec.Struct, frozen=True, array_like=True):
    """A file as it was found."""

    written: Written
    asked: str
    """Format that its source names; `auto` where the file's own content decides."""
    format: str | None = None
    """Format that it is read in; None where it fits none and is passed over."""
    file: str | None = None
    """sha256 of what landed of it."""
    again_at: float | None = None
    """Seconds since 1970 at which it is to be read again as it stands; None for never."""


Register: TypeAlias = dict[str, FileState]
"""Real path → the state in which a landing has read the file."""


class ReadFiles:
    """The files that landings have read, each in its state at the time. `by_digest` is what the register holds."""

    def __init__(self, home: str, by_digest: Mapping[str, FileState]) -> None:
        self._home = home
        self.by_digest = by_digest

    @classmethod
    def of(cls, lake: Path, found: Register) -> ReadFiles:
        home = _home(lake)
        return cls(home, {_digest(path, home): state for path, state in found.items()})

    def get(self, path: str) -> FileState | None:
        """The state in which the file at this real path was read; None where it never was."""
        return self.by_digest.get(_digest(path, self._home)) if self.by_digest else None

    def to_be_read_again(self, *, files: Collection[str] = (), paths: Collection[str] = ()) -> ReadFiles:
        """The same, where the files of these sha256, or at these real paths, are read again by the next landing."""
        named = {_digest(path, self._home) for path in paths}
        asked = {
            digest: msgspec.structs.replace(state, again_at=0.0) if digest in named or state.file in files else state
            for digest, state in self.by_digest.items()
        }
        return ReadFiles(self._home, asked)


def find_files(sources: Sequence[Source]) -> list[LogFile]:
    """The files behind the sources that fit a format, in the order of their paths.

    Raises:
        InputError: none does; says why.
    """
    found, set_aside = inspect_files(sources, ReadFiles("", {}), datetime.now(UTC))
    files = [LogFile(Path(path), state.format) for path, state in found.items() if state.format is not None]
    if set_aside and not files:
        raise InputError(set_aside[0])
    for source in sources:
        folder = Path(source.path).expanduser()
        if not found and folder.is_dir() and (hidden := _hidden_files(folder)):
            raise InputError(
                f"{source.path} holds only files whose names begin with a dot ({', '.join(hidden[:_NAMED])}), which "
                f"are passed over in a folder. Name the file itself, for example {folder / hidden[0]}."
            )
    return files


def inspect_files(sources: Sequence[Source], known: ReadFiles, now: datetime) -> tuple[Register, list[str]]:
    """Every file behind the sources, in the order of their paths; opens those that are not `known` as they stand, and
    those that are to be read again by now.

    In a folder, names that end in `.tmp` (a writer has not finished) or begin with `.` are left out, and what fits no
    format is passed over.

    Returns:
        The files, and a sentence on each file and folder that had to be set aside: one of them never stops the others.
    """
    found: Register = {}
    set_aside: list[str] = []
    for source in sources:
        listed = _list(source, set_aside)
        is_folder = Path(source.path).expanduser().is_dir()
        unfit: list[str] = []
        for path, state in listed.items():
            earlier = known.get(path)
            if earlier is not None and _is_read(state, earlier, now):
                found[path] = earlier
                continue
            try:
                format = _format_in_folder(Path(path), source.format) if is_folder else _named(path, source.format)
            except FileNotFoundError:  # rotated away since the folder was listed
                continue
            except OSError as error:
                set_aside.append(_unreadable(path, error))
                continue
            except InputError as error:
                set_aside.append(storable(str(error)))
                format = None
            found[path] = FileState(state.written, state.asked, format)
            if format is None and is_folder:
                unfit.append(path)
        if unfit and all(path in found and found[path].format is None for path in listed):
            set_aside.append(_none_fits(source, len(listed)) + _of_other_programs(unfit))
        elif unfit and source.format == AUTO:
            shown = ", ".join(storable(os.path.relpath(path, source.path)) for path in unfit[:_NAMED])
            more = f" and {len(unfit) - _NAMED} more" if len(unfit) > _NAMED else ""
            set_aside.append(
                f"Passed over in {storable(source.path)}, of no known format: {shown}{more}.{_of_other_programs(unfit)}"
            )
    return dict(sorted(found.items())), set_aside


def list_files(sources: Sequence[Source]) -> Register:
    """Real path → state of every file behind the sources, without opening any. What cannot be listed has none."""
    return {path: state for source in sources for path, state in _list(source, []).items()}


def _list(source: Source, set_aside: list[str]) -> Register:
    path = Path(source.path).expanduser()
    try:
        if source.format != AUTO and source.format not in FORMATS:
            set_aside.append(f"Unknown format {source.format!r}; expected {AUTO} or one of {', '.join(FORMATS)}.")
        elif path.is_dir():
            return {real: FileState(written, source.format) for real, written in _in_folder(path)}
        elif path.is_file():
            return {os.path.realpath(path): FileState(written_state(path), source.format)}
        else:
            set_aside.append(f"{storable(str(path))} is neither a file nor a folder; expected one that exists.")
    except OSError as error:
        set_aside.append(_unreadable(str(error.filename or path), error))
    return {}


def _unreadable(path: str, error: OSError) -> str:
    return f"{storable(path)} cannot be read: {error.strerror}."


def written_state(path: Path) -> Written:
    return _written(path.stat())


def is_due(read: FileState, now: datetime) -> bool:
    """Is a file that was read to be read again?"""
    return read.again_at is not None and read.again_at <= now.timestamp()


def _is_read(found: FileState, earlier: FileState, now: datetime) -> bool:
    return (found.written, found.asked) == (earlier.written, earlier.asked) and not is_due(earlier, now)


def files_to_read(sources: Sequence[Source], lake: Path, now: datetime) -> dict[str, Written]:
    """Files that no landing has read as they stand now, and those to be read again, found without opening any: the
    sensor asks at every tick.
    """
    known = files_read(lake)
    waiting: dict[str, Written] = {}
    for path, state in list_files(sources).items():
        earlier = known.get(path)
        if earlier is None or not _is_read(state, earlier, now):
            waiting[path] = state.written
    return waiting


def read_register(lake: Path) -> ReadFiles:
    """
    Raises:
        DamagedFileError: it is there and cannot be read.
    """
    stored: dict[str, FileState] = {}
    if _register(lake).exists():
        stored = read_json(_register(lake), dict[str, FileState], _CURE)
    return ReadFiles(_home(lake), stored)


def files_read(lake: Path) -> ReadFiles:
    """The register; a damaged one is set aside, and is made anew by the next landing."""
    consequence = "the next landing opens every file once more"
    return ReadFiles(_home(lake), read_or_set_aside(_register(lake), dict[str, FileState], {}, consequence))


def write_register(lake: Path, files: ReadFiles) -> None:
    atomic.write_bytes(_register(lake), msgspec.json.encode(files.by_digest))


def stored_path(path: str, lake: Path) -> str:
    """What is stored of a log's real path: from the root of the lake's home where it lies in there, else the whole."""
    return path.removeprefix(f"{_home(lake)}{os.sep}")


def _digest(path: str, home: str) -> str:
    stored = path.removeprefix(f"{home}{os.sep}").encode("utf-8", "surrogateescape")
    return hashlib.blake2b(stored, digest_size=16).hexdigest()


def _home(lake: Path) -> str:
    return os.path.realpath(lake.parent)


def _register(lake: Path) -> Path:
    return lake / "landed" / "read_files.json"


def _in_folder(root: Path) -> Iterator[tuple[str, Written]]:
    folders = [os.path.realpath(root)]
    while folders:
        folder = folders.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except (PermissionError, FileNotFoundError):
            if folder == os.path.realpath(root):
                raise
            continue  # a private or removed folder below; the others are read
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif not entry.name.endswith(".tmp"):
                try:
                    status = entry.stat()
                except FileNotFoundError:  # rotated away since the folder was listed
                    continue
                if stat.S_ISREG(status.st_mode):
                    yield os.path.realpath(entry.path) if entry.is_symlink() else entry.path, _written(status)


def _written(status: os.stat_result) -> Written:
    return Written(status.st_size, status.st_mtime_ns, status.st_ino)


def _format_in_folder(path: Path, asked: str) -> str | None:
    if asked == AUTO:
        return fitting_format(path)
    if not any(fnmatch(path.name, pattern) for pattern in FORMATS[asked].patterns):
        return None
    require_format(path, asked)
    return asked


def _named(path: str, asked: str) -> str:
    if asked == AUTO:
        return detect_format(Path(path))
    require_format(Path(path), asked)
    return asked


def _hidden_files(folder: Path) -> list[str]:
    return sorted(entry.name for entry in os.scandir(folder) if entry.name.startswith(".") and entry.is_file())


def _of_other_programs(paths: list[str]) -> str:
    """A sentence on the logs among them that are recognised and not read."""
    programs = sorted({program for path in paths[:_LOOKED_AT] if (program := recognised_program(Path(path)))})
    return f" There are logs of {', '.join(programs)}, which are not read. {INSTEAD}" if programs else ""


def _none_fits(source: Source, files: int) -> str:
    if source.format == AUTO:
        expected = f"fits a known format; tried {', '.join(FORMATS)}"
    else:
        expected = f"is named {' or '.join(FORMATS[source.format].patterns)}, as {source.format} logs are"
    return f"None of the {files} files in {storable(source.path)} {expected}."
