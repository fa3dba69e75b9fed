"""The next command, from the request and the session so far: BERT encoder → LSTM → multi-head attention → dense.

The encoder's mean-pooled request is the last step of a sequence whose earlier steps are the session's commands with
their outcomes. Both live in the encoder's space: a command's embedding starts as the encoder's vector of its template.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch  # noqa: TID253  (only training and export import this module)
from numpy.typing import NDArray
from torch import Tensor, nn  # noqa: TID253

from ccml.commands.shared_templates import shared_templates
from ccml.features.context import ContextTransform
from ccml.features.encoder import build_bert, mean_pool
from ccml.features.history import HistoryVocabulary
from ccml.features.tokens import Inputs, by_length, token_batch, tokenize
from ccml.models.artifact import Candidate
from ccml.models.loading import load_tensors

OUTCOMES = 3
"""Unknown or padding, ok, failed."""


@dataclass(frozen=True)
class CommandSizes:
    classes: int
    history_tokens: int
    context_width: int
    lstm_units: int
    attention_heads: int
    dropout: float


@dataclass(frozen=True)
class CommandTransforms:
    """What is fitted on training rows and travels with the model."""

    history: HistoryVocabulary
    context: ContextTransform
    history_length: int

    @classmethod
    def fit(cls, training: Any, history_length: int, min_count: int) -> CommandTransforms:
        """`training`: the rows of `command_sequences` whose split is "train"."""
        users = training["user_id"].tolist()
        columns = [training[name].tolist() for name in ("target_template", "target_program")]
        # A release is read by others than those who typed the commands.
        public = [shared_templates(values, users) for values in columns]
        commands = (
            tuple(value if value in shared else "" for value, shared in zip(row, public, strict=True))
            for row in zip(*columns, strict=True)
        )
        return cls(
            HistoryVocabulary.fit(commands, min_count),  # type: ignore[arg-type]  # tuples of two
            ContextTransform.fit(context_of(training)),
            history_length,
        )

    def apply(self, frame: Any) -> Inputs:
        """`history_ids` and `history_outcomes` int64 (N, K), `context` float32 (N, F)."""
        ids, outcomes = self.history.encode_rows(
            frame["history_templates"], frame["history_programs"], frame["history_outcomes"], self.history_length
        )
        return {
            "history_ids": ids,
            "history_outcomes": outcomes,
            "context": self.context.apply(context_of(frame)),
        }

    def to_json(self) -> dict[str, Any]:
        return {
            "history": self.history.to_json(),
            "context": self.context.to_json(),
            "history_length": self.history_length,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> CommandTransforms:
        return cls(
            HistoryVocabulary.from_json(stored["history"]),
            ContextTransform.from_json(stored["context"]),
            stored["history_length"],
        )


def context_of(frame: Any) -> NDArray[np.float32]:
    """The raw `context` column as a matrix (N, F), NaN where unknown."""
    if not len(frame):
        return np.zeros((0, len(ContextTransform.FIELDS)), dtype=np.float32)
    return np.stack([np.asarray(row, dtype=np.float32) for row in frame["context"]])


class CommandHead(nn.Module):  # type: ignore[misc]  # torch carries no types here
    """All layers above the encoder: encoded request, history and context → logits over the next command.

    What is trained on stored request vectors, by the staged training and by the search, is this module.
    """

    def __init__(self, width: int, sizes: CommandSizes) -> None:
        super().__init__()
        units = sizes.lstm_units
        self.sizes = sizes
        self.commands = nn.Embedding(sizes.history_tokens, width, padding_idx=0)
        self.outcomes = nn.Embedding(OUTCOMES, width, padding_idx=0)
        self.request_mark = nn.Parameter(torch.zeros(width))
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(sizes.dropout)
        self.lstm = nn.LSTM(width, units, batch_first=True)
        self.attention = nn.MultiheadAttention(units, sizes.attention_heads, sizes.dropout, batch_first=True)
        self.dense = nn.Sequential(
            nn.Linear(2 * units + sizes.context_width, 2 * units),
            nn.GELU(),
            nn.Dropout(sizes.dropout),
            nn.Linear(2 * units, sizes.classes),
        )
        nn.init.normal_(self.outcomes.weight, std=0.02)
        with torch.no_grad():
            self.outcomes.weight[0].zero_()

    def forward(self, request: Tensor, history_ids: Tensor, history_outcomes: Tensor, context: Tensor) -> Tensor:
        """(B, D), as `CommandPredictor.encode` gives it, (B, K), (B, K), (B, F) → logits (B, V)."""
        steps, last = self.recur(request, history_ids, history_outcomes)  # (B, K+1, H), (B, H)
        attended = self.attend(steps, last, history_ids)  # (B, H)
        return self.dense(torch.cat([attended, last, context], dim=-1))  # (B, V)

    def recur(self, request: Tensor, history_ids: Tensor, history_outcomes: Tensor) -> tuple[Tensor, Tensor]:
        """All LSTM states and the last one, which has read the request."""
        past = self.commands(history_ids) + self.outcomes(history_outcomes)  # (B, K, D)
        now = (request + self.request_mark).unsqueeze(1)  # (B, 1, D)
        steps, _ = self.lstm(self.dropout(self.norm(torch.cat([past, now], dim=1))))  # (B, K+1, H)
        return steps, steps[:, -1]

    def attend(self, steps: Tensor, last: Tensor, history_ids: Tensor) -> Tensor:
        """The last state looks back over the steps that are not padding."""
        padding = torch.cat([history_ids == 0, torch.zeros_like(history_ids[:, :1], dtype=torch.bool)], dim=1)
        attended, _ = self.attention(
            last.unsqueeze(1), steps, steps, key_padding_mask=padding, need_weights=False
        )  # (B, 1, H)
        return attended.squeeze(1)  # (B, H)


class CommandPredictor(nn.Module):  # type: ignore[misc]
    """Encoder and head: request tokens, history and context → logits over the next command. This is exported."""

    def __init__(self, encoder: Any, head: CommandHead) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, history_ids: Tensor, history_outcomes: Tensor, context: Tensor
    ) -> Tensor:
        """(B, T), (B, T), (B, K), (B, K), (B, F) → logits (B, V)."""
        return self.head(self.encode(input_ids, attention_mask), history_ids, history_outcomes, context)

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state  # (B, T, D)
        return mean_pool(states, attention_mask)  # (B, D)


def build_module(candidate: Candidate) -> CommandPredictor:
    encoder = build_bert(candidate.config["encoder"])
    head = CommandHead(encoder.config.hidden_size, CommandSizes(**candidate.config["sizes"]))
    module = CommandPredictor(encoder, head)
    # A champion released before the head was a module of its own names its layers without `head.`.
    tensors = {
        name if name.startswith(("encoder.", "head.")) else f"head.{name}": tensor
        for name, tensor in candidate.tensors.items()
    }
    load_tensors(module, replace(candidate, tensors=tensors))
    return module


def model_inputs(candidate: Candidate, frame: Any) -> Inputs:
    """From rows of `command_sequences`; the keys are the exported graph's inputs, in order."""
    transforms = CommandTransforms.from_json(candidate.transforms)
    return {**tokenize(candidate.tokenizer(), request_texts(frame)), **transforms.apply(frame)}


def request_texts(frame: Any) -> list[str]:
    return [str(text) for text in frame["request"]]


def run_module(module: CommandPredictor, inputs: Inputs, batch_size: int = 64) -> NDArray[np.float32]:
    """Logits (N, V). Each distinct request is encoded once: people repeat themselves, and the encoder is the cost."""
    distinct, where = np.unique(inputs["input_ids"], axis=0, return_inverse=True)
    first = np.unique(where, return_index=True)[1]
    tokens = {"input_ids": distinct, "attention_mask": inputs["attention_mask"][first]}
    requests = torch.zeros(len(distinct), module.head.norm.normalized_shape[0])  # (texts, D)
    with torch.inference_mode():
        for rows in by_length(tokens, batch_size):
            requests[rows] = module.encode(*token_batch(tokens, rows))
        return predict_all(module.head, requests[where.reshape(-1)], inputs)


def predict_all(head: CommandHead, requests: Tensor, inputs: Inputs, batch_size: int = 512) -> NDArray[np.float32]:
    """Logits (N, V) from encoded requests (N, D)."""
    logits = []
    with torch.inference_mode():
        for start in range(0, len(requests), batch_size):
            part = slice(start, start + batch_size)
            logits.append(head(requests[part], *head_inputs(inputs, part)).float().numpy())
    return np.concatenate(logits) if logits else np.zeros((0, head.sizes.classes), np.float32)


def head_inputs(inputs: Inputs, rows: slice | NDArray[np.int64]) -> Sequence[Tensor]:
    return [torch.from_numpy(inputs[name][rows]) for name in ("history_ids", "history_outcomes", "context")]


def config_of(
    encoder_architecture: dict[str, Any], encoder_name: str, digest: str, sizes: CommandSizes
) -> dict[str, Any]:
    return {
        "model": "command_predictor",
        "encoder": encoder_architecture,
        "encoder_name": encoder_name,
        "encoder_digest": digest,
        "sizes": asdict(sizes),
    }
