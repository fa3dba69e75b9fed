"""What a training, a search and an evaluation are given, whichever the model is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from ccml.evaluation.cost import Cost
    from ccml.evaluation.report import Trial
    from ccml.features.encoder import LoadedEncoder
    from ccml.models.artifact import Candidate
    from ccml.profiles import Profile


@dataclass(frozen=True)
class TrainingJob:
    rows: pd.DataFrame
    """The whole data set; its column `split` says what each row is for."""
    profile: Profile
    encoder: Callable[[Iterable[str]], LoadedEncoder]
    """Training texts → the encoder. A random one takes its vocabulary from them."""
    embeddings: Path
    """Folder of stored text vectors."""
    facts: Mapping[str, Any]
    """`data_hash` and `code_version`, kept with the model."""
    chosen: Mapping[str, Any]
    """Settings that a search found better than the profile's; empty without one."""
    report: Callable[[dict[str, Any]], None]
    """Gets a record after each epoch, and after each step of a staged training."""

    @property
    def training_rows(self) -> pd.DataFrame:
        return self.rows[self.rows["split"] == "train"]


@dataclass(frozen=True)
class EvaluationJob:
    rows: pd.DataFrame
    """The whole data set: its test rows are scored, and the simple baselines are fitted on its training rows."""
    candidate: Candidate
    profile: Profile
    facts: Mapping[str, str | int | float]
    """Data hash, encoder and the like, printed as they are."""
    champion: Candidate | None = None
    cost: Cost | None = None
    """Of one answer as it is served; None where that could not be measured."""
    trials: Sequence[Trial] = ()
    """Of the search that chose the settings."""

    def part(self, split: str) -> pd.DataFrame:
        return self.rows[self.rows["split"] == split].reset_index(drop=True)
