"""Rewrites training requests without changing what they ask for: more wordings of the same intent."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

SYNONYMS: tuple[frozenset[str], ...] = (
    frozenset({"find", "locate", "look for", "hunt down"}),
    frozenset({"show", "display", "print", "give me"}),
    frozenset({"list", "enumerate"}),
    frozenset({"delete", "remove", "get rid of", "erase"}),
    frozenset({"folder", "directory"}),
    frozenset({"folders", "directories"}),
    frozenset({"big", "large", "huge"}),
    frozenset({"biggest", "largest"}),
    frozenset({"newest", "latest", "most recent"}),
    frozenset({"start", "launch"}),
    frozenset({"stop", "halt"}),
    frozenset({"repo", "repository"}),
    frozenset({"copy", "duplicate"}),
    frozenset({"rename", "give a new name to"}),
    frozenset({"install", "set up"}),
    frozenset({"fix", "repair"}),
    frozenset({"free", "available"}),
    frozenset({"ram", "memory"}),
)
"""Words that may stand for each other in a request to a computer. Short, and none that moves a request to another
intent: 'search' is left out, for searching files and searching text are two."""

POLITE_PREFIXES = ("please ", "could you ", "can you ", "I want you to ", "hey, ")
POLITE_SUFFIXES = (" please", " for me", " now", ", thanks")
FILLERS = re.compile(
    r"\b(please|just|kindly|for me|thanks|hey|can you|could you|would you|quickly)\b[ ,]*", re.IGNORECASE
)

_SLOT_NAMES = ("notes", "report", "draft", "sample", "backup", "result", "main", "data")
_NAME_WITH_EXTENSION = re.compile(r"(?<![\w./~\\-])[A-Za-z][\w-]*(\.[A-Za-z]{1,4})(?![\w./\\-])")
_NUMBER = re.compile(r"(?<![\w.:/-])\d{1,3}(?![\w.:/-])")
_PLAIN_WORD = re.compile(r"(?<![\w./~<-])[A-Za-z]{5,}(?![\w./>-])")


def rewrite(request: str, generator: random.Random) -> str:
    """One or two label-preserving changes drawn from the generator; unchanged where none applies."""
    changes: list[Callable[[str, random.Random], str]] = [_synonym, _polite, _no_filler, _slot, _typo]
    text = request
    for change in generator.sample(changes, len(changes))[: generator.choice((1, 2, 2))]:
        text = change(text, generator)
    if text == request:  # the drawn changes found nothing to hold on to; a prefix always does
        text = _polite(text, generator)
    return text


def _synonym(text: str, generator: random.Random) -> str:
    places = []
    for words in SYNONYMS:
        pattern = r"\b(" + "|".join(re.escape(word) for word in sorted(words)) + r")\b"
        places += [(match, words) for match in re.finditer(pattern, text, re.IGNORECASE)]
    if not places:
        return text
    match, words = generator.choice(places)
    other = generator.choice(sorted(words - {match.group().lower()}))
    return text[: match.start()] + other + text[match.end() :]


def _polite(text: str, generator: random.Random) -> str:
    if generator.random() < 0.6:
        return generator.choice(POLITE_PREFIXES) + text
    return text.rstrip(" .?!") + generator.choice(POLITE_SUFFIXES)


def _no_filler(text: str, generator: random.Random) -> str:
    shorter = re.sub(r"\s+", " ", FILLERS.sub("", text)).strip(" ,")
    return shorter if len(shorter.split()) >= 2 else text


def _slot(text: str, generator: random.Random) -> str:
    """Another number or file name: what is asked for stays the same, the thing it is asked of changes."""
    named = _NAME_WITH_EXTENSION.search(text)
    if named:
        return text[: named.start()] + generator.choice(_SLOT_NAMES) + named.group(1) + text[named.end() :]
    number = _NUMBER.search(text)
    if number:
        return text[: number.start()] + str(generator.randint(2, 50)) + text[number.end() :]
    return text


def _typo(text: str, generator: random.Random) -> str:
    """Two letters swapped, one lost or one doubled, in a longer word that is no path, name or placeholder."""
    words = list(_PLAIN_WORD.finditer(text))
    if not words:
        return text
    word = generator.choice(words)
    at = generator.randrange(word.start() + 1, word.end() - 1)
    kind = generator.randrange(3)
    if kind == 0:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + text[at + 1 :] if kind == 1 else text[:at] + text[at] + text[at:]
