"""Finds texts that are almost the same as one of another set, exactly and without comparing all pairs."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SHINGLE = 3


def normalise(text: str) -> str:
    """The text without case, punctuation and spacing, which do not make it another request."""
    return re.sub(r"[^\w<>]+", " ", text.lower()).strip()


def near_duplicates(texts: Sequence[str], of: Sequence[str], similarity: float) -> NDArray[np.bool_]:
    """(N,) True where a text's Jaccard similarity with any text of `of` is at least `similarity`.

    Sets of character 3-grams of the normalised text. Exact, unlike MinHash: two sets that similar must share one of
    their rarest shingles (prefix filter; Bayardo, Ma, Srikant 2007, "Scaling up all pairs similarity search"), so only
    texts that do, and are of about the same length, are compared. 20,000 against 6,000 requests take three seconds.
    """
    if not 0.0 < similarity <= 1.0:
        raise ValueError(f"similarity must be in (0, 1], got {similarity}")
    others = {normalise(text) for text in of}
    mine = {normalise(text) for text in texts}
    shingled = {text: _shingles(text) for text in others | mine}
    frequency = Counter(shingle for shingles in shingled.values() for shingle in shingles)

    def rarest(text: str) -> list[str]:
        ordered = sorted(shingled[text], key=lambda shingle: (frequency[shingle], shingle))
        # Two sets that share none of these share fewer of the rest than `similarity` needs.
        return ordered[: len(ordered) - math.ceil(similarity * len(ordered)) + 1]

    holders: dict[str, list[str]] = defaultdict(list)
    for other in others:
        for shingle in rarest(other):
            holders[shingle].append(other)

    def could_be_twins(size: int, other: int) -> bool:
        """At best the smaller set is a part of the larger one."""
        return (size / other if size < other else other / size) >= similarity

    def has_twin(text: str) -> bool:
        if text in others:
            return True
        candidates = {
            other
            for shingle in rarest(text)
            for other in holders.get(shingle, ())
            if could_be_twins(len(shingled[text]), len(shingled[other]))
        }
        return any(_jaccard(shingled[text], shingled[other]) >= similarity for other in candidates)

    twins = {text: has_twin(text) for text in mine}
    return np.asarray([twins[normalise(text)] for text in texts], dtype=bool)


def _shingles(text: str) -> frozenset[str]:
    return frozenset(text[start : start + SHINGLE] for start in range(max(1, len(text) - SHINGLE + 1)))


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)
