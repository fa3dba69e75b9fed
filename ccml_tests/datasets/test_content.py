"""Same content, same hash, whatever it was stored as."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from ccml.datasets.content import content_hash


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "text": ["a", None],
            "words": [["x", "y"], []],
            "vector": [np.float32([1.5, np.nan]), np.float32([0.1, 2.0])],
            "number": [0.1, np.nan],
            "count": [1, 2],
            "flag": [True, False],
            "time": [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)],
        }
    )


def test_a_table_read_back_from_parquet_hashes_alike(tmp_path):
    table().to_parquet(tmp_path / "t.parquet")
    assert content_hash(pd.read_parquet(tmp_path / "t.parquet")) == content_hash(table())


def test_nullable_types_hash_alike():
    changed = table().astype({"text": "string", "count": "Int64", "flag": "boolean", "number": "Float64"})
    assert content_hash(changed) == content_hash(table())


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.assign(text=["b", None]),
        lambda t: t.assign(words=[["x"], ["y"]]),
        lambda t: t.assign(vector=[np.float32([1.5, 0.0]), np.float32([0.1, 2.0])]),
        lambda t: t.assign(time=t["time"] + pd.Timedelta(microseconds=1)),
        lambda t: t.rename(columns={"text": "texts"}),
        lambda t: t.iloc[::-1],
        lambda t: t.iloc[:1],
    ],
)
def test_any_other_content_hashes_differently(change):
    assert content_hash(change(table())) != content_hash(table())
