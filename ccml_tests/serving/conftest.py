"""Servers over tiny real releases. `server` is shared by tests that leave it as they found it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ccml_tests.serving.server import Running, running
from ccml_tests.serving.tiny import release_all


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("serving")
    release_all(folder / "models")
    with running(folder / "models", folder / "log") as started:
        yield started


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def log_dir(tmp_path: Path) -> Path:
    return tmp_path / "log"
