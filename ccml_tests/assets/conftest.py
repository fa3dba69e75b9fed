"""One small platform for the whole session: simulated days and one evening that runs past midnight, prepared."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ccml.home import Home
from ccml_tests.assets import evening
from ccml_tests.assets.platform import DAYS, Platform, simulated


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Landed and prepared by the jobs. Tests read it; what they change, they change in a copy."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CCML_PROFILE", "smoke")
        platform = Platform(Home(tmp_path_factory.mktemp("prepared") / "ccml"))
        simulated(platform.home)
        platform.put("evening.jsonl", evening.EVENTS)
        assert platform.run("ingest").success
        assert platform.run("prepare", days=(DAYS[0], DAYS[-1])).success
    yield platform
    platform.instance.dispose()


@pytest.fixture
def platform(home: Home) -> Iterator[Platform]:
    """The same definitions over a home with nothing in it."""
    platform = Platform(home)
    yield platform
    platform.instance.dispose()
