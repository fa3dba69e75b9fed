"""What was refused, and the files of which it was too much: nothing is prepared of those until somebody has looked."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ccml.home import Home
from ccml.settings import loaded_profile
from ccml_assets.shown import table

if TYPE_CHECKING:
    from ccml.telemetry.shares import Held

QUARANTINE = "quarantine"
"""Metadata of the landing: a table of what is refused by now."""
WAY_OUT = (
    "Look with `ccml quarantine show`; then `ccml quarantine retry` once the file is mended, or `ccml quarantine drop` "
    "to go on without these lines."
)


def held_files(home: Home) -> "list[Held]":
    from ccml.telemetry import shares

    limits = loaded_profile(home).monitoring.landing
    return shares.held_files(home.lake, most=limits.refused_share, fewest_lines=limits.fewest_lines)


def sentences(home: Home) -> list[str]:
    most = loaded_profile(home).monitoring.landing.refused_share
    return [one.sentence(most) for one in held_files(home)]


def with_held(states: Mapping[str, str], home: Home) -> dict[str, str]:
    """Day → state, another one for a day of which a file is held: it is made anew when the file no longer is."""
    found = dict(states)
    for one in held_files(home):
        found |= {day: f"{found[day]} without {one.file}" for day in one.days if day in found}
    return found


def refused_lines(home: Home) -> dict[str, Any]:
    """Metadata: the reasons of all lines in the quarantine, with counts; nothing where it is empty."""
    from ccml.telemetry.decode import REASON_CODES
    from ccml.telemetry.quarantine import Wanted, by_reason, refused

    rows = [
        {
            "reason": one.name,
            "lines": f"{one.lines:,}",
            "files": f"{one.others:,}",
            "newest": f"{one.newest:%Y-%m-%d %H:%M} UTC",
            "meaning": REASON_CODES.get(one.name, ""),
        }
        for one in by_reason(refused(home.lake, Wanted()))
    ]
    return {QUARANTINE: table(rows)} if rows else {}
