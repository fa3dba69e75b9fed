"""A data set for each model from the same interactions, split by time and user, and what the data sets share."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from ccml.monitoring.reference import DriftReference
from ccml_assets.checks import expectations, leakage
from ccml_assets.model_lines import ModelLine
from ccml_assets.shown import shown
from ccml_assets.skips import skip_with_reason
from ccml_resources.platform import Platform

CLEAN = dg.AssetIn(["clean", "interactions"])
SPLITS_KEY = dg.AssetKey(["datasets", "splits"])
SPLITS = dg.AssetIn(SPLITS_KEY)
CONTEXT = dg.AssetIn(["datasets", "context"])


@dg.asset(key=["datasets", "splits"], ins={"interactions": CLEAN}, output_required=False, kinds={"parquet", "pandas"})
def splits(
    context: dg.AssetExecutionContext, platform: Platform, interactions: Any
) -> Iterator[dg.MaterializeResult[Any]]:
    """Which part each interaction belongs to, drawn before anything is fitted or augmented."""
    from ccml.datasets.splits import assign_splits
    from ccml.releases.champions import seen_by_champions

    with skip_with_reason(context):
        seen = seen_by_champions(platform.home.models)
        drawn = assign_splits(interactions, platform.profile.split, platform.profile.seed, seen)
        yield dg.MaterializeResult(value=drawn.table(interactions), metadata=shown(drawn.facts))


@dg.asset(
    key=["datasets", "context"],
    ins={
        "temporal": dg.AssetIn(["features", "temporal_features"]),
        "outcome": dg.AssetIn(["features", "outcome_features"]),
        "ledger": dg.AssetIn(["features", "user_context"]),
        "state": dg.AssetIn(["features", "state_vectors"]),
    },
    kinds={"parquet", "numpy"},
)
def turn_context(temporal: Any, outcome: Any, ledger: Any, state: Any) -> dg.MaterializeResult[Any]:
    """The daily feature tables added up to one vector per interaction: what was known before the turn."""
    from ccml.features.tables import assemble_context

    table = assemble_context(temporal, outcome, ledger, state)
    return dg.MaterializeResult(value=table, metadata={"rows": len(table)})


def dataset_asset(line: ModelLine) -> dg.AssetsDefinition:
    @dg.asset(
        key=line.dataset_key,
        ins={"interactions": CLEAN, "drawn": SPLITS, **({"turns": CONTEXT} if line.kind.reads_context else {})},
        description=line.kind.rows,
        output_required=False,
        kinds={"parquet", "pandas"},
    )
    def dataset(
        context: dg.AssetExecutionContext, platform: Platform, interactions: Any, drawn: Any, **turns: Any
    ) -> Iterator[dg.MaterializeResult[Any]]:
        from ccml.datasets.content import content_hash
        from ccml.datasets.splits import Splits

        with skip_with_reason(context):
            split = Splits.from_table(drawn)
            made = line.kind.build_dataset(interactions, turns.get("turns"), split, platform.profile)
            digest = content_hash(made.rows)
            yield dg.MaterializeResult(
                value=made.rows,
                metadata=shown({"rows": len(made.rows), "content_hash": digest, **made.facts}),
                data_version=dg.DataVersion(digest),
            )

    return dataset


def dataset_checks(line: ModelLine) -> list[dg.AssetChecksDefinition]:
    return [
        expectations(line.dataset_key, line.kind.dataset),
        leakage(line.dataset_key, SPLITS_KEY, texts=line.kind.learns_texts),
    ]


@dg.asset(
    key=["datasets", "drift_reference"],
    ins={"interactions": CLEAN, "drawn": SPLITS},
    io_manager_key="documents",
    kinds={"json"},
)
def drift_reference(interactions: Any, drawn: Any) -> dg.MaterializeResult[DriftReference]:
    """What the data of this training looks like: known words and programs, bins and their counts. A release takes it
    along, and served traffic is compared with it."""
    table = interactions.merge(drawn[["interaction_id", "split"]], on="interaction_id")
    training, held_out = table["split"] == "train", table["split"].isin(["validation", "calibration", "test"])
    fitted = DriftReference.fit(table[training], table[held_out])
    return dg.MaterializeResult(
        value=fitted,
        metadata={
            "training rows": int(training.sum()),
            "held-out rows": fitted.rows,
            "known words": len(fitted.vocabulary),
            "known programs": len(fitted.programs),
        },
    )


shared_datasets = [splits, turn_context, drift_reference]
