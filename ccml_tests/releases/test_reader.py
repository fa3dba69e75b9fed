"""A release that differs in anything from its manifest is refused, and the file is named."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccml.errors import CcmlError, InputError, IntegrityError
from ccml.releases.manifest import Manifest
from ccml.releases.reader import read_pointed, read_pointer, read_release
from ccml.releases.store import promote, publish
from ccml_tests.releases.candidates import EXPORTED, NAME, candidate, facts


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """One published champion."""
    models = tmp_path / "models"
    publish(candidate(tmp_path / "candidate"), models, NAME, exported=EXPORTED, facts=facts())
    promote(models, NAME, "1.0.0", expected=None, reason="first")
    return models


def damage(path: Path, change: Callable[[bytes], bytes]) -> None:
    content = change(path.read_bytes())
    path.chmod(0o644)
    path.write_bytes(content)


def rewrite_manifest(folder: Path, **changed: object) -> None:
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    damage(folder / "manifest.json", lambda _: msgspec.json.encode(msgspec.structs.replace(manifest, **changed)))


def test_only_what_is_asked_for_is_kept_but_everything_is_checked(models: Path) -> None:
    release = read_release(models, NAME, "1.0.0", keep=("labels.json",))
    assert set(release.files) == {"labels.json"}
    damage(models / NAME / "1.0.0" / "weights.safetensors", lambda data: data[:-1] + b"!")
    with pytest.raises(IntegrityError, match=r"weights\.safetensors"):
        read_release(models, NAME, "1.0.0", keep=("labels.json",))


def test_one_flipped_bit_anywhere_is_found_and_its_file_named(models: Path) -> None:
    folder = models / NAME / "1.0.0"
    pointer = read_pointer(models, NAME, "champion")
    assert pointer is not None
    chance = random.Random(0)
    for _ in range(100):
        path = chance.choice(sorted(folder.iterdir()))
        content = path.read_bytes()
        position, bit = chance.randrange(len(content)), chance.randrange(8)
        flipped = bytes([content[position] ^ (1 << bit)])
        damage(path, lambda data, at=position, new=flipped: data[:at] + new + data[at + 1 :])
        with pytest.raises(IntegrityError, match=path.name):
            read_release(models, NAME, "1.0.0", manifest_sha256=pointer.manifest_sha256)
        damage(path, lambda _, old=content: old)
    read_release(models, NAME, "1.0.0", manifest_sha256=pointer.manifest_sha256)


def test_a_missing_an_extra_and_a_shortened_file_are_named(models: Path) -> None:
    folder = models / NAME / "1.0.0"
    graph = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").unlink()
    with pytest.raises(IntegrityError, match=r"model\.onnx is missing"):
        read_release(models, NAME, "1.0.0")
    (folder / "model.onnx").write_bytes(graph[:-1])
    with pytest.raises(IntegrityError, match=r"model.onnx has 6 bytes, the manifest says 7"):
        read_release(models, NAME, "1.0.0")
    (folder / "model.onnx").write_bytes(graph)
    (folder / "model.data").write_bytes(b"x")
    with pytest.raises(IntegrityError, match=r"model\.data is not listed"):
        read_release(models, NAME, "1.0.0")


@pytest.mark.parametrize("target", ["same content", "elsewhere"])
def test_a_link_in_place_of_a_file_is_refused(models: Path, tmp_path: Path, target: str) -> None:
    path = models / NAME / "1.0.0" / "labels.json"
    outside = tmp_path / "outside.json"
    outside.write_bytes(path.read_bytes() if target == "same content" else b"secret")
    path.unlink()
    path.symlink_to(outside)
    with pytest.raises(IntegrityError, match=r"labels.json cannot be read"):
        read_release(models, NAME, "1.0.0")


@pytest.mark.parametrize("level", ["version", "model"])
def test_a_link_in_place_of_a_folder_is_refused(models: Path, tmp_path: Path, level: str) -> None:
    folder = models / NAME if level == "model" else models / NAME / "1.0.0"
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(IntegrityError, match=folder.name):
        read_release(models, NAME, "1.0.0")


def test_a_named_pipe_does_not_hang_the_reader(models: Path) -> None:
    path = models / NAME / "1.0.0" / "labels.json"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(IntegrityError, match="not a plain file"):
        read_release(models, NAME, "1.0.0")


def test_a_folder_copied_to_another_version_is_refused(models: Path) -> None:
    shutil.copytree(models / NAME / "1.0.0", models / NAME / "1.0.1")
    with pytest.raises(IntegrityError, match=r"describes policy 1\.0\.0"):
        read_release(models, NAME, "1.0.1")


def test_a_manifest_rewritten_with_its_files_does_not_get_past_the_pointer(models: Path) -> None:
    rewrite_manifest(models / NAME / "1.0.0", metrics={"top1": 1.0})
    read_release(models, NAME, "1.0.0")
    with pytest.raises(IntegrityError, match="its pointer says"):
        read_pointed(models, NAME)


def test_a_manifest_that_lists_a_path_out_of_the_folder_is_refused(models: Path, tmp_path: Path) -> None:
    folder = models / NAME / "1.0.0"
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    for name in ("../../../candidate/labels.json", "/etc/hostname", "a/../labels.json"):
        rewrite_manifest(folder, files={**manifest.files, name: manifest.files["labels.json"]})
        with pytest.raises(IntegrityError, match="no file of a release"):
            read_release(models, NAME, "1.0.0")


def test_a_manifest_without_a_needed_file_is_refused(models: Path) -> None:
    folder = models / NAME / "1.0.0"
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    rewrite_manifest(folder, files={name: one for name, one in manifest.files.items() if name != "golden.json"})
    with pytest.raises(IntegrityError, match=r"golden\.json"):
        read_release(models, NAME, "1.0.0")


def test_a_broken_pointer_is_an_error_and_a_missing_one_is_not(models: Path) -> None:
    assert read_pointer(models, NAME, "previous") is None
    pointer = models / NAME / "champion.json"
    for content in (b"", b"{}", b'{"version": "../1", "manifest_sha256": "", "since": "", "reason": ""}', b"\xff"):
        pointer.write_bytes(content)
        with pytest.raises(IntegrityError, match=r"champion\.json"):
            read_pointer(models, NAME, "champion")


@given(st.text(max_size=30), st.text(max_size=12))
def test_no_name_or_version_leads_out_of_the_models_folder(name: str, version: str) -> None:
    with pytest.raises((InputError, IntegrityError)):
        read_release(Path("/nonexistent/models"), name, version)


@pytest.mark.parametrize("name", ["..", "a/b", "", "A", "a" * 64, "a\x00", "policy\n"])
def test_a_malformed_name_is_refused(name: str) -> None:
    with pytest.raises(CcmlError, match="cannot name a model"):
        read_release(Path("/nonexistent/models"), name, "1.0.0")


def test_the_reader_loads_nothing_heavy() -> None:
    heavy = {"torch", "transformers", "pandas", "pyarrow", "sklearn", "scipy", "mlflow", "dagster", "onnx"}
    program = f"import sys, ccml.releases.reader, ccml.releases.golden; print(*{heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
