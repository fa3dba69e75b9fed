"""Trained models before the gate: one folder a training under `candidates/<name>/`, and a short reference to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from ccml.home import Home
    from ccml.models.artifact import Candidate


class CandidateReference(msgspec.Struct, frozen=True):
    """What travels between assets in place of the weights."""

    name: str
    path: str
    """Of the folder, from the home's root."""
    data_hash: str
    mlflow_run_id: str
    code_version: str
    """Of the asset that trained it."""
    trained_until: str | None = None
    """Time of the newest row it was fitted on; UTC, ISO 8601."""
    data_until: str | None = None
    """Time of the newest row it was fitted, chosen or will be evaluated on."""

    def load(self, home: Home) -> Candidate:
        """
        Raises:
            IntegrityError: the folder is gone or is not what was saved.
        """
        from ccml.models.artifact import load_candidate

        return load_candidate(home.root / self.path)
