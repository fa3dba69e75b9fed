from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ccml.errors import IntegrityError
from ccml.features.embeddings import compute_embeddings, embed
from ccml.features.encoder import LoadedEncoder, load_encoder
from ccml.profiles import EncoderSettings

TEXTS = ["show me the big files", "delete the log", "", "run the tests", "show me the big files"]


@pytest.fixture(scope="module")
def encoder() -> LoadedEncoder:
    return load_encoder(EncoderSettings("tiny-random", max_tokens=12), corpus=TEXTS[:4])


def computed(encoder: LoadedEncoder, texts: list[str], cache: Path | None) -> int:
    """How many texts a call had to send through the encoder."""
    counts = [0]
    embed(texts, encoder, cache, report=lambda done, total: counts.append(total))
    return counts[-1]


def test_a_cached_vector_equals_the_computed_one(encoder: LoadedEncoder, tmp_path: Path) -> None:
    texts = TEXTS[:5]
    first = embed(texts, encoder, tmp_path)
    np.testing.assert_array_equal(embed(texts, encoder, tmp_path), first)
    # Other neighbours in the batch mean other padding, hence the tolerance of bfloat16.
    np.testing.assert_allclose(compute_embeddings(texts, encoder), first, atol=2e-2)


def test_rows_come_back_in_the_given_order_and_equal_texts_are_equal(encoder: LoadedEncoder, tmp_path: Path) -> None:
    vectors = embed(TEXTS[:5], encoder, tmp_path)
    np.testing.assert_array_equal(vectors[0], vectors[4])
    np.testing.assert_array_equal(embed(TEXTS[1:2], encoder, tmp_path)[0], vectors[1])
    assert not np.allclose(vectors[0], vectors[1])


def test_each_distinct_text_is_computed_once(encoder: LoadedEncoder, tmp_path: Path) -> None:
    assert computed(encoder, TEXTS[:5], tmp_path) == 4
    assert computed(encoder, TEXTS[:4], tmp_path) == 0
    assert computed(encoder, [*TEXTS[:4], "something new"], tmp_path) == 1


def test_another_encoder_never_sees_these_vectors(encoder: LoadedEncoder, tmp_path: Path) -> None:
    embed(TEXTS[:4], encoder, tmp_path)
    other = load_encoder(EncoderSettings("tiny-random", max_tokens=12), corpus=TEXTS[:4], seed=1)
    assert computed(other, TEXTS[:4], tmp_path) == 4


def test_no_texts_give_an_empty_table(encoder: LoadedEncoder, tmp_path: Path) -> None:
    assert embed([], encoder, tmp_path).shape == (0, encoder.width)


def test_a_damaged_cache_file_is_named(encoder: LoadedEncoder, tmp_path: Path) -> None:
    embed(TEXTS[:3], encoder, tmp_path)
    shard = next(tmp_path.rglob("*.npz"))
    shard.write_bytes(shard.read_bytes()[:100])
    with pytest.raises(IntegrityError, match=shard.name):
        embed(TEXTS[:3], encoder, tmp_path)


def test_nothing_half_written_is_left_beside_the_cache(encoder: LoadedEncoder, tmp_path: Path) -> None:
    embed(TEXTS[:3], encoder, tmp_path)
    assert not list(tmp_path.rglob("*.tmp"))
