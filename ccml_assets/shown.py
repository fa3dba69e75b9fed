"""Facts as an asset's page shows them: figures rounded, what is nested as a table, nothing for what is empty.

Dagster prints a float with all its digits, and a dict as JSON.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

DIGITS = 4


def shown(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata of a materialization. A dict becomes a table of name and value, a list one of its values."""
    return {name: _value(value) for name, value in facts.items() if not _is_empty(value)}


def _is_empty(value: Any) -> bool:
    return isinstance(value, dict | list) and not value


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return _table(("name", "value"), [(str(name), _text(one)) for name, one in value.items()])
    if isinstance(value, list):
        return _table(("value",), [(_text(one),) for one in value])
    return rounded(value) if isinstance(value, float) else value


def rounded(value: float) -> float:
    """To four significant digits."""
    return float(f"{value:.{DIGITS}g}")


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.{DIGITS}g}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(one)}" for name, one in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(_text, value)) or "none"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def table(rows: list[dict[str, Any]]) -> dg.TableMetadataValue:
    """Rows of texts; a column is any that one of them has."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = [dg.TableColumn(name, "string") for name in names]
    records = [dg.TableRecord({name: str(row.get(name, "")) for name in names}) for row in rows]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns))


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> dg.TableMetadataValue:
    return dg.MetadataValue.table(
        [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in rows],
        schema=dg.TableSchema([dg.TableColumn(name, "string") for name in columns]),
    )
