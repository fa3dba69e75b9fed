"""How often a file has landed, and which files are landing at this moment.

The first landing of a file is its generation 1. A file that is read again, in another format or because lines of it
were refused, has the next one. Each table replaces what it has of the file by the rows of the new generation, in one
commit, and the file's own row is the last. Files that are about to be written are noted before the first commit: if
the landing is killed, the next one completes what it finds in the same format, and replaces what it finds in another.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ccml import atomic
from ccml.stored import read_or_set_aside

if TYPE_CHECKING:
    from deltalake import DeltaTable


class Attempt(NamedTuple):
    """One reading of a file on its way into the tables."""

    generation: int
    format: str


class Attempts:
    """Gives each file that is read its generation."""

    def __init__(self, lake: Path, files: DeltaTable | None) -> None:
        """
        Args:
            files: the table of landed files as it stands now.
        """
        self._lake = lake
        self._files = files
        consequence = "a landing that was killed is completed as if it had read its files in the formats of today"
        self._noted = read_or_set_aside(_note(lake), dict[str, Attempt], {}, consequence)

    def landed(self, file: str) -> int:
        """How often the file with this sha256 has landed as a whole; 0 for never."""
        found = None if self._files is None else self._files.transaction_version(file)
        return int(found or 0)

    def is_unfinished(self, file: str) -> bool:
        """Was the last attempt at the file cut short?"""
        return file in self._noted and self._noted[file].generation > self.landed(file)

    def next(self, file: str, format: str) -> Attempt:
        """The attempt to be made now: the one that was cut short, if it was in the same format."""
        if self.is_unfinished(file):
            noted = self._noted[file]
            return noted if noted.format == format else Attempt(noted.generation + 1, format)
        return Attempt(self.landed(file) + 1, format)


def note_attempts(lake: Path, attempts: Mapping[str, Attempt]) -> None:
    """Called before the first of the tables takes rows of these files."""
    atomic.write_bytes(_note(lake), msgspec.json.encode(attempts))


def _note(lake: Path) -> Path:
    return lake / "landed" / "attempts.json"
