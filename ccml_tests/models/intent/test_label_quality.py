"""Wrong labels that are planted in simulated requests are found, and what is shown of them names nobody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from ccml.cleaning.join import clean
from ccml.datasets.splits import Splits, assign_splits
from ccml.evaluation.label_quality import LabelQuality, doubted_rows
from ccml.evaluation.model_page import page
from ccml.evaluation.report import ModelReport
from ccml.evaluation.statistics import Interval
from ccml.models.intent.dataset import labelled_requests
from ccml.models.intent.label_quality import intent_label_quality, probabilities_by_others
from ccml.profiles import EvaluationSettings, SplitSettings
from ccml_tests.models.rows import ASKS
from ccml_tests.tables import simulated_raw

SEED = 7


def written(simulated: pd.DataFrame, splits: Splits) -> pd.DataFrame:
    rows = labelled_requests(simulated, splits, SplitSettings(), SEED).rows
    return rows[~rows["augmented"].to_numpy(dtype=bool)].reset_index(drop=True)


def planted(rows: pd.DataFrame, share: float) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Of the labels a share moved to another intent; which they are."""
    drawn = np.random.default_rng(SEED)
    classes = sorted(set(rows["intent"]))
    wrong = drawn.random(len(rows)) < share
    places = np.searchsorted(classes, rows["intent"].astype(str))
    moved = (places + drawn.integers(1, len(classes), len(rows))) % len(classes)
    return rows.assign(intent=[classes[place] for place in np.where(wrong, moved, places)]), wrong


def found(rows: pd.DataFrame) -> NDArray[np.bool_]:
    classes = sorted(set(rows["intent"].astype(str)))
    probabilities, known = probabilities_by_others(rows, classes, SEED)
    assert known.all()
    return doubted_rows(np.searchsorted(classes, rows["intent"].astype(str)), probabilities)


def recall_and_precision(rows: pd.DataFrame, share: float) -> tuple[float, float]:
    """Precision counts each label as right that the simulator gave, its vague requests and rules' mistakes included."""
    changed, wrong = planted(rows, share)
    doubted = found(changed)
    return float(doubted[wrong].mean()), float(wrong[doubted].mean())


def asked(rows: int = 600) -> pd.DataFrame:
    """Requests that name what they are for, of ten people."""
    drawn = np.random.default_rng(SEED)
    labels = [str(label) for label in drawn.choice(list(ASKS), rows)]
    return _rows([str(drawn.choice(ASKS[label][0])) for label in labels], labels, users=10)


def test_planted_wrong_labels_are_found() -> None:
    recall, precision = recall_and_precision(asked(), 0.05)
    assert recall >= 0.9
    assert precision >= 0.9


def test_where_a_simple_model_agrees_with_few_labels_none_is_doubted(simulated: pd.DataFrame, splits: Splits) -> None:
    """844 requests in twenty intents: of its doubts nine in ten would be wrong."""
    quality = intent_label_quality(written(simulated, splits), EvaluationSettings(), SEED)
    assert quality is not None
    assert quality.agreement < 0.75
    assert quality.doubted is None
    assert quality.worst == []
    assert "cannot be told yet" in page(_report(quality), {}, confidence=0.95)


@pytest.mark.slow
@pytest.mark.acceptance(
    "Wrong intent labels are found", fault="5 % of the simulated labels are moved to another intent"
)
def test_most_planted_wrong_labels_are_found_among_twenty_thousand_interactions(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    tables = simulated_raw(tmp_path, users=60, days=30, interactions=20_000)
    interactions = clean(*tables).interactions
    rows = written(interactions, assign_splits(interactions, SplitSettings(), SEED))
    recall, precision = recall_and_precision(rows, 0.05)
    record_property("size", f"{len(rows):,} requests of {rows['user_id'].nunique()} users")
    record_property("recall", f"{recall:.0%}")
    record_property("precision", f"{precision:.0%}")
    assert recall >= 0.75
    assert precision >= 0.6


def test_a_label_that_only_one_person_gave_is_not_doubted() -> None:
    rows = asked()
    own = rows["user_id"] == "u-0"
    quality = intent_label_quality(
        rows.assign(intent=rows["intent"].where(~own, "of_my_own")), EvaluationSettings(), SEED
    )
    assert quality is not None
    assert quality.doubted is not None
    assert quality.assessed == len(rows) - own.sum()
    assert "of_my_own" not in {one.given for one in quality.worst}


def test_texts_with_several_labels_are_counted_and_shown_with_them() -> None:
    quality = _quality(
        ["list it", "List it!", "list it", "run it"] * 30, ["inspect_file", "help", "help", "build"] * 30
    )
    assert quality.contradicted_texts == 1
    assert quality.contradicted.estimate == 0.75
    assert quality.contradictions[0].labels == {"help": 60, "inspect_file": 30}


def test_what_fewer_than_three_people_wrote_is_not_shown() -> None:
    texts = ["show the files"] * 28 + ["show klostergasse.csv"] * 2 + ["build the project"] * 30
    labels = ["inspect_file"] * 29 + ["build"] + ["build"] * 30
    shown = str(_quality(texts, labels))
    assert "klostergasse" not in shown
    assert "show …" in shown


def test_labels_of_one_person_are_not_assessed() -> None:
    assert intent_label_quality(_rows(["a b"] * 8, ["help", "build"] * 4, users=1), EvaluationSettings(), SEED) is None


def test_the_page_shows_which_labels_are_doubted() -> None:
    rows, _ = planted(asked(), 0.05)
    quality = intent_label_quality(rows, EvaluationSettings(), SEED)
    assert quality is not None
    shown = page(_report(quality), {}, confidence=0.95)
    assert "labels are probably wrong" in shown
    assert quality.worst[0].text in shown
    assert "<h2>Labels</h2>" not in page(_report(None), {}, confidence=0.95)


def _report(quality: LabelQuality | None) -> ModelReport:
    return ModelReport(
        model="intent_classifier",
        title="Intent",
        question="?",
        headline="accuracy",
        headline_value=Interval(0.9, 0.8, 0.95),
        labels=quality,
    )


def _quality(texts: list[str], labels: list[str]) -> LabelQuality:
    quality = intent_label_quality(_rows(texts, labels, users=10), EvaluationSettings(), SEED)
    assert quality is not None
    return quality


def _rows(texts: list[str], labels: list[str], users: int) -> Any:
    return pd.DataFrame(
        {
            "request": texts,
            "intent": labels,
            "intent_source": "telemetry",
            "augmented": False,
            "user_id": [f"u-{place % users}" for place in range(len(texts))],
            "session_id": [f"s-{place % users}" for place in range(len(texts))],
        }
    )
