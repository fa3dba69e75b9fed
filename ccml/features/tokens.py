"""Texts as arrays of token ids, and batches of texts of similar length.

A batch takes as long as its longest text. Batches are made by the number of tokens: sorted by the number of characters,
two fifths of what the encoder computes would be padding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

if TYPE_CHECKING:
    import torch

Inputs = dict[str, NDArray[Any]]


def tokenize(tokenizer: Tokenizer, texts: Sequence[str]) -> Inputs:
    """`input_ids` and `attention_mask`, int64 (N, T), padded to the longest text."""
    if not len(texts):
        return {"input_ids": np.zeros((0, 2), np.int64), "attention_mask": np.zeros((0, 2), np.int64)}
    encodings = tokenizer.encode_batch(list(texts))
    return {
        "input_ids": np.array([encoding.ids for encoding in encodings], dtype=np.int64),
        "attention_mask": np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64),
    }


def lengths(inputs: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
    """Tokens of each text that are not padding.  (N,)"""
    counted: NDArray[np.int64] = inputs["attention_mask"].sum(axis=1)
    return counted


def token_batch(inputs: Inputs, rows: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask of some rows, cut to the longest of them.  (B, T), (B, T)"""
    import torch

    mask = inputs["attention_mask"][rows]
    longest = max(1, int(mask.sum(axis=1).max()))
    return torch.from_numpy(inputs["input_ids"][rows, :longest]), torch.from_numpy(mask[:, :longest])


def by_length(inputs: Inputs, batch_size: int) -> Iterator[NDArray[np.int64]]:
    """All rows, shortest first: for prediction."""
    order = np.argsort(lengths(inputs), kind="stable")
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]
