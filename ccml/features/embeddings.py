"""One vector per text from the frozen encoder, computed once per text, whichever table the text is in.

The cache is keyed by all that the vector depends on: the encoder's digest, the token limit and the text. So it never
has to be emptied by hand: other weights have another folder.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ccml import atomic
from ccml.errors import IntegrityError
from ccml.features.encoder import LoadedEncoder, mean_pool
from ccml.features.tokens import by_length, token_batch, tokenize

Vectors = NDArray[np.float32]
_KEY_BYTES = 16
"""Of the text's sha256: two of a billion texts get the same key with a probability below 1e-20; half the disk space."""
_SHARD_TEXTS = 4_096
"""Texts embedded between two writes; a run that is killed computes at most these again."""


def embed(
    texts: Sequence[str],
    encoder: LoadedEncoder,
    cache_dir: Path | None,
    *,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Vectors:
    """Mean-pooled last hidden states, (N, D) float32, one row per text in the given order.

    `cache_dir` None keeps nothing. `report(done, total)` counts the distinct texts that had to be computed.

    Raises:
        IntegrityError: a cache file cannot be read or was made for another width.
    """
    if not texts:
        return np.zeros((0, encoder.width), dtype=np.float32)
    folder = cache_dir / f"{encoder.digest[:16]}-{encoder.max_tokens}" if cache_dir else None
    known = _read_cache(folder, encoder.width) if folder else {}
    keys = [_key(text) for text in texts]
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    # Texts of similar length are computed together, in whatever order they were given.
    todo = sorted(missing.items(), key=lambda item: (len(item[1]), item[1]))
    for start in range(0, len(todo), _SHARD_TEXTS):
        part = todo[start : start + _SHARD_TEXTS]
        vectors = compute_embeddings([text for _, text in part], encoder)
        if folder:
            _write_shard(folder, [key for key, _ in part], vectors)
        known.update(zip((key for key, _ in part), vectors, strict=True))
        report(start + len(part), len(todo))
    return np.stack([known[key] for key in keys])


def compute_embeddings(texts: Sequence[str], encoder: LoadedEncoder, *, batch_size: int = 64) -> Vectors:
    """As `embed`, without the cache."""
    import torch

    model = encoder.model
    was_training = model.training
    model.eval()
    inputs = tokenize(encoder.tokenizer, texts)
    vectors = np.zeros((len(texts), encoder.width), dtype=np.float32)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bf16_is_fast()):
        for rows in by_length(inputs, batch_size):
            ids, mask = token_batch(inputs, rows)  # (B, T), (B, T)
            states = model(input_ids=ids, attention_mask=mask).last_hidden_state  # (B, T, D)
            vectors[rows] = mean_pool(states.float(), mask).numpy()  # (B, D)
    model.train(was_training)
    return vectors


def bf16_is_fast() -> bool:
    """Whether this processor multiplies bfloat16 in hardware; elsewhere autocast is slower than float32."""
    import torch

    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:_KEY_BYTES]


def _read_cache(folder: Path, width: int) -> dict[bytes, Vectors]:
    known: dict[bytes, Vectors] = {}
    for path in sorted(folder.glob("*.npz")):
        try:
            with np.load(path, allow_pickle=False) as shard:
                keys, vectors = shard["keys"], shard["vectors"]
        except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
            raise IntegrityError(
                f"{path}: not a cache of embeddings ({error}); delete it to compute it again."
            ) from None
        if vectors.shape != (len(keys), width):
            raise IntegrityError(f"{path}: holds vectors of shape {vectors.shape}, expected (N, {width}); delete it.")
        known.update((key.tobytes(), vector) for key, vector in zip(keys, vectors, strict=True))
    return known


def _write_shard(folder: Path, keys: list[bytes], vectors: Vectors) -> None:
    """Named by its keys, so two runs that compute the same texts write the same file."""
    name = hashlib.sha256(b"".join(keys)).hexdigest()[:24]
    path = folder / f"{name}.npz"
    with atomic.beside(path) as beside:
        with beside.open("r+b") as file:
            np.savez(file, keys=np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(-1, _KEY_BYTES), vectors=vectors)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)


def forget_texts(texts: Iterable[str], cache_dir: Path) -> None:
    """Takes the vectors of these texts out of the cache, whichever encoder made them."""
    keys = {_key(text) for text in texts}
    for path in sorted(cache_dir.glob("*/*.npz")):
        with np.load(path, allow_pickle=False) as shard:
            known, vectors = [key.tobytes() for key in shard["keys"]], shard["vectors"]
        kept = [place for place, key in enumerate(known) if key not in keys]
        if len(kept) < len(known):
            if kept:
                _write_shard(path.parent, [known[place] for place in kept], vectors[kept])
            path.unlink()


def embedding_table(interactions: Any, encoder: LoadedEncoder, cache_dir: Path) -> Any:
    """day, kind (`request` or `template`), text_sha256, embedding (list of D float32): each text of a day once.

    The text itself is in the clean table. Training reads the vectors from the cache that this fills.
    """
    import pandas as pd

    parts = [
        pd.DataFrame({"day": interactions["day"], "kind": kind, "text": interactions[kind]})
        for kind in ("request", "template")
    ]
    texts = pd.concat(parts, ignore_index=True).drop_duplicates(ignore_index=True)
    texts = texts[texts["text"] != ""].reset_index(drop=True)
    vectors = embed(texts["text"].tolist(), encoder, cache_dir)
    digests = [hashlib.sha256(text.encode()).hexdigest() for text in texts["text"]]
    return texts.drop(columns="text").assign(text_sha256=digests, embedding=list(vectors))
