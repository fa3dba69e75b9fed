"""Requests with intents: no held-out text, or anything like it, on the training side."""

from __future__ import annotations

import random
from string import ascii_lowercase

import pandas as pd
import pytest

from ccml.cleaning.join import clean
from ccml.datasets.leakage import check_leakage
from ccml.datasets.near_duplicates import near_duplicates, normalise
from ccml.datasets.splits import Splits
from ccml.errors import NotEnoughDataError
from ccml.intents.rules import INTENTS
from ccml.models.command.dataset import MINIMUM_ROWS
from ccml.models.intent.augmentation import SYNONYMS, rewrite
from ccml.models.intent.dataset import labelled_requests
from ccml.profiles import SplitSettings
from ccml_tests.tables import raw_tables, turn


def test_on_simulated_telemetry_nothing_leaks_into_training(simulated: pd.DataFrame, splits: Splits):
    dataset = labelled_requests(simulated, splits, SplitSettings(), seed=7)
    assert check_leakage(dataset.rows, text_similarity=0.9) == []
    assert dataset.rows["augmented"].sum() > 100
    assert set(dataset.rows["intent"]) <= {*INTENTS, "out_of_scope"}


def test_every_interaction_is_accounted_for(simulated: pd.DataFrame, splits: Splits):
    dataset = labelled_requests(simulated, splits, SplitSettings(augmentation_copies=0), seed=7)
    assert len(dataset.rows) + sum(dataset.facts["left_out"].values()) == len(simulated)
    assert not dataset.rows["augmented"].any()


def test_the_same_seed_gives_the_same_rows_and_another_seed_other_rewrites(simulated: pd.DataFrame, splits: Splits):
    def texts(seed: int) -> list[str]:
        return labelled_requests(simulated, splits, SplitSettings(), seed).rows["request"].tolist()

    assert texts(7) == texts(7)
    assert texts(7) != texts(8)


def hand_made(*turns) -> tuple[pd.DataFrame, Splits]:
    """(name, minutes, request, fields), with the split before the dash of the name."""
    events = [turn(name, minutes, request=request, **fields) for name, minutes, request, fields in turns]
    rows = clean(*raw_tables(events)).interactions
    labels = pd.Series({name: name.split("-")[0] for name in rows["interaction_id"]}, dtype=object)
    return rows, Splits(labels, frozenset(), True, True, {})


def _others() -> list:
    """Enough requests for every split, each in words of its own."""
    generator = random.Random(1)
    words = ["".join(generator.choices(ascii_lowercase, k=7)) for _ in range(60)]
    return [
        (f"{split}-other{n}", 1000 * stage + n, " ".join(generator.sample(words, 5)), {"intent": INTENTS[n % 3]})
        for stage, (split, least) in enumerate(MINIMUM_ROWS.items(), start=1)
        for n in range(least)
    ]


OTHERS = _others()
HELD_OUT = [*OTHERS, ("test-1", 5000, "show me the biggest files in this folder", {"intent": "disk_usage"})]


def test_a_training_text_almost_like_a_held_out_one_is_left_out_with_its_rewrites_too_close():
    rows, splits = hand_made(
        ("train-1", 0, "Show me the biggest files in this folder!", {"intent": "disk_usage"}),
        ("train-2", 1, "kill the process that eats my memory", {"intent": "processes"}),
        ("train-3", 2, "unpack the archive that I have downloaded", {"intent": "archive"}),
        *HELD_OUT,
    )
    dataset = labelled_requests(rows, splits, SplitSettings(), seed=7)
    training = dataset.rows[dataset.rows["split"] == "train"]
    assert "train-1" not in set(training["interaction_id"])
    assert dataset.facts["left_out"]["training text almost a held-out text"] == 1
    assert {"train-2", "train-3"} <= set(training["interaction_id"])
    held_out = [request for name, _, request, _ in HELD_OUT if not name.startswith("train")]
    assert not near_duplicates(training["request"].tolist(), held_out, 0.9).any()


def test_only_the_first_command_speaks_for_a_request_where_rules_label_commands():
    request = "find out why the build is slow and mend it"
    rows, splits = hand_made(
        ("train-1", 0, request, {"command": "git log"}),
        ("train-2", 1, request, {"command": "ls"}),
        ("train-3", 2, "what is on this disk then", {"command": "df -h"}),
        *HELD_OUT,
    )
    dataset = labelled_requests(rows, splits, SplitSettings(augmentation_copies=0), seed=7)
    assert dataset.rows.loc[dataset.rows["request"] == request, "interaction_id"].tolist() == ["train-1"]
    assert dataset.rows.set_index("interaction_id").loc["train-1", "intent_source"] == "rule"


def test_without_requests_or_without_labels_it_says_what_is_missing():
    rows, splits = hand_made(("train-1", 0, "", {"command": "ls"}))
    with pytest.raises(NotEnoughDataError, match="both a request and an intent"):
        labelled_requests(rows, splits, SplitSettings(), seed=7)


def test_one_intent_alone_is_refused():
    alone = [(name, minutes, request, {"intent": "network"}) for name, minutes, request, _ in OTHERS]
    with pytest.raises(NotEnoughDataError, match="at least two"):
        labelled_requests(*hand_made(*alone), SplitSettings(augmentation_copies=0), seed=7)


def test_a_handful_of_requests_is_refused_with_the_counts():
    with pytest.raises(NotEnoughDataError, match="too few labelled requests: 49 of 50 for train"):
        labelled_requests(*hand_made(*OTHERS[1:]), SplitSettings(augmentation_copies=0), seed=7)


REQUESTS = [
    "find the 10 biggest log files under /var/log",
    "please show me main.py",
    "delete the old backups in ~/archive.tar.gz",
    "run the tests again",
    "hey",
]


@pytest.mark.parametrize("request_text", REQUESTS)
def test_a_rewrite_says_something_else_and_keeps_every_path(request_text):
    for seed in range(60):
        text = rewrite(request_text, random.Random(seed))
        assert text != request_text
        for word in request_text.split():
            if "/" in word:
                assert word in text


def test_rewrites_are_drawn_from_the_generator_alone():
    assert [rewrite(r, random.Random(3)) for r in REQUESTS] == [rewrite(r, random.Random(3)) for r in REQUESTS]


def test_every_kind_of_rewrite_occurs():
    texts = [rewrite("please find the 10 large folders", random.Random(seed)) for seed in range(200)]
    assert any("big" in text or "huge" in text or "directories" in text for text in texts)  # synonym
    assert any(not text.startswith("please") for text in texts)  # filler removed
    assert any("10" not in text for text in texts)  # slot
    assert any(
        normalise(text).split() and "folders" not in text and "directories" not in text for text in texts
    )  # typo
    assert any(text.endswith(("please", "for me", "now", "thanks")) for text in texts)  # politeness


def test_no_word_stands_for_two_things():
    words = [word for group in SYNONYMS for word in group]
    assert len(words) == len(set(words))
