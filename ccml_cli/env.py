"""`ccml env`: what a shell needs so that Dagster's and MLflow's own commands find this home."""

import os
import shlex
import sys
from pathlib import Path

from ccml.home import Home
from ccml_cli.instance import prepare


def shell_lines() -> list[str]:
    """`export` lines for `eval "$(ccml env)"`: the home, Dagster's part of it, the store of MLflow, and the installed
    commands first on the path.
    """
    home = Home.from_environment()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    exported = {**prepare(home), "MLFLOW_TRACKING_URI": home.mlflow_uri, "PATH": path}
    return [f"export {name}={shlex.quote(value)}" for name, value in exported.items()]
