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
        kept = path.with_name(f"{path.name}.damaged")
        path.replace(kept)
        _LOG.warning("%s: %s. It is set aside as %s; %s.", path, error.reason, kept.name, consequence)
        return without
