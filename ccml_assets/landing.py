"""The landing zone and the user's own folders, read into the landed tables exactly once."""

from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg

from ccml.home import Home
from ccml_assets.partitions import DAYS, days, with_neighbours
from ccml_assets.staleness import LANDED_DAYS, LANDED_FILES
from ccml_resources.platform import Platform

landed_days = dg.AssetSpec(
    LANDED_DAYS,
    deps=[LANDED_FILES],
    partitions_def=days,
    description="One partition per day that holds events. The landing reports a day when events of it have landed.",
    kinds={"deltalake"},
)


@dg.asset(key=LANDED_FILES, kinds={"deltalake", "json"}, pool="landing")
def files(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult:
    """Every file that waits, decoded, redacted and landed; what does not decode is quarantined with file and line.

    A file is known by its content: the same one twice, or under another name, changes nothing.
    """
    from ccml.telemetry.landing import land
    from ccml.telemetry.sources import all_sources

    home = platform.home
    report = land(all_sources(home), home.lake, platform.pseudonyms(), now=datetime.now(UTC))
    context.log.info(report.sentence())
    report_days(context.instance, report.days, home)
    # As plain values: `ccml ingest` reads them. An empty one would stand on the page as `{}`.
    facts = {"in short": report.sentence(), "days": report.days, **report.metadata()}
    return dg.MaterializeResult(metadata={name: value for name, value in facts.items() if value not in ({}, [])})


def report_days(instance: dg.DagsterInstance, touched: Sequence[str], home: Home) -> None:
    """Adds the partitions of new days and reports the days to Dagster that must be made again.

    A day of the lake that this instance has no partition of counts as touched: the home was moved or its Dagster
    folder was lost.
    """
    from ccml.telemetry import lake

    existing = lake.landed_days(home.lake)
    new = sorted(set(existing) - set(instance.get_dynamic_partitions(DAYS)))
    if new:
        instance.add_dynamic_partitions(DAYS, new)
    for day in with_neighbours([*touched, *new], existing):
        instance.report_runless_asset_event(dg.AssetMaterialization(LANDED_DAYS, partition=day))


def files_waiting(home: Home) -> dict[str, tuple[int, int, int]]:
    """Files that no landing has read as they stand now: path → size, time of change and inode."""
    from ccml.telemetry.finding import files_to_read
    from ccml.telemetry.sources import all_sources

    return {**files_to_read(all_sources(home), home.lake)}
