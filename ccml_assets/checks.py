"""Great Expectations as asset checks: a table's suite is generated from its declaration, the result is Dagster's."""

from typing import Any

import dagster as dg

EXPECTATIONS = "expectations"


def expectations(key: dg.AssetKey, suite: str, table: Any) -> dg.AssetCheckResult:
    """Validates the table against its suite; an empty table holds nothing that could break a rule."""
    from ccml.expectations import suite_for, validate

    if not len(table):
        return dg.AssetCheckResult(passed=True, check_name=EXPECTATIONS, asset_key=key, metadata={"rows": 0})
    report = validate(table, suite_for(suite))
    return dg.AssetCheckResult(
        passed=report.success,
        check_name=EXPECTATIONS,
        asset_key=key,
        metadata={"rows": len(table), "expectations": report.evaluated, "failures": report.failures},
    )
