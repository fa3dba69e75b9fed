"""From a task and its slots to what the user types."""

from __future__ import annotations

import re

import numpy as np

from ccml_simulator.people import Idiolect
from ccml_simulator.tasks import Task
from ccml_simulator.wording import (
    AGAIN,
    ASIDES_FIRST,
    ASIDES_LAST,
    CLAUSES,
    CLOSINGS,
    OPENINGS,
    OUT_OF_SCOPE,
    VAGUE,
)

_PART = re.compile(r"<(\w+)>|\{(\w+)\}")
_CITIES = ("Lisbon", "Oslo", "Nairobi", "Kyoto", "Quito", "Prague")
_COUNTRIES = ("Peru", "Norway", "Kenya", "Japan", "Canada", "Portugal")
_FILLERS = ("", "", "", "just ", "quickly ", "maybe ", "simply ", "also ", "really ", "actually ", "please ")
_NEIGHBOURS = {
    "a": "s",
    "e": "r",
    "i": "o",
    "o": "p",
    "t": "y",
    "n": "m",
    "s": "d",
    "r": "t",
    "l": "k",
    "c": "v",
    "h": "g",
}


def slots_of(text: str) -> list[str]:
    """Names of the slots in a phrase or a command line, in order."""
    return [match.group(2) for match in _PART.finditer(text) if match.group(2)]


def choose_phrase(task: Task, idiolect: Idiolect, mood: float, rng: np.random.Generator) -> tuple[str, bool]:
    """A phrase and whether it is vague (names the intent, not the task). Moody people are vaguer."""
    vague = VAGUE[task.intent]
    if task.vague and rng.random() < idiolect.vague * (1.0 - 0.7 * mood):
        return vague[int(len(vague) * rng.random() ** 1.3)], True
    return idiolect.phrases[task.name].draw(rng), False


def word_phrase(
    phrase: str,
    slots: dict[str, str],
    idiolect: Idiolect,
    recent_file: str | None,
    new_words: bool,
    rng: np.random.Generator,
) -> str:
    """The phrase with synonyms chosen and slots named; a file just worked on may become "it"."""

    def part(match: re.Match[str]) -> str:
        synonyms, slot = match.groups()
        if synonyms:
            # New words take over only in part: people keep some of the old ones.
            if new_words and synonyms in idiolect.new_synonyms and rng.random() < 0.7:
                return idiolect.new_synonyms[synonyms].draw(rng)
            return idiolect.synonyms[synonyms].draw(rng)
        value = slots[slot]
        if slot == "file":
            return _spoken_file(value, recent_file, rng)
        if slot == "glob":
            return f"{value[2:]} files" if rng.random() < 0.7 else value
        if slot == "folder" and value == ".":
            return "this folder"
        return value

    return _PART.sub(part, phrase)


def with_aside(text: str, other: str, rng: np.random.Generator) -> str:
    """The request with something else mentioned that is not asked for."""
    text, other = (f"{_FILLERS[int(rng.integers(0, len(_FILLERS)))]}{part}" for part in (text, other))
    if rng.random() < 0.5:
        aside = ASIDES_FIRST[int(rng.integers(0, len(ASIDES_FIRST)))].replace("{other}", other)
        return f"{aside} {text}"
    aside = ASIDES_LAST[int(rng.integers(0, len(ASIDES_LAST)))].replace("{other}", other)
    return f"{text} {aside}"


def _spoken_file(path: str, recent_file: str | None, rng: np.random.Generator) -> str:
    if path == recent_file and rng.random() < 0.45:
        return "it" if rng.random() < 0.5 else "that file"
    draw = rng.random()
    stem = path.rsplit("/", 1)[-1].split(".")[0]
    if draw < 0.25 and len(stem) > 2:
        return f"the {stem.replace('_', ' ')} file"
    return path.rsplit("/", 1)[-1] if draw < 0.5 else path


def again(rng: np.random.Generator) -> str:
    return AGAIN[int(len(AGAIN) * rng.random() ** 1.5)]


def out_of_scope(rng: np.random.Generator) -> str:
    text = OUT_OF_SCOPE[int(rng.integers(0, len(OUT_OF_SCOPE)))]
    return (
        text.replace("{city}", _CITIES[int(rng.integers(0, len(_CITIES)))])
        .replace("{country}", _COUNTRIES[int(rng.integers(0, len(_COUNTRIES)))])
        .replace("{n}", str(int(rng.integers(2, 9))))
    )


def dress(text: str, idiolect: Idiolect, previous_intent: str | None, mood: float, rng: np.random.Generator) -> str:
    """Openings, closings, what came before, capitals and typing mistakes: what surrounds the words that matter."""
    if previous_intent is not None and rng.random() < idiolect.clauses:
        clauses = CLAUSES[previous_intent]
        text = f"{clauses[int(rng.integers(0, len(clauses)))]}, {text}"
    elif rng.random() < idiolect.polite * (1.0 + 0.5 * mood):
        text = f"{OPENINGS[int(len(OPENINGS) * rng.random() ** 1.4)]} {text}"
    if rng.random() < 0.6 * idiolect.polite * (1.0 + 0.5 * mood):
        text = f"{text} {CLOSINGS[int(len(CLOSINGS) * rng.random() ** 1.4)]}"
    if rng.random() < idiolect.typos * 6.0:
        text = " ".join(_mistyped(word, rng) if rng.random() < 0.22 else word for word in text.split(" "))
    if rng.random() < idiolect.capitals:
        text = text[:1].upper() + text[1:]
    return text


def _mistyped(word: str, rng: np.random.Generator) -> str:
    """Two letters swapped, one lost, one doubled or one taken from the next key; paths and numbers are left alone."""
    if len(word) < 4 or not word.isalpha():
        return word
    at = int(rng.integers(1, len(word) - 1))
    kind = int(rng.integers(0, 4))
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    if kind == 2:
        return word[:at] + word[at] + word[at:]
    return word[:at] + _NEIGHBOURS.get(word[at], word[at]) + word[at + 1 :]
