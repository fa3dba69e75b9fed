"""The landing zone and the user's own folders, read into the landed tables exactly once."""

from datetime import UTC, datetime

import dagster as dg

from ccml.home import Home
from ccml_assets.staleness import LANDED_DAYS
from ccml_resources.platform import Platform


@dg.asset(key=["landing", "files"], kinds={"deltalake", "json"}, pool="landing")
def files(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult:
    """Every file that waits, decoded, redacted and landed; what does not decode is quarantined with file and line.

    A file is known by its content: the same one twice, or under another name, changes nothing.
    """
    from ccml.telemetry.landing import land
    from ccml.telemetry.sources import all_sources

    home = platform.home
    report = land(all_sources(home), home.lake, platform.pseudonyms(), now=datetime.now(UTC))
    context.log.info(report.sentence())
    return dg.MaterializeResult(metadata={LANDED_DAYS: report.days, **report.metadata()})


def files_waiting(home: Home) -> dict[str, tuple[int, int, int]]:
    """Files that no landing has read as they stand now: path → size, time of change and inode."""
    from ccml.telemetry.finding import files_to_read
    from ccml.telemetry.sources import all_sources

    return {**files_to_read(all_sources(home), home.lake)}
