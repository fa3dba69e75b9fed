"""A torch model as one ONNX file that runs with any batch size and any request length, and its int8 form.

A file is handed on as bytes. It carries no external data, which a runtime would follow by path, and no trace of the
machine it was made on: the exporter records a stack trace with source paths at every node.
"""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ccml.errors import InputError, IntegrityError
from ccml.models.kinds import KINDS
from ccml.releases.manifest import GraphInput

Arrays = Mapping[str, NDArray[Any]]

OPSET: Final = 18
OUTPUT: Final = "logits"


def export_graph(model: str, module: Any, example: Arrays) -> bytes:
    """Traces the module on the example rows and returns the ONNX file.

    Args:
        model: its name in `KINDS`.
        module: a torch module whose `forward` takes the kind's inputs in their order and returns logits (B, V).
        example: real input rows by name, at least two: a size of one would be traced as a constant.

    Raises:
        InputError: other inputs than the model's, or too few rows.
        IntegrityError: the graph cannot take other sizes than the traced ones.
    """
    import torch

    axes = {name: dict(one.axes) for name, one in KINDS[model].inputs.items()}
    if list(example) != list(axes):
        raise InputError(f"{model} takes {', '.join(axes)}; the example has {', '.join(example)}.")
    if min(len(array) for array in example.values()) < 2:
        raise InputError(f"Exporting {model} needs at least two example rows.")
    rows = {name: array[:2] for name, array in example.items()}
    arguments = tuple(torch.from_numpy(np.ascontiguousarray(array)) for array in rows.values())
    try:
        with _silence(), _eager_attention(module):
            program = torch.onnx.export(
                module.eval(),
                arguments,
                dynamo=True,
                input_names=list(axes),
                output_names=[OUTPUT],
                dynamic_shapes=tuple(axes.values()),
                opset_version=OPSET,
                external_data=False,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        cause = " ".join(str(error.__cause__ or error).split())
        raise IntegrityError(f"{model} cannot be exported for every batch size and length: {cause}") from error
    graph = _without_traces(program.model_proto)
    _check_axes(graph, axes)
    content: bytes = graph.SerializeToString()
    return content


def quantise(graph: bytes) -> bytes:
    """Weights as int8, one scale per output channel; activations are quantised while running.

    Scales of activations are taken over the whole batch, so an answer depends a little on what shares its batch.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder, _silence():
        source, target = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(graph)
        quantize_dynamic(source, target, per_channel=True, weight_type=QuantType.QInt8)
        model = onnx.load(target, load_external_data=False)
    content: bytes = _without_traces(model).SerializeToString()
    return content


def graph_inputs(graph: bytes) -> list[GraphInput]:
    """What the graph has to be fed, for the manifest; `None` where each call chooses the size."""
    import onnx

    proto = onnx.load_from_string(graph).graph
    return [
        GraphInput(
            one.name,
            str(onnx.helper.tensor_dtype_to_np_dtype(one.type.tensor_type.elem_type)),
            [size.dim_value if size.HasField("dim_value") else None for size in one.type.tensor_type.shape.dim],
        )
        for one in proto.input
    ]


def _without_traces(model: Any) -> Any:
    """Removes the names of source files.

    Raises:
        IntegrityError: a weight lies outside the file.
    """
    graph = model.graph
    outside = [tensor.name for tensor in graph.initializer if tensor.external_data]
    if outside:
        raise IntegrityError(f"The exported graph keeps {outside[0]} outside its file.")
    for owner in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *model.functions):
        if hasattr(owner, "metadata_props"):
            owner.ClearField("metadata_props")
        if hasattr(owner, "doc_string"):
            owner.ClearField("doc_string")
    for function in model.functions:
        for node in function.node:
            node.ClearField("metadata_props")
            node.ClearField("doc_string")
    return model


def _check_axes(model: Any, axes: Mapping[str, Mapping[int, str]]) -> None:
    for one in model.graph.input:
        for axis, name in axes[one.name].items():
            size = one.type.tensor_type.shape.dim[axis]
            if size.HasField("dim_value"):
                raise IntegrityError(f"The exported graph fixes the {name} axis of {one.name} at {size.dim_value}.")


@contextlib.contextmanager
def _eager_attention(module: Any) -> Iterator[None]:
    """The encoder's fused attention cannot be exported with a dynamic number of tokens."""
    encoder = getattr(module, "encoder", None)
    if encoder is None:
        yield
        return
    fused = encoder.config._attn_implementation
    encoder.set_attn_implementation("eager")
    try:
        yield
    finally:
        encoder.set_attn_implementation(fused)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """The exporter and the quantiser print pages about what they try; an error still leaves as an exception."""
    loggers = [logging.getLogger(name) for name in ("torch", "torch.onnx", "onnxscript", "onnx_ir", "")]
    levels = [logger.level for logger in loggers]
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(action="ignore"),
    ):
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
