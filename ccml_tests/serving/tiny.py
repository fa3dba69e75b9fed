"""Real releases small enough to make in milliseconds: hand-set ONNX graphs, published through the store.

Each word of a request adds fixed amounts to the logits, so a test knows what is answered. Three words bring trouble
that only shows while serving: `nan` has a weight that is not a number, `boom` an index outside of the table, and `slow`
keeps the graph multiplying matrices for a long time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx  # noqa: TID253  # builds the graphs of every test here
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper  # noqa: TID253
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from ccml.features.context import ContextTransform
from ccml.features.history import HistoryVocabulary
from ccml.models.artifact import save_candidate
from ccml.models.policy.features import PolicyTransform
from ccml.releases.golden import Golden
from ccml.releases.manifest import GateSummary, GraphInput, Lineage, ReleaseFacts, Serving
from ccml.releases.store import promote, publish
from ccml.telemetry.events import ACTIONS

HISTORY = 4
COMMANDS = {
    "ls -la": "ls -la",
    "df -h": "df -h",
    "git status": "git status",
    "rm -rf <path>": "rm -rf build",
    "curl <url> | sh": "curl http://example.com/install.sh | sh",
}
INTENTS = ("inspect_file", "disk_usage", "version_control", "delete")
WORDS = ("list", "files", "disk", "space", "git", "status", "wipe", "install", "smash", "frob", "nan", "slow", "boom")
_SPEAKS_FOR = (("list", "files"), ("disk", "space"), ("git", "status"), ("wipe", "smash"), ("install", "frob"))
MEANING = {word: place for place, words in enumerate(_SPEAKS_FOR) for word in words}
"""Word → which command it speaks for. No rule knows the words `smash` and `frob`."""
SLOW_STEPS = 1_000_000
"""Matrix products of the word `slow`; far longer than any deadline."""


@dataclass(frozen=True)
class TinyGraph:
    """What a release is made from; a test changes what it wants to see refused or distinguished."""

    strength: float = 6.0
    """Logit that each word adds to its command."""
    bias: Sequence[float] = (3.0, 1.0, 0.0, 0.0, -1.0)
    """Logits of the policy, whatever the features."""
    version_mark: float = 0.0
    """Only makes two candidates different."""
    exploration: float = 0.1
    filler: int = 0
    """Unused float32 weights, to give the graph a size."""
    golden_shift: float = 0.0
    graph: bytes | None = None
    """Shipped instead of the one that was built."""
    output: str = "logits"
    transforms: Mapping[str, Any] = field(default_factory=dict)


def release(models: Path, name: str, tiny: TinyGraph = TinyGraph(), *, champion: bool = True) -> str:
    """Publishes and returns the version."""
    graph, example, labels, extra = _BUILDERS[name](tiny)
    golden = _golden(graph, example, tiny)
    folder = models.parent / "candidates" / f"{name}-{tiny.version_mark}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    save_candidate(
        folder,
        config={"model": name, "exploration": tiny.exploration},
        tensors={"mark": np.array([tiny.version_mark], np.float32)},
        tokenizer_json=None if name == "policy" else _tokenizer(),
        labels=labels,
        transforms={**extra, **tiny.transforms},
        calibration={"temperature": 1.0, "oos_threshold": -0.5},
        defaults={
            "frequencies": {label: len(labels) - place for place, label in enumerate(labels)},
            "exemplars": COMMANDS,
        },
        metrics={},
        training={},
    )
    inputs = [GraphInput(key, str(array.dtype), [None, None]) for key, array in example.items()]
    facts = ReleaseFacts(
        metrics={},
        training_data_hash="d1",
        hyper_parameters={},
        lineage=Lineage(None, None, "c0de"),
        gate=GateSummary("better", []),
        serving=Serving("model.onnx", "the only one", inputs),
    )
    files = {"model.onnx": tiny.graph if tiny.graph is not None else graph, "parity.json": b"[]", "golden.json": golden}
    published = publish(folder, models, name, exported=files, facts=facts)
    if champion:
        _make_champion(models, name, published.version)
    return published.version


def build_graph(name: str, tiny: TinyGraph) -> bytes:
    return _BUILDERS[name](tiny)[0]


def release_all(models: Path) -> None:
    for name in ("command_predictor", "intent_classifier", "policy"):
        release(models, name)


def _make_champion(models: Path, name: str, version: str) -> None:
    from ccml.releases.reader import read_pointer

    current = read_pointer(models, name, "champion")
    promote(models, name, version, expected=current.version if current else None, reason="a test says so")


def _tokenizer() -> str:
    vocabulary = {"[PAD]": 0, "[UNK]": 1, **{word: place for place, word in enumerate(WORDS, start=2)}}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")
    tokenizer.enable_truncation(16)
    return str(tokenizer.to_str())


def _token(word: str) -> int:
    return WORDS.index(word) + 2


def _word_weights(classes: int, strength: float) -> NDArray[np.float32]:
    """(tokens, V). `boom` comes last and has no row."""
    weights = np.zeros((len(WORDS) + 1, classes), np.float32)
    for word, place in MEANING.items():
        weights[_token(word), min(place, classes - 1)] = strength
    weights[_token("nan")] = np.nan
    return weights


def _command(tiny: TinyGraph) -> tuple[bytes, dict[str, NDArray[Any]], list[str], dict[str, Any]]:
    labels = list(COMMANDS)
    fields = len(ContextTransform.FIELDS)
    context = ContextTransform(np.zeros(fields, np.float32), np.ones(fields, np.float32), np.ones(fields, np.bool_))
    vocabulary = HistoryVocabulary.fit([(label, label.split()[0]) for label in labels], 1)
    past = np.zeros((len(vocabulary), len(labels)), np.float32)
    example = {
        **_text_example(),
        "history_ids": np.zeros((2, HISTORY), np.int64),
        "history_outcomes": np.zeros((2, HISTORY), np.int64),
        "context": np.zeros((2, context.width), np.float32),
    }
    nodes, weights = _text_nodes(len(labels), tiny)
    nodes += [
        helper.make_node("Gather", ["past", "history_ids"], ["past_rows"], axis=0),  # (B, K, V)
        helper.make_node("ReduceSum", ["past_rows", "axis1"], ["from_past"], keepdims=0),  # (B, V)
        helper.make_node("Cast", ["history_outcomes"], ["outcomes"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["outcomes", "axis1"], ["failures"], keepdims=1),  # (B, 1)
        helper.make_node("ReduceSum", ["context", "axis1"], ["situation"], keepdims=1),  # (B, 1)
        helper.make_node("Mul", ["failures", "nothing"], ["no_failures"]),
        helper.make_node("Mul", ["situation", "nothing"], ["no_situation"]),
        helper.make_node("Add", ["from_words", "from_past"], ["a"]),
        helper.make_node("Add", ["a", "no_failures"], ["b"]),
        helper.make_node("Add", ["b", "no_situation"], [tiny.output]),
    ]
    weights |= {"past": past}
    transforms = {"history": vocabulary.to_json(), "context": context.to_json(), "history_length": HISTORY}
    return _model(nodes, weights, example, len(labels), tiny), example, labels, transforms


def _intent(tiny: TinyGraph) -> tuple[bytes, dict[str, NDArray[Any]], list[str], dict[str, Any]]:
    nodes, weights = _text_nodes(len(INTENTS), tiny)
    nodes.append(helper.make_node("Identity", ["from_words"], [tiny.output]))
    example = _text_example()
    return _model(nodes, weights, example, len(INTENTS), tiny), example, list(INTENTS), {}


def _policy(tiny: TinyGraph) -> tuple[bytes, dict[str, NDArray[Any]], list[str], dict[str, Any]]:
    fields = len(PolicyTransform.FIELDS)
    transform = PolicyTransform(np.zeros(fields, np.float32), np.ones(fields, np.float32), np.ones(fields, np.bool_))
    example = {"features": np.zeros((2, transform.width), np.float32)}
    weights = {
        "even": np.zeros((transform.width, len(ACTIONS)), np.float32),
        "bias": np.asarray(tiny.bias, np.float32),
    }
    nodes = [helper.make_node("Gemm", ["features", "even", "bias"], [tiny.output])]
    return _model(nodes, weights, example, len(ACTIONS), tiny), example, list(ACTIONS), {"policy": transform.to_json()}


def _text_example() -> dict[str, NDArray[Any]]:
    return {
        "input_ids": np.array([[_token("list"), _token("files")], [_token("disk"), 0]], np.int64),
        "attention_mask": np.array([[1, 1], [1, 0]], np.int64),
    }


def _text_nodes(classes: int, tiny: TinyGraph) -> tuple[list[Any], dict[str, NDArray[Any]]]:
    """`from_words` (B, V): the sum of the words' rows, after `slow` has had its time."""
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["carried_in", "square"], ["carried_out"]),
            helper.make_node("Identity", ["go_on"], ["still"]),
        ],
        "turns",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("carried_in", TensorProto.FLOAT, [128, 128]),
        ],
        [
            helper.make_tensor_value_info("still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("carried_out", TensorProto.FLOAT, [128, 128]),
        ],
    )
    nodes = [
        helper.make_node("Gather", ["words", "input_ids"], ["rows"], axis=0),  # (B, T, V)
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "axis2"], ["mask3"]),  # (B, T, 1)
        helper.make_node("Mul", ["rows", "mask3"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "axis1"], ["words_sum"], keepdims=0),  # (B, V)
        helper.make_node("Equal", ["input_ids", "slow_token"], ["is_slow"]),
        helper.make_node("Cast", ["is_slow"], ["slow_float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["slow_float"], ["any_slow"], keepdims=0),
        helper.make_node("Mul", ["any_slow", "slow_steps"], ["steps_float"]),
        helper.make_node("Cast", ["steps_float"], ["steps"], to=TensorProto.INT64),
        helper.make_node("Loop", ["steps", "", "square"], ["worked"], body=body),
        helper.make_node("ReduceMax", ["worked"], ["peak"], keepdims=0),
        helper.make_node("Mul", ["peak", "nothing"], ["no_peak"]),
        helper.make_node("Add", ["words_sum", "no_peak"], ["from_words"]),
    ]
    weights = {
        "words": _word_weights(classes, tiny.strength),
        "slow_token": np.array(_token("slow"), np.int64),
        "slow_steps": np.array(float(SLOW_STEPS), np.float32),
        "square": np.eye(128, dtype=np.float32),
        "axis1": np.array([1], np.int64),
        "axis2": np.array([2], np.int64),
        "nothing": np.array(0.0, np.float32),
    }
    return nodes, weights


def _model(
    nodes: list[Any],
    weights: Mapping[str, NDArray[Any]],
    example: Mapping[str, NDArray[Any]],
    classes: int,
    tiny: TinyGraph,
) -> bytes:
    if tiny.filler:
        weights = {**weights, "filler": np.random.default_rng(0).random(tiny.filler, np.float32)}
        first = helper.make_node("ReduceMax", ["filler"], ["filled"], keepdims=0)
        last = nodes[-1].output[0]
        nodes[-1].output[0] = "unfilled"
        zero = np.array(0.0, np.float32)
        weights = {**weights, "no_filler": zero}
        nodes = [
            first,
            *nodes,
            helper.make_node("Mul", ["filled", "no_filler"], ["none"]),
            helper.make_node("Add", ["unfilled", "none"], [last]),
        ]
    types = {"int64": TensorProto.INT64, "float32": TensorProto.FLOAT}
    inputs = [
        helper.make_tensor_value_info(name, types[str(array.dtype)], ["batch", f"{name}_1"])
        for name, array in example.items()
    ]
    output = helper.make_tensor_value_info(tiny.output, TensorProto.FLOAT, ["batch", classes])
    initialisers = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, [output], initialisers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _golden(graph: bytes, example: dict[str, NDArray[Any]], tiny: TinyGraph) -> bytes:
    import onnxruntime

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])

    def run(feeds: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        logits = np.asarray(session.run(None, dict(feeds))[0])  # (N, V)
        logits[:, 0] += tiny.golden_shift
        return logits

    return Golden.record(run, example, 1.0, 1e-4).to_json()


_BUILDERS = {"command_predictor": _command, "intent_classifier": _intent, "policy": _policy}
