"""The rows of a landed table as they are stored, with their file and line."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ccml.telemetry.lake import FILES, QUARANTINE, landed_schema, open_table


def rows(lake: Path, table: str) -> pd.DataFrame:
    found = open_table(lake, table)
    stored = landed_schema(table).empty_table() if found is None else found.to_pyarrow_table()
    return stored.to_pandas()


def files(lake: Path) -> pd.DataFrame:
    return rows(lake, FILES).sort_values(["landed_at", "path"], ignore_index=True)


def quarantine(lake: Path) -> pd.DataFrame:
    return rows(lake, QUARANTINE).sort_values(["landed_at", "path", "line"], ignore_index=True)
