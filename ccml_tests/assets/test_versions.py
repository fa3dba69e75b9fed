"""An asset is stale when a line that can change its value is edited, and only then."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from types import CodeType, FrameType

import dagster as dg
import pytest

import ccml
from ccml.code_digest import PACKAGES, Definition, Project
from ccml.home import Home
from ccml.models.kinds import INTENT
from ccml.profiles import PROFILES, SimulationSettings
from ccml_assets.definitions import assets
from ccml_assets.model_lines import ModelLine
from ccml_assets.models import model_asset
from ccml_assets.versions import PROJECT, code_of, code_version
from ccml_simulator.simulate import simulate
from ccml_tests.assets.platform import LAST_DAY, Platform, made_by

ROOT = Path(ccml.__file__).parents[1]
SMOKE = PROFILES["smoke"]

MODULES = sorted(
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
    for path in (ROOT / "ccml").rglob("*.py")
    if path.read_text().strip()
)


def named(name: str) -> dg.AssetsDefinition:
    """The definition that makes `group/name`."""
    return next(one for one in assets if name in {key.to_user_string() for key in one.keys})


class Edited(Project):
    """The project with other texts for some modules; what is known of the rest is taken over."""

    def __init__(self, texts: dict[str, str]) -> None:
        super().__init__(ROOT)
        self._texts = texts
        self._modules = {name: module for name, module in PROJECT._modules.items() if name not in texts}
        self._references = {one: found for one, found in PROJECT._references.items() if one.module not in texts}
        self._digests = {one: found for one, found in PROJECT._digests.items() if one.module not in texts}

    def text(self, name: str) -> str | None:
        return self._texts.get(name) or super().text(name)


def definitions_of(project: Project, module: str) -> Iterator[Definition]:
    """Every definition of a module, methods included."""
    found = project.module(module)
    for name in found.definitions if found is not None else ():
        yield Definition(module, name)
        assert found is not None
        for method in found.methods.get(name, {}):
            yield Definition(module, f"{name}.{method}")


def stale_after(edited: dict[str, str]) -> set[str]:
    """Assets whose version moves when these modules have these texts."""
    before, after = PROJECT, Edited(edited)
    return {
        key.to_user_string()
        for one in assets
        if code_version(one, SMOKE, before) != code_version(one, SMOKE, after)
        for key in one.keys
    }


def source(module: str) -> str:
    path = ROOT.joinpath(*module.split("."))
    file = path.with_suffix(".py")
    return (file if file.is_file() else path / "__init__.py").read_text()


EDIT = ast.parse("'an edited line'.strip()").body[0]


def with_edited_bodies(module: str) -> str:
    """The module with another first statement in each of its functions and classes, and other constants."""
    tree = ast.parse(source(module))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body.insert(0, EDIT)
        elif isinstance(node, ast.ClassDef):
            node.body.insert(0, ast.parse("_edited = 'line'").body[0])
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node in tree.body and node.value is not None:
            node.value = ast.parse(f"('an edited line', {ast.unparse(node.value)})[1]", mode="eval").body
    return ast.unparse(tree)


def parts(name: str) -> set[str]:
    """The assets of one model from its training on to what a server answers from."""
    report = {"command_predictor": "command", "intent_classifier": "intent", "policy": "policy"}[name]
    return {
        *(f"models/{name}", f"exports/{name}_onnx", f"reports/{report}_evaluation", f"reports/{name}_scores"),
        *(f"releases/{name}_gate", f"releases/{name}", f"serving/{name}_deployment"),
    }


@pytest.mark.parametrize(
    ("module", "function", "stale", "fresh"),
    [
        ("ccml.models.policy.features", "policy_matrix", {"datasets/episodes"}, {"models/intent_classifier"}),
        ("ccml.models.policy.acting", "served_distribution", {"models/policy"}, {"models/command_predictor"}),
        (
            "ccml.models.policy.off_policy",
            "doubly_robust_scores",
            {"reports/policy_evaluation", "reports/policy_scores"},
            {"reports/intent_evaluation", "models/intent_classifier", "releases/policy_gate"},
        ),
        ("ccml.features.context", "state_matrix", {"features/state_vectors"}, {"raw/errors", "models/policy"}),
        ("ccml.export.onnx", "export_graph", {"exports/policy_onnx"}, {"models/policy", "reports/policy_evaluation"}),
        ("ccml.releases.gate", "decide", {"releases/policy_gate"}, {"releases/policy", "models/policy"}),
        ("ccml.releases.store", "publish", {"releases/policy"}, {"releases/policy_gate", "models/policy"}),
        ("ccml.privacy.shell_secrets", "shell_secrets", {"landing/files"}, {"datasets/splits", "models/policy"}),
        ("ccml.monitoring.alerts", "serving_alerts", {"monitoring/alerts"}, {"monitoring/drift_report"}),
        ("ccml.models.intent.module", "model_inputs", {"exports/intent_classifier_onnx"}, {"exports/policy_onnx"}),
    ],
)
def test_an_edited_function_makes_stale_what_it_makes(
    module: str, function: str, stale: set[str], fresh: set[str]
) -> None:
    tree = ast.parse(source(module))
    (found,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function]
    found.body.insert(0, EDIT)
    moved = stale_after({module: ast.unparse(tree)})
    assert stale <= moved
    assert not fresh & moved


@pytest.mark.parametrize(
    "module",
    [pytest.param(name, marks=[] if place % 12 == 0 else pytest.mark.slow) for place, name in enumerate(MODULES)],
)
def test_an_edit_of_a_whole_module_makes_stale_exactly_the_assets_that_reach_into_it(module: str) -> None:
    reaching = {
        key.to_user_string()
        for one in assets
        if {found.name for found in code_of(one).definitions if found.module == module} - {""}
        for key in one.keys
    }
    assert stale_after({module: with_edited_bodies(module)}) == reaching


@pytest.mark.parametrize("name", ["command_predictor", "intent_classifier", "policy"])
def test_an_edit_of_one_models_folder_leaves_the_other_models_as_they_are(name: str) -> None:
    folder = {"command_predictor": "command", "intent_classifier": "intent", "policy": "policy"}[name]
    own = [module for module in MODULES if module.startswith(f"ccml.models.{folder}.")]
    found = stale_after({module: with_edited_bodies(module) for module in own})
    others = {"command_predictor", "intent_classifier", "policy"} - {name}
    assert not found & set.union(*(parts(other) for other in others))
    assert f"models/{name}" in found


def test_an_asset_is_of_the_model_that_its_factory_was_given_whatever_it_is_called() -> None:
    line = ModelLine(replace(INTENT, name="policy_of_intents"))
    modules = {one.module for one in code_of(model_asset(line)).definitions}
    assert "ccml.models.intent.training" in modules
    assert "ccml.models.policy.training" not in modules


def test_comments_docstrings_and_layout_make_nothing_stale() -> None:
    edited = {}
    for module in MODULES:
        tree = ast.parse(source(module))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                bare = node.body[1:] if ast.get_docstring(node) is not None else node.body
                node.body = [ast.parse("'Another docstring.'").body[0], *(bare or [ast.Pass()])]
        edited[module] = "# another comment\n\n\n" + ast.unparse(tree)
    assert stale_after(edited) == set()


@pytest.mark.parametrize(
    ("section", "stale", "fresh"),
    [
        ("gate", {"releases/policy_gate"}, {"models/policy", "datasets/splits"}),
        ("policy", {"models/policy"}, {"models/intent_classifier", "models/command_predictor"}),
        ("intent", {"models/intent_classifier"}, {"models/command_predictor", "models/policy"}),
        ("split", {"datasets/splits"}, {"raw/errors", "clean/interactions"}),
        ("simulation", set(), {"landing/files", "datasets/splits", "models/policy"}),
    ],
)
def test_a_setting_makes_stale_what_reads_its_section(section: str, stale: set[str], fresh: set[str]) -> None:
    values = getattr(SMOKE, section)
    first = next(one.name for one in fields(values) if isinstance(getattr(values, one.name), int | float))
    other = replace(SMOKE, **{section: replace(values, **{first: getattr(values, first) * 2 + 1})})
    found = {
        key.to_user_string()
        for one in assets
        if code_version(one, SMOKE) != code_version(one, other)
        for key in one.keys
    }
    assert stale <= found
    assert not fresh & found


@contextmanager
def traced(asset: dg.AssetsDefinition) -> Iterator[set[CodeType]]:
    """The functions that are called while the asset's own function is at work: not its checks, not what stores it."""
    own = asset.op.compute_fn.decorated_fn.__code__  # type: ignore[union-attr]
    called: set[CodeType] = set()
    at_work = 0

    def note(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal at_work
        if frame.f_code is own:
            at_work += {"call": 1, "return": -1}.get(event, 0)
        if at_work and event == "call":
            called.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(before)


def called_definitions(called: set[CodeType]) -> set[Definition]:
    """The function or method at the top of its module that each called one stands in."""
    found = set()
    for code in called:
        path = Path(code.co_filename)
        is_class_body = not code.co_flags & inspect.CO_OPTIMIZED
        if is_class_body or ROOT not in path.parents or path.relative_to(ROOT).parts[0] not in PACKAGES:
            continue
        name = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
        module = PROJECT.module(name)
        assert module is not None
        outer, _, inner = code.co_qualname.partition(".")
        method = inner.split(".")[0]
        stands_for_itself = method in module.methods.get(outer, {})
        if outer in module.definitions:
            found.add(Definition(name, f"{outer}.{method}" if stands_for_itself else outer))
    return found


PREPARED = (
    "raw/interactions",
    "raw/errors",
    "raw/executions",
    "raw/feedback",
    "raw/system_states",
    "clean/interactions",
)
FEATURES = ("state_vectors", "temporal_features", "outcome_features", "user_context", "text_embeddings")
DATA = ("landing/files", *PREPARED, *(f"features/{name}" for name in FEATURES), "datasets/splits")
LEARNT = (
    *("datasets/context", "datasets/episodes", "datasets/labelled_requests", "models/policy", "exports/policy_onnx"),
    *("reports/policy_evaluation", "releases/policy_gate"),
)

SETTINGS = {Definition("ccml.home", "Home.settings")} | {
    one for module in ("ccml.profiles", "ccml.settings") for one in definitions_of(PROJECT, module)
}
"""What they choose enters the version by value."""


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Six simulated days, not landed yet."""
    for module in MODULES:
        import_module(module)  # a table that is built while a module loads is no call of the asset that loads it
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CCML_PROFILE", "smoke")
        platform = Platform(Home(tmp_path_factory.mktemp("traced") / "ccml"))
        settings = SimulationSettings(users=12, days=6, interactions=900)
        simulate(settings, platform.home.landing, platform.home.truth, end=LAST_DAY)
        yield platform
        platform.instance.dispose()


@pytest.fixture(scope="module")
def called_for_data(month: Platform) -> dict[str, set[Definition]]:
    return {name: calls_of(month, name) for name in DATA}


@pytest.fixture(scope="module")
def called_for_models(month: Platform, called_for_data: dict[str, set[Definition]]) -> dict[str, set[Definition]]:
    return {name: calls_of(month, name) for name in LEARNT}


def calls_of(platform: Platform, name: str) -> set[Definition]:
    """What the materialization of the asset calls."""
    job = {"landing": "ingest", "datasets": "learn"}.get(name.split("/")[0], "prepare" if name in DATA else "learn")
    days = ((LAST_DAY - timedelta(days=5)).isoformat(), LAST_DAY.isoformat()) if job == "prepare" else None
    with traced(named(name)) as functions:
        result = platform.run(job, assets=[*named(name).keys], days=days)
    assert named(name).keys <= made_by(result)
    return called_definitions(functions)


@pytest.mark.parametrize("name", DATA)
def test_whatever_making_data_calls_is_code_of_its_version(
    name: str, called_for_data: dict[str, set[Definition]]
) -> None:
    assert sorted(called_for_data[name] - code_of(named(name)).definitions - SETTINGS) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNT)
def test_whatever_making_a_model_calls_is_code_of_its_version(
    name: str, called_for_models: dict[str, set[Definition]]
) -> None:
    assert sorted(called_for_models[name] - code_of(named(name)).definitions - SETTINGS) == []


def test_the_definitions_of_a_module_are_those_that_stand_in_it() -> None:
    project = Edited({"ccml.example": "import os\nA = 1\ndef f(): ...\nclass C:\n    def m(self): ...\n"})
    assert [one.name for one in definitions_of(project, "ccml.example")] == ["A", "f", "C", "C.m"]
