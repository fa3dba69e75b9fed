from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna  # noqa: TID253
import pandas as pd
import pytest
from optuna.storages import JournalStorage  # noqa: TID253
from optuna.storages.journal import JournalFileBackend  # noqa: TID253

from ccml.features.encoder import LoadedEncoder, load_encoder
from ccml.models.command.module import CommandTransforms
from ccml.models.command.study import (
    ATTENTION_HEADS,
    BATCH_SIZES,
    LEARNING_RATE,
    LSTM_UNITS,
    SEARCHED,
    UNITS_STEP,
    StudyResult,
    run_study,
)
from ccml.profiles import PROFILES, EncoderSettings, StudySettings
from ccml_tests.models.rows import command_sequences

COMMAND = replace(PROFILES["smoke"].command, history=4)
SETTINGS = StudySettings(trials=3, examples=150, epochs=1, timeout_seconds=60.0)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return command_sequences(400)


@pytest.fixture(scope="module")
def encoder(rows: pd.DataFrame) -> LoadedEncoder:
    return load_encoder(EncoderSettings("tiny-random", max_tokens=12), corpus=rows["request"])


def study(rows: pd.DataFrame, encoder: LoadedEncoder, directory: Path, **changes: Any) -> StudyResult:
    transforms = CommandTransforms.fit(rows[rows["split"] == "train"], COMMAND.history, COMMAND.min_count)
    keywords = {"directory": directory, "data_hash": "a" * 16, "seed": 3, **changes}
    settings = keywords.pop("settings", SETTINGS)
    return run_study(rows, encoder, COMMAND, settings, transforms, **keywords)


def test_a_second_call_with_the_same_data_runs_no_trial(
    rows: pd.DataFrame, encoder: LoadedEncoder, tmp_path: Path
) -> None:
    seen: list[dict[str, Any]] = []
    first = study(rows, encoder, tmp_path, on_trial=seen.append)
    second = study(rows, encoder, tmp_path, on_trial=seen.append)
    assert first.new_trials == SETTINGS.trials == len(seen)
    assert second.new_trials == 0
    assert second.best == first.best
    assert second.trials == first.trials


def test_other_data_is_another_study(rows: pd.DataFrame, encoder: LoadedEncoder, tmp_path: Path) -> None:
    first = study(rows, encoder, tmp_path, settings=replace(SETTINGS, trials=1))
    other = study(rows, encoder, tmp_path, settings=replace(SETTINGS, trials=1), data_hash="b" * 16)
    assert other.name != first.name
    assert other.new_trials == 1


def test_more_trials_are_added_to_those_there_are(rows: pd.DataFrame, encoder: LoadedEncoder, tmp_path: Path) -> None:
    study(rows, encoder, tmp_path, settings=replace(SETTINGS, trials=1))
    more = study(rows, encoder, tmp_path, settings=replace(SETTINGS, trials=2))
    assert more.new_trials == 1
    assert [trial["number"] for trial in more.trials] == [0, 1]


def test_a_trial_that_a_killed_process_left_running_is_closed(
    rows: pd.DataFrame, encoder: LoadedEncoder, tmp_path: Path
) -> None:
    first = study(rows, encoder, tmp_path, settings=replace(SETTINGS, trials=1))
    storage = JournalStorage(JournalFileBackend(str(tmp_path / "journal.log")))
    optuna.load_study(study_name=first.name, storage=storage).ask()
    more = study(rows, encoder, tmp_path, settings=replace(SETTINGS, trials=2))
    states = [trial.state.name for trial in optuna.load_study(study_name=first.name, storage=storage).trials]
    assert states[1] == "FAIL"
    assert "RUNNING" not in states
    assert more.new_trials == 1


def test_the_first_trial_is_the_settings_as_they_stand(
    rows: pd.DataFrame, encoder: LoadedEncoder, tmp_path: Path
) -> None:
    result = study(rows, encoder, tmp_path, settings=replace(SETTINGS, trials=1))
    assert result.trials[0]["params"] == {name: getattr(COMMAND, name) for name in SEARCHED}


def test_the_choice_is_within_the_ranges_and_runs(rows: pd.DataFrame, encoder: LoadedEncoder, tmp_path: Path) -> None:
    for trial in study(rows, encoder, tmp_path).trials:
        values = trial["params"]
        assert LEARNING_RATE[0] <= values["learning_rate"] <= LEARNING_RATE[1]
        assert values["batch_size"] in BATCH_SIZES
        assert LSTM_UNITS[0] <= values["lstm_units"] <= LSTM_UNITS[1]
        assert values["lstm_units"] % values["attention_heads"] == 0
        assert trial["state"] in {"complete", "pruned"}


def test_every_width_divides_by_every_number_of_heads() -> None:
    assert all(width % heads == 0 for width in range(*LSTM_UNITS, UNITS_STEP) for heads in ATTENTION_HEADS)


@pytest.mark.parametrize("profile", PROFILES)
def test_each_profiles_own_settings_lie_within_the_ranges(profile: str) -> None:
    command = PROFILES[profile].command
    assert LEARNING_RATE[0] <= command.learning_rate <= LEARNING_RATE[1]
    assert command.batch_size in BATCH_SIZES
    assert command.lstm_units in range(LSTM_UNITS[0], LSTM_UNITS[1] + 1, UNITS_STEP)
    assert command.attention_heads in ATTENTION_HEADS
