"""Where trained models wait for the gate: one folder a training under `candidates/<name>/`, and a short reference."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from ccml.models.artifact import Candidate


class CandidateReference(msgspec.Struct, frozen=True):
    """What travels between assets in place of the weights."""

    name: str
    path: str
    data_hash: str
    mlflow_run_id: str
    data_until: str | None = None
    """Time of the newest row it was trained, chosen or will be judged on; UTC, ISO 8601."""

    def load(self) -> Candidate:
        """
        Raises:
            IntegrityError: the folder is gone or is not what was saved.
        """
        from ccml.models.artifact import load_candidate

        return load_candidate(Path(self.path))


def champion_version(models: Path, name: str) -> str | None:
    """What is served now; None before the first release."""
    from ccml.releases.reader import read_pointer

    pointer = read_pointer(models, name, "champion")
    return pointer.version if pointer else None


def champions_until(models: Path) -> datetime | None:
    """Time of the newest row in the data that any champion was trained or judged on; None before the first release."""
    from ccml.releases.reader import read_manifest

    names = sorted(folder.name for folder in models.iterdir() if folder.is_dir()) if models.is_dir() else []
    versions = {name: champion_version(models, name) for name in names}
    ends = [read_manifest(models, name, version).data_until for name, version in versions.items() if version]
    return max((datetime.fromisoformat(end) for end in ends if end), default=None)


def load_champion(models: Path, name: str) -> Candidate | None:
    """The released model that is served now, as training code sees it; None before the first release."""
    from ccml.models.artifact import load_candidate

    version = champion_version(models, name)
    return load_candidate(models / name / version) if version else None
