"""JSON that the platform keeps in its home: what cannot be read is an error that names the file and the cure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from ccml.errors import DamagedFileError


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
