"""What is counted adds up, and no label grows with what users write."""

from __future__ import annotations

from pathlib import Path

from ccml_tests.serving.server import running
from ccml_tests.serving.tiny import release_all

NAMES = {
    "command_risk_total", "feedback_total", "http_server_active_requests", "http_server_request_duration_seconds",
    "model_batch_size", "model_circuit_breaker_open", "model_fallback_total", "model_inference_duration_seconds",
    "model_info", "model_responder_failures_total", "model_load_failures_total", "model_queue_depth",
    "model_queue_duration_seconds", "model_requests_total", "process_cpu_seconds_total", "process_max_fds",
    "process_open_fds", "process_resident_memory_bytes", "process_start_time_seconds", "process_virtual_memory_bytes",
    "served_log_lines_lost_total", "served_log_lines_total", "served_log_rotation_failures_total",
}  # fmt: skip


def test_outcomes_sum_to_requests_and_series_stay_few(models: Path, log_dir: Path) -> None:
    release_all(models)
    sent = 0
    with running(models, log_dir) as server:
        server.act("slow list", deadline_ms=50)
        for number in range(20):
            for request in ("list files", f"unheard of {number}", "nan zzz", "wipe something", ""):
                server.act(request, user_id=f"user-{number}", session_id=f"session-{number}")
                sent += 1
        server.client.post("/v1/act", content=b"{", headers={"content-type": "application/json"})
        server.client.post("/v1/act", content=b"{}", headers={"content-type": "text/plain"})
        server.client.post("/v1/feedback", json={})
        sent += 3
        text = server.client.get("/metrics").text
        assert server.metric("model_requests_total") == sent
        assert server.metric("model_requests_total", outcome="invalid") == 22
        assert server.metric("model_requests_total", outcome="deadline") == 1
    series = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(series) <= 200
    assert {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")} == NAMES
    for words in ("list files", "unheard", "wipe", "user-", "session-", "ada"):
        assert words not in text
