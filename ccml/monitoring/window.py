"""The traffic that monitoring looks at: what was served since the newest champion took over."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ccml.errors import NotEnoughDataError
from ccml.evaluation.statistics import Interval
from ccml.monitoring.reference import DriftReference, decode_reference
from ccml.releases.manifest import DRIFT_REFERENCE
from ccml.releases.reader import read_manifest, read_pointed, read_pointer

if TYPE_CHECKING:
    import pandas as pd

SERVED = "served"


def champions_since(models: Path) -> datetime | None:
    """When the newest champion of any model was set; None before the first release."""
    names = sorted(folder.name for folder in models.iterdir() if folder.is_dir()) if models.is_dir() else []
    pointers = [read_pointer(models, name, "champion") for name in names]
    return max((datetime.fromisoformat(pointer.since) for pointer in pointers if pointer), default=None)


def served_window(interactions: pd.DataFrame, models: Path) -> pd.DataFrame:
    """Rows answered by a server under the present champions: older answers say nothing about these models.

    Raises:
        NotEnoughDataError: nothing was released, or nothing was served since.
    """
    since = champions_since(models)
    if since is None:
        raise NotEnoughDataError("Nothing was released yet, so nothing was served.")
    served = interactions[interactions["source"] == SERVED] if len(interactions) else interactions
    served = served[served["time"] >= since] if len(served) else served
    if not len(served):
        raise NotEnoughDataError(
            f"No answers were served since {since:%Y-%m-%d %H:%M} UTC. Start `ccml serve`, send requests, run again."
        )
    return served.reset_index(drop=True)


def champions_reference(models: Path) -> DriftReference:
    """The drift reference in the release of the champion that has seen the newest data. A candidate that the gate
    refused leaves it as it is: the champion goes on serving, and what it was trained on is still what counts.

    Raises:
        NotEnoughDataError: no champion has one.
        IntegrityError: the release, or the reference in it, is damaged.
    """
    names = sorted(folder.name for folder in models.iterdir() if folder.is_dir()) if models.is_dir() else []
    champions = [release for name in names if (release := read_pointed(models, name, keep=(DRIFT_REFERENCE,)))]
    with_one = [release for release in champions if DRIFT_REFERENCE in release.files]
    if not with_one:
        raise NotEnoughDataError("Not evaluated: no champion's release has a drift reference; the next one brings it.")
    newest = max(with_one, key=lambda release: release.manifest.data_until or "")
    return decode_reference(newest.files[DRIFT_REFERENCE], str(newest.path / DRIFT_REFERENCE))


def promised(models: Path) -> dict[str, Interval]:
    """Model → headline figure, as its champion's manifest has it."""
    figures: dict[str, Interval] = {}
    for folder in sorted(models.iterdir()) if models.is_dir() else []:
        pointer = read_pointer(models, folder.name, "champion") if folder.is_dir() else None
        if pointer is not None:
            headline = read_manifest(models, folder.name, pointer.version).metrics["headline"]
            figures[folder.name] = msgspec.convert(headline["value"], Interval)
    return figures
