"""Great Expectations as asset checks: a table's suite is generated from its declaration, the result is Dagster's."""

from typing import Any

import dagster as dg

EXPECTATIONS = "expectations"


def expectations(
    key: dg.AssetKey, suite: str, partitions: dg.PartitionsDefinition | None = None
) -> dg.AssetChecksDefinition:
    """Validates the table against its suite, and stops what is made from it where a critical expectation fails."""

    @dg.asset_check(
        name=EXPECTATIONS,
        asset=key,
        blocking=True,
        partitions_def=partitions,
        description=f"The rows of {key.to_user_string()} keep the rules of their declaration: types, ranges, words.",
    )
    def check(table: Any) -> dg.AssetCheckResult:
        from ccml.expectations import suite_for, validate

        if not len(table):
            # An empty table holds nothing that could break a rule.
            return dg.AssetCheckResult(passed=True, metadata={"rows": 0})
        report = validate(table, suite_for(suite))
        return dg.AssetCheckResult(
            passed=report.success,
            metadata={"rows": len(table), "expectations": report.evaluated, "failures": report.failures},
        )

    return check
