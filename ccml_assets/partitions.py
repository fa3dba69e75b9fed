"""One partition per day (UTC) that holds events, up to the features; everything after them looks at all days at once.

The partitions are dynamic: the landing adds a day when its first event lands. A range of dates with a fixed first day
would show thousands of days that hold nothing, and a code server that runs would not see an older day that lands later.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

import dagster as dg

from ccml_assets.staleness import LANDED_DAYS
from ccml_resources.lake import beside

if TYPE_CHECKING:
    import pyarrow as pa

DAYS = "days"

days = dg.DynamicPartitionsDefinition(name=DAYS)

# A run covers whatever range it is asked for; one run a day would spend more on starting than on working.
whole_range = dg.BackfillPolicy.single_run()


def keeps_up(daily: Sequence[dg.AssetKey]) -> dg.AutomationCondition:
    """The condition of the raw tables: make a day that has landed or landed again, or of which a daily asset is missing
    or was made by other code; not beside a run that makes one of them.

    A day is made whole, in one run: a failed blocking check stops what is downstream only within its run.

    Args:
        daily: all daily assets.
    """
    on = dg.AutomationCondition
    # `since` compares the times of the landing and of the request where both are seen at once: a day that lands while
    # it is made is asked for again. It sees no times through `|`, so the two stand apart.
    landed = on.asset_matches(LANDED_DAYS, on.newly_updated())
    lacking = reduce(or_, (on.asset_matches(key, on.newly_missing() | on.code_version_changed()) for key in daily))
    at_work = reduce(or_, (on.asset_matches(key, on.in_progress()) for key in daily))
    asked = on.newly_requested()
    return ((landed.since(asked) | lacking.since(asked)) & ~at_work).with_label("keeps up with what lands")


comes_along = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.will_be_requested()).with_label(
    "made with the tables that it is made of"
)
"""The condition of the daily assets after the raw tables. With the whole condition at each of the twelve a tick takes
2.2 s in place of 0.9."""


def with_days_beside(states: Mapping[str, str]) -> dict[str, str]:
    """Day → a digest of its state and of those of the days beside it: a session, and the feedback on its last turn, run
    across midnight, so a day is to be made again when one beside it has changed.
    """
    return {
        day: hashlib.sha256("\0".join(states.get(one, "") for one in (day, *beside(day))).encode()).hexdigest()
        for day in states
    }


TYPED_ROWS = 1_000
"""Rows whose values say what a column holds."""


def count_rows(
    context: dg.AssetExecutionContext,
    table: Any,
    key: dg.AssetKey | None = None,
    meanings: Mapping[str, str] | None = None,
    schema: "pa.Schema | None" = None,
) -> None:
    """Gives each day's materialization its own number of rows: a run over many days would show their sum at each. The
    columns are the same for each; `meanings` describes them. Their types are those of `schema`, else of the table's
    first rows.
    """
    import pyarrow as pa

    counts = table["day"].value_counts() if len(table) else {}
    for day in context.partition_keys:
        context.add_asset_metadata({"dagster/row_count": int(counts.get(day, 0))}, key, day)
    if len(table.columns):
        described = meanings or {}
        # What an object column holds shows in its values: text, or a list of numbers.
        types = schema or pa.Schema.from_pandas(table.head(TYPED_ROWS), preserve_index=False)
        columns = [dg.TableColumn(one.name, str(one.type), described.get(one.name)) for one in types]
        context.add_asset_metadata({"dagster/column_schema": dg.TableSchema(columns)}, key)
