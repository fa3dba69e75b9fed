"""What is known of each candidate, as numbers: counts of all sessions and of this one, recency, place, arguments."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ccml.suggestions.candidates import Candidates
from ccml.suggestions.counts import FLOOR, interpolated
from ccml.suggestions.memory import Running, circumstances_of
from ccml.suggestions.turns import Turn, Unit

Matrix = NDArray[np.float32]

LEVELS: Final[dict[Unit, tuple[Unit, ...]]] = {
    "name": ("name",),
    "template": ("name", "template"),
    "line": ("name", "template", "line"),
}
"""The units at which a candidate is looked up: a line that nobody ran before has a template that many ran."""
_WORD: Final = re.compile(r"[\w.-]+")


def evidence(unit: Unit, candidates: Candidates, running: Running, turn: Turn) -> Matrix:
    """(C + 1, F) one row a candidate, and a last one that stands for anything else.

    The first columns are the moment's and the same in all rows; of the others the last row has zeros, and alone a one
    in the last column.
    """
    found = candidates.words
    names = [words.name for words in found]
    columns = [np.log(candidates.prior + FLOOR), _corrects(names, running)]
    columns.append(np.array([float(_says(turn.request, name)) for name in names]))
    for level in LEVELS[unit]:
        tokens = [words.unit(level) for words in found]
        columns += _counted(level, tokens, running)
        columns += _recent(level, tokens, running)
        columns += _beside(level, tokens, running, turn)
    if unit == "line":
        columns += _arguments(candidates, running, turn)
    moment = _moment(unit, running, turn)
    matrix = np.zeros((len(found) + 1, len(moment) + len(columns) + 1), np.float32)
    matrix[:, : len(moment)] = moment
    matrix[:-1, len(moment) : -1] = np.stack(columns, axis=1)
    matrix[-1, -1] = 1.0
    return matrix


def _counted(level: Unit, tokens: Sequence[str], running: Running) -> list[NDArray[np.float64]]:
    columns: list[NDArray[np.float64]] = []
    for memory, orders in ((running.knowledge, 4), (running, 3)):
        tallies = memory.chains[level].after(running.before[level])[:orders]
        counted = [tally.of(tokens) for tally in tallies]
        estimates = interpolated(tallies, counted, np.full(len(tokens), FLOOR))
        columns += [np.log(estimate) for estimate in estimates]
        columns += [np.log1p(counts) for counts in counted]
        columns += [np.full(len(tokens), np.log1p(tally.total)) for tally in tallies[1:]]
    people = running.knowledge.people[level]
    columns.append(
        np.log1p(np.array([people[token] for token in tokens], float)) / np.log1p(running.knowledge.sessions + 1)
    )
    return columns


def _recent(level: Unit, tokens: Sequence[str], running: Running) -> list[NDArray[np.float64]]:
    now = len(running)
    back = np.array([now - running.last_at[level].get(token, -1_000) for token in tokens], float)
    followed = running.followed.get((level, running.last(level)), {})
    return [
        1.0 / back,
        np.log(np.minimum(back, 1_000.0)),
        (back == 1.0).astype(float),
        (back == 2.0).astype(float),
        np.array([followed.get(token, 0.0) for token in tokens]),
    ]


def _beside(level: Unit, tokens: Sequence[str], running: Running, turn: Turn) -> list[NDArray[np.float64]]:
    columns: list[NDArray[np.float64]] = []
    for kind, value in circumstances_of(turn, running.before):
        for memory in (running.knowledge, running):
            alone = memory.chains[level].all
            base = alone.smoothed(alone.of(tokens), np.full(len(tokens), FLOOR))
            tally = memory.beside(kind, value, level)
            columns.append(np.log(tally.smoothed(tally.of(tokens), base)))
    return columns


def _moment(unit: Unit, running: Running, turn: Turn) -> list[float]:
    """How far the session is, and how much of what comes was met before."""
    last = running.last("name")
    return [
        *running.expected[unit],
        float(np.log1p(len(running))),
        running.chains[unit].all.escape,
        running.knowledge.chains[unit].after(running.before[unit])[1].escape,
        float(np.log1p(turn.pause)) / 5.0,
        float(turn.previous_failed),
        float(bool(last) and not running.knowledge.people["name"][last]),
    ]


def _corrects(names: Sequence[str], running: Running) -> NDArray[np.float64]:
    """Does the candidate's name differ by a letter or two from the last one, which no session knows?"""
    last = running.last("name")
    if not last or running.knowledge.people["name"][last]:
        return np.zeros(len(names))
    return np.array([float(0 < edits(last, name) <= 2) for name in names])


@lru_cache(maxsize=65_536)
def edits(a: str, b: str) -> int:
    """Letters to insert, take away or replace (Levenshtein 1966); 3 stands for more than two."""
    if abs(len(a) - len(b)) > 2:
        return 3
    row = list(range(len(b) + 1))
    for at, letter in enumerate(a, 1):
        above, row[0] = row[0], at
        for place, other in enumerate(b, 1):
            above, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, above + (letter != other))
    return min(row[-1], 3)


def _arguments(candidates: Candidates, running: Running, turn: Turn) -> list[NDArray[np.float64]]:
    """How many arguments a line has, and where they were met: in the session, in the last line, in the request."""
    texts = [[text for _, text in words.arguments] for words in candidates.words]
    last = running.last("line")
    used = {text for of_kind in running.arguments.values() for text in of_kind}
    used_last = {text for _, text in running.words[last].arguments} if last else set()
    last_words = set(_WORD.findall(last))
    shown = [set(_WORD.findall(token)) for token in candidates.tokens]

    def share(met: Callable[[str], bool]) -> NDArray[np.float64]:
        return np.array([sum(map(met, each)) / max(len(each), 1) for each in texts], float)

    return [
        np.array([len(each) for each in texts], float),
        share(used.__contains__),
        share(used_last.__contains__),
        share(lambda text: _says(turn.request, text)),
        np.array([len(each & last_words) / max(len(each | last_words), 1) for each in shown], float),
        np.array([token in candidates.filled for token in candidates.tokens], float),
        np.array([min(len(token), 200) / 50.0 for token in candidates.tokens], float),
    ]


def _says(request: str, text: str) -> bool:
    return bool(text) and text in request
