"""The jobs where there is nothing to work on: a schedule that fires on the first night must not fail."""

from __future__ import annotations

import pytest

from ccml_assets.model_lines import MODEL_LINES
from ccml_assets.monitoring import WINDOW
from ccml_assets.skips import skip_reason
from ccml_tests.assets.platform import Platform, checks_of, made_by


@pytest.mark.parametrize("job", ["ingest", "learn", "monitor"])
def test_a_job_with_nothing_to_work_on_succeeds(platform: Platform, job: str) -> None:
    assert platform.run(job).success


def test_without_telemetry_no_model_is_made_and_the_reason_stands_at_the_splits(platform: Platform) -> None:
    result = platform.run("learn")
    made = made_by(result)
    assert checks_of(result) == {}, "a check of what was not made says nothing"
    assert made.isdisjoint({line.model_key for line in MODEL_LINES})
    (splits,) = (key for key in platform.defs.resolve_asset_graph().get_all_asset_keys() if key.path[-1] == "splits")
    assert "holds 0 interactions; at least 40 are needed" in str(skip_reason(platform.instance, splits))


def test_without_a_release_there_is_nothing_to_monitor(platform: Platform) -> None:
    assert made_by(platform.run("monitor")) == set()
    assert skip_reason(platform.instance, WINDOW) == "Nothing was released yet, so nothing was served."


def test_without_a_landing_zone_the_landing_lands_nothing(platform: Platform) -> None:
    platform.run("ingest")
    assert platform.pending() == []
