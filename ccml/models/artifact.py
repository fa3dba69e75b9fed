"""A trained model on disk is one folder, and `load_candidate` is the only way back from it.

`config.json` carries the sha256 of every other file and is written last, so a folder that was cut short, edited, or put
together from two trainings is refused, with the name of the file that does not belong.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ccml import atomic
from ccml.errors import IntegrityError
from ccml.models.kinds import KINDS, ModelKind
from ccml.models.logits import softmax

FORMAT: Final = 1

CONFIG: Final = "config.json"
WEIGHTS: Final = "weights.safetensors"
TOKENIZER: Final = "tokenizer.json"
_JSON_PARTS: Final = ("transforms", "calibration", "defaults", "metrics", "training")

MOST_ANSWERED: Final = 4
"""Tables of logits kept in memory; each has a few MB."""
_ANSWERED: Final[OrderedDict[bytes, NDArray[np.float32]]] = OrderedDict()
"""Digests of weights and inputs → logits, the oldest first."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Candidate:
    """A trained model that has not passed the gate yet: everything needed to run it, and where it came from.

    `labels[i]` is the meaning of logit `i`; `calibration["temperature"]` divides the logits before the softmax.
    """

    config: Json
    tensors: Mapping[str, NDArray[Any]]
    tokenizer_json: str | None
    labels: list[str]
    transforms: Json
    calibration: Json
    defaults: Json
    metrics: Json
    training: Json
    directory: Path | None = None
    _built: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        return str(self.config["model"])

    @property
    def kind(self) -> ModelKind:
        return KINDS[self.name]

    @property
    def temperature(self) -> float:
        return float(self.calibration.get("temperature", 1.0))

    def module(self) -> Any:
        """The torch module in evaluation mode, built once.

        Raises:
            IntegrityError: the weights do not fit the architecture in `config.json`.
        """
        if "module" not in self._built:
            self._built["module"] = self.kind.build(self)
        return self._built["module"]

    def tokenizer(self) -> Any:
        """The `tokenizers.Tokenizer` of the model, read once: parsing 30,000 entries costs more than a prediction."""
        from tokenizers import Tokenizer

        if "tokenizer" not in self._built:
            assert self.tokenizer_json is not None, f"{self.name} reads no text"
            self._built["tokenizer"] = Tokenizer.from_str(self.tokenizer_json)
        return self._built["tokenizer"]

    def inputs(self, frame: Any) -> dict[str, NDArray[Any]]:
        """What the graph takes for these rows, by input name, padded to the longest row."""
        return self.kind.inputs_of(self, frame)

    def logits(self, frame: Any) -> NDArray[np.float32]:
        """(N, V), before the temperature. Not to be written to: the next caller with the same rows gets the same array.

        A run asks the same weights about the same test rows for the export and for the report, and the encoder is what
        both cost most.
        """
        inputs = self.inputs(frame)
        if "digest" not in self._built:
            # How many heads an attention has shows in no tensor's shape.
            sizes = json.dumps([self.config.get("encoder"), self.config.get("sizes")], sort_keys=True).encode()
            self._built["digest"] = _digest(self.tensors) + hashlib.sha256(sizes).digest()
        key = self._built["digest"] + _digest(inputs)
        if key not in _ANSWERED:
            logits = self.kind.run(self.module(), inputs)
            logits.flags.writeable = False
            _ANSWERED[key] = logits
            if len(_ANSWERED) > MOST_ANSWERED:
                _ANSWERED.popitem(last=False)
        return _ANSWERED[key]

    def probabilities(self, frame: Any) -> NDArray[np.float32]:
        """(N, V), calibrated; each row sums to one."""
        return softmax(self.logits(frame), self.temperature).astype(np.float32)

    def save(self, directory: Path) -> Path:
        return save_candidate(
            directory,
            config=self.config,
            tensors=self.tensors,
            tokenizer_json=self.tokenizer_json,
            labels=self.labels,
            transforms=self.transforms,
            calibration=self.calibration,
            defaults=self.defaults,
            metrics=self.metrics,
            training=self.training,
        )


def _digest(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    hashed = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        hashed.update(f"{name} {array.dtype} {array.shape} ".encode())
        hashed.update(np.ascontiguousarray(array).data)
    return hashed.digest()


def save_candidate(
    directory: Path,
    *,
    config: Json,
    tensors: Mapping[str, NDArray[Any]],
    tokenizer_json: str | None,
    labels: list[str],
    transforms: Json,
    calibration: Json,
    defaults: Json,
    metrics: Json,
    training: Json,
) -> Path:
    """Writes the folder beside its place and renames it there; an older folder of the same name is replaced whole.

    `config` must name its `model`; `format`, `classes` and `files` are filled in here.
    """
    from safetensors.numpy import save

    parts = {"transforms": transforms, "calibration": calibration, "defaults": defaults, "metrics": metrics}
    files = {f"{part}.json": _to_json(value) for part, value in parts.items()}
    files["training.json"] = _to_json(training)
    files["labels.json"] = _to_json({"labels": labels})
    files[WEIGHTS] = save({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()})
    if tokenizer_json is not None:
        files[TOKENIZER] = tokenizer_json.encode()
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    files[CONFIG] = _to_json({**config, "format": FORMAT, "classes": len(labels), "files": digests})

    with atomic.beside(directory, folder=True) as beside, atomic.beside(directory, folder=True) as replaced:
        for name, content in files.items():
            with (beside / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        if directory.exists():
            directory.rename(replaced)
        beside.rename(directory)
    return directory


def load_candidate(directory: Path) -> Candidate:
    """Reads a folder written by `save_candidate` and checks that its files belong together.

    Raises:
        IntegrityError: a file is missing, altered or of another training; the message names it.
    """
    from safetensors.numpy import load

    config = _read_json(directory / CONFIG)
    if config.get("format") != FORMAT:
        raise IntegrityError(f"{directory / CONFIG}: format {config.get('format')!r}; this version reads {FORMAT}.")
    if config.get("model") not in KINDS:
        raise IntegrityError(
            f"{directory / CONFIG}: unknown model {config.get('model')!r}; expected one of {', '.join(KINDS)}."
        )
    contents = {name: _verified(directory / name, digest) for name, digest in config["files"].items()}
    for name in (WEIGHTS, "labels.json", *(f"{part}.json" for part in _JSON_PARTS)):
        if name not in contents:
            raise IntegrityError(f"{directory / CONFIG}: lists no {name}; every model has one.")

    labels = json.loads(contents["labels.json"])["labels"]
    if len(labels) != config["classes"] or len(set(labels)) != len(labels):
        raise IntegrityError(
            f"{directory / 'labels.json'}: {len(labels)} labels, {len(set(labels))} distinct; "
            f"{CONFIG} says {config['classes']}."
        )
    json_parts = {part: json.loads(contents[f"{part}.json"]) for part in _JSON_PARTS}
    frequencies = json_parts["defaults"].get("frequencies")
    if frequencies is not None and set(frequencies) != set(labels):
        raise IntegrityError(f"{directory / 'defaults.json'}: its labels are not those of labels.json.")
    tokenizer_json = contents[TOKENIZER].decode() if TOKENIZER in contents else None
    if tokenizer_json is not None:
        _check_vocabulary(directory, tokenizer_json, config)
    return Candidate(
        config=config,
        tensors=load(contents[WEIGHTS]),
        tokenizer_json=tokenizer_json,
        labels=labels,
        directory=directory,
        **json_parts,
    )


def _check_vocabulary(directory: Path, tokenizer_json: str, config: Json) -> None:
    """A token id beyond the embedding table would end the process inside the runtime, far from its cause."""
    from tokenizers import Tokenizer

    tokens = Tokenizer.from_str(tokenizer_json).get_vocab_size()
    rows = config["encoder"]["vocab_size"]
    if tokens > rows:
        raise IntegrityError(f"{directory / TOKENIZER}: {tokens} tokens, but {CONFIG} has embeddings for {rows}.")


def _verified(path: Path, digest: str) -> bytes:
    if not path.is_file():
        raise IntegrityError(f"{path}: missing; {CONFIG} lists it. Train or copy the model again.")
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise IntegrityError(f"{path}: sha256 {found[:12]}…, but {CONFIG} says {digest[:12]}…; it was altered.")
    return content


def _read_json(path: Path) -> Json:
    if not path.is_file():
        raise IntegrityError(f"{path}: missing; this folder is not a trained model.")
    try:
        value = json.loads(path.read_bytes())
    except ValueError as error:
        raise IntegrityError(f"{path}: not JSON ({error}).") from None
    if not isinstance(value, dict):
        raise IntegrityError(f"{path}: expected a JSON object.")
    return value


def _to_json(value: Json) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False).encode()
