"""The five kinds of telemetry as daily tables: one row per event, duplicates gone."""

from inspect import getdoc
from typing import Any

import dagster as dg

from ccml.telemetry.events import KINDS
from ccml_assets.checks import expectations
from ccml_assets.held import held_files
from ccml_assets.partitions import count_rows, days, whole_range
from ccml_assets.staleness import LANDED_DAYS
from ccml_resources.platform import Platform


def _raw(kind: str) -> dg.AssetsDefinition:
    @dg.asset(
        key=["raw", kind],
        description=f"{getdoc(KINDS[kind])}\n\nAs landed: redacted, pseudonymised, one row per event id; "
        "without the files that are held because too much of them was refused.",
        deps=[LANDED_DAYS],
        partitions_def=days,
        backfill_policy=whole_range,
        kinds={"parquet", "pandas"},
    )
    def raw(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[Any]:
        from ccml.telemetry.lake import read_landed
        from ccml.telemetry.schema import arrow_schema, field_meanings

        held = [one.file for one in held_files(platform.home)]
        table = read_landed(platform.home.lake, kind, context.partition_keys, but_of=held)
        described = {**field_meanings(kind), "day": "Date of `time` in UTC: the partition."}
        count_rows(context, table, meanings=described, schema=arrow_schema(kind))
        return dg.MaterializeResult(value=table)

    return raw


raw_tables = [_raw(kind) for kind in KINDS]

raw_checks = [expectations(dg.AssetKey(["raw", kind]), kind, days) for kind in KINDS]
