"""The hash of a data set's content, by which it is named. It is the same before and after storing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Dataset:
    """Rows with a `split` column, and what was left out on the way, by reason."""

    rows: pd.DataFrame
    facts: dict[str, Any]


def content_hash(table: pd.DataFrame) -> str:
    """Sixteen hex digits over column names and values in their order.

    Storage types do not count: a list read back from Parquet as an array, an integer column that came back nullable
    or a missing value of another type have the same hash. Floats count with 32 bits.
    """
    digest = hashlib.sha256()
    for name in table.columns:
        digest.update(msgspec.json.encode(str(name)))
        digest.update(msgspec.json.encode([_plain(value) for value in table[name].astype(object)]))
    return digest.hexdigest()[:16]


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            return [_plain(item) for item in value]
        return value.astype(np.float32).tolist() if value.dtype.kind == "f" else value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return None if np.isnan(value) else float(np.float32(value))
    isoformat = getattr(value, "isoformat", None)
    # NaT has the method too; it is not equal to itself.
    return isoformat() if isoformat is not None and value == value else None
