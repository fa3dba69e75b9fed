"""One table of the models: it is complete, it is light, and no other module names a model."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from ccml.models.kinds import KINDS, ModelKind
from ccml_tests.test_imports import TRAINING, loaded_by

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("ccml", "ccml_resources", "ccml_assets", "ccml_cli")
MAY_NAME_A_MODEL = (
    "ccml/models/kinds.py",
    *(f"{kind.package.replace('.', '/')}/" for kind in KINDS.values()),
    "ccml/serving/loading/",
    "ccml/profiles.py",
    "ccml/commands/",  # `apt-cache policy` is a command
)

FUNCTIONS = {
    ("dataset", "build_dataset"): ["clean", "context", "splits", "profile"],
    ("dataset", "data_rules"): [],
    ("module", "build_module"): ["candidate"],
    ("module", "model_inputs"): ["candidate", "frame"],
    ("module", "run_module"): ["module", "inputs"],
    ("training", "train"): ["job"],
    ("served", "served_outcomes"): ["served", "champion", "profile"],
    ("evaluation", "evaluate"): ["job"],
}
"""What the table calls in each model's folder, and with what."""


def names_of_models(source: str) -> Iterator[str]:
    """`line: name` of each string that is a model's name or begins with it, as in `policy_gate`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for name in KINDS:
                if node.value in (name, f"{name}_gate", f"{name}_onnx", f"{name}_scores", f"{name}_deployment"):
                    yield f"{node.lineno}: {node.value}"


MODULES = [
    name
    for name in sorted(
        path.relative_to(ROOT).as_posix() for package in PACKAGES for path in (ROOT / package).rglob("*.py")
    )
    if not name.startswith(MAY_NAME_A_MODEL)
]


def test_no_module_outside_the_table_and_the_models_folders_names_a_model() -> None:
    found = [f"{module}:{place}" for module in MODULES for place in names_of_models((ROOT / module).read_text())]
    assert found == []


@pytest.mark.parametrize("source", ['if name == "policy": ...', 'KEY = ["models", "intent_classifier"]'])
def test_a_named_model_would_be_noticed(source: str) -> None:
    assert len(list(names_of_models(source))) == 1


@pytest.mark.parametrize(("module", "function"), FUNCTIONS)
@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_each_models_folder_has_what_the_table_calls(kind: ModelKind, module: str, function: str) -> None:
    found = inspect.signature(getattr(import_module(f"{kind.package}.{module}"), function))
    wanted = FUNCTIONS[module, function]
    assert list(found.parameters)[: len(wanted)] == wanted
    assert all(one.default is not one.empty for one in list(found.parameters.values())[len(wanted) :])


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if kind.search], ids=lambda kind: kind.name)
def test_a_kind_with_a_search_has_one_in_its_folder(kind: ModelKind) -> None:
    search = getattr(import_module(f"{kind.package}.study"), "search")  # noqa: B009  (the name is what is tested)
    assert list(inspect.signature(search).parameters) == ["job", "directory", "on_trial"]


@pytest.mark.parametrize("package", sorted(TRAINING))
def test_the_table_loads_nothing_of_the_training_stack(package: str) -> None:
    assert package not in loaded_by("ccml.models.kinds")


def test_no_two_models_share_an_asset_a_title_or_a_folder() -> None:
    for field in ("name", "title", "description", "package", "dataset", "report"):
        assert len({getattr(kind, field) for kind in KINDS.values()}) == len(KINDS)
