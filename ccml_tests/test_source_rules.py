"""Rules that no linter in use knows, read off the syntax trees of the whole program."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccml.quiet import NO_REPORTS

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("ccml", "ccml_simulator", "ccml_resources", "ccml_assets", "ccml_cli")
MODULES = sorted(path.relative_to(ROOT).as_posix() for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

RUNS_WHAT_IT_READS = {
    *(
        "pickle.load",
        "pickle.loads",
        "cPickle.load",
        "dill.load",
        "dill.loads",
        "cloudpickle.load",
        "cloudpickle.loads",
    ),
    *(
        "joblib.load",
        "torch.load",
        "pandas.read_pickle",
        "pd.read_pickle",
        "shelve.open",
        "marshal.load",
        "marshal.loads",
    ),
    *("yaml.load", "yaml.unsafe_load", "yaml.full_load", "eval", "exec", "os.system", "os.popen"),
}
"""Calls that execute code found in data."""

DEFINES = {
    "asset",
    "multi_asset",
    "sensor",
    "schedule",
    "asset_check",
    "op",
    "job",
    "run_failure_sensor",
    "run_status_sensor",
}


def dotted(node: ast.expr) -> str:
    match node:
        case ast.Name(name):
            return name
        case ast.Attribute(value, name):
            return f"{dotted(value)}.{name}"
        case _:
            return ""


def dangers(source: str) -> Iterator[str]:
    """`line: what` of every call and import that may execute what it reads."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            if name in RUNS_WHAT_IT_READS:
                yield f"{node.lineno}: {name}"
            for keyword in node.keywords:
                if keyword.arg == "shell" and not (isinstance(keyword.value, ast.Constant) and not keyword.value.value):
                    yield f"{node.lineno}: shell=True"
                if keyword.arg == "allow_pickle" and not (
                    isinstance(keyword.value, ast.Constant) and not keyword.value.value
                ):
                    yield f"{node.lineno}: allow_pickle=True"
        elif isinstance(node, ast.ImportFrom) and node.module in ("pickle", "joblib", "dill", "cloudpickle"):
            yield f"{node.lineno}: from {node.module}"


def postpones_annotations_of_definitions(source: str) -> bool:
    tree = ast.parse(source)
    future = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
    names = {dotted(node).rpartition(".")[2] for node in ast.walk(tree) if isinstance(node, ast.Attribute | ast.Name)}
    configurable = {"ConfigurableResource", "ConfigurableIOManager", "Config"}
    return future and bool(names & (DEFINES | configurable))


@pytest.mark.parametrize("module", MODULES)
def test_a_module_executes_nothing_that_it_reads(module: str) -> None:
    assert list(dangers((ROOT / module).read_text())) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle\npickle.load(file)",
        "torch.load(path)",
        "from joblib import load",
        "yaml.load(text)",
        "subprocess.run(line, shell=True)",
        "subprocess.run(line, shell=flag)",
        "np.load(path, allow_pickle=True)",
        "eval(text)",
        "exec(text)",
        "os.system(line)",
    ],
)
def test_the_rule_finds(source: str) -> None:
    assert len(list(dangers(source))) == 1


@pytest.mark.parametrize(
    "source", ["yaml.safe_load(text)", "model.eval()", "np.load(path, allow_pickle=False)", "subprocess.run(words)"]
)
def test_the_rule_leaves_alone(source: str) -> None:
    assert list(dangers(source)) == []


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith(("ccml_assets", "ccml_resources"))])
def test_where_dagster_reads_annotations_they_are_not_postponed(module: str) -> None:
    assert not postpones_annotations_of_definitions((ROOT / module).read_text())


def test_postponed_annotations_would_be_noticed() -> None:
    asset = "import dagster as dg\n@dg.asset\ndef one(context: dg.AssetExecutionContext): ..."
    assert postpones_annotations_of_definitions(f"from __future__ import annotations\n{asset}")
    assert not postpones_annotations_of_definitions(asset)


@pytest.mark.parametrize("module", ["ccml_assets.definitions", "ccml_cli.main"])
def test_reports_home_are_off_before_anything_else_loads(module: str) -> None:
    """The first of its imports that is not the standard library's or this project's comes after the switches."""
    code = (
        "import sys, builtins, os\n"
        "class Watch:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name in ('dagster', 'mlflow', 'great_expectations', 'transformers', 'huggingface_hub'):\n"
        "            print(name, os.environ.get('DAGSTER_DISABLE_TELEMETRY'), os.environ.get('DO_NOT_TRACK'))\n"
        "sys.meta_path.insert(0, Watch())\n"
        f"import {module}\n"
        f"print({sorted(NO_REPORTS)!r} == sorted(name for name in {sorted(NO_REPORTS)!r} if name in os.environ))\n"
    )
    bare = {name: value for name, value in os.environ.items() if name not in NO_REPORTS}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=bare, capture_output=True, text=True, check=True)
    *loads, switched = done.stdout.splitlines()
    assert switched == "True"
    assert [line for line in loads if line.split()[1:] != ["1", "1"]] == []


def test_a_switch_that_the_user_set_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    from ccml.quiet import send_nothing_home

    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "true")
    send_nothing_home()
    assert os.environ["TOKENIZERS_PARALLELISM"] == "true"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_short_enough_to_be_read_at_once(module: str) -> None:
    assert len((ROOT / module).read_text().splitlines()) <= 400
