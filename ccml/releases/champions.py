"""The releases that are served now: their versions, until when their data goes, and the models in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ccml.datasets.splits import SeenByChampions
    from ccml.models.artifact import Candidate


def champion_version(models: Path, name: str) -> str | None:
    """What is served now; None before the first release."""
    from ccml.releases.reader import read_pointer

    pointer = read_pointer(models, name, "champion")
    return pointer.version if pointer else None


def seen_by_champions(models: Path) -> SeenByChampions | None:
    """Until when the data of the champions goes; None before the first release."""
    from ccml.datasets.splits import SeenByChampions
    from ccml.releases.reader import read_manifest

    names = sorted(folder.name for folder in models.iterdir() if folder.is_dir()) if models.is_dir() else []
    versions = {name: champion_version(models, name) for name in names}
    manifests = [read_manifest(models, name, version) for name, version in versions.items() if version]
    ends = [(one.trained_until, one.data_until) for one in manifests if one.trained_until and one.data_until]
    if not ends:
        return None
    return SeenByChampions(*(max(map(datetime.fromisoformat, times)) for times in zip(*ends, strict=True)))


@dataclass(frozen=True)
class Champion:
    """A released model as training code sees it, with the version that was read with it."""

    version: str
    model: Candidate


def champion_model(models: Path, name: str) -> Candidate | None:
    """The model that is served now; None before the first release."""
    champion = load_champion(models, name)
    return champion.model if champion else None


def load_champion(models: Path, name: str) -> Champion | None:
    """What is served now; None before the first release. The pointer is read once: version and model agree."""
    from ccml.models.artifact import load_candidate

    version = champion_version(models, name)
    return Champion(version, load_candidate(models / name / version)) if version else None
