"""What every test shares: a fresh home, the smoke profile and, where it lies beside the checkout, the real data."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccml.home import Home
from ccml.quiet import send_nothing_home

send_nothing_home()

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A new, empty `CCML_HOME` with the smoke profile."""
    monkeypatch.setenv("CCML_HOME", str(tmp_path / "ccml"))
    monkeypatch.setenv("CCML_PROFILE", "smoke")
    return Home.from_environment()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real logs published by others. They are not part of the project; tests that need them skip where they are absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real data at {SHARED_DATA}")
    return SHARED_DATA
