"""Served traffic is compared with what the champion was trained on, as its release carries it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ccml.errors import IntegrityError, NotEnoughDataError
from ccml.monitoring.reference import DriftReference
from ccml.monitoring.window import champions_reference
from ccml.releases.manifest import DRIFT_REFERENCE
from ccml.releases.store import promote, publish, roll_back
from ccml.serving.loading.opened import SERVED_FILES
from ccml_tests.monitoring.turns import served, table
from ccml_tests.releases.candidates import EXPORTED, candidate, facts

FIRST = DriftReference.fit(table(served(50)), table(served(50, first=50)))
SECOND = DriftReference.fit(table(served(80, command="df -h")), table(served(60, first=80)))


def release(folder: Path, reference: DriftReference | None, weight: float, *, until: str, name: str = "policy") -> str:
    """Published and not yet champion; the version."""
    exported = EXPORTED if reference is None else {**EXPORTED, DRIFT_REFERENCE: reference.encode()}
    known = msgspec.structs.replace(facts(), data_until=until)
    trained = candidate(folder / f"candidate-{name}-{weight}", weight=weight)
    return publish(trained, folder / "models", name, exported=exported, facts=known).version


def test_a_refused_candidate_leaves_the_champions_reference_and_a_released_one_brings_its_own(tmp_path: Path) -> None:
    models = tmp_path / "models"
    first = release(tmp_path, FIRST, 1.0, until="2026-03-10T00:00:00+00:00")
    promote(models, "policy", first, expected=None, reason="better")
    assert champions_reference(models) == FIRST
    second = release(tmp_path, SECOND, 2.0, until="2026-03-20T00:00:00+00:00")
    assert champions_reference(models) == FIRST, "published and not promoted"
    promote(models, "policy", second, expected=first, reason="better")
    assert champions_reference(models) == SECOND
    roll_back(models, "policy", expected=second, reason="slow")
    assert champions_reference(models) == FIRST


def test_of_several_champions_the_one_that_has_seen_the_newest_data_counts(tmp_path: Path) -> None:
    models = tmp_path / "models"
    for name, reference, day in (("policy", SECOND, 20), ("command_predictor", FIRST, 10)):
        version = release(tmp_path, reference, 1.0, until=f"2026-03-{day}T00:00:00+00:00", name=name)
        promote(models, name, version, expected=None, reason="better")
    assert champions_reference(models) == SECOND


def test_without_a_reference_in_any_release_nothing_is_evaluated(tmp_path: Path) -> None:
    models = tmp_path / "models"
    with pytest.raises(NotEnoughDataError, match="no champion's release has a drift reference"):
        champions_reference(models)
    promote(models, "policy", release(tmp_path, None, 1.0, until="2026"), expected=None, reason="better")
    with pytest.raises(NotEnoughDataError, match="no champion's release has a drift reference"):
        champions_reference(models)


def test_a_reference_that_was_changed_is_refused(tmp_path: Path) -> None:
    models = tmp_path / "models"
    version = release(tmp_path, FIRST, 1.0, until="2026")
    promote(models, "policy", version, expected=None, reason="better")
    path = models / "policy" / version / DRIFT_REFERENCE
    path.chmod(0o600)
    path.write_bytes(SECOND.encode())
    with pytest.raises(IntegrityError, match=DRIFT_REFERENCE):
        champions_reference(models)


def test_no_server_holds_it() -> None:
    assert DRIFT_REFERENCE not in SERVED_FILES
