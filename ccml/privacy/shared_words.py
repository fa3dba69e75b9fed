"""Texts of many people with the words that only a few of them wrote left out: the names of their files, hosts and
colleagues. What several people wrote names none of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

SHARED_BY: Final = 3
"""People who wrote a word, or typed a line, before it is shown to others."""
_AROUND: Final = ".,;:!?()[]{}\"'`"
_LEFT_OUT: Final = "…"


def shared_words(texts: Sequence[str], users: Sequence[str]) -> list[str]:
    """Each text, `…` in place of every word that fewer than three users wrote in any of the texts. Where there are
    fewer users, all of them must have written it."""
    written_by: dict[str, set[str]] = defaultdict(set)
    for text, user in zip(texts, users, strict=True):
        for word in text.lower().split():
            written_by[word.strip(_AROUND)].add(user)
    needed = min(SHARED_BY, len(set(users)))

    def shown(word: str) -> str:
        return word if len(written_by[word.lower().strip(_AROUND)]) >= needed else _LEFT_OUT

    return [" ".join(map(shown, text.split())) for text in texts]
