"""The landing zone and the user's own folders, read into the landed tables exactly once."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.definitions.data_version import DATA_VERSION_TAG

from ccml.home import Home
from ccml_assets.held import refused_lines, with_held
from ccml_assets.partitions import DAYS, days, with_days_beside
from ccml_assets.staleness import LANDED_DAYS, LANDED_FILES
from ccml_resources.platform import Platform

if TYPE_CHECKING:
    from ccml.telemetry.landing import LandingReport

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
    from ccml.telemetry.lake import DamagedTableError
    from ccml.telemetry.landing import land
    from ccml.telemetry.mending import mend
    from ccml.telemetry.sources import all_sources

    home = platform.home

    def landing() -> "LandingReport":
        return land(all_sources(home), home.lake, platform.pseudonyms(), now=datetime.now(UTC))

    try:
        report = landing()
    except DamagedTableError:
        if not mend(home.lake):
            raise
        report = landing()
    context.log.info(report.sentence())
    for sentence in report.set_aside:
        context.log.warning(f"Set aside: {sentence}")
    report_days(context.instance, home)
    # As plain values: `ccml ingest` reads them. An empty one would stand on the page as `{}`.
    facts = {"in short": report.sentence(), "days": report.days, **report.metadata(), **refused_lines(home)}
    return dg.MaterializeResult(metadata={name: value for name, value in facts.items() if value not in ({}, [])})


def report_days(instance: dg.DagsterInstance, home: Home) -> list[str]:
    """Adds the partitions of new days, and reports to Dagster each day that it has not seen as the lake holds it now.

    Compared is the data, not what a landing says of itself: a landing that was killed after its rows were in the lake,
    a home that was moved and a Dagster folder that was lost leave days that nobody has reported.

    Returns:
        The days that were reported.
    """
    from ccml.telemetry.lake import landed_states

    states = with_held(landed_states(home.lake), home)
    new = sorted(set(states) - set(instance.get_dynamic_partitions(DAYS)))
    if new:
        instance.add_dynamic_partitions(DAYS, new)
    made = dg.DagsterEventType.ASSET_MATERIALIZATION
    seen = instance.event_log_storage.get_latest_tags_by_partition(LANDED_DAYS, made, [DATA_VERSION_TAG])
    reported: list[str] = []
    # Of a day whose events were all taken back the lake holds nothing, and the tables still hold what was made of them.
    for day, state in with_days_beside({**dict.fromkeys(seen, ""), **states}).items():
        if seen.get(day, {}).get(DATA_VERSION_TAG) != state:
            event = dg.AssetMaterialization(LANDED_DAYS, partition=day, tags={DATA_VERSION_TAG: state})
            instance.report_runless_asset_event(event)
            reported.append(day)
    return reported


def files_waiting(home: Home) -> dict[str, tuple[int, int, int]]:
    """Files that no landing has read as they stand now, and those to read again: path → size, time of change, inode."""
    from ccml.telemetry.finding import files_to_read
    from ccml.telemetry.readers.owner import storable
    from ccml.telemetry.sources import all_sources

    now = datetime.now(UTC)
    return {storable(path): written for path, written in files_to_read(all_sources(home), home.lake, now).items()}
