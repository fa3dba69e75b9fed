"""What the server refuses, how it says so, and that it never repeats what it was sent."""

from __future__ import annotations

import json
import re
import socket
import time
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from ccml_tests.serving.server import Running, body, running
from ccml_tests.serving.tiny import release_all

CANARY = "hunter2-canary"
"""Stands in for a secret typed into the wrong field."""


def changed(*path: Any, to: Any) -> bytes:
    value: Any = body("list files")
    at = value
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = to
    return json.dumps(value).encode()


def without(*path: str) -> bytes:
    value: Any = body("list files")
    at = value
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    return json.dumps(value).encode()


def with_session(**fields: Any) -> bytes:
    return json.dumps(body("list files", **fields)).encode()


def with_past(**fields: Any) -> bytes:
    return with_session(history=[fields])


VALID = json.dumps(body("list files")).encode()

ROWS: list[tuple[str, bytes, int, str]] = [
    # (what is wrong, body, status, field named)
    ("no body", b"", 400, "body"),
    ("blank body", b"   ", 400, "body"),
    ("half an object", VALID[:-3], 400, "body"),
    ("two objects", VALID + VALID, 400, "body"),
    ("not JSON", CANARY.encode(), 400, "body"),
    ("single quotes", b"{'request': 'x'}", 400, "body"),
    ("trailing comma", VALID[:-1] + b",}", 400, "body"),
    ("a comment", b"// hi\n" + VALID, 400, "body"),
    ("bad UTF-8", b'{"request": "\xff\xfe"}', 400, "body"),
    ("UTF-16", VALID.decode().encode("utf-16"), 400, "body"),
    ("a byte order mark", b"\xef\xbb\xbf" + VALID, 400, "body"),
    ("a bare NaN", VALID[:-1] + b', "deadline_ms": NaN}', 400, "body"),
    ("an infinity", VALID[:-1] + b', "deadline_ms": Infinity}', 400, "body"),
    ("a negative infinity", VALID[:-1] + b', "deadline_ms": -Infinity}', 400, "body"),
    ("a number of 5,000 digits", VALID[:-1] + b', "deadline_ms": ' + b"9" * 5_000 + b"}", 400, "body"),
    ("a key twice", b'{"request": "a", "request": "b", "session": {}}', 400, "body"),
    ("a nested key twice", b'{"request": "a", "session": {"user_id": "a", "user_id": "b"}}', 400, "body"),
    ("depth 33", b'{"request": ' + b"[" * 33 + b"]" * 33 + b"}", 422, "request"),
    ("depth 30,000", b"[" * 30_000 + b"]" * 30_000, 400, "body"),
    ("an array", b"[]", 422, "body"),
    ("a string", b'"list files"', 422, "body"),
    ("a number", b"3", 422, "body"),
    ("null", b"null", 422, "body"),
    ("an empty object", b"{}", 422, "request"),
    ("no session", without("session"), 422, "session"),
    ("no session id", without("session", "session_id"), 422, "session.session_id"),
    ("no user", without("session", "user_id"), 422, "session.user_id"),
    ("an unknown field", changed("canary_field", to=CANARY), 422, "body"),
    ("an unknown field named by a secret", changed(CANARY, to=1), 422, "body"),
    ("an unknown session field", changed("session", CANARY, to=1), 422, "session"),
    ("a request that is a number", changed("request", to=3), 422, "request"),
    ("a request that is null", changed("request", to=None), 422, "request"),
    ("a request that is a list", changed("request", to=[CANARY]), 422, "request"),
    ("an empty request", changed("request", to=""), 422, "request"),
    ("a blank request", changed("request", to=" \t\n"), 422, "request"),
    ("a request of 4,001 characters", changed("request", to="x" * 4_001), 422, "request"),
    ("a NUL in the request", changed("request", to="list\x00files"), 422, "request"),
    ("a lone surrogate", b'{"request": "\\ud800", "session": {"session_id": "s", "user_id": "u"}}', 422, "request"),
    ("a session that is a list", changed("session", to=[]), 422, "session"),
    ("a session that is text", changed("session", to=CANARY), 422, "session"),
    ("an empty session id", with_session(session_id=""), 422, "session.session_id"),
    ("a numeric session id", with_session(session_id=7), 422, "session.session_id"),
    ("a session id of 201 characters", with_session(session_id="s" * 201), 422, "session.session_id"),
    ("an empty user", with_session(user_id=""), 422, "session.user_id"),
    ("a user that is true", with_session(user_id=True), 422, "session.user_id"),
    ("a NUL in the user", with_session(user_id="a\x00b"), 422, "session.user_id"),
    ("a directory of 1,001 characters", with_session(directory="d" * 1_001), 422, "session.directory"),
    ("a directory that is null", with_session(directory=None), 422, "session.directory"),
    ("a history that is null", with_session(history=None), 422, "session.history"),
    ("a history of 201 commands", with_session(history=[{"command": "ls"}] * 201), 422, "session.history"),
    ("a history of strings", with_session(history=[CANARY]), 422, "session.history.0"),
    ("a past command without a command", with_past(succeeded=True), 422, "session.history.0.command"),
    ("an outcome that is 1", with_past(command="ls", succeeded=1), 422, "session.history.0.succeeded"),
    ("an outcome in words", with_past(command="ls", succeeded="no"), 422, "session.history.0.succeeded"),
    ("a past command of 32,769 characters", with_past(command="l" * 32_769), 422, "session.history.0.command"),
    ("a state that is a number", with_session(state=1), 422, "session.state"),
    ("101 percent", with_session(state={"cpu_percent": 101}), 422, "session.state.cpu_percent"),
    ("-1 percent", with_session(state={"memory_percent": -1}), 422, "session.state.memory_percent"),
    ("a percentage in words", with_session(state={"disk_percent": "9"}), 422, "session.state.disk_percent"),
    ("a percentage that is true", with_session(state={"disk_percent": True}), 422, "session.state.disk_percent"),
    ("1e999 load", VALID[:-2] + b', "state": {"load_1m": 1e999}}}', 422, "session.state.load_1m"),
    ("a negative load", with_session(state={"load_1m": -0.1}), 422, "session.state.load_1m"),
    ("half a process", with_session(state={"processes": 1.5}), 422, "session.state.processes"),
    ("10^400 processes", with_session(state={"processes": 10**400}), 422, "session.state.processes"),
    ("minus one interaction", with_session(user={"interactions": -1}), 422, "session.user.interactions"),
    ("a mean rating of 6", with_session(user={"mean_rating": 6}), 422, "session.user.mean_rating"),
    ("a mean rating of 0", with_session(user={"mean_rating": 0}), 422, "session.user.mean_rating"),
    ("a negative gap", with_session(seconds_since_previous=-5), 422, "session.seconds_since_previous"),
    ("a deadline of 0", changed("deadline_ms", to=0), 422, "deadline_ms"),
    ("a negative deadline", changed("deadline_ms", to=-5), 422, "deadline_ms"),
    ("a deadline of 1.5", changed("deadline_ms", to=1.5), 422, "deadline_ms"),
    ("a deadline in words", changed("deadline_ms", to="soon"), 422, "deadline_ms"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "sent", "status", "field"), ROWS, ids=[row[0] for row in ROWS])
def test_what_is_malformed_is_refused_with_the_field_named_and_nothing_repeated(
    server: Running, wrong: str, sent: bytes, status: int, field: str
) -> None:
    response = server.client.post("/v1/act", content=sent, headers={"content-type": "application/json"})
    assert response.status_code == status, response.text
    assert field in [entry["field"] for entry in response.json()["error"]["fields"]]
    assert CANARY not in response.text
    assert server.act("list files").status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [("verdict", CANARY), ("verdict", 1), ("rating", 6), ("rating", CANARY), ("exit_status", 2**32 + 1),
     ("duration_ms", -1), ("recovered", CANARY), ("error_message", ["x"]), ("corrected_intent", "i" * 1_001)],
)  # fmt: skip
def test_feedback_that_is_malformed_is_refused_with_the_field_named_and_nothing_repeated(
    server: Running, field: str, value: Any
) -> None:
    owner = {"interaction_id": "i-1", "session_id": "s-1", "user_id": "ada"}
    response = server.client.post("/v1/feedback", json={**owner, field: value})
    assert response.status_code == 422
    assert [entry["field"] for entry in response.json()["error"]["fields"]] == [field]
    assert CANARY not in response.text


def test_all_wrong_fields_are_named_at_once(server: Running) -> None:
    response = server.act("", user_id="", platform=3)
    fields = {entry["field"] for entry in response.json()["error"]["fields"]}
    assert fields == {"request", "session.user_id", "session.platform"}


def test_a_body_of_exactly_the_limit_is_read_and_one_byte_more_is_not(server: Running) -> None:
    at_limit = VALID + b" " * (65_536 - len(VALID))
    headers = {"content-type": "application/json"}
    assert server.client.post("/v1/act", content=at_limit, headers=headers).status_code == 200
    assert server.client.post("/v1/act", content=at_limit + b" ", headers=headers).status_code == 413


def test_a_chunked_body_is_counted_as_it_comes(server: Running) -> None:
    def ten_megabytes() -> Any:
        for _ in range(160):
            yield b" " * 65_536

    before = server.metric("process_resident_memory_bytes")
    # The server may have answered and hung up while the client was still writing.
    with suppress(httpx.TransportError):
        response = server.client.post("/v1/act", content=ten_megabytes(), headers={"content-type": "application/json"})
        assert response.status_code == 413
    assert server.act("list files").status_code == 200
    assert server.metric("process_resident_memory_bytes") - before < 8e6


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({}, 415),
        ({"content-type": "application/json", "content-encoding": "gzip"}, 415),
        ({"content-type": "application/json", "host": "evil.example"}, 421),
        ({"content-type": "application/json", "host": "127.0.0.1.evil.example"}, 421),
        ({"content-type": "application/json", **{f"x-{number}": "1" for number in range(100)}}, 431),
    ],
)
def test_headers_that_no_client_of_ours_sends_are_refused(
    server: Running, headers: dict[str, str], status: int
) -> None:
    assert server.client.post("/v1/act", content=VALID, headers=headers).status_code == status


def test_a_compressed_bomb_is_never_unfolded(server: Running) -> None:
    bomb = zlib.compress(b" " * 50_000_000)
    headers = {"content-type": "application/json", "content-encoding": "deflate"}
    assert server.client.post("/v1/act", content=bomb, headers=headers).status_code == 415


def test_a_web_page_with_a_name_of_its_own_for_this_machine_reads_nothing(server: Running) -> None:
    assert server.client.get("/metrics", headers={"host": "rebound.example"}).status_code == 421


def raw(server: Running, sent: bytes) -> bytes:
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(sent)
        return connection.recv(65_536)


def test_two_lengths_are_refused(server: Running) -> None:
    head = b"POST /v1/act HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    answer = raw(server, head + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!")
    assert answer.startswith(b"HTTP/1.1 400")
    assert server.act("list files").status_code == 200


def test_a_body_that_does_not_arrive_frees_its_place(models: Path, log_dir: Path) -> None:
    release_all(models)
    with running(models, log_dir, deadline_ms=1_000) as server:
        _send_half_a_body(server)


def _send_half_a_body(server: Running) -> None:
    head = b"POST /v1/act HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
    started = time.monotonic()
    assert raw(server, head + b'{"request": "').startswith(b"HTTP/1.1 408")
    assert 0.9 < time.monotonic() - started < 5.0
    assert server.metric("http_server_active_requests") == 0


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/act", 405), ("PUT", "/v1/act", 405), ("DELETE", "/v1/feedback", 405), ("GET", "/nothing", 404)],
)
def test_other_methods_and_paths_are_refused_in_the_form_of_every_refusal(
    server: Running, method: str, path: str, status: int
) -> None:
    answer = server.client.request(method, path)
    assert answer.status_code == status
    assert "/openapi.json" in answer.json()["error"]["problem"]
    assert answer.headers.get("allow") == ("POST" if status == 405 else None)


def test_the_same_word_spelt_with_combining_marks_is_the_same_request(server: Running) -> None:
    composed, combined = server.answer("caf\u00e9 list"), server.answer("cafe\u0301 list")
    assert composed["commands"] == combined["commands"]


def test_every_reference_in_the_description_of_the_interface_resolves(server: Running) -> None:
    document = server.client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert {"ActRequest", "FeedbackRequest", "Answer", "Session", "RankedCommand", "Refusal"} <= named
    assert named <= set(schemas)
    assert schemas["ActRequest"]["additionalProperties"] is False
    assert schemas["FeedbackRequest"]["properties"]["rating"]["anyOf"][0] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 5,
    }
    assert {"400", "413", "422", "503"} <= set(document["paths"]["/v1/act"]["post"]["responses"])
