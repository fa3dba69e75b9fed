"""The served log: every answer and its feedback as native telemetry, where the next ingest finds it.

A file is called `….jsonl.tmp` while it is written. It is synced and renamed when it holds `log_lines` lines, when
`log_seconds` have passed since its first one, at a pause unless a file was closed less than `log_seconds` ago, and when
the server stops. The landing passes `*.tmp` over and so never reads half of a file. Each line is handed to the kernel
at once: a server that is killed leaves its `.tmp` behind with at most a torn last line, and the next start removes that
line and renames the file.
"""

from __future__ import annotations

import fcntl
import math
import os
import queue
import secrets
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from ccml.atomic import sync_folder
from ccml.privacy.pseudonyms import Pseudonyms
from ccml.telemetry.events import AnyEvent
from ccml.telemetry.redaction import redact_event

if TYPE_CHECKING:
    from ccml.serving.metrics import Meter
    from ccml.serving.settings import ServingSettings

OPEN: Final = ".jsonl.tmp"
_QUEUED: Final = 50_000
"""Events that may wait for the disk. Beyond it they are counted as lost: a full disk must not fill the memory too."""


class ServedLog:
    """Takes events from the event loop without ever blocking it; one thread redacts and writes them."""

    def __init__(self, folder: Path, pseudonyms: Pseudonyms, settings: ServingSettings, meter: Meter) -> None:
        self._folder = folder
        self._pseudonyms = pseudonyms
        self._settings = settings
        self._meter = meter
        self._queue: queue.Queue[AnyEvent | None] = queue.Queue(_QUEUED)
        self._thread = threading.Thread(target=self._write_all, name="served-log", daemon=True)
        self._open: _OpenFile | None = None
        self._closed = -math.inf
        """When the last file was closed."""

    def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        recover(self._folder)
        self._thread.start()

    def write(self, event: AnyEvent) -> None:
        try:
            self._queue.put_nowait(event)
        except queue.Full:
            self._meter.log_lost.inc()

    def close(self) -> None:
        """Writes what waits, then closes the file under its final name."""
        self._queue.put(None)
        self._thread.join()

    def _write_all(self) -> None:
        while True:
            try:
                event = self._queue.get(timeout=self._seconds_left())
            except queue.Empty:
                self._rotate()
                continue
            if event is None:
                self._rotate()
                return
            self._write_one(event)
            if self._open is not None and (self._open.lines >= self._settings.log_lines or self._seconds_left() == 0.0):
                self._rotate()

    def _seconds_left(self) -> float | None:
        """Until the open file must be closed, whether or not something is written; None without an open file."""
        if self._open is None:
            return None
        at_a_pause = max(
            self._open.written + self._settings.log_idle_seconds, self._closed + self._settings.log_seconds
        )
        return max(0.0, min(self._open.since + self._settings.log_seconds, at_a_pause) - time.monotonic())

    def _write_one(self, event: AnyEvent) -> None:
        try:
            line = msgspec.json.encode(redact_event(event, self._pseudonyms)) + b"\n"
            if self._open is None:
                self._open = _OpenFile(self._folder)
            self._open.append(line)
        except OSError:
            # A full disk. The server goes on answering, the gap shows in the metrics, and the next event tries anew.
            self._meter.log_lost.inc()
        else:
            self._meter.log_lines.inc()

    def _rotate(self) -> None:
        if self._open is None:
            return
        try:
            self._open.finish()
        except OSError:
            # The bytes are in the `.tmp`; the next start of a server finishes it.
            self._meter.log_rotation_failures.inc()
        self._open = None
        self._closed = time.monotonic()


class _OpenFile:
    """One file being written. Its lock says to other servers that its writer lives; the kernel frees it with us."""

    def __init__(self, folder: Path) -> None:
        while True:
            stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
            self._path = folder / f"served-{stamp}-{os.getpid()}-{secrets.token_hex(3)}{OPEN}"
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            if self._path.exists():
                break
            os.close(self._file)  # a server that was just starting took it for an orphan before the lock was ours
        self.since = self.written = time.monotonic()
        self.lines = 0
        self._size = 0

    def append(self, line: bytes) -> None:
        try:
            if os.write(self._file, line) != len(line):
                raise OSError("the disk took only a part of the line")
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(line)
        self.lines += 1
        self.written = time.monotonic()

    def finish(self) -> None:
        try:
            _finish(self._file, self._path, self._size)
        finally:
            os.close(self._file)


def recover(folder: Path) -> list[Path]:
    """Finishes the files of servers that were killed and returns their final names. Files in use are left alone."""
    recovered = []
    for path in sorted(folder.glob(f"*{OPEN}")):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        except FileNotFoundError:
            continue  # finished by its writer since it was listed
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            whole = path.read_bytes().rfind(b"\n") + 1
            os.ftruncate(descriptor, whole)
            final = _finish(descriptor, path, whole)
            if final is not None:
                recovered.append(final)
        finally:
            os.close(descriptor)
    return recovered


def _finish(descriptor: int, path: Path, size: int) -> Path | None:
    if size == 0:
        path.unlink()
        return None
    os.fsync(descriptor)
    final = path.with_name(path.name.removesuffix(".tmp"))
    path.rename(final)
    sync_folder(final.parent)
    return final
