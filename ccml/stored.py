"""JSON that the platform keeps in its home: what cannot be read is an error that names the file and the cure."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import msgspec

from ccml.errors import DamagedFileError

_LOG = logging.getLogger(__name__)


def read_json(path: Path, kind: Any, cure: str) -> Any:
    """The value of type `kind` in the file.

    Args:
        cure: what brings the file back, as a sentence without its full stop.

    Raises:
        DamagedFileError: it is gone, or holds something else.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (msgspec.DecodeError, OSError) as error:
        raise DamagedFileError(path, f"it cannot be read: {error}", cure) from error


def read_or_set_aside(path: Path, kind: Any, without: Any, consequence: str) -> Any:
    """The value of type `kind` in a file that can be done without: `without` where there is none.

    A damaged file is renamed to `NAME.damaged`, with a warning: one bad file must not stop every later run.

    Args:
        consequence: what follows from doing without it, as the end of a sentence.
    """
    if not path.exists():
        return without
    try:
        return read_json(path, kind, "")
    except DamagedFileError as error:
        kept = _unused(path.with_name(f"{path.name}.damaged"))
        path.replace(kept)
        warn(path, error.reason, f"It is set aside as {kept.name}; {consequence}")
        return without


def warn(path: Path, reason: str, consequence: str) -> None:
    """Names a damaged file on the terminal, whatever the command, and in the log."""
    _LOG.warning("%s: %s. %s.", path, reason, consequence[0].upper() + consequence[1:])


def _unused(path: Path) -> Path:
    """The path, with a number where it is taken: a folder in place of a file cannot take a file's name."""
    taken = (path.with_name(f"{path.name}-{number}") for number in range(2, 1_000))
    return path if not path.exists() else next(one for one in taken if not one.exists())
