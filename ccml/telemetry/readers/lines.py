"""Reads the lines of a file in bounded memory. Of a line over the limit only the beginning and the hash are kept, so a
file without line ends does not fill the memory, and the lines after a long one are read."""

from __future__ import annotations

import hashlib
import io
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

_CHUNK_BYTES = 1 << 18
_CHUNK_OF_LINES = 1 << 21
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


class Chunk(NamedTuple):
    """Whole lines, one behind the other."""

    first: int
    """Number of the first line."""
    raw: bytes

    @property
    def lines(self) -> int:
        return self.raw.count(b"\n") + (not self.raw.endswith(b"\n"))


def read_lines(path: Path, limit: int) -> Iterator[Line]:
    """Yield the lines of `path`; `limit` is the longest line, in bytes, that is kept whole."""
    with _opened(path) as stream:
        yield from _lines(stream, limit, first=1)


def lines_of(chunk: Chunk, limit: int) -> Iterator[Line]:
    return _lines(io.BytesIO(chunk.raw), limit, first=chunk.first)


def read_chunks(path: Path, limit: int) -> Iterator[Chunk | Line]:
    """Yield the lines of `path` many at a time, but for a line that is longer than a chunk and than `limit`."""
    number = 1
    with _opened(path) as stream:
        while raw := stream.read(_CHUNK_OF_LINES):
            if not raw.endswith(b"\n"):
                rest = stream.readline(limit + 2)
                raw += rest
                if len(rest) > limit and not raw.endswith(b"\n"):  # the line goes on
                    whole = raw.rfind(b"\n") + 1
                    stream.seek(whole - len(raw), os.SEEK_CUR)
                    raw = raw[:whole]
            if raw:
                chunk = Chunk(number, raw)
                number += chunk.lines
                yield chunk
            else:
                yield next(_lines(stream, limit, number))
                number += 1


def _opened(path: Path) -> BinaryIO:
    """At the first byte behind a byte order mark, which is no content."""
    stream = path.open("rb")
    if stream.read(len(_BYTE_ORDER_MARK)) != _BYTE_ORDER_MARK:
        stream.seek(0)
    return stream


def _lines(stream: BinaryIO, limit: int, first: int) -> Iterator[Line]:
    for number in itertools.count(first):
        raw = stream.readline(limit + 2)  # + 2 for the line end
        if not raw:
            return
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
