"""One partition per day (UTC) that holds events, up to the features; everything after them looks at all days at once.

The partitions are dynamic: the landing adds a day when its first event lands. A range of dates with a fixed first day
would show thousands of days that hold nothing, and a code server that runs would not see an older day that lands later.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from ccml_resources.lake import beside

DAYS = "days"

days = dg.DynamicPartitionsDefinition(name=DAYS)

# A run covers whatever range it is asked for; one run a day would spend more on starting than on working.
whole_range = dg.BackfillPolicy.single_run()


def _keeps_up() -> dg.AutomationCondition:
    """Made when its day has landed, landed again or was made by other code; not beside a run that makes its inputs.

    Differs from `AutomationCondition.eager()` in three ways. What waits when the daemon starts for the first time is
    made, too. A changed code version counts. A failed blocking check of an input holds in later runs as well.
    """
    on = dg.AutomationCondition
    passed = on.all_checks_match(on.check_passed(), blocking_only=True)
    return (
        # Not also `newly_updated`: a run that ends and a landing between the same two ticks would cancel each other.
        (on.newly_missing() | on.any_deps_updated() | on.code_version_changed()).since(on.newly_requested())
        & ~on.any_deps_missing()
        & ~on.any_deps_in_progress()
        & ~on.in_progress()
        & on.all_deps_match(on.will_be_requested() | passed)
    ).with_label("keeps up with what lands")


keeps_up = _keeps_up()


def with_neighbours(touched: Sequence[str], existing: Sequence[str]) -> list[str]:
    """The touched days and those beside them that hold events: a session, and the feedback on its last turn, run across
    midnight.
    """
    return sorted({*touched, *({day for one in touched for day in beside(one)} & set(existing))})


def count_rows(
    context: dg.AssetExecutionContext,
    table: Any,
    key: dg.AssetKey | None = None,
    meanings: Mapping[str, str] | None = None,
) -> None:
    """Gives each day's materialization its own number of rows: a run over many days would show their sum at each. The
    columns are the same for each; `meanings` describes them.
    """
    counts = table["day"].value_counts() if len(table) else {}
    for day in context.partition_keys:
        context.add_asset_metadata({"dagster/row_count": int(counts.get(day, 0))}, key, day)
    if len(table.columns):
        described = meanings or {}
        columns = [
            dg.TableColumn(str(name), str(kind), described.get(str(name))) for name, kind in table.dtypes.items()
        ]
        context.add_asset_metadata({"dagster/column_schema": dg.TableSchema(columns)}, key)
