"""Switches off what packages send home. Call it before any of them loads: they read the environment once."""

from __future__ import annotations

import os

NO_REPORTS = {
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "DAGSTER_DG_TELEMETRY_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "TOKENIZERS_PARALLELISM": "false",
}


def send_nothing_home() -> None:
    """Sets every switch in this process and so in the processes it starts. What the user set already stays."""
    for name, value in NO_REPORTS.items():
        os.environ.setdefault(name, value)
