"""Real assets, materialized with checks, with an exception and twice in one process: what MLflow then holds."""

import itertools
import multiprocessing
import os
import re
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

import dagster as dg
import msgspec
import pytest

from ccml.errors import CcmlError, IntegrityError, NotEnoughDataError
from ccml.home import Home
from ccml.releases.manifest import GraphInput
from ccml.releases.store import promote, publish, roll_back
from ccml_resources.experiments import Experiments, experiments
from ccml_tests.releases.candidates import EXPORTED, NAME, candidate, facts

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

DAYS = dg.StaticPartitionsDefinition(["2026-01-01", "2026-01-02"])


@pytest.fixture
def tracked(home: Home) -> Experiments:
    return experiments(home)


@pytest.fixture(scope="module", autouse=True)
def _working_directory_stays_clean() -> Iterator[None]:
    before = set(Path.cwd().iterdir())
    yield
    assert {path.name for path in set(Path.cwd().iterdir()) - before if path.name.startswith("mlruns")} == set()


def runs(tracked: Experiments) -> list[Any]:
    """Oldest first."""
    client = tracked._client()
    found = client.search_runs([client.get_experiment_by_name("ccml").experiment_id])
    return sorted(found, key=lambda run: (run.info.start_time, run.info.run_name))


@dg.asset(key=["models", "tiny"], code_version="c0de", required_resource_keys={"experiments"})
def tiny(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    with context.resources.experiments.run(context) as run:
        run.log_params({"learning_rate": 1e-3, **{f"setting_{n}": n for n in range(120)}})
        run.log_metrics({"top1": 0.5})
        run.log_curves({"loss": [(0, 3.0), (1, 2.0), (2, 1.0)]})
        run.log_rows("rows", "d1", source="lake/datasets/rows/all.parquet", facts={"train": 3})
        run.log_artifact("plot.png", b"png")
    return dg.MaterializeResult(metadata=run.metadata)


@dg.asset_check(asset=dg.AssetKey(["models", "tiny"]))
def tiny_is_good() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


def materialize(tracked: Experiments, assets: list[Any], **kwargs: Any) -> dg.ExecuteInProcessResult:
    return dg.materialize(assets, instance=dg.DagsterInstance.ephemeral(), resources={"experiments": tracked}, **kwargs)


def test_after_a_run_with_a_check_the_mlflow_run_is_finished(tracked: Experiments) -> None:
    result = materialize(tracked, [tiny, tiny_is_good])
    (run,) = runs(tracked)
    assert len(result.get_asset_check_evaluations()) == 1
    assert run.info.status == "FINISHED"
    assert re.fullmatch(r"tiny \d\d \w{3} \d\d:\d\d", run.info.run_name)
    assert run.data.tags["dagster_run_id"] == result.run_id
    assert run.data.tags["code_version"] == "c0de"
    assert run.data.params["setting_119"] == "119"
    assert run.data.metrics == {"top1": 0.5, "loss": 1.0}
    (event,) = result.asset_materializations_for_node("models__tiny")
    assert event.metadata["mlflow_run_id"].value == run.info.run_id


def test_the_files_of_a_run_lie_in_the_home(tracked: Experiments, home: Home) -> None:
    materialize(tracked, [tiny])
    (plot,) = (home.root / "mlartifacts").rglob("plot.png")
    assert plot.read_bytes() == b"png"


def test_a_curve_keeps_its_steps(tracked: Experiments) -> None:
    materialize(tracked, [tiny])
    (run,) = runs(tracked)
    history = tracked._client().get_metric_history(run.info.run_id, "loss")
    assert [(point.step, point.value) for point in history] == [(0, 3.0), (1, 2.0), (2, 1.0)]


def test_two_materializations_in_one_process_are_two_runs(tracked: Experiments) -> None:
    first, second = materialize(tracked, [tiny, tiny_is_good]), materialize(tracked, [tiny, tiny_is_good])
    recorded = runs(tracked)
    assert [run.info.status for run in recorded] == ["FINISHED", "FINISHED"]
    assert {run.data.tags["dagster_run_id"] for run in recorded} == {first.run_id, second.run_id}


def test_two_assets_of_one_dagster_run_are_two_runs_named_by_their_keys(tracked: Experiments) -> None:
    @dg.asset(key=["models", "other"], deps=[tiny], required_resource_keys={"experiments"})
    def other(context: dg.AssetExecutionContext) -> None:
        with context.resources.experiments.run(context) as run:
            run.log_metrics({"top1": 0.7})

    result = materialize(tracked, [tiny, other])
    recorded = runs(tracked)
    assert [run.info.run_name.split()[0] for run in recorded] == ["tiny", "other"]
    assert {run.data.tags["dagster_run_id"] for run in recorded} == {result.run_id}
    assert recorded[1].data.metrics == {"top1": 0.7}


@pytest.mark.parametrize(
    ("error", "tag"), [(ValueError("a secret"), "ValueError"), (NotEnoughDataError("No labels."), "No labels.")]
)
def test_after_an_exception_the_run_is_failed_and_the_next_one_is_its_own(
    tracked: Experiments, error: Exception, tag: str
) -> None:
    attempts = itertools.count()

    @dg.asset(required_resource_keys={"experiments"})
    def broken_once(context: dg.AssetExecutionContext) -> None:
        with context.resources.experiments.run(context) as run:
            run.log_metrics({"before": 1.0})
            if next(attempts) == 0:
                raise error

    assert not materialize(tracked, [broken_once], raise_on_error=False).success
    assert materialize(tracked, [broken_once]).success
    failed, finished = runs(tracked)
    assert (failed.info.status, finished.info.status) == ("FAILED", "FINISHED")
    assert failed.data.tags["error"] == tag
    assert failed.data.metrics == {"before": 1.0}


def test_an_interrupt_leaves_the_run_killed(tracked: Experiments) -> None:
    @dg.asset(required_resource_keys={"experiments"})
    def interrupted(context: dg.AssetExecutionContext) -> None:
        with context.resources.experiments.run(context):
            raise KeyboardInterrupt

    with pytest.raises(BaseException):  # noqa: B017, PT011 - Dagster chooses the class
        materialize(tracked, [interrupted])
    assert [run.info.status for run in runs(tracked)] == ["KILLED"]


def test_each_partition_is_a_run_that_names_it(tracked: Experiments) -> None:
    @dg.asset(partitions_def=DAYS, required_resource_keys={"experiments"})
    def daily(context: dg.AssetExecutionContext) -> None:
        with context.resources.experiments.run(context):
            pass

    for day in DAYS.get_partition_keys():
        materialize(tracked, [daily], partition_key=day)
    assert [run.data.tags["partition"] for run in runs(tracked)] == ["2026-01-01", "2026-01-02"]


def test_a_run_left_active_by_others_is_refused_rather_than_joined(tracked: Experiments) -> None:
    import mlflow

    materialize(tracked, [tiny])
    mlflow.start_run(run_name="somebody else's")
    try:
        with pytest.raises(CcmlError, match="is active"):
            materialize(tracked, [tiny])
    finally:
        mlflow.end_run()


def test_trials_are_closed_child_runs_and_a_study_of_six_takes_at_most_three_seconds(tracked: Experiments) -> None:
    states = ["complete", "pruned", "fail", "complete", "complete", "pruned"]
    spent: list[float] = []

    @dg.asset(required_resource_keys={"experiments"})
    def study(context: dg.AssetExecutionContext) -> None:
        with context.resources.experiments.run(context) as run:
            start = time.perf_counter()
            for number, state in enumerate(states):
                trial = {"number": number, "state": state, "params": {"attention_heads": 8}, "seconds": 2.0}
                run.log_trial({**trial, "score": 0.5 if state == "complete" else None, "epochs": {"0": 0.3, "1": 0.4}})
            spent.append(time.perf_counter() - start)

    materialize(tracked, [study])
    (parent,) = (run for run in runs(tracked) if run.info.run_name.startswith("study"))
    trials = [run for run in runs(tracked) if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    by_number = {int(run.data.params["number"]): run for run in trials}
    assert parent.info.status == "FINISHED"
    assert [by_number[n].info.status for n in range(3)] == ["FINISHED", "KILLED", "FAILED"]
    assert by_number[0].data.params["attention_heads"] == "8"
    assert by_number[0].data.metrics == {"score": 0.5, "epoch_score": 0.4}
    assert by_number[1].data.metrics == {"epoch_score": 0.4}
    assert by_number[0].info.end_time - by_number[0].info.start_time == 2_000
    assert len(trials) == 6
    assert spent[0] < 3.0


def _train_until_killed(root: str, dagster_home: str) -> None:
    tracked = experiments(Home(Path(root)))

    @dg.asset(required_resource_keys={"experiments"})
    def slow(context: dg.AssetExecutionContext) -> None:
        with context.resources.experiments.run(context) as run:
            run.log_metrics({"started": 1.0})
            if os.environ.get("DIE"):
                os.kill(os.getpid(), signal.SIGKILL)

    instance = dg.DagsterInstance.local_temp(dagster_home)
    dg.materialize([slow], instance=instance, resources={"experiments": tracked})


def test_a_run_whose_process_was_killed_is_closed_by_the_next_one(
    tracked: Experiments, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    monkeypatch.setenv("DIE", "1")
    context = multiprocessing.get_context("spawn")
    worker = context.Process(target=_train_until_killed, args=(str(home.root), str(tmp_path / "one")))
    worker.start()
    worker.join()
    assert worker.exitcode == -signal.SIGKILL
    assert [run.info.status for run in runs(tracked)] == ["RUNNING"]
    monkeypatch.delenv("DIE")
    _train_until_killed(str(home.root), str(tmp_path / "two"))
    assert sorted(run.info.status for run in runs(tracked)) == ["FINISHED", "KILLED"]


def registered(tracked: Experiments, alias: str) -> str:
    return str(tracked._client().get_model_version_by_alias(NAME, alias).tags["semver"])


def test_the_registry_follows_releases_promotions_and_roll_backs(
    tracked: Experiments, home: Home, tmp_path: Path
) -> None:
    for weight in (1.0, 2.0):
        path = candidate(tmp_path / f"candidate{weight}", weight=weight)
        publish(path, home.models, NAME, exported=EXPORTED, facts=facts())
    promote(home.models, NAME, "1.0.0", expected=None, reason="first")
    assert tracked.mirror_releases(home.models, NAME) == {"1.0.0": "1", "1.0.1": "2"}
    assert registered(tracked, "champion") == "1.0.0"

    promote(home.models, NAME, "1.0.1", expected="1.0.0", reason="better")
    assert tracked.mirror_releases(home.models, NAME) == {"1.0.0": "1", "1.0.1": "2"}
    assert (registered(tracked, "champion"), registered(tracked, "previous")) == ("1.0.1", "1.0.0")

    roll_back(home.models, NAME, expected="1.0.1", reason="errors")
    tracked.mirror_releases(home.models, NAME)
    assert registered(tracked, "champion") == "1.0.0"
    assert set(tracked._client().get_registered_model(NAME).aliases) == {"champion"}


def test_a_registered_version_says_which_folder_and_which_bytes(
    tracked: Experiments, home: Home, tmp_path: Path
) -> None:
    published = publish(candidate(tmp_path / "c"), home.models, NAME, exported=EXPORTED, facts=facts())
    tracked.mirror_releases(home.models, NAME)
    version = tracked._client().get_model_version(NAME, "1")
    assert version.tags["folder"] == f"models/{NAME}/{published.version}"
    assert version.tags["manifest_sha256"] == published.manifest_sha256
    assert version.run_id == "mlflow-1"


def test_in_a_moved_home_files_and_releases_are_found_where_they_lie_now(
    tracked: Experiments, home: Home, tmp_path: Path
) -> None:
    publish(candidate(tmp_path / "c"), home.models, NAME, exported=EXPORTED, facts=facts())
    materialize(tracked, [tiny])
    tracked.mirror_releases(home.models, NAME)
    moved = Home(home.root.rename(tmp_path / "another place"))
    there = experiments(moved)
    materialize(there, [tiny])
    client = there._client()
    for run in runs(there):
        assert Path(client.download_artifacts(run.info.run_id, "plot.png")).read_bytes() == b"png"
    version = client.get_model_version(NAME, "1")
    assert Path(url2pathname(urlparse(version.source).path)).is_relative_to(moved.root)
    with closing(sqlite3.connect(moved.root / "mlflow.db")) as database:
        assert [line for line in database.iterdump() if str(home.root) in line] == []
    assert not home.root.exists()


def test_a_registered_version_has_the_signature_of_its_graph(tracked: Experiments, home: Home, tmp_path: Path) -> None:
    graph = GraphInput("history", "int64", [None, 4])
    made = facts()
    served = msgspec.structs.replace(made.serving, inputs=[graph])
    published = publish(
        candidate(tmp_path / "c"),
        home.models,
        NAME,
        exported=EXPORTED,
        facts=msgspec.structs.replace(made, serving=served),
    )
    tracked.mirror_releases(home.models, NAME)
    from mlflow.models import Model

    described = Model.load(url2pathname(urlparse(tracked._client().get_model_version(NAME, "1").source).path))
    (history,) = described.get_input_schema().inputs
    (logits,) = described.get_output_schema().inputs
    assert (history.name, str(history.type), history.shape) == ("history", "int64", (-1, 4))
    assert logits.shape == (-1, 2)
    assert described.metadata["version"] == published.version


def test_what_is_known_after_the_training_joins_its_run(tracked: Experiments) -> None:
    (event,) = materialize(tracked, [tiny]).asset_materializations_for_node("models__tiny")
    run_id = str(event.metadata["mlflow_run_id"].value)
    tracked.add(run_id, metrics={"test/top1": 0.6}, tags={"gate": "better"}, files={"report.html": b"<p>"})
    (run,) = runs(tracked)
    assert (run.data.metrics["test/top1"], run.data.tags["gate"], run.info.status) == (0.6, "better", "FINISHED")
    assert Path(tracked._client().download_artifacts(run_id, "report.html")).read_bytes() == b"<p>"


def test_the_rows_of_a_training_are_its_input(tracked: Experiments) -> None:
    materialize(tracked, [tiny])
    (run,) = runs(tracked)
    (rows,) = run.inputs.dataset_inputs
    assert (rows.dataset.name, rows.dataset.digest) == ("rows", "d1")
    assert "lake/datasets/rows" in rows.dataset.source


def test_a_damaged_release_is_not_registered(tracked: Experiments, home: Home, tmp_path: Path) -> None:
    published = publish(candidate(tmp_path / "c"), home.models, NAME, exported=EXPORTED, facts=facts())
    (published.path / "model.onnx").chmod(0o644)
    (published.path / "model.onnx").write_bytes(b"another")
    with pytest.raises(IntegrityError, match=r"model\.onnx"):
        tracked.mirror_releases(home.models, NAME)
