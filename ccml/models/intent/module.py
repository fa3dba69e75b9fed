"""What a request is for: BERT encoder → 8-head attention pooling → one head per intent → softmax, or out of scope.

Each pooling head weighs the tokens in its own way and each intent weighs the heads in its own way, so "how many" may
decide for one intent and "files" for another. Out of scope is a further class whose logit is fixed at zero: its log
odds are the energy −logsumexp(logits) (Liu et al. 2020), which needs no parameter of its own and can be thresholded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch  # noqa: TID253  (only training and export import this module)
from numpy.typing import NDArray
from torch import Tensor, nn  # noqa: TID253

from ccml.features.encoder import build_bert
from ccml.features.tokens import Inputs, by_length, token_batch, tokenize
from ccml.models.artifact import Candidate
from ccml.models.loading import load_tensors
from ccml.models.logits import log_sum_exp


@dataclass(frozen=True)
class IntentSizes:
    classes: int
    attention_heads: int
    dropout: float


class IntentClassifier(nn.Module):  # type: ignore[misc]  # torch carries no types here
    """Tokens → logits over the intents, without the softmax."""

    def __init__(self, encoder: Any, sizes: IntentSizes) -> None:
        super().__init__()
        width = encoder.config.hidden_size
        self.sizes = sizes
        self.encoder = encoder
        self.token_scores = nn.Linear(width, sizes.attention_heads)
        self.dropout = nn.Dropout(sizes.dropout)
        self.head_scores = nn.Parameter(torch.zeros(sizes.attention_heads, sizes.classes))
        self.dense = nn.Linear(width, sizes.classes)
        # Nearly even weights: training starts from mean pooling, which is what the encoder was pretrained for.
        nn.init.normal_(self.token_scores.weight, std=0.02)
        nn.init.normal_(self.head_scores, std=0.02)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """(B, T), (B, T) → logits (B, C)."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state  # (B, T, D)
        pooled = self.pool(states, attention_mask)  # (B, H, D)
        by_head = nn.functional.linear(self.dropout(pooled), self.dense.weight)  # (B, H, C)
        return (by_head * self.head_scores.softmax(dim=0)).sum(dim=1) + self.dense.bias  # (B, C)

    def pool(self, states: Tensor, attention_mask: Tensor) -> Tensor:
        """One weighted mean of the token states per head, padding left out.  (B, T, D), (B, T) → (B, H, D)"""
        scores = self.token_scores(states).float()  # (B, T, H)
        # −1e4 survives half precision, where the usual −3.4e38 overflows into NaN.
        scores = scores + (1.0 - attention_mask.unsqueeze(-1).to(scores.dtype)) * -1e4
        return scores.softmax(dim=1).transpose(1, 2) @ states.float()  # (B, H, D)


def build_module(candidate: Candidate) -> IntentClassifier:
    module = IntentClassifier(build_bert(candidate.config["encoder"]), IntentSizes(**candidate.config["sizes"]))
    load_tensors(module, candidate)
    return module


def model_inputs(candidate: Candidate, frame: Any) -> Inputs:
    """From rows of `labelled_requests`; the keys are the exported graph's inputs, in order."""
    return tokenize(candidate.tokenizer(), [str(text) for text in frame["request"]])


def run_module(module: IntentClassifier, inputs: Inputs, batch_size: int = 64) -> NDArray[np.float32]:
    """Logits (N, C)."""
    logits = np.zeros((len(inputs["input_ids"]), module.sizes.classes), dtype=np.float32)
    with torch.inference_mode():
        for rows in by_length(inputs, batch_size):
            logits[rows] = module(*token_batch(inputs, rows)).float().numpy()
    return logits


def energies(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """−logsumexp of each row (N,): the higher, the less any intent fits. Out of scope where above the threshold."""
    return -log_sum_exp(logits)
