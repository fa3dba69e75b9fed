"""Texts of many people with the words that only a few of them wrote left out: the names of their files, hosts and
colleagues. What several people wrote names none of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

SHARED_BY: Final = 3
"""People who wrote a word, or typed a line, before it is shown to others."""
_AROUND: Final = ".,;:!?()[]{}\"'`"
_LEFT_OUT: Final = "…"


def shared_words(texts: Sequence[str], users: Sequence[str]) -> list[str]:
    """Each text, `…` in place of every word that fewer than three users wrote in any of the texts. Where there are
    fewer users, all of them must have written it."""
    shared = shared_of(([word.strip(_AROUND) for word in text.lower().split()] for text in texts), users)

    def shown(word: str) -> str:
        return word if word.lower().strip(_AROUND) in shared else _LEFT_OUT

    return [" ".join(map(shown, text.split())) for text in texts]


def shared_of(found: Iterable[Iterable[str]], users: Sequence[str]) -> frozenset[str]:
    """What at least three users have, of what each row has and the row's user; with fewer users, what all have."""
    had_by: dict[str, set[str]] = defaultdict(set)
    for values, user in zip(found, users, strict=True):
        for value in values:
            had_by[value].add(user)
    needed = min(SHARED_BY, len(set(users)))
    return frozenset(value for value, owners in had_by.items() if len(owners) >= needed)
