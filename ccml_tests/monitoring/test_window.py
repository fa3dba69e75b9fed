"""The window: answers of a server under the present champions, and what these champions promised."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from ccml.errors import NotEnoughDataError
from ccml.evaluation.statistics import Interval
from ccml.home import Home
from ccml.monitoring.window import champions_since, promised, served_window
from ccml_tests.monitoring.turns import served, table
from ccml_tests.serving.tiny import TinyGraph, release


def test_only_served_answers_since_the_newest_champion_count(home: Home) -> None:
    release(home.models, "command_predictor")
    release(home.models, "policy")
    since = champions_since(home.models)
    assert since is not None
    rows = table(served(6))
    rows["time"] = [since + timedelta(seconds=step) for step in (-60, -1, 0, 1, 60, 90)]
    rows.loc[5, "source"] = "native"
    window = served_window(rows, home.models)
    assert window["interaction_id"].tolist() == rows["interaction_id"].tolist()[2:5]


def took_over(models: Path, name: str, since: datetime) -> None:
    path = models / name / "champion.json"
    pointer = msgspec.json.decode(path.read_bytes())
    path.write_bytes(msgspec.json.encode(pointer | {"since": since.isoformat()}))


def test_the_newest_champion_of_any_model_begins_the_window(home: Home) -> None:
    for name in ("command_predictor", "policy"):
        release(home.models, name)
    monday = datetime(2026, 3, 2, 9, tzinfo=UTC)
    took_over(home.models, "command_predictor", monday)
    took_over(home.models, "policy", monday + timedelta(hours=5))
    assert champions_since(home.models) == monday + timedelta(hours=5)
    took_over(home.models, "command_predictor", monday + timedelta(days=7))
    assert champions_since(home.models) == monday + timedelta(days=7)


def test_a_version_that_is_no_champion_begins_none(home: Home) -> None:
    release(home.models, "policy")
    before = champions_since(home.models)
    release(home.models, "policy", TinyGraph(version_mark=1.0), champion=False)
    assert champions_since(home.models) == before


def test_before_the_first_release_there_is_no_window(home: Home) -> None:
    with pytest.raises(NotEnoughDataError, match="Nothing was released yet"):
        served_window(table(served(5)), home.models)


def test_without_answers_since_the_sentence_says_what_to_do(home: Home) -> None:
    release(home.models, "policy")
    with pytest.raises(NotEnoughDataError, match=r"No answers were served since .* Start `ccml serve`"):
        served_window(table(served(5)), home.models)
    with pytest.raises(NotEnoughDataError, match="No answers were served"):
        served_window(table(), home.models)


def test_what_a_champion_promised_is_its_headline_with_its_interval(home: Home) -> None:
    assert promised(home.models) == {}
    version = release(home.models, "policy")
    manifest = home.models / "policy" / version / "manifest.json"
    facts = msgspec.json.decode(manifest.read_bytes())
    facts["metrics"] = {"headline": {"headline": "reward", "value": {"estimate": 0.6, "low": 0.5, "high": 0.7}}}
    manifest.chmod(0o600)
    manifest.parent.chmod(0o700)
    manifest.write_bytes(msgspec.json.encode(facts))
    assert promised(home.models) == {"policy": Interval(0.6, 0.5, 0.7)}
