"""Gives each command of a shell history without times an identity that trimming and editing the file do not change.

A history of 500 lines that gains 20 loses its first 20: every position changes, and nearly every command has been read
before. So the commands of a file are aligned with the commands read earlier, and a command that was read keeps its
serial number. Event ids are made of the serial numbers. Whether an event has landed is decided by its id alone, so a
command that is remembered but did not land is landed by the next attempt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ccml import atomic
from ccml.stored import read_or_set_aside

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CONVINCING = 20
"""If this many commands stand in the same order, two files are the same history, whatever their lengths."""
_MOST_CELLS = 10_000_000
"""Most cells of an alignment with edits, 40 MB: enough for a file of 2,200 lines, where bash keeps 500. In a longer one
only trimming and appending are recognised; after another edit its commands count as new."""


class History(msgspec.Struct):
    """Commands of one history in their order, those that were trimmed since included."""

    id: str
    paths: list[str] = msgspec.field(default_factory=list)
    """Digests of the paths that it was read from."""
    commands: list[int] = msgspec.field(default_factory=list)
    """64-bit digests."""
    serials: list[int] = msgspec.field(default_factory=list)


class Histories:
    """The commands read earlier, by shell and owner, in a folder of the lake. Without a folder none are remembered."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._read: dict[str, list[History]] = {}
        self._changed: set[str] = set()

    def place(self, shell: str, owner: str, path: str, commands: Sequence[bytes]) -> list[str]:
        """An identity for each command of a file. A command that was read before gets the identity it had."""
        if not commands:
            return []
        name = f"{shell}-{_digest(owner)}"
        known = self._read.setdefault(name, self._load(name))
        found = [
            int.from_bytes(hashlib.blake2b(each, digest_size=8).digest(), "little", signed=True) for each in commands
        ]
        history, matches = _find(known, _digest(path), found)
        if history is None:
            history = History(self._new_id(name, owner, path))
            known.append(history)
        if _digest(path) not in history.paths:
            history.paths.append(_digest(path))
        serials = _merge(history, found, matches)
        self._changed.add(name)
        return [f"{history.id}\0{serial}" for serial in serials]

    def save(self) -> None:
        """Stores the serial numbers. Called before the events land: a landed event whose number is not stored would get
        another id in the next reading, and land twice."""
        for name in sorted(self._changed) if self._folder is not None else []:
            atomic.write_bytes(self._file(name), msgspec.json.encode(self._read[name]))
        self._changed.clear()

    def forget(self, owner: str) -> None:
        """Removes what is known of the histories of one person."""
        for path in self._folder.glob(f"*-{_digest(owner)}.json") if self._folder is not None else []:
            path.unlink()

    def _load(self, name: str) -> list[History]:
        if self._folder is None:
            return []
        consequence = "commands of this shell without a time get new identities, and those still there land again"
        return list(read_or_set_aside(self._file(name), list[History], [], consequence))

    def _new_id(self, name: str, owner: str, path: str) -> str:
        """Serial numbers begin anew after damage: with an id of before a command would be taken for another one."""
        number = f"{owner}\0{Path(path).name}\0{len(self._read[name])}"
        damaged = len([*self._folder.glob(f"{name}.json.damaged*")]) if self._folder is not None else 0
        return _digest(f"{number}\0{damaged}" if damaged else number)

    def _file(self, name: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{name}.json"


def _find(known: Sequence[History], path: str, commands: list[int]) -> tuple[History | None, list[int | None]]:
    """The history that the file continues, and for each command its place in it.

    A history that was read from the same path is taken with any number of matches, another one only with many.
    """
    nothing: list[int | None] = [None] * len(commands)
    own = next((history for history in known if path in history.paths), None)
    best, best_matches, most = own, nothing, 0
    for history in known:
        matches = align(history.commands, commands)
        matched = sum(match is not None for match in matches)
        if matched > most and (history is own or _convinces(matched, commands, history.commands)):
            best, best_matches, most = history, matches, matched
    return best, best_matches


def _convinces(matched: int, *sequences: Sequence[int]) -> bool:
    return matched >= min(_CONVINCING, *((len(sequence) + 1) // 2 for sequence in sequences))


def align(earlier: Sequence[int], now: Sequence[int]) -> list[int | None]:
    """For each command of a file its position among the earlier ones, or None where it is new.

    The file may have lost commands at its top, gained some at its end, and been edited between. Of all alignments the
    one with the fewest new and removed commands is taken; commands trimmed at the top are not counted. So a command
    that is typed again is new, and 300 lines typed after the history was cleared are new although each was typed
    before.
    """
    rolled = _overlap(earlier, now)
    if 2 * rolled >= len(now):
        return _run(len(earlier) - rolled, rolled, len(now))
    inside = _find_run(earlier, now)
    if inside is not None and _convinces(len(now), earlier):
        return _run(inside, len(now), len(now))
    older = _overlap(now, earlier)
    if older > rolled and _convinces(older, earlier, now):
        return [None] * (len(now) - older) + [*range(older)]
    skipped = max(0, len(earlier) - 2 * len(now))
    if (len(earlier) - skipped) * len(now) > _MOST_CELLS:
        return _run(len(earlier) - rolled, rolled, len(now))
    edited = _align_edited(earlier[skipped:], now)
    return [None if match is None else match + skipped for match in edited]


def _run(start: int, length: int, total: int) -> list[int | None]:
    return [*range(start, start + length), *[None] * (total - length)]


def _overlap(first: Sequence[int], second: Sequence[int]) -> int:
    """Length of the longest end of `first` that is a beginning of `second`."""
    tail = first[max(0, len(first) - len(second)) :]
    borders = _borders([*second, None, *tail])
    return borders[-1] if tail else 0


def _find_run(earlier: Sequence[int], now: Sequence[int]) -> int | None:
    """Where `now` stands in `earlier` as a whole, the last place of several."""
    borders = _borders([*now, None, *earlier])
    ends = [end for end in range(len(now) + 1, len(borders)) if borders[end] == len(now)]
    return ends[-1] - 2 * len(now) if ends else None


def _borders(sequence: Sequence[int | None]) -> list[int]:
    """For each position, how long a beginning of the sequence ends there (Knuth, Morris and Pratt's failure table)."""
    borders = [0] * len(sequence)
    for place in range(1, len(sequence)):
        length = borders[place - 1]
        while length and sequence[place] != sequence[length]:
            length = borders[length - 1]
        borders[place] = length + (sequence[place] == sequence[length])
    return borders


def _align_edited(earlier: Sequence[int], now: Sequence[int]) -> list[int | None]:
    import numpy as np

    before, found = np.array(earlier, np.int64), np.array(now, np.int64)
    costs = _costs(before, found)
    matches: list[int | None] = [None] * len(now)
    row, column = len(earlier), len(now)
    while column:
        if costs[row, column] == costs[row, column - 1] + 1:
            column -= 1  # a new command
        elif before[row - 1] == found[column - 1] and costs[row, column] == costs[row - 1, column - 1]:
            row, column = row - 1, column - 1
            matches[column] = row
        else:
            row -= 1  # a removed command
    return matches


def _costs(before: NDArray[np.int64], found: NDArray[np.int64]) -> NDArray[np.int32]:
    """(rows + 1, columns + 1) new plus removed commands of the best explanation of each pair of beginnings."""
    import numpy as np

    columns = np.arange(len(found) + 1, dtype=np.int32)
    costs = np.zeros((len(before) + 1, len(found) + 1), np.int32)
    costs[0] = columns
    for row, command in enumerate(before, start=1):
        best = costs[row - 1] + np.int32(1)
        best[0] = 0
        best[1:] = np.where(found == command, np.minimum(best[1:], costs[row - 1, :-1]), best[1:])
        costs[row] = np.minimum.accumulate(best - columns) + columns
    return costs


def _merge(history: History, found: Sequence[int], matches: Sequence[int | None]) -> list[int]:
    """Serials of the file's commands. The new ones are inserted into the history where the file has them."""
    serials: list[int] = []
    commands: list[int] = []
    numbers: list[int] = []
    unused = max(history.serials, default=-1) + 1
    waiting: list[tuple[int, int]] = []
    copied = 0

    def put_new_ones() -> None:
        commands.extend(command for command, _ in waiting)
        numbers.extend(serial for _, serial in waiting)
        waiting.clear()

    for command, match in zip(found, matches, strict=True):
        if match is None:
            waiting.append((command, unused))
            serials.append(unused)
            unused += 1
            continue
        commands.extend(history.commands[copied:match])
        numbers.extend(history.serials[copied:match])
        put_new_ones()
        commands.append(command)
        numbers.append(history.serials[match])
        serials.append(history.serials[match])
        copied = match + 1
    commands.extend(history.commands[copied:])
    numbers.extend(history.serials[copied:])
    put_new_ones()
    history.commands, history.serials = commands, numbers
    return serials


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
