"""Would a server take this release? Asked with the server's own code, before traffic does."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from ccml.errors import IntegrityError, NotEnoughDataError
from ccml.serving.loading.loaded import LoadedModels
from ccml.serving.metrics import Meter
from ccml.serving.settings import ServingSettings


class Readiness(msgspec.Struct, frozen=True):
    name: str
    version: str
    graph: str
    """sha256 of the graph that is served."""
    load_seconds: float


def check_readiness(models: Path, name: str) -> Readiness:
    """Verifies, loads and warms up the champion, and runs its golden inputs, as a server does.

    Raises:
        NotEnoughDataError: nothing of that name was released.
        IntegrityError: a server would refuse the release; the message says why.
    """
    if not (models / name / "champion.json").exists():
        raise NotEnoughDataError(f"No {name} was ever released, so there is nothing to deploy.")
    loaded = LoadedModels(models, ServingSettings(), Meter())
    begin = time.perf_counter()
    loaded.look_at(name)
    seconds = time.perf_counter() - begin
    model = loaded.champion(name)
    if model is None:
        problems = [problem for problem in loaded.problems() if problem.startswith(f"{name}:")]
        raise IntegrityError(f"A server would refuse the champion of {name}: {', '.join(problems)}.")
    return Readiness(name, model.opened.version, model.opened.graph.sha256, round(seconds, 3))
