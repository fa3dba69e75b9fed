"""Three views of the same interactions, split by time and user, then augmented on the training side."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from ccml.monitoring.reference import DriftReference
from ccml_assets.checks import expectations, leakage
from ccml_assets.model_lines import MODEL_LINES
from ccml_assets.shown import shown
from ccml_assets.skips import skip_with_reason
from ccml_resources.platform import Platform

LEAKAGE = "nothing_leaks"

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


@dg.asset(
    key=["datasets", "command_sequences"],
    ins={"interactions": CLEAN, "drawn": SPLITS, "turns": CONTEXT},
    output_required=False,
    kinds={"parquet", "pandas"},
)
def command_sequences(
    context: dg.AssetExecutionContext, platform: Platform, interactions: Any, drawn: Any, turns: Any
) -> Iterator[dg.MaterializeResult[Any]]:
    """A request, the session before it, and the command that was wanted."""
    from ccml.datasets.splits import Splits
    from ccml.models.command.dataset import command_sequences as build

    with skip_with_reason(context):
        split = Splits.from_table(drawn)
        made = build(interactions, turns, split, history=platform.profile.command.history)
        yield _result(made)


@dg.asset(
    key=["datasets", "labelled_requests"],
    ins={"interactions": CLEAN, "drawn": SPLITS},
    output_required=False,
    kinds={"parquet", "pandas"},
)
def labelled_requests(
    context: dg.AssetExecutionContext, platform: Platform, interactions: Any, drawn: Any
) -> Iterator[dg.MaterializeResult[Any]]:
    """Requests and what they ask for, with rewrites of the training ones; no training text is almost a held-out one."""
    from ccml.datasets.splits import Splits
    from ccml.models.intent.dataset import labelled_requests as build

    with skip_with_reason(context):
        split = Splits.from_table(drawn)
        made = build(interactions, split, platform.profile.split, platform.profile.seed)
        yield _result(made)


@dg.asset(
    key=["datasets", "episodes"],
    ins={"interactions": CLEAN, "drawn": SPLITS, "turns": CONTEXT},
    output_required=False,
    kinds={"parquet", "pandas"},
)
def episodes(
    context: dg.AssetExecutionContext, interactions: Any, drawn: Any, turns: Any
) -> Iterator[dg.MaterializeResult[Any]]:
    """What the assistant did, with which probability it did so, and what came of it."""
    from ccml.datasets.splits import Splits
    from ccml.models.policy.dataset import episodes as build

    with skip_with_reason(context):
        split = Splits.from_table(drawn)
        yield _result(build(interactions, turns, split))


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


def _result(made: Any) -> dg.MaterializeResult[Any]:
    """The rows with their hash and their counts."""
    from ccml.datasets.content import content_hash

    digest = content_hash(made.rows)
    return dg.MaterializeResult(
        value=made.rows,
        metadata=shown({"rows": len(made.rows), "content_hash": digest, **made.facts}),
        data_version=dg.DataVersion(digest),
    )


all_datasets = [splits, turn_context, command_sequences, labelled_requests, episodes, drift_reference]

dataset_checks = [
    *(expectations(line.dataset_key, line.kind.dataset) for line in MODEL_LINES),
    leakage(dg.AssetKey(["datasets", "command_sequences"]), SPLITS_KEY, name=LEAKAGE),
    leakage(dg.AssetKey(["datasets", "labelled_requests"]), SPLITS_KEY, name=LEAKAGE, texts=True),
    leakage(dg.AssetKey(["datasets", "episodes"]), SPLITS_KEY, name=LEAKAGE),
]
