"""Overload: refused at once, before the body is read, while health and metrics go on answering."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from ccml_tests.serving.server import Running, body, running, until
from ccml_tests.serving.tiny import release_all


def hold(server: Running, count: int) -> tuple[ThreadPoolExecutor, list[object]]:
    """Sends `count` requests whose model run outlasts the deadline and returns once all are in flight."""
    pool = ThreadPoolExecutor(count)
    held: list[object] = [pool.submit(post, server.url, "slow list") for _ in range(count)]
    until(lambda: server.metric("http_server_active_requests") == count)
    return pool, held


def post(url: str, request: str) -> httpx.Response:
    with httpx.Client(base_url=url, timeout=30) as client:
        return client.post("/v1/act", json=body(request))


def test_of_a_hundred_at_once_exactly_sixty_four_are_taken_in(models: Path, log_dir: Path) -> None:
    release_all(models)
    with running(models, log_dir, deadline_ms=3_000) as server:
        together = threading.Barrier(100)

        def one() -> tuple[int, float, str | None, bool]:
            with httpx.Client(base_url=server.url, timeout=30) as client:
                together.wait()
                started = time.monotonic()
                response = client.post("/v1/act", json=body("slow list"))
                degraded = response.status_code == 200 and response.json()["degraded"]
                return response.status_code, time.monotonic() - started, response.headers.get("retry-after"), degraded

        with ThreadPoolExecutor(100) as pool:
            answers = [future.result() for future in [pool.submit(one) for _ in range(100)]]
        taken = [answer for answer in answers if answer[0] == 200]
        refused = [answer for answer in answers if answer[0] == 503]
        assert (len(taken), len(refused)) == (64, 36)
        assert all(degraded for _, _, _, degraded in taken)
        assert {after for _, _, after, _ in refused} == {"1"}
        assert max(seconds for _, seconds, _, _ in refused) < 2.5, "a refusal must not wait for the model"
        assert max(seconds for _, seconds, _, _ in taken) < 6.0
        assert server.metric("model_requests_total", outcome="shed") == 36
        assert server.metric("model_requests_total", outcome="deadline") == 64
        assert server.metric("http_server_active_requests") == 0


def test_a_full_server_refuses_without_reading_the_body_and_stays_observable(models: Path, log_dir: Path) -> None:
    release_all(models)
    with running(models, log_dir, deadline_ms=2_000, in_flight=8) as server:
        pool, _ = hold(server, 8)
        port = int(server.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(
                b"POST /v1/act HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                b"Content-Length: 60000\r\n\r\n"  # and not a byte of it
            )
            started = time.monotonic()
            assert connection.recv(100).startswith(b"HTTP/1.1 503")
            assert time.monotonic() - started < 0.25
        for path in ("/healthz", "/readyz", "/metrics"):
            started = time.monotonic()
            assert server.client.get(path).status_code == 200
            assert time.monotonic() - started < 0.25
        pool.shutdown()
        assert server.answer("list files")["degraded"] in (True, False)


def test_a_client_that_hangs_up_while_queued_is_never_worked_for(models: Path, log_dir: Path) -> None:
    release_all(models)
    with running(models, log_dir, deadline_ms=4_000, batch=1) as server:
        pool, _ = hold(server, 1)
        runs = server.metric("model_inference_duration_seconds_count", name="command_predictor")
        port = int(server.url.rpartition(":")[2])
        sent = httpx.Request("POST", server.url + "/v1/act", json=body("list files")).read()
        head = (
            b"POST /v1/act HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(sent)
        )
        waiting = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(40)]
        for connection in waiting:
            connection.sendall(head + sent)
        until(lambda: server.metric("model_queue_depth") == 40)
        for connection in waiting:
            connection.close()
        until(lambda: server.metric("http_server_active_requests") == 1)
        assert server.metric("model_requests_total", outcome="cancelled") == 40
        pool.shutdown()
        until(lambda: server.metric("model_queue_depth") == 0)
        after = server.metric("model_inference_duration_seconds_count", name="command_predictor")
        assert after - runs <= 1, "only the held request may have run"
        assert server.answer("list files")["served_by"] == "champion"


def test_a_draining_server_says_so_and_still_answers(models: Path, log_dir: Path) -> None:
    release_all(models)
    with running(models, log_dir) as server:
        server.admission.draining = True
        ready = server.client.get("/readyz")
        assert (ready.status_code, ready.json()["problems"]) == (503, ["server: draining"])
        answer = server.act("list files")
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
