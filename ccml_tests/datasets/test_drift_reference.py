"""A refused candidate leaves the champion's reference in place."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd

from ccml.datasets.drift_reference import of_champions, with_champions


def training(last_day: int) -> pd.DataFrame:
    times = [datetime(2026, 3, day, tzinfo=UTC) for day in range(1, last_day + 1)]
    return pd.DataFrame({"interaction_id": [f"{last_day}-{t.day}" for t in times], "time": times, "split": "train"})


def ids(table: pd.DataFrame) -> set[str]:
    return set(table["interaction_id"].str.split("-").str[0])


FIRST, SECOND, THIRD = training(10), training(20), training(30)
CHAMPION_OF_FIRST = datetime(2026, 3, 10, tzinfo=UTC)
CHAMPION_OF_SECOND = datetime(2026, 3, 19, tzinfo=UTC)
"""Its model's own rows end a day before the training's."""


def test_the_first_training_is_its_own_reference() -> None:
    assert ids(of_champions(with_champions(FIRST, None, None), None)) == {"10"}


def test_until_the_gate_has_let_one_pass_traffic_is_held_against_what_the_champion_was_trained_on() -> None:
    kept = with_champions(SECOND, with_champions(FIRST, None, None), CHAMPION_OF_FIRST)
    assert ids(of_champions(kept, CHAMPION_OF_FIRST)) == {"10"}, "the second candidate was refused"
    assert ids(of_champions(kept, CHAMPION_OF_SECOND)) == {"20"}, "it was released"


def test_a_training_that_nobody_was_released_from_is_forgotten() -> None:
    kept = with_champions(SECOND, with_champions(FIRST, None, None), CHAMPION_OF_FIRST)
    kept = with_champions(THIRD, kept, CHAMPION_OF_FIRST)
    assert ids(kept) == {"10", "30"}


def test_the_same_data_again_is_not_kept_twice() -> None:
    kept = with_champions(FIRST, with_champions(FIRST, None, None), CHAMPION_OF_FIRST)
    assert len(kept) == len(FIRST)


def test_a_reference_of_an_older_release_of_ccml_is_replaced() -> None:
    assert ids(with_champions(SECOND, FIRST, CHAMPION_OF_FIRST)) == {"20"}
