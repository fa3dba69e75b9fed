"""A candidate and its exported graph, opened as a server will open them once they are released."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ccml.releases.reader import ModelFiles
from ccml.serving.loading.loaded import MODEL_CLASSES, Model
from ccml.serving.loading.opened import SERVED_FILES
from ccml.serving.metrics import Meter
from ccml.serving.settings import ServingSettings


def open_candidate(name: str, folder: Path, exported: Mapping[str, bytes], served: str) -> Model:
    """
    Args:
        folder: of the candidate.
        exported: file name → bytes of the graphs and their golden inputs.
        served: the graph that the release would serve.

    Raises:
        ReleaseRefusedError: a server would refuse it; the reason names the step.
    """
    files = {file: (folder / file).read_bytes() for file in SERVED_FILES if (folder / file).is_file()}
    settings = ServingSettings()
    opened = ModelFiles(name=name, version="candidate", path=folder, served=served, files={**files, **exported})
    return MODEL_CLASSES[name](opened, settings.threads, settings.candidates, Meter())
