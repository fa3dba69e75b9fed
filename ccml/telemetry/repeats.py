"""Which events of some files are new, and which contradict an event that came before.

Two events are the same if their ids are. Ids are compared as 64-bit hashes, a part of all of them at a time, so memory
holds neither the ids of the lake nor those of a large file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ccml.telemetry.lake import landed_keys
from ccml.telemetry.waiting import WaitingRows

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

_KEYS_AT_ONCE = 250_000


class Compared(NamedTuple):
    """For each event of a file, in its order."""

    is_new: NDArray[np.bool_]
    contradicts: NDArray[np.bool_]
    """An event with this id and another content came before."""


def compare(kind: str, offered: Mapping[str, WaitingRows], lake: Path, *, but_of: Sequence[str]) -> dict[str, Compared]:
    """Compares the events of a kind in each file (sha256 → keys) with the lake and the files before it.

    Args:
        but_of: files whose rows in the lake do not count.

    Raises:
        DamagedTableError: the lake's table is gone or damaged.
    """
    import numpy as np

    sizes = [len(keys) for keys in offered.values()]
    is_new, contradicts = np.zeros(sum(sizes), bool), np.zeros(sum(sizes), bool)
    parts = 1 + sum(sizes) // _KEYS_AT_ONCE
    for part in range(parts if offered else 0):
        place, keys, contents = _part(_batches(offered), part, parts)
        wanted = np.unique(keys)
        landed = landed_keys(lake, kind, but_of=but_of)
        _, keys_before, contents_before = _part(landed, part, parts, wanted)
        keys, contents = np.concatenate([keys_before, keys]), np.concatenate([contents_before, contents])
        _, first, same = np.unique(keys, return_index=True, return_inverse=True)
        first_of_each = first[same]  # (keys,) position of the first event with the same id
        new = first_of_each == np.arange(len(keys))
        differs = ~new & (contents != contents[first_of_each])
        is_new[place], contradicts[place] = new[len(keys_before) :], differs[len(keys_before) :]
    cuts = np.cumsum([0, *sizes])
    return {
        sha256: Compared(is_new[start:end], contradicts[start:end])
        for sha256, start, end in zip(offered, cuts[:-1], cuts[1:], strict=True)
    }


def _batches(offered: Mapping[str, WaitingRows]) -> Iterator[pa.RecordBatch]:
    for keys in offered.values():
        yield from keys.batches()


def _part(
    batches: Iterator[pa.RecordBatch], part: int, parts: int, wanted: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Positions, event keys and content keys of one part of all events; only of `wanted` event keys where given."""
    import numpy as np

    found: list[tuple[NDArray[np.int64], ...]] = [(np.zeros(0, np.int64),) * 3]
    position = 0
    for batch in batches:
        keys, contents = batch["event_key"].to_numpy(), batch["content_key"].to_numpy()
        chosen = np.flatnonzero(keys.view(np.uint64) % np.uint64(parts) == part)
        if wanted is not None:
            chosen = chosen[_among(keys[chosen], wanted)]
        found.append((position + chosen, keys[chosen], contents[chosen]))
        position += len(batch)
    place, keys, contents = (np.concatenate(column) for column in zip(*found, strict=True))
    return place, keys, contents


def _among(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.bool_]:
    """`wanted` is sorted and has each key once."""
    import numpy as np

    if not len(wanted):
        return np.zeros(len(keys), bool)
    nearest = wanted[np.minimum(np.searchsorted(wanted, keys), len(wanted) - 1)]
    return np.equal(nearest, keys)
