"""The ranker learns what the counts alone do not say, and says how sure it is."""

import numpy as np
import pytest

from ccml.errors import NotEnoughDataError
from ccml.profiles import RankerSettings
from ccml.suggestions.candidates import gather
from ccml.suggestions.evidence import evidence
from ccml.suggestions.held_out import METRICS, MODEL, compare, predict
from ccml.suggestions.memory import Knowledge, Running
from ccml.suggestions.ranker import Ranker
from ccml.suggestions.turns import UNITS, Session, Unit, blocks_of, sessions_of
from ccml_tests.suggestions.sessions import session

SETTINGS = RankerSettings()


def _fit(sessions: list[Session]) -> Ranker:
    return Ranker.fit(sessions, "line", SETTINGS, seed=0)


def _work(count: int, seed: int) -> list[Session]:
    """People who edit a file, run it and look at it in git; each session has a tool that no other one has, too."""
    draw = np.random.default_rng(seed)
    made = []
    for number in range(count):
        lines: list[str] = []
        for _ in range(6):
            file = f"part{draw.integers(4_000)}.py"
            last = ("git status", f"git add {file}", f"tool{seed}x{number} --go")[draw.integers(3)]
            lines += [f"vim {file}", f"python {file}", last]
        made.append(session(lines, f"user{number % 10}", number))
    return made


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    return _fit(_work(25, seed=1))


def _after(ranker: Ranker, lines: list[str], user: str = "eve") -> list[str]:
    running = Running(ranker.knowledge)
    turns = session([*lines, "true"]).turns
    for turn in turns[:-1]:
        running.take(turn)
    ranked = ranker.rank(running, turns[-1], user)
    assert ranked.probabilities.sum() + ranked.other == pytest.approx(1.0)
    assert list(ranked.probabilities) == sorted(ranked.probabilities, reverse=True)
    return ranked.tokens


def test_a_file_that_nobody_named_before_is_run_after_it_was_edited(ranker: Ranker) -> None:
    assert _after(ranker, ["vim new_one.py"])[0] == "python new_one.py"


def test_a_command_that_was_never_seen_is_suggested_after_it_was_used_twice(ranker: Ranker) -> None:
    lines = ["brandnew --go", "vim part1.py", "python part1.py", "brandnew --go", "vim part1.py", "python part1.py"]
    assert "brandnew --go" in _after(ranker, lines)[:5]


def test_the_ranker_beats_the_counts_where_arguments_come_from_the_session() -> None:
    found = compare(predict(_work(25, seed=1), _work(10, seed=2), "line", SETTINGS, seed=0))
    best = max(figures["top1"].value for figures in found.baselines.values())
    assert found.model["top1"].value > best + 0.2
    assert found.model["bits"].value < found.baselines["n-gram with session memory"]["bits"].value
    assert all(paired.low is not None and paired.low > 0.0 for paired in found.paired.values())
    assert all(paired.p is not None and paired.p < 0.05 for paired in found.paired.values())


@pytest.mark.parametrize("unit", UNITS)
def test_the_evidence_has_the_same_columns_with_and_without_candidates(unit: Unit) -> None:
    (turn,) = session(["ls docs"]).turns
    found = []
    for sessions in ([], _work(3, seed=1)):
        running = Running(Knowledge(sessions))
        found.append(evidence(unit, gather(unit, running, "user0", 64), running, turn))
    assert [matrix.ndim for matrix in found] == [2, 2]
    assert len({matrix.shape[1] for matrix in found}) == 1
    assert len(found[0]) == 1 < len(found[1])


def test_few_rows_are_ranked_by_the_counts_alone() -> None:
    few = _fit([session(["cd app", "make", "make test"], number=number) for number in range(10)])
    assert SETTINGS.minimum_rows > 30
    assert not few.networks
    assert _after(few, ["cd app"], user="ada")[0] == "make"


def test_the_same_sessions_and_seed_give_the_same_ranker(ranker: Ranker) -> None:
    again = _fit(_work(25, seed=1))
    for one, other in zip(ranker.networks, again.networks, strict=True):
        for (weights, _), (same, _) in zip(one.layers, other.layers, strict=True):
            np.testing.assert_array_equal(weights, same)


@pytest.mark.parametrize("unit", ["name", "template", "line"])
def test_every_method_is_measured_on_the_same_rows(unit: str) -> None:
    made = predict(_work(12, seed=1), _work(8, seed=2), unit, SETTINGS, seed=0)  # type: ignore[arg-type]
    assert {len(rows) for rows in made.scores.values()} == {8 * 18}
    assert {len(row) for rows in made.scores.values() for row in rows} == {len(METRICS)}
    assert MODEL in made.scores


def test_nothing_to_learn_from_is_not_enough_data() -> None:
    with pytest.raises(NotEnoughDataError, match="0 sessions to learn from"):
        predict([], _work(1, seed=1), "line", SETTINGS, seed=0)


def test_blocks_hold_every_session_once_in_order() -> None:
    sessions = _work(17, seed=3)
    blocks = blocks_of(sessions, 6)
    assert len(blocks) == 6
    assert [each for block in blocks for each in block] == sessions


def test_clean_interactions_become_sessions_without_what_was_denied() -> None:
    import pandas as pd

    from ccml.cleaning.columns import conform

    rows = pd.DataFrame(
        {
            "interaction_id": ["3", "1", "2"],
            "session_id": ["s#1"] * 3,
            "user_id": ["u"] * 3,
            "time": pd.to_datetime(["2026-01-01T10:02Z", "2026-01-01T10:00Z", "2026-01-01T10:01Z"]),
            "command": ["make test", "cd app", "rm -rf build"],
            "executed": [True, True, False],
            "position": [2, 0, 1],
            "previous_succeeded": [False, None, True],
            "seconds_since_previous": [60.0, None, 60.0],
        }
    )
    (made,) = sessions_of(conform(rows))
    assert [turn.words.line for turn in made.turns] == ["cd app", "make test"]
    assert [turn.previous_failed for turn in made.turns] == [False, True]
    assert made.start == pd.Timestamp("2026-01-01T10:00Z").timestamp()
