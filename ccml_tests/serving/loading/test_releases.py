"""Taking in a new champion, refusing a bad one, and losing no request over either."""

from __future__ import annotations

import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import numpy as np
import onnx  # noqa: TID253  # builds the graphs of this test
import pytest

from ccml.errors import IntegrityError
from ccml.releases.store import roll_back
from ccml.serving.loading.loaded import LoadedModels
from ccml.serving.loading.readiness import check_readiness
from ccml.serving.metrics import Meter
from ccml.serving.settings import ServingSettings
from ccml_tests.serving.server import Running, body, running, until
from ccml_tests.serving.tiny import TinyGraph, release, release_all


def promoted(server: Running, models: Path, tiny: TinyGraph, name: str = "command_predictor") -> str:
    version = release(models, name, tiny)
    until(lambda: server.service.loaded.versions()[name] == version)
    return version


def test_a_new_champion_is_picked_up_while_serving(models: Path, log_dir: Path) -> None:
    release_all(models)
    with running(models, log_dir, poll_seconds=0.5) as server:
        assert server.answer("list")["command_version"] == "1.0.0"
        release(models, "command_predictor", TinyGraph(version_mark=1.0, strength=2.0))
        until(lambda: server.answer("list")["command_version"] == "1.0.1")
        confidence = server.answer("list")["commands"][0]["confidence"]
        assert confidence == pytest.approx(float(np.exp(2) / (np.exp(2) + 4)), abs=1e-6)


def test_a_roll_back_is_picked_up_too(models: Path, log_dir: Path) -> None:
    release_all(models)
    with running(models, log_dir) as server:
        promoted(server, models, TinyGraph(version_mark=1.0))
        roll_back(models, "command_predictor", expected="1.0.1", reason="a test says so")
        until(lambda: server.answer("list")["command_version"] == "1.0.0")


def test_readiness_loads_and_times_the_one_model(models: Path) -> None:
    release_all(models)
    release(models, "command_predictor", TinyGraph(filler=20_000_000, version_mark=1.0))
    check_readiness(models, "policy")  # imports
    slow, fast = (check_readiness(models, name) for name in ("command_predictor", "policy"))
    assert (slow.version, fast.version) == ("1.0.1", "1.0.0")
    assert fast.load_seconds < slow.load_seconds / 3, "an 80 MB model is part of the time of a small one"


def test_readiness_of_a_model_does_not_open_the_others(models: Path) -> None:
    release_all(models)
    release(models, "command_predictor", TinyGraph(version_mark=1.0))
    damaged(models, "1.0.1")
    loaded = LoadedModels(models, ServingSettings(), Meter())
    loaded.look_at("policy")
    assert (loaded.versions(), loaded.problems()) == ({"policy": "1.0.0"}, [])
    assert check_readiness(models, "policy").version == "1.0.0"
    with pytest.raises(IntegrityError, match="command_predictor: integrity"):
        check_readiness(models, "command_predictor")


def damaged(models: Path, version: str) -> None:
    graph = models / "command_predictor" / version / "model.onnx"
    graph.chmod(0o600)
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)


def truncated() -> bytes:
    from ccml_tests.serving.tiny import build_graph

    return build_graph("command_predictor", TinyGraph())[:-200]


def external_data() -> bytes:
    """A graph whose weights are to be read from another file."""
    from ccml_tests.serving.tiny import build_graph

    model = onnx.load_from_string(build_graph("command_predictor", TinyGraph()))
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", "../../../../etc/passwd"), ("length", "16")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return bytes(model.SerializeToString())


REFUSED = {
    "integrity": TinyGraph(version_mark=9.0),
    "interface": TinyGraph(version_mark=2.0, output="scores"),
    "golden": TinyGraph(version_mark=3.0, golden_shift=1.0),
    "transforms": TinyGraph(version_mark=4.0, transforms={"context": {"fields": ["x"], "mean": [0], "spread": [1]}}),
    "graph": TinyGraph(version_mark=5.0),
    "external": TinyGraph(version_mark=6.0),
    "nan": TinyGraph(version_mark=7.0, strength=float("nan")),
}


@pytest.mark.parametrize("wrong", REFUSED)
def test_a_bad_release_is_refused_and_the_old_one_serves_on(wrong: str, models: Path, log_dir: Path) -> None:
    from dataclasses import replace

    release_all(models)
    reason = {"external": "graph", "nan": "golden"}.get(wrong, wrong)
    tiny = REFUSED[wrong]
    if wrong == "graph":
        tiny = replace(tiny, graph=truncated())
    if wrong == "external":
        tiny = replace(tiny, graph=external_data())
    with running(models, log_dir) as server:
        if wrong == "integrity":
            # Damaged on the disk after it was made champion, before the server has looked.
            server.service.loaded.stop()
            release(models, "command_predictor", tiny)
            damaged(models, "1.0.1")
            server.service.loaded.look()
        else:
            release(models, "command_predictor", tiny)
            until(lambda: server.metric("model_load_failures_total", reason=reason) > 0)
        assert server.metric("model_load_failures_total") == 1
        assert server.metric("model_load_failures_total", reason=reason) == 1
        answer = server.answer("list files")
        assert (answer["command_version"], answer["served_by"]) == ("1.0.0", "champion")
        assert server.client.get("/readyz").json()["problems"] == [f"command_predictor: {reason}"]


def test_models_change_under_load_without_a_request_lost(models: Path, log_dir: Path) -> None:
    release_all(models)
    seen: Counter[tuple[int, str]] = Counter()
    stop = threading.Event()

    def client(url: str) -> None:
        with httpx.Client(base_url=url, timeout=10) as own:
            while not stop.is_set():
                response = own.post("/v1/act", json=body("list files"))
                version = response.json().get("command_version") if response.status_code == 200 else response.text
                degraded = response.status_code == 200 and response.json()["degraded"]
                seen[response.status_code, f"{version}{' degraded' if degraded else ''}"] += 1

    with running(models, log_dir) as server:
        clients = [threading.Thread(target=client, args=(server.url,)) for _ in range(8)]
        for one in clients:
            one.start()
        for mark in range(1, 9):
            promoted(server, models, TinyGraph(version_mark=float(mark)))
            time.sleep(0.1)
        stop.set()
        for one in clients:
            one.join()
        requests = server.metric("model_requests_total")
    versions = {f"1.0.{patch}" for patch in range(9)}
    assert {status for status, _ in seen} == {200}
    assert {version for _, version in seen} <= versions
    assert len(seen) >= 5, "the load did not span the changes"
    assert requests == sum(seen.values())


def test_the_previous_version_takes_no_memory_until_it_is_needed(models: Path, log_dir: Path) -> None:
    release_all(models)
    release(models, "command_predictor", TinyGraph(version_mark=1.0))
    with running(models, log_dir) as server:
        server.answer("list")
        assert server.metric("model_info", role="previous") == 0
        server.answer("nan zzz")
        until(lambda: server.metric("model_info", role="previous", name="command_predictor") == 1)
        assert server.answer("list")["command_version"] == "1.0.1"


@pytest.mark.slow
def test_a_hundred_changes_of_a_forty_megabyte_model_leave_no_memory_behind(models: Path, log_dir: Path) -> None:
    from ccml.serving.http.server import keep_memory_small

    keep_memory_small()
    release_all(models)
    versions = [
        release(models, "command_predictor", TinyGraph(filler=10_000_000, version_mark=float(mark)), champion=False)
        for mark in (1, 2)
    ]
    from ccml.releases.reader import read_pointer
    from ccml.releases.store import promote

    with running(models, log_dir) as server:
        before = None
        for change in range(100):
            version = versions[change % 2]
            current = read_pointer(models, "command_predictor", "champion")
            assert current is not None
            promote(models, "command_predictor", version, expected=current.version, reason="a test says so")
            until(lambda wanted=version: server.service.loaded.versions()["command_predictor"] == wanted)
            assert server.answer("list")["command_version"] == version
            if change == 9:
                time.sleep(0.3)
                before = server.metric("process_resident_memory_bytes")
        time.sleep(0.3)
        assert before is not None
        assert server.metric("process_resident_memory_bytes") - before < 64e6
