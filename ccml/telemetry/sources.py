"""Where logs come from: the landing zone, and the user's own files and folders that were named once with `--input`.

A named folder is remembered, so tomorrow's sessions are found without naming it again. It is read in place and nothing
of it is copied.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from ccml import atomic
from ccml.errors import InputError
from ccml.home import Home
from ccml.stored import read_json

LANDING_FORMAT = "auto"
"""A session file that somebody puts there is recognised by its content. A JSONL file that fits no format is read as
native, so its lines are quarantined."""


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
    sources: list[Source] = read_json(file, list[Source], "Remove it and name the logs again with --input")
    return sources


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
    known = named_sources(home)
    if source not in known:
        others = [other for other in known if other.path != source.path]
        atomic.write_bytes(_register(home), msgspec.json.encode([*others, source]))
    return source


def all_sources(home: Home) -> list[Source]:
    """The landing zone, if it exists, and every named source that is still there."""
    landing = [Source(str(home.landing), LANDING_FORMAT)] if home.landing.is_dir() else []
    return landing + [source for source in named_sources(home) if Path(source.path).exists()]


def _register(home: Home) -> Path:
    return home.root / "sources.json"
