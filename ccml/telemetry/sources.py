"""Where logs come from: the landing zone, and the user's own files and folders that were named once with `--input`.

A named folder is remembered, so tomorrow's sessions are found without naming it again. It is read in place and nothing
of it is copied.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from ccml import atomic
from ccml.errors import InputError
from ccml.home import Home
from ccml.locks import locked
from ccml.stored import read_json, read_or_set_aside

LANDING_FORMAT = "auto"
"""A session file that somebody puts there is recognised by its content. A JSONL file that fits no format is read as
native, so its lines are quarantined."""


_BYTES = "bytes:"
"""Begins the path of a file whose name is not UTF-8, in hexadecimal; any other path in the list begins with `/`."""


class Source(msgspec.Struct, frozen=True):
    """A file or a folder, and the format that its files are read as (`auto`: each file's own)."""

    path: str
    format: str


def named_sources(home: Home) -> list[Source]:
    """What the user named so far, in the order of naming.

    Raises:
        DamagedFileError: the list cannot be read.
    """
    file = _register(home)
    if not file.exists():
        return []
    return _with_paths(read_json(file, list[Source], "Remove it and name the logs again with --input"))


def name_source(home: Home, path: Path, format: str) -> Source:
    """Remembers a user's logs.

    Raises:
        InputError: nothing is there, or nobody may read it.
    """
    path = path.expanduser().resolve()
    if not path.exists():
        raise InputError(f"--input {path} does not exist; expected a file or a folder of logs.")
    if path.is_dir() and not any(path.iterdir()):
        raise InputError(f"--input {path} is an empty folder; expected logs in it.")
    source = Source(str(path), format)
    # Two commands that read the list before either has written it would forget one of the two sources.
    with locked(_register(home).with_name(".sources.lock")):
        known = _still_known(home)
        if source not in known:
            others = [other for other in known if other.path != source.path]
            atomic.write_bytes(_register(home), _encode([*others, source]))
    return source


def forget_source(home: Home, source: Source) -> None:
    """Its files are read no more."""
    with locked(_register(home).with_name(".sources.lock")):
        atomic.write_bytes(_register(home), _encode([other for other in _still_known(home) if other != source]))


def all_sources(home: Home) -> list[Source]:
    """The landing zone, if it exists, and every named source that is still there."""
    landing = [Source(str(home.landing), LANDING_FORMAT)] if home.landing.is_dir() else []
    return landing + [source for source in _still_known(home) if Path(source.path).exists()]


def _still_known(home: Home) -> list[Source]:
    consequence = "the logs named so far are forgotten: name them again with --input"
    return _with_paths(read_or_set_aside(_register(home), list[Source], [], consequence))


def _encode(sources: list[Source]) -> bytes:
    return msgspec.json.encode([Source(_written(source.path), source.format) for source in sources])


def _written(path: str) -> str:
    """A name on a disk need not be UTF-8, as text in JSON is."""
    try:
        return path.encode().decode()
    except UnicodeEncodeError:
        return f"{_BYTES}{os.fsencode(path).hex()}"


def _with_paths(stored: list[Source]) -> list[Source]:
    return [
        Source(os.fsdecode(bytes.fromhex(one.path.removeprefix(_BYTES))), one.format)
        if one.path.startswith(_BYTES)
        else one
        for one in stored
    ]


def _register(home: Home) -> Path:
    return home.root / "sources.json"
