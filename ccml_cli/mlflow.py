"""`ccml mlflow`: MLflow's pages over the home's store."""

import sys

from ccml.errors import CcmlError
from ccml.home import Home
from ccml.quiet import send_nothing_home
from ccml_cli.processes import require_free, running


def run_mlflow(port: int) -> int:
    """Serves until Ctrl-C or SIGTERM; returns 0.

    Raises:
        CcmlError: another program holds the port, or the server ended by itself.
    """
    from ccml_resources.experiments import experiments

    home = Home.from_environment()
    require_free(port)
    send_nothing_home()
    experiment_id = experiments(home).experiment_id()
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", home.mlflow_uri, "--artifacts-destination", str(home.root / "mlartifacts")),
        *("--uvicorn-opts", "--log-level warning"),
    ]
    # Its workers warn of what will change in packages that MLflow imports.
    environment = {"PYTHONWARNINGS": "ignore", "MLFLOW_TRACKING_URI": home.mlflow_uri}
    log = home.logs / "mlflow.log"
    # MLflow's first page is about language models, and of the experiments it lists its own, empty one.
    url = f"http://127.0.0.1:{port}/#/experiments/{experiment_id}/runs?workflowType=machine_learning"
    try:
        with running([command], log, environment, home.root) as (server,):
            print(f"The trainings are at {url} — Ctrl-C ends it. MLflow's log: {log}", flush=True)  # noqa: T201
            status = server.wait()
    except KeyboardInterrupt:
        return 0
    raise CcmlError(f"MLflow's server ended with status {status}; {log} has its last words.")
