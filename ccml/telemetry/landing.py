"""Files → the lake, exactly once, with sums that agree.

Every line of a file ends in exactly one place, and a file lands only if these sums agree:

    lines = landed + duplicates + quarantined + blank + left out

`left out` are readable lines that hold no event of their own (an assistant's prose, a progress record), counted by
type. A file is known by the sha256 of its bytes: the same bytes under another name change nothing. The file's own row
is written last. If the process is killed before that, the next landing takes the file again, and each table leaves out
the rows that it has.
"""

from __future__ import annotations

import errno
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccml.privacy.pseudonyms import Pseudonyms
from ccml.privacy.redaction import redact
from ccml.telemetry.events import KINDS
from ccml.telemetry.finding import ReadFiles, files_read, inspect_files, write_register, written_state
from ccml.telemetry.lake import FILES, QUARANTINE, append_once, has_landed, landed_keys, landed_schema, open_table
from ccml.telemetry.landed_file import FileReport, LandedFile, LineCounts, file_row
from ccml.telemetry.left_out import left_out
from ccml.telemetry.readers import FORMATS, LogFile
from ccml.telemetry.readers.histories import Histories
from ccml.telemetry.readers.owner import storable
from ccml.telemetry.sources import Source

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_ROWS_PER_COMMIT = 250_000
"""Files are collected until they hold this many events: many small files then need few commits, and many large ones
little memory."""
_EXAMPLES = 20
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass
class LandingReport(LineCounts):
    """Sums over the files of one call. `files` counts those that landed now."""

    files: int = 0
    already_landed: int = 0
    changing: int = 0
    """Files that were written to or taken away while they were read; what is there then lands on the next call."""
    formats: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    """`file:line: reason` of the first refused lines."""
    set_aside: list[str] = field(default_factory=list)
    """A sentence on each file and folder that could not be used."""

    def add_file(self, file: FileReport) -> None:
        self.files += 1
        self.formats[file.format] += 1
        self.add(file)

    def sentence(self) -> str:
        """What happened, for a log or a terminal."""
        if not self.files:
            return f"Nothing new: {_counted(self.already_landed, 'file')} had landed before."
        refused = ", ".join(f"{count:,} {code}" for code, count in self.quarantined.most_common())
        left_out = self.duplicates + self.blank + self.skipped.total()
        return (
            f"{_counted(self.files, 'file')} with {_counted(self.lines, 'line')}: "
            f"{_counted(self.landed.total(), 'event')} landed on {_counted(len(self.days), 'day')} from "
            f"{_counted(self.landed_lines, 'line')}; {_counted(self.quarantined.total(), 'line')} quarantined"
            f"{f' ({refused})' if refused else ''}, {left_out:,} duplicates, blank or without an event; "
            f"{_counted(self.already_landed, 'file')} had landed before."
        )

    def metadata(self) -> dict[str, Any]:
        """The sums, as plain JSON values."""
        numbers = ("files", "already_landed", "changing", "lines", "landed_lines", "duplicates", "blank")
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
    known = files_read(lake)
    people = left_out(lake)
    found, report.set_aside = inspect_files(sources, known)
    histories = Histories(lake / "landed" / "histories")
    gathered: dict[str, LandedFile] = {}
    landed_files = open_table(lake, FILES)
    for path, state in [*found.items()]:
        if state.format is None:
            continue
        if known.get(path) == state:
            report.already_landed += 1
            continue
        log = LogFile(Path(path), state.format)
        try:
            sha256, lines = _fingerprint(log.path)
            if sha256 in gathered or has_landed(landed_files, sha256):
                report.already_landed += 1
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
        gathered[sha256] = file
        if sum(len(rows) for each in gathered.values() for rows in each.rows.values()) >= _ROWS_PER_COMMIT:
            histories.save()
            _commit(gathered, lake, now, report)
            gathered = {}
            landed_files = open_table(lake, FILES)
    histories.save()
    _commit(gathered, lake, now, report)
    read = ReadFiles.of(lake, found)
    if read.by_digest != known.by_digest:
        write_register(lake, read)
    return report


def _commit(files: dict[str, LandedFile], lake: Path, now: datetime, report: LandingReport) -> None:
    """Write events, then refused lines, then the files' own rows."""
    import pyarrow as pa

    if not files:
        return
    lines_of: dict[str, dict[str, list[np.ndarray]]] = {sha256: {"landed": [], "all": []} for sha256 in files}
    events: dict[str, dict[str, pa.Table]] = {}
    for kind in KINDS:
        holders = {sha256: file for sha256, file in files.items() if kind in file.rows}
        for sha256, (is_new, is_conflict) in _compare(kind, holders, lake).items():
            file, rows = holders[sha256], holders[sha256].rows[kind]
            file.refuse_conflicts(kind, rows.filter(pa.array(is_conflict)))
            lines = rows["line"].to_numpy()
            lines_of[sha256]["all"].append(lines)
            lines_of[sha256]["landed"].append(lines[is_new])
            fresh = rows.filter(pa.array(is_new))
            if len(fresh):
                file.report.landed[kind] = len(fresh)
                file.report.days = sorted({*file.report.days, *fresh["day"].unique().to_pylist()})
                events.setdefault(kind, {})[sha256] = _stamped(fresh, kind, now)
    for sha256, file in files.items():
        file.account(lines_of[sha256])
    for kind, rows_of in events.items():
        append_once(lake, kind, rows_of)
    refused = {sha256: partial(file.refused.batches, now) for sha256, file in files.items() if len(file.refused)}
    append_once(lake, QUARANTINE, refused)
    append_once(lake, FILES, {sha256: _stamped(file_row(file.report), FILES, now) for sha256, file in files.items()})
    for file in files.values():
        report.add_file(file.report)
        report.examples = [*report.examples, *file.refused.examples][:_EXAMPLES]


def _compare(kind: str, holders: dict[str, LandedFile], lake: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """For each file's rows: which are new (bool), and which contradict an event that came before (bool)."""
    import numpy as np

    if not holders:
        return {}
    before = landed_keys(lake, kind, but_of=list(holders))
    sizes = [len(file.rows[kind]) for file in holders.values()]
    keys, contents = (
        np.concatenate([before[name].to_numpy(), *(file.rows[kind][name].to_numpy() for file in holders.values())])
        for name in ("event_key", "content_key")
    )
    _, first, place = np.unique(keys, return_index=True, return_inverse=True)
    first_of_each = first[place]  # (rows,) position of the first row with the same event id
    is_new = first_of_each == np.arange(len(keys))
    differs = ~is_new & (contents != contents[first_of_each])
    cuts = len(before) + np.cumsum([0, *sizes])
    compared: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for (sha256, file), start, end in zip(holders.items(), cuts[:-1], cuts[1:], strict=True):
        conflicts = FORMATS[file.log.format].repeats == "conflict"
        compared[sha256] = (is_new[start:end], differs[start:end] & conflicts)
    return compared


def _stamped(rows: pa.Table, table: str, now: datetime) -> pa.Table:
    import pyarrow as pa

    stamp = pa.repeat(pa.scalar(now.astimezone(UTC), landed_schema(table).field("landed_at").type), len(rows))
    return rows.append_column("landed_at", stamp)


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
