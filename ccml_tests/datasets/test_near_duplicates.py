"""The prefix filter finds exactly what comparing all pairs finds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccml.datasets.near_duplicates import SHINGLE, near_duplicates, normalise


def grams(text: str) -> set[str]:
    text = normalise(text)
    return {text[start : start + SHINGLE] for start in range(max(1, len(text) - SHINGLE + 1))}


def by_all_pairs(texts: list[str], of: list[str], similarity: float) -> list[bool]:
    def alike(one: str, other: str) -> bool:
        return len(grams(one) & grams(other)) / len(grams(one) | grams(other)) >= similarity

    return [any(alike(text, other) for other in of) for text in texts]


_texts = st.lists(st.text("ab c", max_size=14), max_size=8)


@settings(max_examples=300, deadline=None)
@given(_texts, _texts, st.sampled_from([0.3, 0.5, 0.8, 0.9, 1.0]))
def test_it_agrees_with_comparing_all_pairs(texts, of, similarity):
    assert near_duplicates(texts, of, similarity).tolist() == by_all_pairs(texts, of, similarity)


def test_case_punctuation_and_one_letter_do_not_make_another_request():
    of = ["show me the biggest files in this directory"]
    texts = [
        "Show me the biggest files, in this directory!",
        "show me the biggest files in this director",
        "list ports",
    ]
    assert near_duplicates(texts, of, 0.9).tolist() == [True, True, False]


def test_nothing_is_like_nothing():
    assert near_duplicates(["a"], [], 0.9).tolist() == [False]
    assert near_duplicates([], ["a"], 0.9).tolist() == []


def test_a_similarity_of_zero_is_refused():
    with pytest.raises(ValueError, match="similarity"):
        near_duplicates(["a"], ["b"], 0.0)
