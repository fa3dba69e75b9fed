"""What a training or a search is given, whichever the model is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from ccml.features.encoder import LoadedEncoder
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
