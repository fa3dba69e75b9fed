"""Publishing and the two pointers, alone, interrupted and from several processes at once."""

from __future__ import annotations

import multiprocessing
import multiprocessing.context
import os
import signal
import stat
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccml.errors import CcmlError, InputError, IntegrityError
from ccml.models.artifact import load_candidate
from ccml.releases import store
from ccml.releases.manifest import next_version, version_key
from ccml.releases.reader import list_versions, read_pointed, read_pointer, read_release
from ccml.releases.store import ChampionMovedError, promote, publish, roll_back
from ccml_tests.releases.candidates import EXPORTED, NAME, candidate, facts


def publish_one(tmp_path: Path, weight: float = 1.0) -> str:
    path = candidate(tmp_path / "candidates" / str(weight), weight=weight)
    return publish(path, tmp_path / "models", NAME, exported=EXPORTED, facts=facts()).version


def test_the_first_release_is_1_0_0_and_holds_what_was_trained_and_exported(tmp_path: Path) -> None:
    path = candidate(tmp_path / "candidate")
    published = publish(path, tmp_path / "models", NAME, exported=EXPORTED, facts=facts())
    release = read_release(tmp_path / "models", NAME, "1.0.0", manifest_sha256=published.manifest_sha256)
    assert published.new
    assert published.manifest.change == "initial"
    assert release.graph == b"a graph"
    assert release.files["weights.safetensors"] == (path / "weights.safetensors").read_bytes()
    assert release.manifest.lineage.dagster_run_id == "run-1"
    assert release.json("labels.json") == {"labels": ["yes", "no"]}


def test_a_release_loads_back_as_the_candidate_it_was(tmp_path: Path) -> None:
    published = publish(candidate(tmp_path / "c"), tmp_path / "models", NAME, exported=EXPORTED, facts=facts())
    assert load_candidate(published.path).labels == ["yes", "no"]


def test_released_files_are_read_only(tmp_path: Path) -> None:
    published = publish(candidate(tmp_path / "c"), tmp_path / "models", NAME, exported=EXPORTED, facts=facts())
    assert {stat.S_IMODE(path.stat().st_mode) for path in published.path.iterdir()} == {0o444}


def test_training_again_is_a_patch(tmp_path: Path) -> None:
    publish_one(tmp_path, 1.0)
    assert publish_one(tmp_path, 2.0) == "1.0.1"


def test_new_labels_or_another_network_are_a_minor_change(tmp_path: Path) -> None:
    publish_one(tmp_path)
    more = candidate(tmp_path / "more", labels=("yes", "no", "maybe"))
    wider = candidate(tmp_path / "wider", labels=("yes", "no", "maybe"), units=8)
    assert publish(more, tmp_path / "models", NAME, exported=EXPORTED, facts=facts()).version == "1.1.0"
    assert publish(wider, tmp_path / "models", NAME, exported=EXPORTED, facts=facts()).version == "1.2.0"


def test_other_inputs_are_a_major_change(tmp_path: Path) -> None:
    publish_one(tmp_path, 1.0)
    path = candidate(tmp_path / "candidate", weight=2.0)
    published = publish(path, tmp_path / "models", NAME, exported=EXPORTED, facts=facts(width=4))
    assert (published.version, published.manifest.parent) == ("2.0.0", "1.0.0")


def test_the_same_model_trained_twice_is_one_release(tmp_path: Path) -> None:
    first = candidate(tmp_path / "first", seconds=1.0)
    again = candidate(tmp_path / "again", seconds=2.0)
    published = publish(first, tmp_path / "models", NAME, exported=EXPORTED, facts=facts())
    repeated = publish(again, tmp_path / "models", NAME, exported={**EXPORTED, "model.onnx": b"b"}, facts=facts())
    assert not repeated.new
    assert (repeated.version, repeated.manifest_sha256) == (published.version, published.manifest_sha256)
    assert list_versions(tmp_path / "models", NAME) == ["1.0.0"]


def test_a_version_in_place_is_never_written_over(tmp_path: Path) -> None:
    publish_one(tmp_path, 1.0)
    (tmp_path / "models" / NAME / "1.0.1").symlink_to(tmp_path)  # lists as a version; rename could replace it
    with pytest.raises(IntegrityError, match=r"1\.0\.1"):
        publish_one(tmp_path, 2.0)


def test_placing_over_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "beside").mkdir()
    (tmp_path / "1.0.0").mkdir()
    with pytest.raises(IntegrityError, match="published already"):
        store._place(tmp_path / "beside", tmp_path / "1.0.0")


def test_every_problem_of_a_candidate_is_named_at_once(tmp_path: Path) -> None:
    path = candidate(tmp_path / "candidate")
    (path / "notes.txt").write_text("x")
    (path / "labels.json").unlink()
    with pytest.raises(InputError) as error:
        publish(path, tmp_path / "models", NAME, exported={"model.onnx": b"a"}, facts=facts())
    for name in ("notes.txt", "labels.json", "golden.json", "parity.json"):
        assert name in str(error.value)
    assert not (tmp_path / "models").exists()


def test_the_graph_that_is_to_be_served_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"model\.int8\.onnx is missing"):
        publish(
            candidate(tmp_path / "candidate"),
            tmp_path / "models",
            NAME,
            exported=EXPORTED,
            facts=facts(graph="model.int8.onnx"),
        )


def test_a_candidate_put_together_from_two_trainings_is_refused(tmp_path: Path) -> None:
    one, other = candidate(tmp_path / "one", weight=1.0), candidate(tmp_path / "other", weight=2.0)
    (one / "weights.safetensors").write_bytes((other / "weights.safetensors").read_bytes())
    with pytest.raises(IntegrityError, match=r"weights\.safetensors"):
        publish(one, tmp_path / "models", NAME, exported=EXPORTED, facts=facts())
    assert list_versions(tmp_path / "models", NAME) == []


def test_a_full_disk_names_the_file_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    path = candidate(tmp_path / "candidate")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    try:
        with pytest.raises(CcmlError, match=r"model\.onnx could not be written"):
            publish(path, tmp_path / "models", NAME, exported={**EXPORTED, "model.onnx": b"x" * 5_000}, facts=facts())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert [entry.name for entry in (tmp_path / "models" / NAME).iterdir()] == [".lock"]
    assert publish(path, tmp_path / "models", NAME, exported=EXPORTED, facts=facts()).version == "1.0.0"


def test_nothing_is_champion_until_it_is_promoted(tmp_path: Path) -> None:
    publish_one(tmp_path)
    assert read_pointer(tmp_path / "models", NAME, "champion") is None
    assert read_pointed(tmp_path / "models", NAME) is None


def test_promoting_moves_the_old_champion_to_previous(tmp_path: Path) -> None:
    models = tmp_path / "models"
    promote(models, NAME, publish_one(tmp_path, 1.0), expected=None, reason="first")
    promote(models, NAME, publish_one(tmp_path, 2.0), expected="1.0.0", reason="better")
    champion, previous = read_pointed(models, NAME), read_pointed(models, NAME, "previous")
    assert champion is not None
    assert previous is not None
    assert (champion.version, previous.version) == ("1.0.1", "1.0.0")


def test_promoting_twice_keeps_previous_where_it_was(tmp_path: Path) -> None:
    models = tmp_path / "models"
    promote(models, NAME, publish_one(tmp_path, 1.0), expected=None, reason="first")
    first = promote(models, NAME, publish_one(tmp_path, 2.0), expected="1.0.0", reason="better")
    assert promote(models, NAME, "1.0.1", expected="1.0.0", reason="again") == first
    previous = read_pointer(models, NAME, "previous")
    assert previous is not None
    assert previous.version == "1.0.0"


def test_a_decision_against_a_champion_of_the_past_is_refused(tmp_path: Path) -> None:
    models = tmp_path / "models"
    first, second, third = (publish_one(tmp_path, weight) for weight in (1.0, 2.0, 3.0))
    promote(models, NAME, first, expected=None, reason="first")
    promote(models, NAME, second, expected=first, reason="better")
    with pytest.raises(ChampionMovedError, match=r"is 1\.0\.1, not 1\.0\.0"):
        promote(models, NAME, third, expected=first, reason="gated too early")
    with pytest.raises(ChampionMovedError):
        promote(models, NAME, third, expected=None, reason="gated without champion")


def test_a_damaged_release_cannot_become_champion(tmp_path: Path) -> None:
    models = tmp_path / "models"
    version = publish_one(tmp_path)
    graph = models / NAME / version / "model.onnx"
    graph.chmod(0o644)
    graph.write_bytes(b"a grapH")
    with pytest.raises(IntegrityError, match=r"model\.onnx"):
        promote(models, NAME, version, expected=None, reason="x")
    assert read_pointer(models, NAME, "champion") is None


def test_rolling_back_returns_to_previous_and_never_falls_back_on_the_bad_one(tmp_path: Path) -> None:
    models = tmp_path / "models"
    versions = [publish_one(tmp_path, weight) for weight in (1.0, 2.0, 3.0)]
    for before, version in zip([None, *versions], versions, strict=False):
        promote(models, NAME, version, expected=before, reason="better")
    back = roll_back(models, NAME, expected=versions[2], reason="errors rose")
    previous = read_pointer(models, NAME, "previous")
    assert back.version == versions[1]
    assert previous is not None
    assert previous.version == versions[0]


def test_after_the_oldest_there_is_nothing_to_roll_back_to(tmp_path: Path) -> None:
    models = tmp_path / "models"
    promote(models, NAME, publish_one(tmp_path, 1.0), expected=None, reason="first")
    with pytest.raises(InputError, match="no previous release"):
        roll_back(models, NAME, expected="1.0.0", reason="x")
    promote(models, NAME, publish_one(tmp_path, 2.0), expected="1.0.0", reason="better")
    roll_back(models, NAME, expected="1.0.1", reason="x")
    assert read_pointer(models, NAME, "previous") is None


def test_rolling_back_checks_who_is_champion(tmp_path: Path) -> None:
    models = tmp_path / "models"
    promote(models, NAME, publish_one(tmp_path, 1.0), expected=None, reason="first")
    promote(models, NAME, publish_one(tmp_path, 2.0), expected="1.0.0", reason="better")
    with pytest.raises(ChampionMovedError):
        roll_back(models, NAME, expected="1.0.0", reason="x")


def _processes() -> multiprocessing.context.ForkServerContext:
    """Forks of a process without threads: a fork of the test's own, whose libraries have some, can wait for ever."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _publish_and_contest(root: str, weight: float) -> tuple[str, bool]:
    tmp_path = Path(root)
    version = publish_one(tmp_path, weight)
    try:
        promote(tmp_path / "models", NAME, version, expected=None, reason=f"weight {weight}")
    except ChampionMovedError:
        return version, False
    return version, True


def test_of_many_processes_each_gets_its_own_version_and_one_becomes_champion(tmp_path: Path) -> None:
    context = _processes()
    with context.Pool(6) as pool:
        results = pool.starmap(_publish_and_contest, [(str(tmp_path), float(weight)) for weight in range(12)])
    versions = [version for version, _ in results]
    winners = [version for version, won in results if won]
    champion = read_pointed(tmp_path / "models", NAME)
    assert sorted(versions, key=version_key) == list_versions(tmp_path / "models", NAME)
    assert len(set(versions)) == 12
    assert champion is not None
    assert winners == [champion.version]


def _move_for_ever(root: str, seed: int) -> None:
    models = Path(root) / "models"
    turn = seed
    while True:
        turn += 1
        champion = read_pointer(models, NAME, "champion")
        expected = champion.version if champion else None
        publish_one(Path(root), float(turn % 9))
        try:
            if turn % 5 == 0:
                roll_back(models, NAME, expected=expected, reason="x")
            else:
                versions = list_versions(models, NAME)
                promote(models, NAME, versions[turn % len(versions)], expected=expected, reason="x")
        except (ChampionMovedError, InputError):
            continue


@pytest.mark.slow
def test_killed_writers_leave_only_whole_releases_and_whole_pointers(tmp_path: Path) -> None:
    context = _processes()
    for kill in range(40):
        writers = [context.Process(target=_move_for_ever, args=(str(tmp_path), kill * 7 + n)) for n in range(3)]
        for writer in writers:
            writer.start()
        time.sleep(0.05 + 0.01 * (kill % 10))
        for writer in writers:
            os.kill(writer.pid or 0, signal.SIGKILL)
            writer.join()
        for version in list_versions(tmp_path / "models", NAME):
            read_release(tmp_path / "models", NAME, version)
        read_pointed(tmp_path / "models", NAME)
        read_pointed(tmp_path / "models", NAME, "previous")
    publish_one(tmp_path, 100.0)
    left = [path.name for path in (tmp_path / "models" / NAME).iterdir() if path.name.startswith((".p", ".c"))]
    assert left == []
    assert len(list_versions(tmp_path / "models", NAME)) == 10


@given(st.tuples(*[st.integers(0, 10**6)] * 3), st.sampled_from(["patch", "minor", "major"]))
def test_versions_only_ever_rise(parts: tuple[int, int, int], change: str) -> None:
    version = ".".join(map(str, parts))
    assert version_key(next_version(version, change)) > version_key(version)  # type: ignore[arg-type]


@pytest.mark.parametrize("version", ["1.0", "1.0.0.0", "01.0.0", "1.0.0-rc1", "../1.0.0", "1.0.0/..", "", "1.0.0\n"])
def test_a_malformed_version_is_refused(version: str) -> None:
    with pytest.raises(InputError, match="not a version"):
        version_key(version)
