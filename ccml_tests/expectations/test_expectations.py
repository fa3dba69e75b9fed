"""Suites pass on sound tables and fail, with a sentence, for the reason they name."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from ccml.cleaning.join import clean
from ccml.datasets.splits import assign_splits
from ccml.expectations.data_docs import write_data_docs
from ccml.expectations.suites import SUITES, suite_for
from ccml.expectations.validation import ExpectationReport, RuleResult, validate
from ccml.models.kinds import KINDS as MODELS
from ccml.profiles import PROFILES
from ccml.telemetry.events import KINDS
from ccml_tests.tables import context_table, simulated_raw


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """Every table that has a suite, of simulated telemetry, written to Parquet and read back as assets do."""
    folder = tmp_path_factory.mktemp("tables")
    raw = simulated_raw(folder, interactions=900)
    rows = clean(*raw).interactions
    profile = PROFILES["laptop"]
    splits, context = assign_splits(rows, profile.split, profile.seed), context_table(rows)
    made = dict(zip(KINDS, raw, strict=True)) | {"clean": rows}
    made |= {one.dataset: one.build_dataset(rows, context, splits, profile).rows for one in MODELS.values()}
    for name, table in made.items():
        table.to_parquet(folder / f"{name}.parquet")
    return {name: pd.read_parquet(folder / f"{name}.parquet") for name in made}


def report(tables: dict[str, pd.DataFrame], name: str, **spoilt) -> ExpectationReport:
    """The report on the table with the first row's fields replaced."""
    table = tables[name].copy()
    for column, value in spoilt.items():
        table[column] = table[column].astype(object)
        table.at[table.index[0], column] = value
    return validate(table, suite_for(name))


@pytest.mark.parametrize("name", SUITES)
def test_a_sound_table_meets_every_expectation(tables, name):
    found = report(tables, name)
    assert found.failures == []
    assert len(found.rules) == len(suite_for(name).expectations) > 10
    assert {one.rule for one in found.rules if not one.rule} == set()


@pytest.mark.parametrize(
    ("name", "spoilt", "word"),
    [
        ("interactions", {"propensity": 0.0}, "propensity"),
        ("interactions", {"propensity": 1.5}, "propensity"),
        ("interactions", {"confidence": -0.1}, "confidence"),
        ("interactions", {"action": "guess"}, "action"),
        ("interactions", {"session_id": ""}, "session_id"),
        ("interactions", {"user_id": "ada"}, "user_id"),
        ("executions", {"duration_ms": -1.0}, "duration_ms"),
        ("executions", {"interaction_id": None}, "interaction_id"),
        ("feedback", {"rating": 6}, "rating"),
        ("feedback", {"verdict": "fine"}, "verdict"),
        ("system_states", {"cpu_percent": 101.0}, "cpu_percent"),
        ("clean", {"intent_source": "guess"}, "intent_source"),
        ("clean", {"risk": "maybe"}, "risk"),
        ("clean", {"position": -1}, "position"),
        ("command_sequences", {"target_template": ""}, "target_template"),
        ("command_sequences", {"history_outcomes": [0] * 40}, "history_outcomes"),
        ("command_sequences", {"context": [0.0]}, "context"),
        ("labelled_requests", {"request": ""}, "request"),
        ("episodes", {"reward": 1.2}, "reward"),
        ("episodes", {"propensity": 0.0}, "propensity"),
    ],
)
def test_a_broken_rule_fails_and_names_the_column(tables, name, spoilt, word):
    found = report(tables, name, **spoilt)
    assert found.failures != []
    assert len(found.failures) == 1
    assert word in found.failures[0].column


@pytest.mark.parametrize(
    ("name", "column"), [("errors", "event_id"), ("clean", "interaction_id"), ("episodes", "interaction_id")]
)
def test_an_id_that_occurs_twice_fails(tables, name, column):
    found = report(tables, name, **{column: tables[name][column].iloc[1]})
    assert found.failures != []
    assert any(column in one.column for one in found.failures)


def test_a_secret_left_in_the_text_fails_and_is_not_repeated(tables, tmp_path: Path):
    secret = "ghp_" + "a1B2c3D4e5" * 4
    found = report(tables, "interactions", command=f"git clone https://{secret}@github.com/x/y")
    assert found.failures != []
    rows = len(tables["interactions"])
    rule = "holds nothing that redaction would take out"
    assert found.failures == [RuleResult("command", rule, f"1 of {rows:,} rows break it", "broken")]
    assert secret not in str(found)
    assert secret not in write_data_docs(found, tmp_path, "interactions").read_text()


def test_the_name_of_a_home_directory_counts_as_personal(tables):
    assert report(tables, "clean", directory="/home/ada/work").failures != []


def test_a_missing_column_fails(tables):
    found = validate(tables["feedback"].drop(columns="verdict"), suite_for("feedback"))
    assert found.failures != []
    assert {one.column for one in found.failures} == {"verdict"}
    assert all("could not be evaluated" in one.observed or one.rule == "is a column" for one in found.failures)


def test_a_split_without_rows_fails(tables):
    table = tables["episodes"]
    (failure,) = validate(table[table["split"] != "calibration"], suite_for("episodes")).failures
    assert failure.rule == "takes each of train, validation, calibration, test, and nothing else"


@pytest.mark.parametrize(
    "spoilt", [{"exit_status": 300}, {"ended_at": pd.Timestamp("2020-01-01", tz="UTC")}], ids=["status", "clock"]
)
def test_what_cleaning_copes_with_is_a_warning_and_stops_nothing(tables, spoilt):
    table = tables["executions"].copy()
    for column, value in spoilt.items():
        table.loc[table.index[0], column] = value
    found = validate(table, suite_for("executions"))
    assert found.failures == []
    assert len(found.warnings) == 1


def test_a_rule_about_a_column_without_values_is_not_evaluated_and_not_kept(tables):
    empty = tables["clean"].assign(rating=float("nan"))
    verdicts = {one.column: one for one in validate(empty, suite_for("clean")).rules if one.rule == "is 1 to 5"}
    assert verdicts["rating"] == RuleResult("rating", "is 1 to 5", "no row has a value", "not evaluated")


def test_every_rule_is_in_plain_words_with_what_was_observed(tables):
    found = report(tables, "interactions", propensity=1.5)
    (failure,) = found.failures
    rows = len(tables["interactions"])
    assert str(failure) == (f"`propensity` is 1e-06 to 1: 1 of {rows:,} rows break it, for example 1.5")
    assert found.rules[0] is failure, "what is broken stands first"
    for name in SUITES:
        for one in report(tables, name).rules:
            assert "expect_" not in str(one)
            assert "__" not in str(one)


@pytest.mark.parametrize(("column", "value"), [("user_id", "ada.lovelace"), ("host", "adas-laptop")])
def test_a_name_that_is_no_pseudonym_is_counted_and_not_repeated(tables, tmp_path: Path, column, value):
    found = report(tables, "interactions", **{column: value})
    assert [one.column for one in found.failures] == [column]
    assert value not in str(found)
    assert value not in write_data_docs(found, tmp_path, "interactions").read_text()


def test_data_docs_show_what_broke_and_load_nothing_from_elsewhere(tables, tmp_path: Path):
    page = write_data_docs(report(tables, "interactions", propensity=1.5), tmp_path, "interactions")
    text = page.read_text()
    assert page == tmp_path / "data_docs" / "interactions.html"
    assert "propensity" in text
    assert "1.5" in text
    policy = text.index("Content-Security-Policy")
    assert "default-src 'none'" in text[policy : policy + 100]
    assert policy < min(text.index("<script"), text.index("<link")), "a policy holds for what stands after it"


def test_an_unknown_suite_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="interactions, executions"):
        suite_for("orders")


def test_validating_leaves_nothing_on_the_disk_and_prints_nothing(tables, tmp_path: Path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    report(tables, "errors")
    assert list(tmp_path.iterdir()) == []
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
