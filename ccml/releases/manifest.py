"""What a release says about itself, and the names and versions it may carry. Light: a server imports this.

A release is one flat folder, `models/<name>/<semver>/`. Its `manifest.json` lists every other file with size and
sha256; a pointer (`champion.json`, `previous.json`) carries the sha256 of the manifest. So one short file, replaced
atomically, fixes every byte that is served.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Literal, TypeAlias

import msgspec

from ccml.errors import InputError

MANIFEST = "manifest.json"
FORMAT = 1

CONFIG = "config.json"
LEARNED_FILES = (
    "weights.safetensors",
    "tokenizer.json",
    "labels.json",
    "transforms.json",
    "calibration.json",
    "defaults.json",
)
"""What was trained or fitted. Two candidates that agree in these and in their architecture are the same model,
whenever they were made; graphs are derived from them, and reports carry timings that differ from run to run."""

REPORT_FILES = ("metrics.json", "training.json")
EXPORTED_FILES = ("model.onnx", "model.int8.onnx", "parity.json", "golden.json")
DRIFT_REFERENCE = "drift_reference.json"
"""What monitoring compares served traffic with: counts over the data that the model was trained on. No server reads it,
and releases of earlier versions have none."""
RELEASE_FILES = frozenset((CONFIG, *LEARNED_FILES, *REPORT_FILES, *EXPORTED_FILES, DRIFT_REFERENCE))
REQUIRED_FILES = RELEASE_FILES - {"tokenizer.json", "model.int8.onnx", DRIFT_REFERENCE}
"""A model without text has no tokenizer; an int8 graph ships only if it agrees with torch."""

Change: TypeAlias = Literal["initial", "patch", "minor", "major"]
PointerName: TypeAlias = Literal["champion", "previous"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_VERSION = re.compile(r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})")


class FileEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sha256: str
    bytes: int


class Lineage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the release came from: enough to find the run and the code that made it."""

    dagster_run_id: str | None
    mlflow_run_id: str | None
    code_version: str


class GateSummary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    answer: str
    reasons: list[str]


class GraphInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One input of the served graph; `None` stands for a size that each call chooses."""

    name: str
    dtype: str
    shape: list[int | None]


class Serving(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which graph a server loads, why that one, and what it has to be fed."""

    model: Literal["model.onnx", "model.int8.onnx"]
    reason: str
    inputs: list[GraphInput]


class ReleaseFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What whoever publishes knows and the candidate's files do not say."""

    metrics: dict[str, Any]
    training_data_hash: str
    hyper_parameters: dict[str, Any]
    lineage: Lineage
    gate: GateSummary
    serving: Serving
    trained_until: str | None = None
    """Time of the newest row it was fitted on; UTC, ISO 8601."""
    data_until: str | None = None
    """Time of the newest row it was fitted, chosen or evaluated on. Later rows are new to it."""


class Manifest(ReleaseFacts, frozen=True, forbid_unknown_fields=True, kw_only=True):
    format: int
    name: str
    version: str
    created: str
    """UTC, ISO 8601."""
    change: Change
    parent: str | None
    """The newest version when this one was published."""
    architecture: str
    """sha256 of what `config.json` says of the network, see `architecture_hash`."""
    content_hash: str
    """sha256 over architecture and learned files; the same model published twice is found by it."""
    files: dict[str, FileEntry]


class Pointer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: str
    manifest_sha256: str
    since: str
    """UTC, ISO 8601: when the pointer was set to this version."""
    reason: str
    replaced: str | None = None
    """The champion before it; what `previous` falls back to after a roll-back."""


def checked_name(name: str) -> str:
    """Returns `name` if it can be a model's folder.

    Raises:
        InputError: it is not a short lower-case identifier, so it could leave the models folder.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot name a model; expected lower-case letters, digits and '_', at most 63.")
    return name


def version_key(version: str) -> tuple[int, int, int]:
    """Sort key of a semantic version without pre-release part.

    Raises:
        InputError: it is no such version.
    """
    match = _VERSION.fullmatch(version)
    if match is None:
        raise InputError(f"{version!r} is not a version; expected MAJOR.MINOR.PATCH such as 1.0.3.")
    major, minor, patch = (int(part) for part in match.groups())
    return major, minor, patch


def is_version(text: str) -> bool:
    return _VERSION.fullmatch(text) is not None


def next_version(newest: str | None, change: Change) -> str:
    """The version after `newest`. The first is 1.0.0, whatever changed."""
    if newest is None:
        return "1.0.0"
    major, minor, patch = version_key(newest)
    match change:
        case "major":
            return f"{major + 1}.0.0"
        case "minor":
            return f"{major}.{minor + 1}.0"
        case "patch":
            return f"{major}.{minor}.{patch + 1}"
        case "initial":
            raise InputError(f"{newest} exists, so the next release is not the initial one.")


def architecture_hash(config: bytes) -> str:
    """sha256 of `config.json` without the digests of the files beside it, which differ with every training.

    Raises:
        InputError: it is not a JSON object.
    """
    try:
        fields = msgspec.json.decode(config, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise InputError(f"{CONFIG} is not a JSON object: {error}.") from error
    fields.pop("files", None)
    return hashlib.sha256(msgspec.json.encode(fields, order="sorted")).hexdigest()


def content_hash(architecture: str, files: dict[str, FileEntry]) -> str:
    """sha256 over the architecture and the names and digests of the learned files, in the order they are declared."""
    digest = hashlib.sha256(f"{architecture}\n".encode())
    for name in LEARNED_FILES:
        if name in files:
            digest.update(f"{name} {files[name].sha256}\n".encode())
    return digest.hexdigest()


def change_between(parent: Manifest, architecture: str, files: dict[str, FileEntry], serving: Serving) -> Change:
    """How much a user of the release has to care.

    - major: the graph wants other inputs (names, types or fixed sizes), so a server that feeds the parent cannot
      feed this one;
    - minor: it answers with other labels (`labels.json`) or has another architecture;
    - patch: the same network trained again, on other data or with other hyper-parameters.
    """
    if parent.serving.inputs != serving.inputs:
        return "major"
    if parent.architecture != architecture or parent.files["labels.json"] != files["labels.json"]:
        return "minor"
    return "patch"
