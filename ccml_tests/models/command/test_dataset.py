"""A request, the commands that ran before it, and the command that was wanted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ccml.cleaning.join import clean
from ccml.datasets.leakage import check_leakage
from ccml.datasets.splits import Splits
from ccml.errors import NotEnoughDataError
from ccml.features.context import CONTEXT_FIELDS
from ccml.models.command.dataset import MINIMUM_ROWS, command_sequences
from ccml.telemetry.events import Interaction
from ccml_tests.tables import context_table, ran, raw_tables, reported, turn


def fillers() -> dict[str, Interaction]:
    """Enough plain rows for every split, of another user."""
    return {
        f"{split}-{n}": turn(f"{split}-{n}", 1000 + n, command="pwd", user_id=f"u-{index:012x}", session_id=split)
        for index, (split, least) in enumerate(MINIMUM_ROWS.items())
        for n in range(least)
    }


def built(*events, history: int = 8) -> tuple[pd.DataFrame, dict]:
    """The rows of one hand-written session (training), and what was left out."""
    others = fillers()
    rows = clean(*raw_tables([*events, *others.values()])).interactions
    labels = pd.Series({name: name.split("-")[0] if name in others else "train" for name in rows["interaction_id"]})
    splits = Splits(labels.astype(object), frozenset(), True, True, {})
    dataset = command_sequences(rows, context_table(rows), splits, history=history)
    made = dataset.rows[~dataset.rows["interaction_id"].isin(list(others))]
    return made.set_index("interaction_id"), dataset.facts["left_out"]


def test_the_history_is_what_ran_before_oldest_first_with_what_was_known():
    rows, _ = built(
        turn("a", 0, command="ls -la /tmp"),
        ran("a", 1, exit_status=0),
        turn("b", 2, command="git status"),
        ran("b", 3, exit_status=1),
        turn("c", 4, request="now show it", command="git log"),
    )
    row = rows.loc["c"]
    assert row["history_lines"] == ["ls -la /tmp", "git status"]
    assert row["history_templates"] == ["ls -la <path>", "git status"]
    assert row["history_programs"] == ["ls", "git"]
    assert row["history_outcomes"] == [1, 2]
    assert (row["target_program"], row["target_template"], row["target_line"]) == ("git", "git log", "git log")
    assert row["request"] == "now show it"
    assert len(row["context"]) == len(CONTEXT_FIELDS)
    assert rows.loc["a", "history_lines"] == []


def test_no_more_history_than_asked_for():
    rows, _ = built(*(turn(f"i{n}", n, command=f"cat {n}.txt") for n in range(5)), history=2)
    assert rows.loc["i4", "history_lines"] == ["cat 2.txt", "cat 3.txt"]


def test_an_outcome_that_was_not_known_yet_is_unknown():
    rows, _ = built(
        turn("a", 0, command="make"), ran("a", 0, ended_at=turn("x", 9).time, exit_status=0), turn("b", 2, command="ls")
    )
    assert rows.loc["b", "history_outcomes"] == [0]


def test_a_proposal_that_nobody_took_is_neither_history_nor_target():
    rows, left_out = built(
        turn("a", 0, command="rg todo", action="suggest", source="served"),
        turn("b", 1, command="ls", action="execute", source="served"),
        ran("b", 1, exit_status=0),
    )
    assert rows.index.tolist() == ["b"]
    assert rows.loc["b", "history_lines"] == []
    assert left_out == {"not known whether the command was wanted": 1}


def test_the_users_correction_is_the_target_and_after_an_edit_it_is_what_ran():
    rows, _ = built(
        turn("a", 0, command="grep x", action="confirm"),
        ran("a", 0.1, exit_status=0),
        reported("a", 0.2, verdict="edited", corrected_command="rg x"),
        turn("b", 1, command="ls", action="execute"),
        ran("b", 1.1, exit_status=0),
    )
    assert rows.loc["a", "target_line"] == "rg x"
    assert rows.loc["b", "history_lines"] == ["rg x"]


def test_dangerous_commands_are_never_targets():
    rows, left_out = built(turn("a", 0, command="rm -rf /"), turn("b", 1, command="ls"))
    assert rows.index.tolist() == ["b"]
    assert left_out["dangerous command"] == 1


def test_without_any_command_there_is_nothing_to_predict():
    rows = clean(*raw_tables([turn("a", 0, request="hello")])).interactions
    nothing = Splits(pd.Series({"a": "train"}), frozenset(), True, True, {})
    with pytest.raises(NotEnoughDataError, match="nothing to predict"):
        command_sequences(rows, context_table(rows), nothing, history=4)


def test_too_few_rows_are_refused_with_the_counts():
    rows = clean(*raw_tables([turn("a", 0, command="ls"), turn("b", 1, command="rm -rf /")])).interactions
    labels = Splits(pd.Series({"a": "train", "b": "test"}), frozenset(), True, True, {})
    with pytest.raises(NotEnoughDataError, match=r"1 of 50 for train.* 0 of 10 for test.*dangerous command: 1"):
        command_sequences(rows, context_table(rows), labels, history=4)


def test_on_simulated_telemetry_nothing_leaks_and_every_row_is_accounted_for(simulated, context, splits: Splits):
    dataset = command_sequences(simulated, context, splits, history=8)
    assert check_leakage(dataset.rows) == []
    assert len(dataset.rows) + sum(dataset.facts["left_out"].values()) == len(simulated)
    assert set(dataset.rows.loc[dataset.rows["unseen_user"], "split"]) == {"test"}
    assert np.stack(dataset.rows["context"]).shape == (len(dataset.rows), len(CONTEXT_FIELDS))
