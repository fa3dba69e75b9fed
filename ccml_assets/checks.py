"""Great Expectations as asset checks: a table's suite is generated from its declaration, the result is Dagster's.

A check says *passed* only of what was looked at. Dagster knows two other answers: a failure of severity ERROR, which
stops what is made from the table, and one of severity WARN, which stops nothing. Warnings among the expectations are
the second, and so is a table without rows: there is nothing to break and nothing to stop for, but nothing was checked.
"""

import time
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

from ccml_resources.platform import Platform

if TYPE_CHECKING:
    from ccml.expectations.validation import ExpectationReport

EXPECTATIONS = "expectations"
LEAKAGE = "nothing_leaks"
NOT_EVALUATED = "Not evaluated"


def expectations(
    key: dg.AssetKey, suite: str, partitions: dg.PartitionsDefinition | None = None
) -> dg.AssetChecksDefinition:
    """Validates the table against its suite, and stops what is made from it where a critical expectation fails.

    Args:
        partitions: of a daily table. The days of a run are validated together, and each day has the verdict.
    """

    @dg.asset_check(
        name=EXPECTATIONS,
        asset=key,
        blocking=True,
        partitions_def=partitions,
        description=f"The rows of {key.to_user_string()} keep the rules of their declaration: types, ranges, words.",
    )
    def check(context: dg.AssetCheckExecutionContext, platform: Platform, table: Any) -> dg.AssetCheckResult:
        result = _validated(platform, suite, table)
        if partitions is not None and not context.has_partition_key:
            _give_each_day(context, dg.AssetCheckKey(key, EXPECTATIONS), result)
        return result

    return check


def _validated(platform: Platform, suite: str, table: Any) -> dg.AssetCheckResult:
    from ccml.expectations.data_docs import write_data_docs
    from ccml.expectations.suites import suite_for
    from ccml.expectations.validation import validate

    if not len(table):
        return not_evaluated("0 rows", {"rows": 0})
    report = validate(table, suite_for(suite))
    page = write_data_docs(report, platform.home.reports, suite)
    return dg.AssetCheckResult(
        passed=not report.failures and not report.warnings,
        severity=dg.AssetCheckSeverity.ERROR if report.failures else dg.AssetCheckSeverity.WARN,
        description=_in_words(report),
        metadata={
            "rows": report.rows,
            "rules": as_table(report.rules),
            "Data Docs of the newest validation": dg.MetadataValue.path(platform.home.relative(page)),
        },
    )


def _give_each_day(
    context: dg.AssetCheckExecutionContext, check: dg.AssetCheckKey, result: dg.AssetCheckResult
) -> None:
    """Records the verdict of a run over several days at each of them.

    Dagster records one result for the run and none for its days: the page would call the check skipped.
    """
    days = context.partition_keys
    made = context.instance.get_latest_storage_id_by_partition(
        check.asset_key, dg.DagsterEventType.ASSET_MATERIALIZATION, set(days)
    )
    for day in days:
        target = (
            AssetCheckEvaluationTargetMaterializationData(
                storage_id=made[day], run_id=context.run.run_id, timestamp=time.time()
            )
            if day in made
            else None
        )
        context.op_execution_context.log_event(
            dg.AssetCheckEvaluation(  # type: ignore[arg-type]  # taken, though its annotation does not say so
                check_name=check.name,
                asset_key=check.asset_key,
                passed=result.passed,
                severity=result.severity,
                description=f"{result.description} Days of the run: {days[0]} to {days[-1]}.",
                metadata={},
                target_materialization_data=target,
                blocking=True,
                partition=day,
            )
        )


def leakage(key: dg.AssetKey, splits: dg.AssetKey, *, texts: bool) -> dg.AssetChecksDefinition:
    """`texts`: a training text that is almost a held-out one is a leak, too."""

    @dg.asset_check(
        name=LEAKAGE,
        asset=key,
        additional_ins={"drawn": dg.AssetIn(splits)},
        blocking=True,
        description="No session, user, time or text of the held-out rows is among the training rows.",
    )
    def check(platform: Platform, rows: Any, drawn: Any) -> dg.AssetCheckResult:
        from ccml.datasets.leakage import check_leakage
        from ccml.datasets.splits import Splits

        split = Splits.from_table(drawn)
        found = check_leakage(
            rows,
            whole_sessions=split.whole_sessions,
            time_ordered=split.time_ordered,
            text_similarity=platform.profile.split.near_duplicate_similarity if texts else None,
        )
        counts = {str(part): int(count) for part, count in rows["split"].value_counts().items()}
        sentence = " ".join(one.message for one in found) or f"Nothing leaks among {len(rows):,} rows."
        return dg.AssetCheckResult(
            passed=not found, description=sentence, metadata={"findings": as_table(found), **counts}
        )

    return check


def not_evaluated(why: str, metadata: dict[str, Any]) -> dg.AssetCheckResult:
    """A warning: nothing was looked at, which is neither a pass nor a reason to stop what is downstream."""
    return dg.AssetCheckResult(
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{NOT_EVALUATED}: {why}.",
        metadata=metadata,
    )


def as_table(rows: list[Any]) -> dg.TableMetadataValue:
    """Dataclasses of strings and numbers, one row each."""
    from dataclasses import asdict

    records = [asdict(row) for row in rows]
    kinds = {name: "int" if isinstance(value, int) else "string" for name, value in (records or [{}])[0].items()}
    return dg.MetadataValue.table(
        [dg.TableRecord(record) for record in records],
        schema=dg.TableSchema([dg.TableColumn(name, kind) for name, kind in kinds.items()]),
    )


def _in_words(report: "ExpectationReport") -> str:
    found = [*report.failures, *report.warnings]
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        return f"{found[0]}{more}."
    unseen = sum(one.verdict == "not evaluated" for one in report.rules)
    about = "is about a column" if unseen == 1 else "are about columns"
    beside = f"; {unseen} {about} without any value" if unseen else ""
    return f"{len(report.rules) - unseen} of {len(report.rules)} rules hold in {report.rows:,} rows{beside}."
