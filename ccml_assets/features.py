"""Feature tables, a day at a time. What is fitted on them is fitted later, on the training part alone."""

from collections.abc import Callable
from typing import Any

import dagster as dg

from ccml_assets.partitions import count_rows, days, whole_range
from ccml_resources.platform import Platform

CLEAN = dg.AssetIn(["clean", "interactions"])


def _feature_table(name: str, description: str, make: Callable[[Any], Any]) -> dg.AssetsDefinition:
    @dg.asset(
        key=["features", name],
        ins={"interactions": CLEAN},
        description=description,
        partitions_def=days,
        backfill_policy=whole_range,
        kinds={"parquet", "numpy"},
    )
    def table(context: dg.AssetExecutionContext, interactions: Any) -> dg.MaterializeResult[Any]:
        made = make(interactions) if len(interactions) else interactions
        count_rows(context, made)
        return dg.MaterializeResult(value=made)

    return table


def _state_vectors(interactions: Any) -> Any:
    from ccml.features.tables import state_vectors

    return state_vectors(interactions)


def _temporal_features(interactions: Any) -> Any:
    from ccml.features.tables import temporal_features

    return temporal_features(interactions)


def _outcome_features(interactions: Any) -> Any:
    from ccml.features.tables import outcome_features

    return outcome_features(interactions)


def _user_context(interactions: Any) -> Any:
    from ccml.features.tables import user_ledger

    return user_ledger(interactions)


@dg.asset(
    key=["features", "text_embeddings"],
    ins={"interactions": CLEAN},
    partitions_def=days,
    backfill_policy=whole_range,
    kinds={"parquet", "pytorch", "huggingface"},
)
def text_embeddings(
    context: dg.AssetExecutionContext, platform: Platform, interactions: Any
) -> dg.MaterializeResult[Any]:
    """The encoder's vector of every request and command template, computed once per text."""
    from ccml.features.embeddings import embedding_table

    if not len(interactions):
        count_rows(context, interactions)
        return dg.MaterializeResult(value=interactions)
    encoder = platform.encoder()
    table = embedding_table(interactions, encoder, platform.home.embeddings)
    count_rows(context, table)
    context.log.info(f"{len(table):,} texts by {encoder.name} from {encoder.origin}")
    return dg.MaterializeResult(
        value=table,
        metadata={"encoder": encoder.name, "digest": encoder.digest, "origin": encoder.origin},
    )


feature_tables = [
    text_embeddings,
    _feature_table("state_vectors", "The machine and the place at the time of the request.", _state_vectors),
    _feature_table("outcome_features", "How the session went until this turn.", _outcome_features),
    _feature_table("temporal_features", "Hour, weekday, position, time since the last turn.", _temporal_features),
    _feature_table("user_context", "What became known of each user, and when it did.", _user_context),
]
