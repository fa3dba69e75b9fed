"""What the graph is made of, and that nobody changes it without noticing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ccml.home import Home
from ccml.models.kinds import KINDS
from ccml_assets import jobs, schedules, sensors
from ccml_assets.definitions import definitions_of
from ccml_resources.lake import DocumentIOManager, TableIOManager
from ccml_resources.platform import Platform
from ccml_tests.assets.wiring import PICTURE, differences, wiring

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "torch",
    "transformers",
    "mlflow",
    "evidently",
    "great_expectations",
    "sklearn",
    "optuna",
    "onnx",
    "matplotlib",
)

MEASURE = """
import json, sys
import dagster as dg
of_dagster = set(sys.modules)
from ccml_assets.definitions import defs
dg.Definitions.validate_loadable(defs)
packages = {name.split(".")[0] for name in sys.modules}
more = {name.split(".")[0] for name in set(sys.modules) - of_dagster}
print(json.dumps({"modules": sorted(packages), "beside dagster": sorted(more - sys.stdlib_module_names - {"dagster"})}))
"""


@pytest.fixture(scope="module")
def defs(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    return definitions_of(Home(tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process that does nothing but load the definitions has to say."""
    home = tmp_path_factory.mktemp("loading") / "home"
    environment = {**os.environ, "CCML_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return {**json.loads(done.stdout), "printed": done.stderr, "home made": home.exists()}


def test_the_graph_is_wired_as_in_the_kept_picture(defs: dg.Definitions) -> None:
    changes = differences(json.loads(PICTURE.read_text()), wiring(defs))
    assert not changes, "\n".join(
        ["The graph has changed. If that was meant, run `python -m ccml_tests.assets.wiring`:", *changes]
    )


def test_a_difference_names_the_asset_and_the_fact() -> None:
    one = {"from": ["raw/errors"], "group": "clean"}
    assert differences({"a": one, "b": one}, {"a": {**one, "group": "raw"}, "c": one}) == [
        f"c is new: {one}",
        "b is gone",
        "a: group was clean, is raw",
    ]


def test_the_landed_days_and_the_retrain_decision_are_reported_and_made_by_no_run(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    days, decision = dg.AssetKey(["landing", "days"]), dg.AssetKey(["monitoring", "retrain_decision"])
    assert graph.unexecutable_asset_keys == {days, decision}
    assert graph.get(days).parent_keys == {dg.AssetKey(["landing", "files"])}
    assert graph.get(decision).child_keys == set()


def test_every_asset_says_whose_it_is_what_it_is_and_by_which_code(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    silent = [
        (key.to_user_string(), fact)
        for key in graph.get_all_asset_keys()
        for fact in ("owners", "kinds", "description", "code_version", "group_name")
        if not getattr(graph.get(key), fact)
        # A version is compared with that of the run that made the asset, and these have no such run: the days are what
        # landing/files has landed, whose version counts, and a decision is an observation that nothing is made from.
        and not (fact == "code_version" and key in graph.unexecutable_asset_keys)
    ]
    assert silent == []


def test_every_job_check_sensor_and_schedule_is_described_in_words_without_codes(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    described = {key.to_user_string(): graph.get(key).description for key in graph.get_all_asset_keys()}
    described |= {key.to_user_string(): graph.get_check_spec(key).description for key in graph.asset_check_keys}
    described |= {one.name: one.description for one in (*jobs.all_jobs, *sensors.all_sensors, *schedules.all_schedules)}
    assert [name for name, text in described.items() if not (text or "").strip()] == []
    codes = {name: re.findall(r"\b[MPDSE]\d{1,2}\b", text or "") for name, text in described.items()}
    assert {name: found for name, found in codes.items() if found} == {}


def test_what_a_schedule_keeps_fresh_says_how_fresh(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    fresh = {key.to_user_string() for key in graph.get_all_asset_keys() if graph.get(key).freshness_policy}
    gates = {f"releases/{name}_gate" for name in KINDS}
    assert fresh == {"landing/files", *gates}


@pytest.mark.parametrize("resource", [Platform, TableIOManager, DocumentIOManager])
def test_every_field_of_a_resource_is_described(resource: type[dg.ConfigurableResource]) -> None:
    assert [name for name, field in resource.model_fields.items() if not field.description] == []


def test_the_jobs_cover_every_executable_asset_exactly_once(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    covered = [key for job in jobs.all_jobs for key in defs.resolve_job_def(job.name).asset_layer.selected_asset_keys]
    assert sorted(covered) == sorted(graph.executable_asset_keys)


def test_every_check_is_on_an_asset_that_a_job_makes(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    assert graph.asset_check_keys
    assert {check.asset_key for check in graph.asset_check_keys} <= graph.executable_asset_keys


def test_the_definitions_load_as_a_code_location_does(defs: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(defs)


def test_loading_takes_few_packages_beside_dagster(loaded: dict[str, Any]) -> None:
    """Each process of a run loads the definitions, so what they load is waited for by every step."""
    own = ["ccml", "ccml_assets", "ccml_resources"]
    assert loaded["beside dagster"] == [*own, "msgspec", "numpy", "tokenizers"]


@pytest.mark.parametrize("name", HEAVY)
def test_loading_leaves_heavy_packages_alone(loaded: dict[str, Any], name: str) -> None:
    assert name not in loaded["modules"]


def test_loading_prints_nothing_and_touches_no_disk(loaded: dict[str, Any]) -> None:
    assert loaded["printed"] == ""
    assert not loaded["home made"]


@pytest.mark.parametrize("sensor", sensors.all_sensors, ids=lambda sensor: sensor.name)
def test_a_sensor_is_on_unless_switched_off(sensor: dg.SensorDefinition) -> None:
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING


@pytest.mark.parametrize("schedule", schedules.all_schedules, ids=lambda schedule: schedule.name)
def test_a_schedule_is_on_unless_switched_off(schedule: dg.ScheduleDefinition) -> None:
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


def test_data_is_looked_for_nightly_and_models_are_trained_weekly() -> None:
    found = {one.name: (one.job_name, one.cron_schedule) for one in schedules.all_schedules}
    assert found == {"nightly_data": ("ingest", "0 2 * * *"), "weekly_retraining": ("learn", "0 3 * * 0")}


def test_the_picture_in_the_readme_has_the_arrows_of_the_graph(defs: dg.Definitions) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    drawn = {(start, end) for start, end in re.findall(r"^  (\w+)(?:\[.*?\])? --> (\w+)", text, re.MULTILINE)}
    graph = wiring(defs)
    between = {(parent.split("/")[0], name.split("/")[0]) for name, asset in graph.items() for parent in asset["from"]}
    assert drawn == {(start, end) for start, end in between if start != end}
