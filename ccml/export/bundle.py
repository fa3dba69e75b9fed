"""What an export leaves on the disk until the candidate passes the gate: the graphs, and which of them to serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ccml import atomic
from ccml.errors import IntegrityError
from ccml.export.parity import ParityRow, runner
from ccml.releases.golden import Golden
from ccml.releases.manifest import Serving

if TYPE_CHECKING:
    from ccml.export.packaging import Exported
    from ccml.home import Home
    from ccml.models.candidates import CandidateReference


class ExportReference(msgspec.Struct, frozen=True):
    """What travels between assets in place of the graphs. `table` has one row a graph, shipped or not."""

    folder: str
    """From the home's root."""
    files: list[str]
    table: list[ParityRow]
    serving: Serving

    def read(self, home: Home) -> dict[str, bytes]:
        """File name → bytes.

        Raises:
            IntegrityError: a file is gone.
        """
        folder = home.root / self.folder
        missing = [name for name in self.files if not (folder / name).is_file()]
        if missing:
            raise IntegrityError(f"{folder / missing[0]} is gone; export the model again.")
        return {name: (folder / name).read_bytes() for name in self.files}

    def problems(self, home: Home) -> list[str]:
        """What is wrong with the files that ship, as they lie on the disk: one that was found to differ from torch, one
        that is gone, or a served graph that no longer answers its golden inputs as recorded.
        """
        found = [f"{row.file} ships. {row.reason}" for row in self.table if row.file in self.files and not row.ships]
        try:
            files = self.read(home)
            Golden.from_json(files["golden.json"]).check(runner(files[self.serving.model]))
        except IntegrityError as error:
            found.append(str(error))
        return found


def write_export(exported: Exported, home: Home, trained: CandidateReference, run_id: str) -> ExportReference:
    """Writes the graphs beside the candidate's folder, as `<run id>.onnx/`."""
    folder = (home.root / trained.path).with_name(f"{run_id}.onnx")
    for name, content in exported.files.items():
        atomic.write_bytes(folder / name, content)
    return ExportReference(home.relative(folder), sorted(exported.files), exported.table, exported.serving)
