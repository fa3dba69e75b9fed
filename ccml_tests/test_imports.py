"""What a package loads when it is imported: the light ones load nothing of the training stack."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

TRAINING = frozenset(
    {
        "torch",
        "transformers",
        "pandas",
        "pyarrow",
        "deltalake",
        "dagster",
        "mlflow",
        "sklearn",
        "scipy",
        "optuna",
        "onnx",
    }
)

LIGHT = (
    "ccml.quiet",
    "ccml.errors",
    "ccml.home",
    "ccml.profiles",
    "ccml.telemetry.events",
    "ccml.telemetry.decode",
    "ccml.commands.parse",
    "ccml.commands.risk",
    "ccml.privacy.redaction",
    "ccml.privacy.pseudonyms",
    "ccml.features.context",
    "ccml.features.history",
    "ccml.models.policy.features",
    "ccml.models.policy.acting",
    "ccml.intents.rules",
    "ccml.releases.reader",
    "ccml_cli.main",
    "ccml_cli.serving",
)


@cache
def loaded_by(*modules: str) -> frozenset[str]:
    """Top-level packages in a new process after these imports."""
    code = f"import {', '.join(modules)}, sys, json; print(json.dumps([name.split('.')[0] for name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return frozenset(json.loads(done.stdout))


@pytest.mark.parametrize("package", sorted(TRAINING))
def test_light_modules_load_nothing_of_the_training_stack(package: str) -> None:
    assert package not in loaded_by(*LIGHT), f"find out who with: python -X importtime -c 'import {', '.join(LIGHT)}'"


def test_a_heavy_import_would_be_noticed() -> None:
    assert "pyarrow" in loaded_by("pyarrow")


@pytest.mark.parametrize("package", ["torch", "transformers", "mlflow", "sklearn", "evidently", "great_expectations"])
def test_models_reports_and_the_run_load_heavy_packages_only_when_they_work(package: str) -> None:
    light_until_used = (
        *("ccml_cli.run", "ccml_cli.running", "ccml_cli.ingest", "ccml_cli.doctor", "ccml_assets.summary"),
        *("ccml.telemetry.landing", "ccml.expectations.validation", "ccml.cleaning.join", "ccml.datasets.splits"),
        *("ccml.models.artifact", "ccml.models.baselines", "ccml.evaluation.report"),
        *("ccml.export.onnx", "ccml.releases.gate", "ccml.monitoring.drift"),
    )
    assert package not in loaded_by(*light_until_used)


def test_each_module_of_the_project_that_something_imports_exists() -> None:
    """A slow script that nothing else imports was broken for hours by a module that had moved."""
    missing = []
    for file in sorted(path for part in ("ccml*", "benchmarks") for path in ROOT.glob(f"{part}/**/*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            modules = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for module in modules:
                place = ROOT / module.replace(".", "/")
                is_own = module.split(".")[0].startswith("ccml")
                if is_own and not place.with_suffix(".py").exists() and not place.is_dir():
                    missing.append(f"{file.relative_to(ROOT)}: {module}")
    assert missing == []
