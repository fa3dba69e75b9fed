"""The server's limits. Each is the answer to a way of being overloaded or misused."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ServingSettings:
    in_flight: int = 64
    """Requests admitted at a time; the next one is refused before its body is read, so refusing stays cheap."""
    body_bytes: int = 65_536
    headers: int = 64
    deadline_ms: int = 1_000
    """From the admission to the answer. A client may ask for less, never for more."""
    batch: int = 32
    """Most requests that run through a model together; bounds the memory of one run."""
    threads: int = 2
    """Threads of one model run. Only one model runs at a time, so models never take more cores."""
    poll_seconds: float = 0.5
    """How often the champion pointers are looked at."""
    candidates: int = 5
    """Commands in an answer, at most."""
    remembered: int = 20_000
    """Interactions that feedback may still refer to; the oldest are forgotten first."""
    log_lines: int = 5_000
    log_seconds: float = 60.0
    """A log file is closed, and so offered to the next ingest, when it holds so many lines or this long after its first
    one: a server that is not busy writes at most one file a minute, 1,440 a day."""
    log_idle_seconds: float = 2.0
    """It is closed after so long without a line too, unless another one was closed less than `log_seconds` ago: a first
    answer can be ingested at once, and pauses do not make a file each."""
    drain_notice_seconds: float = 0.5
    """Between SIGTERM and closing the socket: `/readyz` already refuses, requests are still answered."""
    drain_seconds: int = 10
    seed: int | None = None
    """Of the draws of actions; from the operating system's entropy if not given."""
