"""Reads the lines of a file in bounded memory. Of a line over the limit only the beginning and the hash are kept, so a
file without line ends does not fill the memory, and the lines after a long one are read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CHUNK_BYTES = 1 << 18
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    number: int
    """From 1."""
    raw: bytes
    """Without the line end; of a line over the limit, only its beginning."""
    size: int
    """Bytes of the whole line without the line end."""
    digest: str | None
    """sha256 of the whole line, where `raw` is only its beginning."""
    ended: bool
    """False for a last line without a line end: the file may have been cut there."""

    @property
    def sha256(self) -> str:
        return self.digest or hashlib.sha256(self.raw).hexdigest()

    @property
    def blank(self) -> bool:
        return not self.raw.strip() and self.digest is None


def read_lines(path: Path, limit: int) -> Iterator[Line]:
    """Yield the lines of `path`; `limit` is the longest line, in bytes, that is kept whole."""
    number = 0
    with path.open("rb") as stream:
        if stream.read(len(_BYTE_ORDER_MARK)) != _BYTE_ORDER_MARK:  # which is no content
            stream.seek(0)
        while True:
            raw = stream.readline(limit + 2)  # + 2 for the line end
            if not raw:
                return
            number += 1
            if len(raw) <= limit or raw.endswith(b"\n"):
                body = raw.removesuffix(b"\n").removesuffix(b"\r")
                yield Line(number, body, len(body), None, raw.endswith(b"\n"))
                continue
            digest = hashlib.sha256()
            size = 0
            pending = raw
            while pending and not pending.endswith(b"\n"):
                digest.update(pending)
                size += len(pending)
                pending = stream.readline(_CHUNK_BYTES)
            rest = pending.removesuffix(b"\n").removesuffix(b"\r")
            digest.update(rest)
            yield Line(number, raw[:_CHUNK_BYTES], size + len(rest), digest.hexdigest(), bool(pending))
