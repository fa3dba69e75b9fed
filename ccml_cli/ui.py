"""`ccml ui`: webserver and daemon side by side; if one ends, so does the other."""

import os
import time
from pathlib import Path

from ccml.errors import CcmlError
from ccml.home import Home
from ccml.locks import locked
from ccml.settings import loaded_profile
from ccml_cli.instance import CODE, DEFINITIONS, instance_of
from ccml_cli.processes import is_alive, require_free, running


def run_ui(port: int, profile: str | None) -> int:
    """Serves until Ctrl-C or SIGTERM; returns 0.

    Raises:
        InputError: the home's `ccml.toml` sets what cannot be set.
        CcmlError: another program holds the port, or one of the two ended by itself.
    """
    home = Home.from_environment()
    if profile:
        os.environ["CCML_PROFILE"] = profile
    loaded_profile(home)  # its error here, and not in each run that is started in the browser
    # Two daemons on one instance would do everything twice. After a kill of `ccml ui` its guard holds the lock.
    with locked(home.dagster / "ui.lock", waits=_require_gone) as lock:
        require_free(port)
        with instance_of(home, launcher_gone=True) as instance:  # its orphans are failed before anything watches it
            from ccml_assets.landing import report_days

            report_days(instance, home)
        # Warnings and errors only: a line a tick of each sensor would hide them.
        code = ["-m", DEFINITIONS, "-d", str(CODE), "--code-server-log-level", "warning"]
        webserver = ["dagster-webserver", "-h", "127.0.0.1", "-p", str(port), "--dagster-log-level", "warning", *code]
        daemon = ["dagster-daemon", "run", "--log-level", "warning", *code]
        log = home.logs / "ui.log"
        try:
            with running([webserver, daemon], log, lock=lock) as processes:
                print(f"CCML is at http://127.0.0.1:{port} — Ctrl-C ends it. Dagster's log: {log}", flush=True)  # noqa: T201
                while all(process.poll() is None for process in processes):
                    time.sleep(0.5)
                ended = next(process for process in processes if process.poll() is not None)
        except KeyboardInterrupt:
            return 0
    raise CcmlError(f"{Path(str(ended.args[0])).name} ended with status {ended.returncode}; {log} has its last words.")  # type: ignore[index]


def _require_gone(holder: str) -> None:
    """
    Raises:
        CcmlError: the holder of the lock is alive.
    """
    process = holder.removeprefix("process ")
    if not process.isdigit() or is_alive(int(process)):
        raise CcmlError(f"`ccml ui` serves this home already, in {holder}; end that one first.")
    print("The servers of a `ccml ui` that was killed are ending; waiting for them.", flush=True)  # noqa: T201
