"""What an export leaves on the disk until the gate has spoken: the graphs, and which of them to serve."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ccml import atomic
from ccml.errors import IntegrityError
from ccml.export.parity import ParityRow
from ccml.releases.manifest import Serving

if TYPE_CHECKING:
    from ccml.export.packaging import Exported


class ExportReference(msgspec.Struct, frozen=True):
    """What travels between assets in place of the graphs. `table` has one row a graph, shipped or not."""

    folder: str
    files: list[str]
    table: list[ParityRow]
    serving: Serving

    def read(self) -> dict[str, bytes]:
        """File name → bytes.

        Raises:
            IntegrityError: a file is gone.
        """
        missing = [name for name in self.files if not (Path(self.folder) / name).is_file()]
        if missing:
            raise IntegrityError(f"{self.folder}/{missing[0]} is gone; export the model again.")
        return {name: (Path(self.folder) / name).read_bytes() for name in self.files}


def write_export(exported: Exported, folder: Path) -> ExportReference:
    for name, content in exported.files.items():
        atomic.write_bytes(folder / name, content)
    return ExportReference(str(folder), sorted(exported.files), exported.table, exported.serving)
