"""Exported graphs compute what torch computes, for sizes that were never traced, and carry nothing but the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch  # noqa: TID253  # the modules under test are built here
from numpy.typing import NDArray
from torch import Tensor, nn  # noqa: TID253
from transformers import BertConfig, BertModel  # noqa: TID253

from ccml.errors import CcmlError, InputError
from ccml.export.onnx import export_graph, graph_inputs, quantise
from ccml.export.parity import runner

LABELS, HISTORY, FIELDS = 7, 5, 6


class TinyPredictor(nn.Module):
    """The layers of the command predictor, in small: BERT → LSTM → multi-head attention → dense."""

    def __init__(self) -> None:
        super().__init__()
        config = BertConfig(
            vocab_size=60, hidden_size=32, num_hidden_layers=1, num_attention_heads=4, intermediate_size=64,
            max_position_embeddings=64, attn_implementation="eager",
        )  # fmt: skip
        self.encoder = BertModel(config, add_pooling_layer=False)
        self.history = nn.Embedding(20, 32, padding_idx=0)
        self.lstm = nn.LSTM(32, 32, batch_first=True)
        self.attention = nn.MultiheadAttention(32, 4, batch_first=True)
        self.dense = nn.Linear(64 + FIELDS, LABELS)
        nn.init.normal_(self.dense.weight)  # spread, so that a wrong graph shows in the probabilities

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, history_ids: Tensor, history_outcomes: Tensor, context: Tensor
    ) -> Tensor:
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state  # (B, T, 32)
        weights = attention_mask.unsqueeze(-1).to(states.dtype)
        request = (states * weights).sum(1) / weights.sum(1).clamp(min=1)  # (B, 32)
        past = self.history(history_ids) + history_outcomes.unsqueeze(-1).to(states.dtype)
        steps, _ = self.lstm(torch.cat([past, request.unsqueeze(1)], dim=1))  # (B, K+1, 32)
        padding = torch.cat([history_ids == 0, torch.zeros_like(history_ids[:, :1], dtype=torch.bool)], dim=1)
        last = steps[:, -1]
        attended, _ = self.attention(last.unsqueeze(1), steps, steps, key_padding_mask=padding, need_weights=False)
        return self.dense(torch.cat([attended.squeeze(1), last, context], dim=-1))  # (B, V)


def rows(count: int, tokens: int, seed: int = 0) -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, tokens + 1, count)
    lengths[0] = tokens
    mask = (np.arange(tokens) < lengths[:, None]).astype(np.int64)
    return {
        "input_ids": rng.integers(1, 60, (count, tokens)) * mask,
        "attention_mask": mask,
        "history_ids": rng.integers(0, 20, (count, HISTORY)),
        "history_outcomes": rng.integers(0, 3, (count, HISTORY)),
        "context": rng.normal(size=(count, FIELDS)).astype(np.float32),
    }


def torch_logits(module: nn.Module, inputs: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
    with torch.inference_mode():
        logits: NDArray[np.float32] = module(*(torch.from_numpy(array) for array in inputs.values())).numpy()
    return logits


@pytest.fixture(scope="module")
def module() -> TinyPredictor:
    torch.manual_seed(0)
    return TinyPredictor().eval()


@pytest.fixture(scope="module")
def graph(module: TinyPredictor) -> bytes:
    return export_graph("command_predictor", module, rows(4, 9))


@pytest.mark.parametrize(("count", "tokens"), [(1, 1), (1, 9), (2, 3), (3, 40), (33, 17)])
def test_the_graph_computes_what_torch_computes_at_sizes_that_were_not_traced(
    module: TinyPredictor, graph: bytes, count: int, tokens: int
) -> None:
    inputs = rows(count, tokens, seed=count)
    np.testing.assert_allclose(runner(graph)(inputs), torch_logits(module, inputs), atol=1e-5)


def test_padding_does_not_change_an_answer(module: TinyPredictor, graph: bytes) -> None:
    inputs = rows(6, 12)
    padded = dict(inputs)
    for name in ("input_ids", "attention_mask"):
        padded[name] = np.pad(inputs[name], ((0, 0), (0, 9)))
    np.testing.assert_allclose(runner(graph)(inputs), runner(graph)(padded), atol=1e-5)


def test_the_manifest_learns_which_sizes_are_free(graph: bytes) -> None:
    found = {one.name: (one.dtype, one.shape) for one in graph_inputs(graph)}
    assert found == {
        "input_ids": ("int64", [None, None]),
        "attention_mask": ("int64", [None, None]),
        "history_ids": ("int64", [None, HISTORY]),
        "history_outcomes": ("int64", [None, HISTORY]),
        "context": ("float32", [None, FIELDS]),
    }
    assert graph_inputs(quantise(graph)) == graph_inputs(graph)


def test_a_graph_is_one_piece_and_names_no_file_of_the_machine_it_was_made_on(graph: bytes) -> None:
    import onnx

    for content in (graph, quantise(graph)):
        model = onnx.load_from_string(content)
        onnx.checker.check_model(model)
        assert not any(tensor.external_data for tensor in model.graph.initializer)
        assert b".py" not in content
        assert b"site-packages" not in content


def test_exporting_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    quantise(export_graph("policy", nn.Linear(3, 5), {"features": np.ones((4, 3), np.float32)}))
    assert capfd.readouterr() == ("", "")


class FixedBatch(nn.Module):
    def forward(self, features: Tensor) -> Tensor:
        return features.reshape(2, 5)


def test_a_module_that_only_takes_the_traced_batch_is_refused() -> None:
    with pytest.raises(CcmlError, match=r"policy cannot be exported .* inferred a static shape of 2"):
        export_graph("policy", FixedBatch(), {"features": np.ones((2, 5), np.float32)})


def test_other_inputs_or_too_few_rows_are_refused() -> None:
    with pytest.raises(InputError, match="policy takes features; the example has context"):
        export_graph("policy", nn.Linear(3, 5), {"context": np.ones((4, 3), np.float32)})
    with pytest.raises(InputError, match="at least two"):
        export_graph("policy", nn.Linear(3, 5), {"features": np.ones((1, 3), np.float32)})
