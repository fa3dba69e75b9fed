"""Files → the lake, exactly once, with sums that agree.

Every line of a file ends in exactly one place, and a file lands only if these sums agree:

    lines = landed + duplicates + quarantined + blank + left out

`left out` are readable lines that hold no event of their own (an assistant's prose, a progress record), counted by
type. A file is known by the sha256 of its bytes: the same bytes under another name change nothing. The file's own row
is written last. If the process is killed before that, the next landing takes the file again, and each table leaves out
the rows that it has.

A file that has landed lands again, in place of what there is of it: when it is to be read in another format, when lines
of it lay in the future and have come, and when somebody asks for it.
"""

from __future__ import annotations

import errno
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ccml.privacy.pseudonyms import Pseudonyms
from ccml.privacy.redaction import redact
from ccml.telemetry.attempts import Attempt
from ccml.telemetry.batch import Batch
from ccml.telemetry.finding import ReadFiles, files_read, inspect_files, write_register, written_state
from ccml.telemetry.landed_file import LandedFile, LineCounts
from ccml.telemetry.left_out import left_out
from ccml.telemetry.readers import LogFile
from ccml.telemetry.readers.histories import Histories
from ccml.telemetry.readers.owner import storable
from ccml.telemetry.sources import Source

_ROWS_PER_COMMIT = 250_000
_BYTES_PER_COMMIT = 16 << 20
"""Files are collected until they hold this much: many small files then need few commits, and many large ones little
memory."""
_EXAMPLES = 20
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass
class LandingReport(LineCounts):
    """Sums over the files of one call. `files` counts those that landed now."""

    files: int = 0
    already_landed: int = 0
    again: int = 0
    """Among `files`: those that had landed before, and were read again."""
    changing: int = 0
    """Files that were written to or taken away while they were read; what is there then lands on the next call."""
    formats: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    """`file:line: reason` of the first refused lines."""
    set_aside: list[str] = field(default_factory=list)
    """A sentence on each file and folder that could not be used."""

    def add_files(self, landed: list[tuple[LandedFile, Attempt]]) -> None:
        for file, attempt in landed:
            self.files += 1
            self.again += attempt.generation > 1
            self.formats[file.report.format] += 1
            self.add(file.report)
            self.examples = [*self.examples, *file.refused.examples][:_EXAMPLES]

    def sentence(self) -> str:
        """What happened, for a log or a terminal."""
        if not self.files:
            return f"Nothing new: {_counted(self.already_landed, 'file')} had landed before."
        refused = ", ".join(f"{count:,} {code}" for code, count in self.quarantined.most_common())
        again = f" Read again, in place of what had landed of it: {_counted(self.again, 'file')}." if self.again else ""
        left_out = self.duplicates + self.blank + self.skipped.total()
        return (
            f"{_counted(self.files, 'file')} with {_counted(self.lines, 'line')}: "
            f"{_counted(self.landed.total(), 'event')} landed on {_counted(len(self.days), 'day')} from "
            f"{_counted(self.landed_lines, 'line')}; {_counted(self.quarantined.total(), 'line')} quarantined"
            f"{f' ({refused})' if refused else ''}, {left_out:,} duplicates, blank or without an event; "
            f"{_counted(self.already_landed, 'file')} had landed before.{again}"
        )

    def metadata(self) -> dict[str, Any]:
        """The sums, as plain JSON values."""
        numbers = ("files", "again", "already_landed", "changing", "lines", "landed_lines", "duplicates", "blank")
        counters = ("landed", "quarantined", "skipped", "facts", "formats")
        return {
            **{name: getattr(self, name) for name in numbers},
            **{name: dict(getattr(self, name)) for name in counters},
            "quarantine_examples": self.examples,
            "set_aside": [redact(sentence) for sentence in self.set_aside],
        }


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def land(sources: Sequence[Source], lake: Path, pseudonyms: Pseudonyms, now: datetime) -> LandingReport:
    """Read the files behind `sources` and add what is new in them to the lake.

    Texts are redacted and people and machines replaced by pseudonyms before anything is written. Source files are read
    in place and left as they are.

    Args:
        now: the moment of landing, with a time zone.

    Raises:
        IntegrityError: the sums of a file do not agree; the file does not land.
    """
    report = LandingReport()
    # A file that gives up events can have kept those of others from landing: these are read in a second turn.
    while _land_once(sources, lake, pseudonyms, now, report):
        report.already_landed = 0
    return report


def _land_once(
    sources: Sequence[Source], lake: Path, pseudonyms: Pseudonyms, now: datetime, report: LandingReport
) -> bool:
    """Is another turn needed?"""
    known = files_read(lake)
    people = left_out(lake)
    found, report.set_aside = inspect_files(sources, known, now)
    histories = Histories(lake / "landed" / "histories")
    batch = Batch(lake, known)
    for path, state in [*found.items()]:
        if state.format is None:
            continue
        earlier = known.get(path)
        if earlier is state:
            report.already_landed += 1
            continue
        log = LogFile(Path(path), state.format)
        try:
            sha256, lines = _fingerprint(log.path)
            if batch.has(sha256, state, earlier, now):
                report.already_landed += 1
                found[path] = batch.as_landed(sha256, state)
                continue
            file = LandedFile(log, lake, sha256, state.written.bytes, pseudonyms, people)
            file.read(now, histories)
            changed = written_state(log.path) != state.written
        except FileNotFoundError:  # rotated away since the folder was listed
            changed = True
        except OSError as error:
            if error.errno in _DISK_FULL:
                raise
            report.set_aside.append(f"{storable(path)} cannot be read: {error.strerror}.")
            del found[path]
            continue
        if changed:
            report.changing += 1
            del found[path]
            continue
        file.check_lines(lines)
        found[path] = batch.add(file, state, now)
        if batch.rows >= _ROWS_PER_COMMIT or batch.bytes >= _BYTES_PER_COMMIT:
            histories.save()
            report.add_files(batch.commit(now))
    histories.save()
    report.add_files(batch.commit(now))
    read = ReadFiles.of(lake, found).to_be_read_again(files=batch.displaced)
    if read.by_digest != known.by_digest:
        write_register(lake, read)
    return bool(batch.displaced)


def _fingerprint(path: Path) -> tuple[str, int]:
    """sha256 of the bytes, and the number of lines (a last one without a line end counts)."""
    digest = hashlib.sha256()
    lines, last = 0, b"\n"
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
            lines += chunk.count(b"\n")
            last = chunk[-1:]
    return digest.hexdigest(), lines + (last != b"\n")
