"""What the assets of one model leave behind, from its training to the gate's answer: its run in MLflow, its report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ccml.evaluation.report import ModelReport, read_report
from ccml.home import Home
from ccml.models.kinds import POLICY
from ccml.releases.gate import GateDecision
from ccml_assets.model_lines import ModelLine
from ccml_resources.experiments import experiments
from ccml_resources.lake import documents, tables
from ccml_tests.assets.platform import Platform, made_by

if TYPE_CHECKING:
    import pandas as pd

    from ccml.datasets.splits import Splits

LINE = ModelLine(POLICY)


@dataclass(frozen=True)
class Learnt:
    report: ModelReport
    decision: GateDecision
    client: Any
    """MLflow's, on the store of the home."""
    run: Any


@pytest.fixture(scope="module")
def learnt(
    simulated: pd.DataFrame, context: pd.DataFrame, splits: Splits, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Learnt]:
    """The policy of simulated telemetry, made by the job `learn` from its data set on."""
    from ccml.models.policy.dataset import episodes

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CCML_PROFILE", "smoke")
        platform = Platform(Home(tmp_path_factory.mktemp("learnt") / "ccml"))
        folder = tables(platform.home).folder(LINE.dataset_key)
        folder.mkdir(parents=True)
        episodes(simulated, context, splits).rows.to_parquet(folder / "all.parquet", index=False)
        wanted = [LINE.model_key, LINE.export_key, LINE.report_key, LINE.scores_key, LINE.gate_key]
        assert made_by(platform.run("learn", assets=wanted)) == set(wanted)
        stored, client = documents(platform.home), experiments(platform.home)._client()
        (run,) = client.search_runs([client.get_experiment_by_name("ccml").experiment_id])
        yield Learnt(
            read_report(stored.path(LINE.report_key).read_bytes()),
            msgspec.json.decode(stored.path(LINE.gate_key).read_bytes(), type=GateDecision),
            client,
            run,
        )
        platform.instance.dispose()


def test_the_run_in_mlflow_has_the_curves_of_its_training(learnt: Learnt) -> None:
    curves = [name for name in learnt.run.data.metrics if name.endswith("/doubly_robust")]
    assert curves
    for name in curves:
        points = learnt.client.get_metric_history(learnt.run.info.run_id, name)
        assert [point.step for point in points] == list(range(len(points)))
        assert len(points) > 1


def test_the_run_in_mlflow_has_the_figures_of_the_test_with_their_intervals(learnt: Learnt) -> None:
    for metric in learnt.report.metrics:
        low, high = metric.value.ends or (None, None)
        expected = {"": metric.value.estimate, ".low": low, ".high": high}
        found = {end: learnt.run.data.metrics.get(f"test/{metric.name}{end}") for end in expected}
        assert found == pytest.approx(expected), metric.name


def test_the_run_in_mlflow_has_the_page_its_pictures_and_the_data_set(learnt: Learnt) -> None:
    files = {one.path for one in learnt.client.list_artifacts(learnt.run.info.run_id)}
    assert f"{LINE.name}.html" in files
    assert len([name for name in files if name.endswith(".png")]) > 1
    (given,) = learnt.run.inputs.dataset_inputs
    assert given.dataset.name == "episodes"
    assert given.dataset.digest == learnt.report.facts["training data"]


def test_the_run_in_mlflow_has_the_gates_answer(learnt: Learnt) -> None:
    assert learnt.run.data.tags["gate"] == learnt.decision.answer
    assert learnt.run.data.tags["gate.reasons"] == "; ".join(learnt.decision.reasons)


def test_the_completion_time_of_the_report_is_that_of_the_served_graph(learnt: Learnt) -> None:
    meanings = [metric.meaning for metric in learnt.report.metrics if metric.unit == "ms"]
    assert len(meanings) == 2
    assert [meaning for meaning in meanings if "model.onnx, as served" not in meaning] == []
