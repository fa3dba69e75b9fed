"""Publishes releases and moves the two pointers. Every change is made under one lock per model and appears at once.

A release is written beside its place, synced, and renamed; its files are read-only and never change again. A pointer
is replaced by compare-and-set: whoever decided against another champion is refused and has to gate the candidate again.
A process killed at any point leaves either the old state or the new one, and at most a `.publishing-…` folder that
the next publication removes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from ccml import atomic
from ccml.errors import CcmlError, InputError, IntegrityError
from ccml.releases.manifest import (
    CONFIG,
    DRIFT_REFERENCE,
    EXPORTED_FILES,
    FORMAT,
    MANIFEST,
    RELEASE_FILES,
    REQUIRED_FILES,
    Change,
    FileEntry,
    Manifest,
    Pointer,
    ReleaseFacts,
    architecture_hash,
    change_between,
    checked_name,
    content_hash,
    next_version,
)
from ccml.releases.reader import list_versions, read_manifest, read_pointer, read_release

_BESIDE: Final = ".publishing-"


class ChampionMovedError(CcmlError):
    """Somebody else moved the champion since it was looked at; the decision rests on a comparison no longer true."""


@dataclass(frozen=True)
class Published:
    """`new` is False if the same model had been published before; then this is that release."""

    manifest: Manifest
    manifest_sha256: str
    path: Path
    new: bool

    @property
    def version(self) -> str:
        return self.manifest.version


def publish(
    candidate: Path, models: Path, name: str, *, exported: Mapping[str, bytes], facts: ReleaseFacts
) -> Published:
    """Makes the candidate an immutable release and returns it. Does not make it champion.

    Args:
        candidate: a model folder as training saved it.
        exported: the graphs and what was measured on them, by file name (`EXPORTED_FILES`), and the
            drift reference.

    Raises:
        InputError: a file is missing or is no part of a release.
        IntegrityError: the candidate's files are not those that were saved together, or a manifest among the
            earlier releases, from which the version follows, is damaged.
        CcmlError: the disk refused a file; the message names it.
    """
    sources = _collect(candidate, exported, facts)
    folder = models / checked_name(name)
    folder.mkdir(parents=True, exist_ok=True)
    with _lock(folder):
        _remove_leftovers(folder)
        beside = folder / f"{_BESIDE}{uuid.uuid4().hex}"
        beside.mkdir()
        try:
            files = {file_name: _write(beside / file_name, source) for file_name, source in sorted(sources.items())}
            architecture = _checked_config(beside / CONFIG, candidate, files)
            same = _published_before(models, name, content_hash(architecture, files))
            if same is not None:
                return same
            manifest = _manifest(models, name, architecture, files, facts)
            raw = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
            _write(beside / MANIFEST, raw)
            atomic.sync_folder(beside)
            _place(beside, folder / manifest.version)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    return Published(manifest, hashlib.sha256(raw).hexdigest(), folder / manifest.version, new=True)


def promote(models: Path, name: str, version: str, *, expected: str | None, reason: str) -> Pointer:
    """Makes `version` the champion; the champion so far becomes `previous`. Doing it twice changes nothing more.

    Args:
        expected: the champion that the decision was made against, None if there was none.

    Raises:
        ChampionMovedError: the champion is another one by now.
        IntegrityError: the release is not whole.
    """
    release = read_release(models, name, version, keep=())
    folder = models / name
    with _lock(folder):
        current = read_pointer(models, name, "champion")
        if current is not None and current.version == version:
            return current
        _compare(name, current, expected)
        pointer = Pointer(
            version=version,
            manifest_sha256=release.manifest_sha256,
            since=_now(),
            reason=reason,
            replaced=current.version if current is not None else None,
        )
        # In this order: killed in between, `previous` and `champion` both name the old one, and the same call
        # again ends as if it had never been interrupted.
        if current is not None:
            _replace(folder / "previous.json", current)
        _replace(folder / "champion.json", pointer)
        return pointer


def roll_back(models: Path, name: str, *, expected: str | None, reason: str) -> Pointer:
    """Makes `previous` the champion again and returns its pointer.

    The champion left behind does not become `previous`: that is what a server falls back to, and it has just been
    found wanting. `previous` becomes the champion before, where there was one.

    Raises:
        InputError: there is nothing to go back to.
        ChampionMovedError: the champion is not `expected`.
        IntegrityError: the release to go back to is not whole.
    """
    folder = models / checked_name(name)
    if not folder.is_dir():
        raise InputError(f"{folder} does not exist; nothing of {name} was released.")
    with _lock(folder):
        current = read_pointer(models, name, "champion")
        _compare(name, current, expected)
        previous = read_pointer(models, name, "previous")
        if current is None or previous is None or previous.version == current.version:
            raise InputError(f"{name} has no previous release to roll back to.")
        back = read_release(models, name, previous.version, manifest_sha256=previous.manifest_sha256, keep=())
        pointer = Pointer(back.version, back.manifest_sha256, _now(), reason, replaced=previous.replaced)
        _replace(folder / "champion.json", pointer)
        if previous.replaced is None:
            (folder / "previous.json").unlink()
            atomic.sync_folder(folder)
        else:
            before = read_release(models, name, previous.replaced, keep=())
            _replace(
                folder / "previous.json",
                Pointer(before.version, before.manifest_sha256, _now(), f"before {back.version}"),
            )
        return pointer


def _collect(candidate: Path, exported: Mapping[str, bytes], facts: ReleaseFacts) -> dict[str, Path | bytes]:
    """Where each file of the release comes from; every problem of the set is named at once."""
    if not candidate.is_dir():
        raise InputError(f"{candidate} is not the folder of a trained model.")
    trained = {path.name: path for path in candidate.iterdir()}
    problems = [f"{path} is not a plain file" for path in trained.values() if path.is_symlink() or not path.is_file()]
    problems += [f"{candidate / file} is no part of a release" for file in trained if file not in RELEASE_FILES]
    problems += [f"{file} is no exported file" for file in exported if file not in (*EXPORTED_FILES, DRIFT_REFERENCE)]
    problems += [f"{file} is in the candidate and exported too" for file in exported if file in trained]
    present = {*trained, *exported}
    problems += [f"{file} is missing" for file in sorted({*REQUIRED_FILES, facts.serving.model} - present)]
    if problems:
        raise InputError(f"{candidate} cannot be published: {'; '.join(problems)}.")
    return {**trained, **exported}


def _checked_config(config: Path, candidate: Path, files: dict[str, FileEntry]) -> str:
    """Returns the hash of the architecture, once the copies are what `config.json` says was trained together."""
    raw = config.read_bytes()
    architecture = architecture_hash(raw)
    for file_name, digest in msgspec.json.decode(raw).get("files", {}).items():
        if file_name not in files or files[file_name].sha256 != digest:
            raise IntegrityError(f"{candidate / file_name} is not the file that {CONFIG} was saved with.")
    return architecture


def _manifest(models: Path, name: str, architecture: str, files: dict[str, FileEntry], facts: ReleaseFacts) -> Manifest:
    versions = list_versions(models, name)
    newest = versions[-1] if versions else None
    change: Change = "initial"
    if newest is not None:
        change = change_between(read_manifest(models, name, newest), architecture, files, facts.serving)
    return Manifest(
        format=FORMAT,
        name=name,
        version=next_version(newest, change),
        created=_now(),
        change=change,
        parent=newest,
        architecture=architecture,
        content_hash=content_hash(architecture, files),
        files=files,
        **{name: getattr(facts, name) for name in facts.__struct_fields__},
    )


def _published_before(models: Path, name: str, content: str) -> Published | None:
    """The newest release of the same learned files. Released graphs stay as they are even if they would be exported
    differently today: a release never changes."""
    for version in reversed(list_versions(models, name)):
        if read_manifest(models, name, version).content_hash == content:
            release = read_release(models, name, version, keep=())
            return Published(release.manifest, release.manifest_sha256, release.path, new=False)
    return None


def _write(path: Path, source: Path | bytes) -> FileEntry:
    data = source if isinstance(source, bytes) else source.read_bytes()
    try:
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o444)
    except OSError as error:
        raise CcmlError(f"{path} could not be written: {error.strerror}. Nothing was released.") from error
    return FileEntry(hashlib.sha256(data).hexdigest(), len(data))


def _place(beside: Path, target: Path) -> None:
    if os.path.lexists(target):  # rename would silently take the place of an empty folder
        raise IntegrityError(f"{target} is published already; a release never changes.")
    beside.rename(target)
    atomic.sync_folder(target.parent)


def _replace(path: Path, pointer: Pointer) -> None:
    atomic.write_bytes(path, msgspec.json.format(msgspec.json.encode(pointer), indent=2))


def _compare(name: str, current: Pointer | None, expected: str | None) -> None:
    found = current.version if current is not None else None
    if found != expected:
        raise ChampionMovedError(
            f"The champion of {name} is {found or 'not set'}, not {expected or 'unset'} as it was when this was"
            " decided. Gate the candidate against the champion of now."
        )


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """One writer per model. The kernel frees the lock when its holder dies, so a crash blocks nobody."""
    with (folder / ".lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove_leftovers(folder: Path) -> None:
    """What a killed process left. Only whoever holds the lock writes such names, so nobody needs them."""
    for path in folder.iterdir():
        if path.name.startswith(_BESIDE):
            shutil.rmtree(path)
        elif path.name.startswith((".champion.json.", ".previous.json.")):
            path.unlink()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
