"""What an asset's page shows of its facts."""

from typing import Any

import dagster as dg
import pytest

from ccml_assets.shown import shown


@pytest.mark.parametrize(
    ("given", "seen"),
    [(0.30434782608695654, 0.3043), (3.114967000328761, 3.115), (12345.678, 12350.0), (0.00012345, 0.0001234)],
)
def test_a_figure_is_rounded_to_four_digits(given: float, seen: float) -> None:
    assert shown({"figure": given}) == {"figure": pytest.approx(seen, rel=1e-9)}


def test_counts_texts_and_truths_are_left_as_they_are() -> None:
    assert shown({"rows": 1538, "why": "better", "best": True}) == {"rows": 1538, "why": "better", "best": True}


def test_what_is_empty_is_left_out() -> None:
    assert shown({"notes": [], "landed": {}, "files": 0}) == {"files": 0}


def test_what_is_nested_is_a_table_in_words() -> None:
    found = shown({"rows": {"train": 12345, "test": 0.25}, "reasons": ["too few", "too old"]})
    assert rows(found["rows"]) == [{"name": "train", "value": "12,345"}, {"name": "test", "value": "0.25"}]
    assert rows(found["reasons"]) == [{"value": "too few"}, {"value": "too old"}]


def test_no_python_stands_in_a_cell() -> None:
    found = shown({"facts": {"cuts": {"test": 0.123456, "none": {}}, "days": ["2026-03-18", "2026-03-19"]}})
    assert [one["value"] for one in rows(found["facts"])] == ["test 0.1235, none none", "2026-03-18, 2026-03-19"]


def rows(value: Any) -> list[Any]:
    assert isinstance(value, dg.TableMetadataValue)
    return [record.data for record in value.records]
