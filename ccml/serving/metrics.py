"""What the server counts, by Prometheus' names and base units. Labels come from fixed lists, never from a request."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from ccml.serving.routes import ACT

Outcome: TypeAlias = Literal["ok", "fallback", "deadline", "invalid", "shed", "cancelled", "error"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("ok", "fallback", "deadline", "invalid", "shed", "cancelled", "error")

# The buckets that OpenTelemetry's conventions recommend for the duration of an HTTP request, in seconds.
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


class Meter:
    """The metrics of one server, in a registry of their own, so that two servers in one process do not mix."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # one more series per series, which nothing reads
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._duration = Histogram(
            "http_server_request_duration_seconds",
            "From the admission of a request to the end of its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._requests = Counter(
            "model_requests_total", "Requests to /v1/act by how they ended.", ["outcome"], registry=registry
        )
        for outcome in OUTCOMES:
            self._requests.labels(outcome)
        self.feedback = Counter(
            "feedback_total", "Posts to /v1/feedback by how they ended.", ["outcome"], registry=registry
        )
        self.in_flight = Gauge("http_server_active_requests", "Requests admitted and not answered.", registry=registry)
        self.inference_seconds = Histogram(
            "model_inference_duration_seconds",
            "One run of one graph over a batch.",
            ["name"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.queue_seconds = Histogram(
            "model_queue_duration_seconds", "Waiting for the model thread.", buckets=_SECONDS, registry=registry
        )
        self.queue_depth = Gauge("model_queue_depth", "Requests waiting for the model thread.", registry=registry)
        self.batch_size = Histogram(
            "model_batch_size", "Requests per batch.", buckets=(1, 2, 4, 8, 16, 32, 64), registry=registry
        )
        self.info = Gauge(
            "model_info", "1 for each release that is loaded.", ["name", "version", "sha256", "role"], registry=registry
        )
        self.answers = Counter(
            "model_fallback_total",
            "Answers by component and responder.",
            ["name", "responder"],
            registry=registry,
        )
        self.responder_failures = Counter(
            "model_responder_failures_total",
            "Times a responder could not answer, and why.",
            ["name", "responder", "reason"],
            registry=registry,
        )
        self.breaker_open = Gauge(
            "model_circuit_breaker_open", "1 while a responder is left out.", ["name", "responder"], registry=registry
        )
        self.load_failures = Counter(
            "model_load_failures_total", "Releases that were not taken in, by reason.", ["reason"], registry=registry
        )
        self.verdicts = Counter(
            "command_risk_total", "Proposed commands that were not plainly safe.", ["level"], registry=registry
        )
        self.log_lines = Counter("served_log_lines_total", "Events written to the served log.", registry=registry)
        self.log_lost = Counter(
            "served_log_lines_lost_total", "Events that could not be written to the served log.", registry=registry
        )

        self.log_rotation_failures = Counter(
            "served_log_rotation_failures_total", "Log files left to the next start to finish.", registry=registry
        )

    def request(self, outcome: Outcome) -> None:
        self._requests.labels(outcome).inc()

    def refused(self, path: str, status: int) -> None:
        """A request that was not answered as asked; 499 stands for a client that left."""
        outcome: Outcome = "shed" if status == 503 else "cancelled" if status == 499 else "invalid"
        if path == ACT:
            self.request(outcome)
        else:
            self.feedback.labels("unknown" if status == 404 else outcome).inc()

    def duration(self, path: str, seconds: float) -> None:
        self._duration.labels(path).observe(seconds)

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self._registry)
