"""Feature tables, a day at a time. What is fitted on them is fitted later, on the training part alone."""

from collections.abc import Callable
from typing import Any

import dagster as dg

from ccml_assets.partitions import days, whole_range
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
    def table(interactions: Any) -> dg.MaterializeResult[Any]:
        made = make(interactions) if len(interactions) else interactions
        return dg.MaterializeResult(value=made, metadata={"rows": len(made), "columns": list(made.columns)})

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
    """D7. The encoder's vector of every request and command template, computed once per text whoever asks."""
    from ccml.features.embeddings import embedding_table

    if not len(interactions):
        return dg.MaterializeResult(value=interactions, metadata={"texts": 0})
    encoder = platform.encoder()
    table = embedding_table(interactions, encoder, platform.home.embeddings)
    context.log.info(f"{len(table)} texts by {encoder.name} from {encoder.origin}")
    return dg.MaterializeResult(
        value=table,
        metadata={"texts": len(table), "encoder": encoder.name, "digest": encoder.digest, "origin": encoder.origin},
    )


feature_tables = [
    text_embeddings,
    _feature_table("state_vectors", "D8. The machine and the place at the time of the request.", _state_vectors),
    _feature_table("outcome_features", "D9. How the session went until this turn.", _outcome_features),
    _feature_table("temporal_features", "D10. Hour, weekday, position, time since the last turn.", _temporal_features),
    _feature_table("user_context", "D11. What became known of each user, and when it did.", _user_context),
]
