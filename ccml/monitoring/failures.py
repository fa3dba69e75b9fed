"""Runs that failed, one line each, kept where people and the summary look."""

from __future__ import annotations

import os

import msgspec

from ccml.home import Home


class FailedRun(msgspec.Struct, frozen=True):
    run_id: str
    job: str
    message: str
    at: str


def note_failure(home: Home, failed: FailedRun) -> None:
    """Appends in one write, so that two at once do not mix their lines."""
    home.reports.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(home.reports / "failed_runs.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, msgspec.json.encode(failed) + b"\n")
    finally:
        os.close(descriptor)
