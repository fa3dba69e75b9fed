from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import optuna  # noqa: TID253
import pandas as pd
import pytest
from optuna.storages import JournalStorage  # noqa: TID253
from optuna.storages.journal import JournalFileBackend  # noqa: TID253

from ccml.evaluation.report import Trial
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
    _cheapest_of_the_best,
    random_trials,
    run_study,
)
from ccml.profiles import PROFILES, EncoderSettings, StudySettings
from ccml_assets.models import SearchResult
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
    assert len(seen) == SETTINGS.trials
    second = study(rows, encoder, tmp_path, on_trial=seen.append)
    assert len(seen) == SETTINGS.trials
    assert second.best == first.best
    assert second.trials == first.trials


def test_other_data_is_another_study(rows: pd.DataFrame, encoder: LoadedEncoder, tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []
    for data_hash in ("a" * 16, "b" * 16):
        study(rows, encoder, tmp_path, settings=replace(SETTINGS, trials=1), data_hash=data_hash, on_trial=seen.append)
    assert [trial["number"] for trial in seen] == [0, 0]


def test_more_trials_are_added_to_those_there_are(rows: pd.DataFrame, encoder: LoadedEncoder, tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []
    study(rows, encoder, tmp_path, settings=replace(SETTINGS, trials=1))
    more = study(rows, encoder, tmp_path, settings=replace(SETTINGS, trials=2), on_trial=seen.append)
    assert [trial["number"] for trial in seen] == [1]
    assert [trial["number"] for trial in more.trials] == [0, 1]


def test_a_trial_that_a_killed_process_left_running_is_closed(
    rows: pd.DataFrame, encoder: LoadedEncoder, tmp_path: Path
) -> None:
    study(rows, encoder, tmp_path, settings=replace(SETTINGS, trials=1))
    storage = JournalStorage(JournalFileBackend(str(tmp_path / "journal.log")))
    (name,) = optuna.get_all_study_names(storage)
    optuna.load_study(study_name=name, storage=storage).ask()
    study(rows, encoder, tmp_path, settings=replace(SETTINGS, trials=2))
    states = [trial.state.name for trial in optuna.load_study(study_name=name, storage=storage).trials]
    assert states[1] == "FAIL"
    assert "RUNNING" not in states
    assert len(states) == 3


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


def test_after_its_random_start_the_search_uses_what_it_learnt(
    rows: pd.DataFrame, encoder: LoadedEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_random: set[int] = set()
    draw = optuna.samplers.RandomSampler.sample_independent

    def watched(self: Any, study: Any, trial: Any, *rest: Any) -> Any:
        at_random.add(trial.number)
        return draw(self, study, trial, *rest)

    monkeypatch.setattr(optuna.samplers.RandomSampler, "sample_independent", watched)
    study(rows, encoder, tmp_path, settings=replace(SETTINGS, trials=PROFILES["laptop"].study.trials))
    assert at_random == {1}  # trial 0 is given, trial 1 is the other half of the random start


@pytest.mark.parametrize("profile", PROFILES)
def test_in_each_profile_at_least_half_of_the_trials_learn_from_others(profile: str) -> None:
    trials = PROFILES[profile].study.trials
    assert 1 <= random_trials(trials) <= trials / 2


def test_the_choice_of_a_trial_that_is_not_the_best_is_explained_with_the_numbers() -> None:
    complete = [
        SimpleNamespace(number=0, value=0.60, params={"lstm_units": 192, "batch_size": 64}),
        SimpleNamespace(number=1, value=0.62, params={"lstm_units": 512, "batch_size": 16}),
        SimpleNamespace(number=2, value=0.30, params={"lstm_units": 128, "batch_size": 16}),
    ]
    chosen, rule = _cheapest_of_the_best(complete, validation_rows=1_000)
    assert chosen.number == 0
    for words in ("Trial 0 (the settings as they stood)", "0.600", "2 trials within 0.031", "0.620 of trial 1", "1000"):
        assert words in rule
    alone, rule = _cheapest_of_the_best(complete, validation_rows=1_000_000)
    assert alone.number == 1
    assert "best score" in rule


def test_the_chosen_trial_is_marked_and_the_rule_names_it(
    rows: pd.DataFrame, encoder: LoadedEncoder, tmp_path: Path
) -> None:
    result = study(rows, encoder, tmp_path)
    (chosen,) = [trial for trial in result.trials if trial["chosen"]]
    assert chosen["params"] == result.best
    assert chosen["score"] == result.best_score
    assert f"Trial {chosen['number']}" in result.rule


def test_trials_as_recorded_are_what_a_report_reads(rows: pd.DataFrame, encoder: LoadedEncoder, tmp_path: Path) -> None:
    result = study(rows, encoder, tmp_path)
    states = {trial["number"]: trial["state"] for trial in result.trials}
    assert "complete" in states.values()
    found = SearchResult(result.best, result.rule, result.trials).as_trials()
    for trial in msgspec.convert(msgspec.to_builtins(found), list[Trial]):
        assert trial.state == states[trial.number]
