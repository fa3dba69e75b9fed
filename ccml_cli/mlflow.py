"""`ccml mlflow`: MLflow's pages over the home's store."""

import os
import subprocess
import sys

from ccml.home import Home
from ccml.quiet import send_nothing_home
from ccml_cli.ui import require_free


def run_mlflow(port: int) -> int:
    """Serves until interrupted; returns the server's exit status, 0 after an interrupt.

    Raises:
        CcmlError: another program holds the port.
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
    environment = os.environ | {"PYTHONWARNINGS": "ignore", "MLFLOW_TRACKING_URI": home.mlflow_uri}
    log = home.logs / "mlflow.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("wb") as output,
        subprocess.Popen(  # noqa: S603
            command, cwd=home.root, env=environment, stdout=output, stderr=subprocess.STDOUT
        ) as server,
    ):
        # MLflow's first page is about language models, and of the experiments it lists its own, empty one.
        url = f"http://127.0.0.1:{port}/#/experiments/{experiment_id}/runs?workflowType=machine_learning"
        print(f"The trainings are at {url} — Ctrl-C ends it. MLflow's log: {log}", flush=True)  # noqa: T201
        try:
            return server.wait()
        except KeyboardInterrupt:
            server.terminate()
            return 0
