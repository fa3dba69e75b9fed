"""`ccml run`: sample telemetry if there is nothing else, one turn of the circle, the summary."""

import os
import time
from pathlib import Path
from typing import Any

from ccml.home import Home
from ccml.settings import loaded_profile, overrides
from ccml_cli.instance import instance_of
from ccml_cli.progress import Progress


def run_circle(input: Path | None, format: str, profile: str | None, *, quiet: bool) -> dict[str, Any]:
    """Returns what `reports/summary.json` holds.

    Raises:
        InputError: logs or a format that cannot be used.
        CcmlError: a step failed.
    """
    if profile:
        os.environ["CCML_PROFILE"] = profile
    home = Home.from_environment()
    settings = loaded_profile(home)
    progress = Progress(quiet=quiet)
    begin = time.monotonic()
    _find_telemetry(home, input, format, progress)
    progress.say(f"Profile [bold]{settings.name}[/bold], state in {home.root}")
    for name, value in overrides(home).items():
        progress.say(f"        {name} = {value!r} [dim]by {home.settings}[/dim]")
    with instance_of(home) as instance:
        from ccml_assets.report_index import write_index
        from ccml_assets.summary import summarise, write_summary
        from ccml_cli.running import Circle
        from ccml_cli.summary import print_summary

        turned = Circle(home, instance, progress).turn()
        summary = summarise(home, instance, seconds=time.monotonic() - begin, assets=turned.assets)
        path = write_summary(home, summary)
        write_index(home, instance)
    if not quiet:
        print_summary(progress.console, summary, home, path)
    return summary


def _find_telemetry(home: Home, input: Path | None, format: str, progress: Progress) -> None:
    """Remembers the named logs, checked before anything starts; without any, makes sample telemetry."""
    from ccml.telemetry.finding import find_files, list_files
    from ccml.telemetry.sources import Source, all_sources, name_source

    if input is not None:
        find_files([Source(str(input.expanduser()), format)])
        name_source(home, input, format)
        return
    drawing = home.truth / "drawing"  # there from the first file of the sample to the last
    if list_files(all_sources(home)) and not drawing.exists():
        return
    from ccml_simulator.simulate import simulate

    settings = loaded_profile(home).simulation
    progress.say(f"No logs yet: drawing sample telemetry of {settings.users} users over {settings.days} days")
    drawing.parent.mkdir(parents=True, exist_ok=True)
    drawing.touch()
    report = simulate(settings, home.landing, home.truth)
    drawing.unlink()
    progress.say(f"        {report.interactions:,} interactions in {report.sessions:,} sessions")
