"""Three views of the same interactions, split by time and user, then augmented on the training side."""

from typing import Any

import dagster as dg

from ccml_assets.checks import EXPECTATIONS, expectations
from ccml_assets.skips import skippable
from ccml_resources.platform import Platform

LEAKAGE = "nothing_leaks"

CLEAN = dg.AssetIn(["clean", "interactions"])
SPLITS = dg.AssetIn(["datasets", "splits"])
CONTEXT = dg.AssetIn(["datasets", "context"])


@dg.asset(key=["datasets", "splits"], ins={"interactions": CLEAN}, output_required=False, kinds={"parquet", "pandas"})
@skippable
def splits(context: dg.AssetExecutionContext, platform: Platform, interactions: Any) -> Any:
    """Which part each interaction belongs to, drawn before anything is fitted or augmented."""
    from ccml.datasets.splits import assign_splits
    from ccml.releases.champions import seen_by_champions

    seen = seen_by_champions(platform.home.models)
    drawn = assign_splits(interactions, platform.profile.split, platform.profile.seed, seen)
    return dg.MaterializeResult(value=drawn.table(interactions), metadata=drawn.facts)


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


def _checks(name: str) -> list[dg.AssetCheckSpec]:
    key = dg.AssetKey(["datasets", name])
    return [
        dg.AssetCheckSpec(EXPECTATIONS, asset=key, blocking=True),
        dg.AssetCheckSpec(LEAKAGE, asset=key, blocking=True),
    ]


@dg.asset(
    key=["datasets", "command_sequences"],
    ins={"interactions": CLEAN, "drawn": SPLITS, "turns": CONTEXT},
    output_required=False,
    check_specs=_checks("command_sequences"),
    kinds={"parquet", "pandas"},
)
@skippable
def command_sequences(
    context: dg.AssetExecutionContext, platform: Platform, interactions: Any, drawn: Any, turns: Any
) -> Any:
    """A request, the session before it, and the command that was wanted."""
    from ccml.datasets.splits import Splits
    from ccml.models.command.dataset import command_sequences as build

    split = Splits.from_table(drawn)
    made = build(interactions, turns, split, history=platform.profile.command.history)
    return _result("command_sequences", made, split)


@dg.asset(
    key=["datasets", "labelled_requests"],
    ins={"interactions": CLEAN, "drawn": SPLITS},
    output_required=False,
    check_specs=_checks("labelled_requests"),
    kinds={"parquet", "pandas"},
)
@skippable
def labelled_requests(context: dg.AssetExecutionContext, platform: Platform, interactions: Any, drawn: Any) -> Any:
    """Requests and what they ask for, with rewrites of the training ones; no training text is almost a held-out one."""
    from ccml.datasets.splits import Splits
    from ccml.models.intent.dataset import labelled_requests as build

    split = Splits.from_table(drawn)
    settings = platform.profile.split
    made = build(interactions, split, settings, platform.profile.seed)
    return _result("labelled_requests", made, split, text_similarity=settings.near_duplicate_similarity)


@dg.asset(
    key=["datasets", "episodes"],
    ins={"interactions": CLEAN, "drawn": SPLITS, "turns": CONTEXT},
    output_required=False,
    check_specs=_checks("episodes"),
    kinds={"parquet", "pandas"},
)
@skippable
def episodes(context: dg.AssetExecutionContext, interactions: Any, drawn: Any, turns: Any) -> Any:
    """What the assistant did, with which probability it did so, and what came of it."""
    from ccml.datasets.splits import Splits
    from ccml.models.policy.dataset import episodes as build

    split = Splits.from_table(drawn)
    return _result("episodes", build(interactions, turns, split), split)


@dg.asset(
    key=["datasets", "drift_reference"],
    ins={"interactions": CLEAN, "drawn": SPLITS},
    output_required=False,
    kinds={"parquet", "pandas"},
)
@skippable
def drift_reference(context: dg.AssetExecutionContext, platform: Platform, interactions: Any, drawn: Any) -> Any:
    """The interactions of this training with their split, for served traffic to be compared with once a release comes
    of it; until then those of the champions' training stay beside them."""
    import pandas as pd

    from ccml.datasets.drift_reference import with_champions
    from ccml.releases.champions import seen_by_champions
    from ccml_resources.lake import tables

    table = interactions.merge(drawn[["interaction_id", "split"]], on="interaction_id")
    table = table[table["split"] != "dropped"].reset_index(drop=True)
    seen = seen_by_champions(platform.home.models)
    before = tables(platform.home).folder(context.asset_key) / "all.parquet"
    kept = pd.read_parquet(before) if before.exists() else None
    references = with_champions(table, kept, seen.data_until if seen else None)
    return dg.MaterializeResult(
        value=references, metadata={"rows": len(table), "rows of the champions' training": len(references) - len(table)}
    )


def _result(name: str, made: Any, split: Any, *, text_similarity: float | None = None) -> dg.MaterializeResult[Any]:
    """The rows with their hash, their counts and the two checks that must hold before anything trains on them."""
    from ccml.datasets.content import content_hash
    from ccml.datasets.leakage import check_leakage

    key = dg.AssetKey(["datasets", name])
    findings = check_leakage(
        made.rows,
        whole_sessions=split.whole_sessions,
        time_ordered=split.time_ordered,
        text_similarity=text_similarity,
    )
    leakage = dg.AssetCheckResult(
        passed=not findings,
        check_name=LEAKAGE,
        asset_key=key,
        metadata={"findings": [f"{found.count} × {found.message}, such as {found.example}" for found in findings]},
    )
    digest = content_hash(made.rows)
    return dg.MaterializeResult(
        value=made.rows,
        metadata={"rows": len(made.rows), "content_hash": digest, **made.facts},
        data_version=dg.DataVersion(digest),
        check_results=[expectations(key, name, made.rows), leakage],
    )


all_datasets = [splits, turn_context, command_sequences, labelled_requests, episodes, drift_reference]
