from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ccml.models.baselines import BackOffNGram, Frequency, LastUsed, TextLinear, command_baselines, intent_baselines
from ccml.models.ranking import frequent_labels, ranking_metrics, target_indices
from ccml_tests.models.rows import command_sequences, labelled_requests


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return command_sequences(900)


def history_rows(histories: list[list[str]], targets: list[str]) -> pd.DataFrame:
    times = pd.date_range("2026-01-01", periods=len(targets), freq="min", tz="UTC")
    return pd.DataFrame({"history_templates": histories, "target_template": targets, "request": "", "time": times})


def test_every_baseline_gives_shares_over_the_models_labels(rows: pd.DataFrame) -> None:
    training, test = rows[rows["split"] == "train"], rows[rows["split"] == "test"]
    labels = frequent_labels(training["target_template"], 3)
    for baseline in command_baselines(labels, "template").values():
        shares = baseline.fit(training).probabilities(test)
        assert shares.shape == (len(test), len(labels))
        assert shares.dtype == np.float32
        np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-5)


def test_the_frequency_baseline_says_what_was_frequent() -> None:
    shares = Frequency(["a", "b"], "target_template").fit(history_rows([[]] * 4, list("aaab"))).probabilities([0])
    np.testing.assert_allclose(shares, [[4 / 6, 2 / 6]], atol=1e-6)


def test_the_last_command_is_expected_again() -> None:
    rows = history_rows([["a", "b"], ["b", "a"], []], ["c", "c", "c"])
    shares = LastUsed(["a", "b", "c"], "template").fit(rows).probabilities(rows)
    assert shares.argmax(axis=1).tolist() == [1, 0, 2]


def test_interpolated_counts_equal_witten_and_bells_formula_by_hand() -> None:
    rows = history_rows([[], ["a"], ["a"], ["a"]], ["a", "b", "b", "a"])
    model = BackOffNGram(["a", "b"], "template")
    model._count(rows)
    model.memory = 0.0
    # No context: a 2, b 2, two kinds, uniform 1/2 below.  After a: a 1, b 2, two kinds.
    empty = (2 + 2 * 0.5) / (4 + 2)
    after_a = np.array([(1 + 2 * empty) / (3 + 2), (2 + 2 * empty) / (3 + 2)])
    after_start_a = np.array([(1 + 2 * after_a[0]) / (3 + 2), (2 + 2 * after_a[1]) / (3 + 2)])
    np.testing.assert_allclose(model.probabilities(rows)[1], after_start_a, atol=1e-6)


def test_memory_of_the_session_is_used_where_people_repeat_themselves() -> None:
    generator = np.random.default_rng(0)
    histories, targets = [], []
    for _ in range(60):
        mine = str(generator.choice(list("abcdefgh")))
        for back in range(4):
            histories.append([mine] * back + ["x", "x"])  # the last two say nothing
            targets.append(mine)
    rows = history_rows(histories, targets)
    assert BackOffNGram(list("abcdefghx"), "template").fit(rows).memory > 0.0


def test_text_with_previous_commands_knows_what_again_means(rows: pd.DataFrame) -> None:
    training, test = rows[rows["split"] == "train"], rows[rows["split"] == "test"]
    labels = frequent_labels(training["target_template"], 3)
    targets = target_indices(test["target_template"], labels)
    alone = TextLinear(labels, "target_template").fit(training)
    informed = TextLinear(labels, "target_template", history="history_templates").fit(training)
    blind = ranking_metrics(alone.probabilities(test), targets)["top1"]
    assert ranking_metrics(informed.probabilities(test), targets)["top1"] > blind + 0.1


def test_rows_without_requests_still_have_text_baselines(rows: pd.DataFrame) -> None:
    silent = rows.assign(request="")
    labels = frequent_labels(silent["target_template"], 3)
    assert TextLinear(labels, "target_template").fit(silent).probabilities(silent[:2]).shape == (2, len(labels))


def test_intent_baselines_learn_the_wording() -> None:
    rows = labelled_requests(400, out_of_scope=0.0)
    training, test = rows[rows["split"] == "train"], rows[rows["split"] == "test"]
    labels = frequent_labels(training["intent"], 3)
    targets = target_indices(test["intent"], labels)
    scores = {
        name: ranking_metrics(baseline.fit(training).probabilities(test), targets)["top1"]
        for name, baseline in intent_baselines(labels).items()
    }
    assert scores["TF-IDF + linear"] > scores["frequency"] + 0.3
