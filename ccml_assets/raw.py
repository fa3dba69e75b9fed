"""The five kinds of telemetry as daily tables: one row per event, duplicates gone."""

import dagster as dg

from ccml.telemetry.events import KINDS
from ccml_assets.checks import EXPECTATIONS, expectations
from ccml_assets.partitions import days, whole_range
from ccml_resources.platform import Platform


def _raw(kind: str) -> dg.AssetsDefinition:
    key = dg.AssetKey(["raw", kind])

    @dg.asset(
        key=key,
        description=f"{KINDS[kind].__doc__ or ''}\n\nAs landed: redacted, pseudonymised, one row per event id.",
        deps=[dg.AssetKey(["landing", "files"])],
        partitions_def=days,
        backfill_policy=whole_range,
        kinds={"parquet", "pandas"},
        check_specs=[dg.AssetCheckSpec(EXPECTATIONS, asset=key, blocking=True)],
    )
    def raw(context: dg.AssetExecutionContext, platform: Platform):  # type: ignore[no-untyped-def]  # two outputs
        from ccml.telemetry.lake import read_landed

        table = read_landed(platform.home.lake, kind, context.partition_keys)
        return dg.MaterializeResult(
            value=table, metadata={"rows": len(table)}, check_results=[expectations(key, kind, table)]
        )

    return raw


raw_tables = [_raw(kind) for kind in KINDS]
