"""The rows of a landed table as they are stored, with their file and line."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa

from ccml.telemetry.lake import FILES, QUARANTINE, landed_schema, open_table


def rows(lake: Path, table: str) -> pd.DataFrame:
    return arrow(lake, table).to_pandas()


def arrow(lake: Path, table: str, columns: list[str] | None = None) -> pa.Table:
    found = open_table(lake, table)
    return landed_schema(table).empty_table() if found is None else found.to_pyarrow_table(columns=columns)


def files(lake: Path) -> pd.DataFrame:
    return rows(lake, FILES).sort_values(["landed_at", "path"], ignore_index=True)


def quarantine(lake: Path) -> pd.DataFrame:
    return rows(lake, QUARANTINE).sort_values(["landed_at", "path", "line"], ignore_index=True)
