"""Clean interactions of simulated telemetry that was landed for real."""

from __future__ import annotations

import pandas as pd
import pytest

from ccml.cleaning.join import clean
from ccml_tests.tables import simulated_raw


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return clean(*simulated_raw(tmp_path_factory.mktemp("simulated"), interactions=500)).interactions
