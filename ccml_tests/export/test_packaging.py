"""From a really trained model to a release that answers the same, through every file in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from ccml.errors import IntegrityError, NotEnoughDataError
from ccml.export.bundle import ExportReference, write_export
from ccml.export.packaging import FP32, INT8, Exported, export_candidate
from ccml.export.parity import FIRST_ROWS, runner
from ccml.home import Home
from ccml.models.artifact import Candidate, load_candidate
from ccml.models.candidates import CandidateReference
from ccml.models.command.dataset import MINIMUM_ROWS
from ccml.models.policy.module import run_module, served_probabilities
from ccml.profiles import PROFILES
from ccml.releases.golden import Golden
from ccml.releases.manifest import GateSummary, Lineage, ReleaseFacts
from ccml.releases.reader import read_release
from ccml.releases.store import publish
from ccml.serving.loading.candidate import open_candidate
from ccml.serving.loading.command import CommandModel
from ccml.serving.turn import Turn
from ccml_assets.served_cost import served_cost
from ccml_tests.models.policy.bandit import Bandit, episodes
from ccml_tests.models.rows import command_sequences, labelled_requests

SMOKE = PROFILES["smoke"]


@pytest.fixture(scope="module")
def policy() -> tuple[Candidate, Any]:
    from ccml.models.policy.training import train_policy

    frame = episodes(Bandit(), 1, {"train": 120, "validation": 40, "test": 40})
    settings = replace(SMOKE.policy, epochs=4)
    candidate = train_policy(frame, settings, seed=0, data_hash="d1", code_version="test")
    return candidate, frame[frame["split"] == "test"]


@pytest.fixture(scope="module")
def intent() -> tuple[Candidate, Any]:
    from ccml.features.encoder import load_encoder
    from ccml.models.intent.training import train_intent_classifier

    frame = labelled_requests()
    encoder = load_encoder(SMOKE.encoder, corpus=frame["request"][frame["split"] == "train"])
    candidate = train_intent_classifier(frame, encoder, replace(SMOKE.intent, examples=1_500), seed=0)
    return candidate, frame[(frame["split"] == "test") & (frame["intent"] != "out_of_scope")]


@pytest.fixture(scope="module")
def command() -> tuple[Candidate, Any]:
    from ccml.features.encoder import load_encoder
    from ccml.models.command.module import CommandTransforms
    from ccml.models.command.training import train_command_predictor

    frame = command_sequences(rows=500)
    training = frame[frame["split"] == "train"]
    encoder = load_encoder(SMOKE.encoder, corpus=training["request"])
    settings = replace(SMOKE.command, head_examples=1_000, fine_tune_examples=200, end_to_end_examples=200, history=4)
    transforms = CommandTransforms.fit(training, settings.history, settings.min_count)
    candidate = train_command_predictor(frame, encoder, settings, transforms, seed=0)
    return candidate, frame[frame["split"] == "test"]


Exports = dict[str, tuple[Candidate, Any, Exported]]
TARGETS = {"policy": None, "intent": "intent", "command": "target_template"}


@pytest.fixture(scope="module")
def exports(policy: tuple[Candidate, Any], intent: tuple[Candidate, Any], command: tuple[Candidate, Any]) -> Exports:
    """Candidate, test rows and export: an export takes seconds, so most tests here share one a model."""
    found = {}
    for (name, target), (candidate, rows) in zip(TARGETS.items(), (policy, intent, command), strict=True):
        found[name] = candidate, rows, export_candidate(candidate, rows, rows[target] if target else None)
    return found


def released(candidate: Candidate, exported: Exported, tmp_path: Path) -> Any:
    facts = ReleaseFacts(
        metrics={},
        training_data_hash="d1",
        hyper_parameters={},
        lineage=Lineage(None, None, "test"),
        gate=GateSummary("better", []),
        serving=exported.serving,
    )
    folder = candidate.save(tmp_path / "candidate")
    publish(folder, tmp_path / "models", candidate.name, exported=exported.files, facts=facts)
    return read_release(tmp_path / "models", candidate.name, "1.0.0")


def test_candidate_and_export_are_found_where_their_home_was_moved_to(
    policy: tuple[Candidate, Any], tmp_path: Path
) -> None:
    candidate, rows = policy
    home = Home(tmp_path / "ccml")
    folder = candidate.save(home.candidates / candidate.name / "run-1")
    trained = CandidateReference(candidate.name, home.relative(folder), "d1", "mlflow-1", "c0de")
    exported = write_export(export_candidate(candidate, rows, None), home, trained, "run-2")
    files = exported.read(home)
    moved = Home(home.root.rename(tmp_path / "another place"))
    assert exported.read(moved) == files
    assert trained.load(moved).labels == candidate.labels
    assert str(tmp_path) not in f"{trained} {exported}"


@pytest.mark.parametrize("model", TARGETS)
def test_a_release_answers_what_the_trained_model_answers(model: str, exports: Exports, tmp_path: Path) -> None:
    candidate, rows, exported = exports[model]
    release = released(candidate, exported, tmp_path)

    few = rows.iloc[:5]
    answers = runner(release.files[FP32])(candidate.inputs(few))
    np.testing.assert_allclose(answers, candidate.logits(few), atol=1e-4)
    Golden.from_json(release.files["golden.json"]).check(runner(release.graph))
    assert [row["file"] for row in release.json("parity.json")] == [FP32, INT8]
    assert (INT8 in release.files) == exported.table[1].ships
    assert [one.name for one in release.manifest.serving.inputs] == list(candidate.inputs(few))
    np.testing.assert_array_equal(load_candidate(release.path).logits(few), candidate.logits(few))
    if TARGETS[model] is not None:
        assert exported.table[0].accuracy == exported.table[0].torch_accuracy
        assert exported.table[0].accuracy is not None
        assert exported.table[0].accuracy > 0.2


@pytest.mark.parametrize("model", TARGETS)
def test_a_report_times_the_graph_that_is_served_and_says_so(
    model: str, exports: Exports, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate, rows, made = exports[model]
    trained, exported = on_disk(candidate, made, home)
    monkeypatch.setattr(Candidate, "module", lambda _: pytest.fail("torch was asked"))
    cost, lacking = served_cost(candidate.name, trained, exported, rows.assign(split="test"), home)
    assert cost is not None
    assert not lacking
    p50, p95, memory = cost.metrics(0.95)
    assert p50.value.estimate < p95.value.estimate
    assert p50.value.ends is not None
    assert f"{exported.serving.model}, as served" in p50.meaning
    assert f"{len(cost.latencies_ms)} calls" in p95.meaning
    assert len(cost.latencies_ms) == 200
    assert f"{len(cost.memory_mb)} calls" in memory.meaning


def test_where_a_server_would_refuse_the_export_the_report_says_why_nothing_is_timed(
    exports: Exports, home: Home
) -> None:
    candidate, rows, made = exports["policy"]
    trained, exported = on_disk(candidate, made, home)
    (home.root / exported.folder / exported.serving.model).write_bytes(b"no graph")
    cost, lacking = served_cost(candidate.name, trained, exported, rows, home)
    assert cost is None
    assert lacking["completion time"].startswith("not measured: ")
    assert "graph" in lacking["completion time"]


def test_what_is_timed_is_what_the_server_answers_to_the_row(exports: Exports, home: Home) -> None:
    def opened(model: str) -> tuple[Candidate, Any, Callable[[int], object]]:
        candidate, rows, made = exports[model]
        trained, exported = on_disk(candidate, made, home)
        model_of = open_candidate(candidate.name, home.root / trained.path, exported.read(home), exported.serving.model)
        return candidate, rows, model_of.one_answer(rows)[0]

    candidate, rows, answer = opened("intent")
    guess = answer(3)
    assert isinstance(guess, list)
    np.testing.assert_allclose(guess[0].distribution, candidate.probabilities(rows.iloc[[3]])[0], atol=0.05)

    candidate, rows, answer = opened("policy")
    np.testing.assert_allclose(answer(3), served_probabilities(candidate, rows.iloc[[3]]), atol=1e-3)

    asked: list[Turn] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CommandModel, "answer", lambda _, turns, __: asked.extend(turns))
        candidate, rows, answer = opened("command")
        longest = int(rows["history_lines"].map(len).to_numpy().argmax())
        answer(longest)
    assert [past.template for past in asked[0].history] == list(rows["history_templates"].iloc[longest])
    known = [{1: True, 2: False}.get(code) for code in rows["history_outcomes"].iloc[longest]]
    assert [past.succeeded for past in asked[0].history] == known


def on_disk(candidate: Candidate, exported: Exported, home: Home) -> tuple[CandidateReference, ExportReference]:
    folder = candidate.save(home.candidates / candidate.name / "c1")
    trained = CandidateReference(candidate.name, home.relative(folder), "d1", "r1", "c0de")
    return trained, write_export(exported, home, trained, "run-1")


def test_a_small_network_is_served_in_full_precision(exports: Exports) -> None:
    serving = exports["policy"][2].serving
    assert serving.model == FP32
    assert "int8" in serving.reason


def test_no_request_text_travels_in_golden_inputs(exports: Exports) -> None:
    _, rows, exported = exports["intent"]
    golden = exported.files["golden.json"].decode()
    assert not any(text in golden for text in rows["request"])


def test_the_smallest_data_set_that_is_made_can_be_exported_and_ships_no_int8(policy: tuple[Candidate, Any]) -> None:
    candidate, rows = policy
    exact, quantised = export_candidate(candidate, rows.iloc[: MINIMUM_ROWS["test"]]).table
    assert (exact.rows, exact.ships, quantised.ships) == (10, True, False)


def test_too_few_rows_cannot_show_parity(policy: tuple[Candidate, Any]) -> None:
    candidate, rows = policy
    with pytest.raises(NotEnoughDataError, match="9 held-out rows"):
        export_candidate(candidate, rows.iloc[:9])


def test_a_graph_of_other_weights_than_the_candidate_answers_with_does_not_ship(
    policy: tuple[Candidate, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate, rows = policy
    changed = {name: np.array(tensor) for name, tensor in candidate.tensors.items()}
    changed["actor.bias"] = changed["actor.bias"] + np.array([3.0, 0, 0, 0, 0], np.float32)
    other = replace(candidate, tensors=changed, _built={}).module()
    monkeypatch.setitem(candidate._built, "module", candidate.module())
    original = candidate.logits(rows)
    monkeypatch.setitem(candidate._built, "module", other)
    monkeypatch.setattr(Candidate, "logits", lambda self, frame: original[: len(frame)])
    with pytest.raises(IntegrityError, match=r"policy: model\.onnx is not the model that was trained"):
        export_candidate(candidate, rows)


def written(candidate: Candidate, exported: Exported, home: Home) -> ExportReference:
    trained = CandidateReference(candidate.name, f"candidates/{candidate.name}/c1", "d1", "r1", "c0de")
    return write_export(exported, home, trained, "run-1")


def test_int8_that_does_not_ship_is_listed_with_the_reason_and_is_no_problem(
    policy: tuple[Candidate, Any], home: Home
) -> None:
    candidate, rows = policy
    exported = export_candidate(candidate, rows.iloc[:60])
    reference = written(candidate, exported, home)
    exact, quantised = reference.table
    assert (exact.ships, quantised.ships) == (True, False)
    assert "Not shown to agree on all test rows: the top label agrees in" in quantised.reason
    assert INT8 not in reference.files
    assert quantised.reason in reference.serving.reason
    assert reference.problems(home) == []


def test_a_file_that_ships_and_differs_or_no_longer_answers_as_recorded_is_a_problem(
    policy: tuple[Candidate, Any], home: Home
) -> None:
    candidate, rows = policy
    exported = export_candidate(candidate, rows)
    differing = [msgspec.structs.replace(row, ships=False) for row in exported.table]
    reference = written(candidate, replace(exported, table=differing), home)
    assert f"{FP32} ships" in reference.problems(home)[0]

    reference = written(candidate, exported, home)
    changed = {name: np.array(tensor) for name, tensor in candidate.tensors.items()}
    changed["actor.bias"] = changed["actor.bias"] + np.array([3.0, 0, 0, 0, 0], np.float32)
    other = export_candidate(replace(candidate, tensors=changed, _built={}), rows)
    (home.root / reference.folder / FP32).write_bytes(other.files[FP32])
    assert "a probability differs" in reference.problems(home)[0]
    (home.root / reference.folder / FP32).unlink()
    assert "export the model again" in reference.problems(home)[0]


def test_rows_are_compared_of_every_user_where_the_table_has_more_than_are_looked_at_first(
    policy: tuple[Candidate, Any],
) -> None:
    candidate, rows = policy
    ordered = rows.loc[rows.index.repeat(4)].sort_values("user_id", kind="stable")
    users = rows["user_id"].nunique()
    assert ordered["user_id"].iloc[:FIRST_ROWS].nunique() < users
    table = export_candidate(candidate, ordered).table
    assert [row.users for row in table] == [users] * 2


def test_the_same_weights_are_asked_once_about_the_same_rows_and_other_ones_anew(
    policy: tuple[Candidate, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate, rows = policy
    asked = list[int]()

    def counted(module: Any, inputs: Any) -> NDArray[np.float32]:
        asked.append(len(inputs["features"]))
        return run_module(module, inputs)

    monkeypatch.setattr("ccml.models.policy.module.run_module", counted)
    some = rows.iloc[:37]
    export_candidate(candidate, some)
    again = load_candidate(candidate.save(tmp_path / "candidate")).logits(some)
    assert asked == [37]
    np.testing.assert_array_equal(again, run_module(candidate.module(), candidate.inputs(some)))

    changed = {name: np.array(tensor) for name, tensor in candidate.tensors.items()}
    changed["actor.bias"] = changed["actor.bias"] + np.float32(1)
    moved = replace(candidate, tensors=changed, _built={}).logits(some)
    np.testing.assert_allclose(moved, again + 1, atol=1e-5)
    candidate.logits(rows.iloc[1:38])
    assert asked == [37, 37, 37]
