"""A person's lines out of the logs in the landing zone, the only logs that lie in the home.

A line becomes an empty one: the lines behind it keep their numbers, by which the quarantine finds them. A file that
holds events of nobody else goes as a whole. Logs outside of the home are their owner's, and are not touched.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ccml import atomic
from ccml.erasure.person import Person
from ccml.privacy.pseudonyms import Pseudonyms
from ccml.telemetry.readers import FORMATS, fitting_format, read_file
from ccml.telemetry.readers.native import NATIVE
from ccml.telemetry.readers.owner import stated_owner

_ALL = frozenset({0})
_NO_FUTURE = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class RewrittenLog:
    """A log of the landing zone with the person's lines emptied, written beside it and not yet in its place."""

    path: Path
    beside: Path | None
    """None where the whole file goes."""
    before: str
    after: str
    """sha256 of the content; nothing where the whole file goes."""

    def put_in_place(self, person: Person, landing: Path) -> None:
        """The log may be named after the person; then it gets another name."""
        if self.beside is None:
            self.path.unlink()
            for folder in self.path.parents:
                if folder == landing or any(folder.iterdir()):
                    break
                folder.rmdir()
            return
        self.beside.replace(self.path)
        if person.named_in(self.path.name):
            self.path.rename(self.path.with_name(person.without_name(self.path.name).replace("<user>", "erased")))
        atomic.sync_folder(self.path.parent)


def rewrite_logs(landing: Path, person: Person, pseudonyms: Pseudonyms) -> list[RewrittenLog]:
    """Those of the logs in the landing zone that hold lines of the person."""
    for left in landing.rglob(".erasing-*") if landing.is_dir() else []:  # of an erasure that was killed
        left.unlink()
    files = sorted(path for path in landing.rglob("*") if path.is_file()) if landing.is_dir() else []
    return [found for path in files if (found := _rewrite(path, person, pseudonyms))]


def logs_with(landing: Path, person: Person, pseudonyms: Pseudonyms) -> list[str]:
    """Paths from the landing zone of the logs that hold lines of the person."""
    files = sorted(path for path in landing.rglob("*") if path.is_file()) if landing.is_dir() else []
    return [path.relative_to(landing).as_posix() for path in files if _theirs(path, person, pseudonyms)]


def _rewrite(path: Path, person: Person, pseudonyms: Pseudonyms) -> RewrittenLog | None:
    theirs = _theirs(path, person, pseudonyms)
    if not theirs:
        return None
    if theirs == _ALL:
        return RewrittenLog(path, None, "", "")
    before, after = hashlib.sha256(), hashlib.sha256()
    with (
        path.open("rb") as log,
        tempfile.NamedTemporaryFile(dir=path.parent, prefix=".erasing-", delete=False) as beside,
    ):
        for number, line in enumerate(log, start=1):
            kept = b"\n" if number in theirs else line
            before.update(line)
            after.update(kept)
            beside.write(kept)
    return RewrittenLog(path, Path(beside.name), before.hexdigest(), after.hexdigest())


def _theirs(path: Path, person: Person, pseudonyms: Pseudonyms) -> frozenset[int]:
    """Numbers of the person's lines; `_ALL` where the whole file is theirs, nothing where no line is."""

    def is_theirs(user: str) -> bool:
        return pseudonyms.of("user", user) == person.pseudonym

    format = NATIVE.name if ".jsonl" in path.suffixes and path.suffix == ".tmp" else fitting_format(path)
    if format is None:
        return frozenset()
    if format == NATIVE.name:
        return _lines_of(path, person, is_theirs)
    mine: set[int] = set()
    others = False
    for record in read_file(path, format, now=_NO_FUTURE):
        owners = {is_theirs(event.user_id) for event in record.events}
        others |= False in owners
        if True in owners:
            mine.add(record.line)
    if mine and not others:
        return _ALL
    return frozenset() if path.suffix in FORMATS[format].document_suffixes else frozenset(mine)


def _lines_of(path: Path, person: Person, is_theirs: Callable[[str], bool]) -> frozenset[int]:
    """Of a native log: what says that it is theirs, and damaged lines with their name in them."""
    marks = {mark.encode() for mark in (person.name, person.pseudonym, "\\u")}
    found: set[int] = set()
    others = False
    with path.open("rb") as log:
        for number, line in enumerate(log, start=1):
            plain = line.replace(b"\0", b"") if b"\0" in line else line  # UTF-16
            if not any(mark in plain for mark in marks):
                others = others or bool(stated_owner(line))
                continue
            owner = stated_owner(line)
            if is_theirs(owner) if owner else _is_damaged(line) and person.named_in(plain.decode(errors="replace")):
                found.add(number)
            else:
                others = True
    return _ALL if found and not others else frozenset(found)


def _is_damaged(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return True
    return False
