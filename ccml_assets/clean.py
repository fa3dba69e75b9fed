"""The five kinds joined: one row per interaction, in sessions."""

from typing import Any

import dagster as dg

from ccml_assets.checks import expectations
from ccml_assets.partitions import count_rows, days, whole_range
from ccml_resources.lake import DAYS_BESIDE

KEY = dg.AssetKey(["clean", "interactions"])
REJECTED = dg.AssetKey(["clean", "rejected"])


def _events(kind: str) -> dg.AssetIn:
    """A session, and the feedback on its last turn, run across midnight: the days beside lend their events."""
    return dg.AssetIn(["raw", kind], metadata={DAYS_BESIDE: True})


@dg.multi_asset(
    outs={
        "interactions": dg.AssetOut(
            key=KEY,
            kinds={"parquet", "pandas"},
            description="One row per interaction: request, command and its parts, action, outcome, feedback, state.",
        ),
        "rejected": dg.AssetOut(
            key=REJECTED,
            kinds={"parquet", "pandas"},
            description="Events that could not be joined, each with the reason.",
        ),
    },
    ins={
        "raw_interactions": _events("interactions"),
        "raw_executions": _events("executions"),
        "raw_errors": _events("errors"),
        "raw_feedback": _events("feedback"),
        "raw_system_states": _events("system_states"),
    },
    partitions_def=days,
    backfill_policy=whole_range,
)
def clean_tables(  # type: ignore[no-untyped-def]  # a generator of several outputs
    context: dg.AssetExecutionContext,
    raw_interactions: Any,
    raw_executions: Any,
    raw_errors: Any,
    raw_feedback: Any,
    raw_system_states: Any,
):
    from ccml.cleaning.columns import column_meanings
    from ccml.cleaning.join import clean

    cleaned = clean(
        raw_interactions,
        raw_executions,
        raw_errors,
        raw_feedback,
        raw_system_states,
        days=context.partition_keys,
    )
    count_rows(context, cleaned.interactions, KEY, column_meanings())
    count_rows(context, cleaned.rejected, REJECTED)
    yield dg.Output(cleaned.interactions, "interactions")
    yield dg.Output(cleaned.rejected, "rejected")


clean_checks = [expectations(KEY, "clean", days)]
