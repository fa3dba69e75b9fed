"""From a verified release to something that answers: graph, tokenizer, transforms and label map, checked to fit.

Everything is built from bytes whose digests the reader has checked. Before a model may answer it has run its golden
inputs on this machine; a release that fails any step is refused with one word that names the step.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ccml.errors import IntegrityError
from ccml.models.kinds import KINDS, Input
from ccml.releases.golden import Golden
from ccml.releases.reader import ModelFiles
from ccml.serving.interrupt import Interrupt
from ccml.serving.loading.breaker import CircuitBreaker

if TYPE_CHECKING:
    from ccml.serving.metrics import Meter

SERVED_FILES: Final = frozenset(
    {
        "config.json",
        "tokenizer.json",
        "labels.json",
        "transforms.json",
        "calibration.json",
        "defaults.json",
        "golden.json",
    }
)
"""What a server keeps of a release beside the graph; the training weights are hashed and left on the disk."""

_ONNX_TYPES: Final = {"int64": "tensor(int64)", "float32": "tensor(float)"}


class ReleaseRefusedError(IntegrityError):
    """`reason` is one of a few fixed words; it labels a metric."""

    def __init__(self, reason: str, problem: str) -> None:
        super().__init__(problem)
        self.reason = reason


@contextmanager
def step(reason: str, release: ModelFiles) -> Iterator[None]:
    """Whatever goes wrong inside refuses the release for this reason."""
    try:
        yield
    except ReleaseRefusedError:
        raise
    except Exception as error:
        raise ReleaseRefusedError(reason, f"{release.path}: {reason}: {error}") from error


@dataclass(frozen=True)
class Graph:
    """A loaded ONNX graph with the one output `logits`."""

    release_name: str
    session: Any
    sha256: str
    meter: Meter

    def logits(self, feeds: Mapping[str, NDArray[Any]], interrupt: Interrupt | None = None) -> NDArray[np.float64]:
        """(N, V)."""
        started = time.perf_counter()
        options = interrupt.run_options if interrupt is not None else None
        (values,) = self.session.run(["logits"], dict(feeds), options)
        self.meter.inference_seconds.labels(self.release_name).observe(time.perf_counter() - started)
        logits: NDArray[np.float64] = np.asarray(values, np.float64)
        return logits


@dataclass(frozen=True)
class Opened:
    """The parts that every kind of model has."""

    release: ModelFiles
    graph: Graph
    labels: list[str]
    temperature: float
    transforms: dict[str, Any]
    calibration: dict[str, Any]
    defaults: dict[str, Any]
    breaker: CircuitBreaker
    """Of this version; a new one starts without failures."""

    @property
    def version(self) -> str:
        return self.release.version


def open_release(release: ModelFiles, threads: int, meter: Meter) -> Opened:
    """
    Raises:
        ReleaseRefusedError: names the step that failed.
    """
    with step("transforms", release):
        labels = [str(label) for label in release.json("labels.json")["labels"]]
        if not labels or len(set(labels)) != len(labels):
            raise IntegrityError("labels.json repeats a label or has none")
        calibration = release.json("calibration.json")
        temperature = float(calibration.get("temperature", 1.0))
        if not 0.0 < temperature < 1e6:
            raise IntegrityError(f"calibration.json has temperature {temperature}")
        transforms, defaults = release.json("transforms.json"), release.json("defaults.json")
    with step("graph", release):
        graph = Graph(release.name, _session(release.graph, threads), hashlib.sha256(release.graph).hexdigest(), meter)
    with step("interface", release):
        _check_interface(graph.session, KINDS[release.name].inputs, len(labels))
    with step("golden", release):
        Golden.from_json(release.files["golden.json"]).check(graph.logits)
    # The session holds the weights; the file they came from has no further use.
    kept = {name: data for name, data in release.files.items() if name in SERVED_FILES}
    return Opened(
        replace(release, files=kept), graph, labels, temperature, transforms, calibration, defaults, CircuitBreaker()
    )


def _session(graph: bytes, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A thread that spins while it waits takes the core from the event loop and from everybody else on the machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # The arena keeps the memory of the largest batch ever seen; shapes differ from batch to batch here.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    # It keeps the whole file, only to start again on another provider: 90 MB of a MiniLM graph for nothing.
    session._model_bytes = None
    return session


def _check_interface(session: Any, inputs: Mapping[str, Input], classes: int) -> None:
    found = {entry.name: entry.type for entry in session.get_inputs()}
    expected = {name: _ONNX_TYPES[one.dtype] for name, one in inputs.items()}
    if found != expected:
        raise IntegrityError(f"the graph takes {found}, expected {expected}")
    outputs = session.get_outputs()
    if [entry.name for entry in outputs] != ["logits"] or outputs[0].type != _ONNX_TYPES["float32"]:
        raise IntegrityError("the graph must have the one float output 'logits'")
    width = outputs[0].shape[-1]
    if isinstance(width, int) and width != classes:
        raise IntegrityError(f"the graph has {width} logits, labels.json {classes} labels")


class SharedTokenizer:
    """A tokenizer of 30,000 pieces takes 15 MB; models that came from the same encoder share one."""

    _loaded: ClassVar[WeakValueDictionary[str, SharedTokenizer]] = WeakValueDictionary()

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    @classmethod
    def of(cls, raw: bytes) -> SharedTokenizer:
        digest = hashlib.sha256(raw).hexdigest()
        shared = cls._loaded.get(digest)
        if shared is None:
            shared = cls(Tokenizer.from_str(raw.decode("utf-8")))
            cls._loaded[digest] = shared
        return shared

    def feeds(self, texts: Sequence[str]) -> dict[str, NDArray[np.int64]]:
        """`input_ids`, `attention_mask` (N, T), padded to the longest; cut and padded as the file says."""
        # Not `features.tokens.tokenize`, which does the same: its module goes on to torch, which a server never loads.
        encodings = self._tokenizer.encode_batch(list(texts))
        return {
            "input_ids": np.array([encoding.ids for encoding in encodings], dtype=np.int64),
            "attention_mask": np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64),
        }


def shares_of(opened: Opened) -> NDArray[np.float64]:
    """(V,) relative frequencies of the labels in training."""
    frequencies = opened.defaults["frequencies"]
    counts = np.array([float(frequencies[label]) for label in opened.labels], np.float64)
    if not np.isfinite(counts).all() or counts.min() < 0 or counts.sum() <= 0:
        raise IntegrityError("defaults.json: frequencies must be non-negative and not all zero")
    shares: NDArray[np.float64] = counts / counts.sum()
    return shares
