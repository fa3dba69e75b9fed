"""Reads a release and proves it whole before handing out a byte. Light: standard library and msgspec only.

Each file is opened once, without following links, hashed, and the hashed bytes are the ones returned: nothing can be
exchanged between the check and the use. Loading a graph from bytes also keeps onnxruntime from following external
data out of the folder.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ccml.errors import IntegrityError
from ccml.releases.manifest import (
    FORMAT,
    MANIFEST,
    RELEASE_FILES,
    REQUIRED_FILES,
    Manifest,
    Pointer,
    PointerName,
    checked_name,
    content_hash,
    is_version,
    version_key,
)

_SMALL = 1 << 20
"""A manifest or a pointer larger than this (bytes) is not one of ours."""
_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class ModelFiles:
    """What a server builds a model from: a release, or a candidate with its exported files before it is released."""

    name: str
    version: str
    path: Path
    served: str
    """Name of the ONNX file that is served."""
    files: dict[str, bytes]

    @property
    def graph(self) -> bytes:
        return self.files[self.served]

    def json(self, name: str) -> Any:
        """A JSON file, decoded.

        Raises:
            IntegrityError: it is not JSON.
        """
        try:
            return msgspec.json.decode(self.files[name])
        except msgspec.DecodeError as error:
            raise IntegrityError(f"{self.path / name} is not JSON: {error}.") from error


@dataclass(frozen=True, kw_only=True)
class Release(ModelFiles):
    """A verified release. `files` holds what was asked for; every file of the folder was hashed."""

    manifest: Manifest
    manifest_sha256: str


def read_release(
    models: Path,
    name: str,
    version: str,
    *,
    manifest_sha256: str | None = None,
    keep: Collection[str] | None = None,
) -> Release:
    """Verifies `models/<name>/<version>` and returns its bytes.

    Args:
        manifest_sha256: what a pointer says of the manifest; checked when given.
        keep: names of the files to return, all if not given. The rest are hashed piece by piece and not held in
            memory: a server leaves out the training weights.

    Raises:
        InputError: `name` or `version` is malformed.
        IntegrityError: a file is missing, extra, a link, of another size or digest; the message names it.
    """
    folder = models / checked_name(name) / ".".join(map(str, version_key(version)))
    with _open_folder(models, name, version) as folder_fd:
        manifest, digest = _checked_manifest(folder_fd, folder)
        if manifest_sha256 is not None and digest != manifest_sha256:
            raise IntegrityError(f"{folder / MANIFEST} has sha256 {digest}, its pointer says {manifest_sha256}.")
        present = set(os.listdir(folder_fd))  # noqa: PTH208 - of the descriptor: the path may lead elsewhere by now
        _compare_listing(present, manifest, folder)
        files: dict[str, bytes] = {}
        for file_name, entry in manifest.files.items():
            kept = keep is None or file_name in keep
            data = _read_verified(folder_fd, folder / file_name, entry.sha256, entry.bytes, kept=kept)
            if kept:
                files[file_name] = data
    return Release(
        name=manifest.name,
        version=manifest.version,
        path=folder,
        served=manifest.serving.model,
        files=files,
        manifest=manifest,
        manifest_sha256=digest,
    )


def read_manifest(models: Path, name: str, version: str) -> Manifest:
    """What the release says of itself, without reading its files: for lists and look-ups, never for serving.

    Raises:
        InputError: `name` or `version` is malformed.
        IntegrityError: the manifest is missing, malformed or of another release.
    """
    folder = models / checked_name(name) / ".".join(map(str, version_key(version)))
    with _open_folder(models, name, version) as folder_fd:
        return _checked_manifest(folder_fd, folder)[0]


def read_pointer(models: Path, name: str, which: PointerName) -> Pointer | None:
    """The champion or the previous champion; None if there is none yet.

    Raises:
        IntegrityError: the file is there and is not a pointer.
    """
    path = models / checked_name(name) / f"{which}.json"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IntegrityError(f"{path} cannot be read: {error.strerror}. A pointer is a plain file.") from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise IntegrityError(f"{path} is not a plain file.")
        raw = file.read(_SMALL)
    try:
        pointer = msgspec.json.decode(raw, type=Pointer)
    except msgspec.DecodeError as error:
        raise IntegrityError(f"{path} is not a pointer: {error}.") from error
    if not is_version(pointer.version):
        raise IntegrityError(f"{path}: version {pointer.version!r} is not MAJOR.MINOR.PATCH.")
    return pointer


def read_pointed(
    models: Path, name: str, which: PointerName = "champion", *, keep: Collection[str] | None = None
) -> Release | None:
    """The release a pointer names, verified down from the pointer; None if there is no pointer."""
    pointer = read_pointer(models, name, which)
    if pointer is None:
        return None
    return read_release(models, name, pointer.version, manifest_sha256=pointer.manifest_sha256, keep=keep)


def list_versions(models: Path, name: str) -> list[str]:
    """Versions present on the disk, oldest first."""
    folder = models / checked_name(name)
    if not folder.is_dir():
        return []
    return sorted((entry.name for entry in folder.iterdir() if is_version(entry.name)), key=version_key)


@contextmanager
def _open_folder(models: Path, name: str, version: str) -> Iterator[int]:
    """A descriptor of the release folder; neither it nor its parent may be a link that leads elsewhere."""
    descriptors: list[int] = []
    at = models
    try:
        try:
            descriptors.append(os.open(models, os.O_RDONLY | os.O_DIRECTORY))
            for part in (name, version):
                at = at / part
                descriptors.append(os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptors[-1]))
        except OSError as error:
            raise IntegrityError(f"{at} cannot be opened as a release folder: {error.strerror}.") from error
        yield descriptors[-1]
    finally:
        for descriptor in reversed(descriptors):
            os.close(descriptor)


def _open_file(folder_fd: int, name: str, path: Path) -> int:
    try:
        # O_NONBLOCK: a named pipe planted here must not hang the reader before its kind is looked at.
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder_fd)
    except OSError as error:
        raise IntegrityError(f"{path} cannot be read: {error.strerror}. A release holds plain files only.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise IntegrityError(f"{path} is not a plain file.")
    return descriptor


def _read_small(folder_fd: int, name: str, folder: Path) -> bytes:
    with os.fdopen(_open_file(folder_fd, name, folder / name), "rb") as file:
        raw = file.read(_SMALL + 1)
    if len(raw) > _SMALL:
        raise IntegrityError(f"{folder / name} is larger than {_SMALL} bytes.")
    return raw


def _checked_manifest(folder_fd: int, folder: Path) -> tuple[Manifest, str]:
    """The manifest and its sha256, if it describes this folder and lists what a release has."""
    raw = _read_small(folder_fd, MANIFEST, folder)
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
    except msgspec.DecodeError as error:
        raise IntegrityError(f"{folder / MANIFEST} is not a manifest: {error}.") from error
    if manifest.format != FORMAT:
        raise IntegrityError(f"{folder / MANIFEST} has format {manifest.format}; this version reads {FORMAT}.")
    if (manifest.name, manifest.version) != (folder.parent.name, folder.name):
        raise IntegrityError(
            f"{folder / MANIFEST} describes {manifest.name} {manifest.version}; the folder was moved or copied."
        )
    unknown = sorted(set(manifest.files) - RELEASE_FILES)
    if unknown:
        # Names are compared with a fixed list, so a name with a path in it cannot get any further than this.
        raise IntegrityError(f"{folder / MANIFEST} lists {unknown[0]!r}, which is no file of a release.")
    missing = sorted({*REQUIRED_FILES, manifest.serving.model} - set(manifest.files))
    if missing:
        raise IntegrityError(f"{folder / MANIFEST} does not list {missing[0]}, which every such release has.")
    if content_hash(manifest.architecture, manifest.files) != manifest.content_hash:
        raise IntegrityError(f"{folder / MANIFEST}: content_hash does not follow from what it lists.")
    return manifest, hashlib.sha256(raw).hexdigest()


def _compare_listing(present: set[str], manifest: Manifest, folder: Path) -> None:
    expected = {MANIFEST, *manifest.files}
    for name in sorted(expected - present):
        raise IntegrityError(f"{folder / name} is missing; the manifest lists it.")
    for name in sorted(present - expected):
        raise IntegrityError(f"{folder / name} is not listed in the manifest.")


def _read_verified(folder_fd: int, path: Path, sha256: str, size: int, *, kept: bool) -> bytes:
    """Hashes the file and returns the hashed bytes, or nothing if they are not kept."""
    digest = hashlib.sha256()
    data = b""
    with os.fdopen(_open_file(folder_fd, path.name, path), "rb") as file:
        on_disk = os.fstat(file.fileno()).st_size
        if on_disk != size:
            raise IntegrityError(f"{path} has {on_disk} bytes, the manifest says {size}.")
        if kept:
            data = file.read(size)  # one allocation: pieces joined afterwards would need the memory of a graph twice
            digest.update(data)
        else:
            while piece := file.read(_CHUNK):
                digest.update(piece)
    if digest.hexdigest() != sha256:
        raise IntegrityError(f"{path} has sha256 {digest.hexdigest()}, the manifest says {sha256}.")
    return data
