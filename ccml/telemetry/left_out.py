"""People whose rows were erased: a landing leaves out what logs still hold of them.

`<lake>/landed/left_out.json` has a digest for each. A pseudonym there would be what was erased; a digest of it can only
be compared with the pseudonym of a user whose rows are offered again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from ccml import atomic
from ccml.stored import read_json

_CURE = (
    "Restore it from a copy of the home, or remove it and erase again those whose rows must not land: `ccml erase` "
    "names nobody"
)


class LeftOut(msgspec.Struct, frozen=True):
    people: frozenset[str] = frozenset()
    """Digests."""
    unfinished: frozenset[str] = frozenset()
    """Those among them whose erasure has begun and not ended."""

    def __contains__(self, pseudonym: object) -> bool:
        return bool(self.people) and isinstance(pseudonym, str) and _digest(pseudonym) in self.people

    def __bool__(self) -> bool:
        return bool(self.people)

    def has_begun(self, pseudonym: str) -> bool:
        """Was their erasure begun and not ended?"""
        return _digest(pseudonym) in self.unfinished

    def begun(self, pseudonym: str) -> LeftOut:
        one = {_digest(pseudonym)}
        return LeftOut(self.people | one, self.unfinished | one)

    def ended(self, pseudonym: str) -> LeftOut:
        return LeftOut(self.people, self.unfinished - {_digest(pseudonym)})


def left_out(lake: Path) -> LeftOut:
    """
    Raises:
        DamagedFileError: the list cannot be read. Taken for empty, it would let erased rows land again.
    """
    return read_json(_file(lake), LeftOut, _CURE) if _file(lake).exists() else LeftOut()


def write_left_out(lake: Path, people: LeftOut) -> None:
    atomic.write_bytes(_file(lake), msgspec.json.encode({name: sorted(getattr(people, name)) for name in _FIELDS}))


_FIELDS: Iterable[str] = LeftOut.__struct_fields__


def _digest(pseudonym: str) -> str:
    return hashlib.sha256(f"left out\0{pseudonym}".encode()).hexdigest()[:32]


def _file(lake: Path) -> Path:
    return lake / "landed" / "left_out.json"
