"""Counts of what followed what, against estimates worked out by hand and the laws of probability."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccml.suggestions.counts import START, Chain, Spelling, Tally, contexts, interpolated

_TOKENS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=30)


def _chain(tokens: list[str], order: int = 2) -> Chain:
    chain = Chain(order)
    for at, token in enumerate(tokens):
        chain.add(tokens[:at], token)
    return chain


def test_the_estimate_is_witten_and_bells() -> None:
    chain = _chain(["a", "b", "a", "c"])
    tallies = chain.after(["x", "a"])[:2]  # "a" was followed by b and c
    estimates = interpolated(tallies, [tally.of(["b"]) for tally in tallies], np.array([0.25]))
    without_context = (1 + 3 * 0.25) / (4 + 3)
    assert estimates[0] == pytest.approx([without_context])
    assert estimates[1] == pytest.approx([(1 + 2 * without_context) / (2 + 2)])


@given(_TOKENS, _TOKENS)
def test_the_estimates_of_any_order_sum_to_one_over_the_vocabulary(tokens: list[str], before: list[str]) -> None:
    tallies = _chain(tokens).after(before)
    letters = list("abcd")
    for estimate in interpolated(tallies, [tally.of(letters) for tally in tallies], np.full(4, 0.25)):
        assert estimate.sum() == pytest.approx(1.0)


@given(_TOKENS)
def test_a_longer_context_is_never_counted_more_often_than_a_shorter_one(tokens: list[str]) -> None:
    totals = [tally.total for tally in _chain(tokens).after(tokens[:-1])]
    assert all(longer <= shorter for shorter, longer in pairwise(totals))


def test_a_session_s_start_is_a_context_of_its_own() -> None:
    assert contexts(["a"], 2) == [(), ("a",), (START, "a")]


def test_an_empty_tally_leaves_everything_to_what_was_not_counted() -> None:
    assert Tally().escape == 1.0
    assert Tally().smoothed(np.array([0.0]), np.array([0.3])) == pytest.approx([0.3])


def test_a_spelling_is_likelier_the_more_it_looks_like_what_was_met() -> None:
    spelling = Spelling(["git status", "git stash", "git diff"])
    assert spelling.probability("git stat") > spelling.probability("xq zzw vk")
    assert 0.0 < spelling.probability("é" * 5_000) < 1e-200


@given(st.lists(st.text(alphabet="ab", min_size=1, max_size=4), min_size=1, max_size=8))
def test_no_set_of_texts_is_likelier_than_certain(texts: list[str]) -> None:
    spelling = Spelling(texts)
    every = ["", *"ab", *(a + b for a in "ab" for b in "ab"), *(a + b + c for a in "ab" for b in "ab" for c in "ab")]
    assert sum(spelling.probability(text) for text in every) <= 1.0 + 1e-9
