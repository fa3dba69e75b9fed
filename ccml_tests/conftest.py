"""What every test shares: a fresh home, the smoke profile, clean interactions of simulated telemetry and, where it lies
beside the checkout, the real data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from ccml.home import Home
from ccml.quiet import send_nothing_home
from ccml.threads import sleep_while_waiting

if TYPE_CHECKING:
    import pandas as pd

    from ccml.datasets.splits import Splits

send_nothing_home()
sleep_while_waiting()

# Hypothesis fails an example that takes more than 200 ms: beside another test on a busy machine any can.
settings.register_profile("ccml", deadline=None)
settings.load_profile("ccml")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The circle takes minutes: one worker begins with it, so that the others do not wait for it in the end.

    What an acceptance test is about goes into the results, of which `benchmarks/reliability_table.py` makes rows.
    """
    items.sort(key=lambda item: item.path.stem != "test_circle")
    for item in items:
        for mark in item.iter_markers("acceptance"):
            if item.get_closest_marker("slow") is None:
                raise pytest.UsageError(f"{item.nodeid} is an acceptance test and not marked slow")
            item.user_properties += [("title", mark.args[0]), ("fault", mark.kwargs["fault"])]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A new, empty `CCML_HOME` with the smoke profile."""
    monkeypatch.setenv("CCML_HOME", str(tmp_path / "ccml"))
    monkeypatch.setenv("CCML_PROFILE", "smoke")
    return Home.from_environment()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real logs published by others. They are not part of the project; tests that need them skip without."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real data at {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    from ccml.cleaning.join import clean
    from ccml_tests.tables import simulated_raw

    return clean(*simulated_raw(tmp_path_factory.mktemp("simulated"), interactions=1_000)).interactions


@pytest.fixture(scope="session")
def context(simulated: pd.DataFrame) -> pd.DataFrame:
    from ccml_tests.tables import context_table

    return context_table(simulated)


@pytest.fixture(scope="session")
def splits(simulated: pd.DataFrame) -> Splits:
    from ccml.datasets.splits import assign_splits
    from ccml.profiles import SplitSettings

    return assign_splits(simulated, SplitSettings(), seed=7)
