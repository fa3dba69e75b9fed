"""The verdict on what a landing refused, with the reasons as a table."""

from typing import Any

import dagster as dg

from ccml.evaluation.spelling import percent
from ccml_assets.checks import not_evaluated
from ccml_assets.held import WAY_OUT, held_files, refused_lines
from ccml_assets.shown import table
from ccml_assets.staleness import LANDED_FILES
from ccml_resources.platform import Platform

REFUSED_SHARE = "refused_share"


@dg.asset_check(name=REFUSED_SHARE, asset=LANDED_FILES)
def refused_share(platform: Platform) -> dg.AssetCheckResult:
    """No file is held because too much of it was refused, and no more was refused than earlier landings let expect.

    It fails while a file is held: what landed of it stays, and nothing is prepared of it. It does not stop the run,
    which has landed other files too.
    """
    from ccml.telemetry.shares import jump, landings

    limits = platform.profile.monitoring.landing
    known = landings(platform.home.lake)
    if not known:
        return not_evaluated("nothing has landed", {})
    *earlier, newest = known
    expected = jump(newest, earlier)
    held = held_files(platform.home)
    metadata: dict[str, Any] = {
        "lines of the newest landing": newest.lines,
        "refused": newest.refused,
        "expected share": percent(expected.expected, 2),
        "probability of so many": float(f"{expected.probability:.3g}"),
        **refused_lines(platform.home),
    }
    if held:
        rows = [
            {"file": one.path, "lines": f"{one.lines:,}", "refused": f"{one.refused:,}", "days": f"{len(one.days)}"}
            for one in held
        ]
        sentence = f"{held[0].sentence(limits.refused_share)}{f' And {len(held) - 1} more.' if len(held) > 1 else ''}"
        return _result(dg.AssetCheckSeverity.ERROR, f"{sentence} {WAY_OUT}", {**metadata, "held": table(rows)})
    found = f"{newest.refused:,} of {newest.lines:,} new lines were refused"
    if expected.probability < limits.false_alarm_rate:
        usual = percent(expected.expected, 2)
        why = f"{found}; the earlier landings let {usual} expect. `ccml quarantine list` has them."
        return _result(dg.AssetCheckSeverity.WARN, why, metadata)
    return dg.AssetCheckResult(passed=True, description=f"{found}, no more than was to be expected.", metadata=metadata)


def _result(severity: dg.AssetCheckSeverity, why: str, metadata: dict[str, Any]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, severity=severity, description=why, metadata=metadata)


landing_checks = [refused_share]
