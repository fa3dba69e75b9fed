"""`ccml simulate`: sample telemetry, on its own."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ccml.errors import InputError
from ccml.home import Home
from ccml.settings import loaded_profile


def simulate_telemetry(
    into: Path | None,
    users: int | None,
    days: int | None,
    interactions: int | None,
    seed: int | None,
    drift: list[str],
    drift_day: int | None,
) -> dict[str, Any]:
    """Writes the files and returns what was written. What is not given comes from the active profile.

    Raises:
        InputError: a drift without its day, or a day outside the simulated ones.
    """
    from ccml_simulator.drift import Drift
    from ccml_simulator.simulate import simulate

    home = Home.from_environment()
    given = {"users": users, "days": days, "interactions": interactions, "seed": seed}
    settings = replace(
        loaded_profile(home).simulation, **{name: value for name, value in given.items() if value is not None}
    )
    if bool(drift) != (drift_day is not None):
        raise InputError("--drift and --drift-day go together: what changes, and on which day.")
    if drift_day is not None and drift_day > settings.days:
        raise InputError(f"--drift-day is {drift_day}, but only {settings.days} days are simulated.")
    folder = (into or home.landing).expanduser().resolve()
    changes = None
    if drift_day is not None:
        first_day = datetime.now(UTC).date() - timedelta(days=settings.days)
        changes = Drift(tuple(drift), first_day + timedelta(days=drift_day - 1))  # type: ignore[arg-type]  # it checks
    report = simulate(settings, folder, home.truth, drift=changes)
    return {"into": str(folder), "users": settings.users, "days": settings.days, "interactions": report.interactions}
