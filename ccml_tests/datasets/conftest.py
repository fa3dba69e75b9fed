"""Clean interactions of simulated telemetry with their context and split, made once."""

from __future__ import annotations

import pandas as pd
import pytest

from ccml.cleaning.join import clean
from ccml.datasets.splits import Splits, assign_splits
from ccml.features.tables import context_table
from ccml.profiles import SplitSettings
from ccml_tests.tables import simulated_raw


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return clean(*simulated_raw(tmp_path_factory.mktemp("simulated"), interactions=1_000)).interactions


@pytest.fixture(scope="session")
def context(simulated: pd.DataFrame) -> pd.DataFrame:
    return context_table(simulated)


@pytest.fixture(scope="session")
def splits(simulated: pd.DataFrame) -> Splits:
    return assign_splits(simulated, SplitSettings(), seed=7)
