"""Too much of a file is refused, or more than the landings before let expect."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ccml.telemetry.quarantine import Wanted, give_up
from ccml.telemetry.shares import Landing, _at_least, held_files, jump, landings
from ccml_tests.telemetry.test_landing import NOW, event, landed, write

LIMITS: dict[str, Any] = {"most": 0.05, "fewest_lines": 100}


def log(path: Path, lines: int, bad: int, first: int = 0) -> Path:
    return write(path, *[b"broken"] * bad, *(event(first + number) for number in range(lines - bad)))


@pytest.mark.parametrize(
    ("lines", "bad", "held"), [(1_000, 60, True), (1_000, 50, False), (99, 60, False), (100, 6, True)]
)
def test_a_file_is_held_when_more_than_the_limit_is_refused(tmp_path: Path, lines: int, bad: int, held: bool) -> None:
    landed(log(tmp_path / "a.jsonl", lines, bad), tmp_path / "lake")
    found = held_files(tmp_path / "lake", **LIMITS)
    assert [(one.lines, one.refused) for one in found] == ([(lines, bad)] if held else [])


def test_a_file_without_any_event_holds_nothing_back(tmp_path: Path) -> None:
    landed(write(tmp_path / "a.jsonl", *[b"junk"] * 200), tmp_path / "lake")
    assert held_files(tmp_path / "lake", **LIMITS) == []


def test_a_file_whose_refused_lines_were_given_up_is_no_longer_held(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    landed(log(tmp_path / "a.jsonl", 200, 100), lake)
    assert len(held_files(lake, **LIMITS)) == 1
    give_up(lake, Wanted())
    assert held_files(lake, **LIMITS) == []


def test_of_a_log_that_grows_each_landing_counts_what_is_new(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    for day, (lines, bad) in enumerate([(50, 2), (80, 2), (90, 5)]):
        good = [event(number) for number in range(lines - bad)]
        write(tmp_path / "a.jsonl", b"broken 0", b"broken 1", *good, *(b"broken %d" % each for each in range(2, bad)))
        landed(tmp_path / "a.jsonl", lake, now=NOW + timedelta(days=day))
    assert landings(lake) == [Landing(50, 2), Landing(30, 0), Landing(10, 3)]


def test_the_probability_is_that_of_the_beta_binomial_distribution() -> None:
    from scipy.stats import betabinom

    for lines, refused, a, b in [(100, 4, 1, 499), (1_000, 2, 1, 499), (1_000_000, 60_000, 0.1, 12), (5, 5, 1, 499)]:
        expected = betabinom.sf(refused - 1, lines, a, b)
        assert _at_least(Landing(lines, refused), a, b) == pytest.approx(expected, rel=1e-4, abs=1e-12)


def test_few_lines_raise_no_alarm() -> None:
    for lines in (1, 3, 10):
        assert jump(Landing(lines, 1), [Landing(1_000, 0)] * 50).probability == 1.0


@pytest.mark.parametrize("earlier", [0, 30])
@pytest.mark.parametrize(("lines", "refused"), [(100, 4), (1_000, 40)])
def test_four_of_a_hundred_are_more_than_is_to_be_expected(earlier: int, lines: int, refused: int) -> None:
    assert jump(Landing(lines, refused), [Landing(1_000, 1)] * earlier).probability < 0.005


def test_a_share_that_is_usual_here_raises_no_alarm() -> None:
    assert jump(Landing(1_000, 40), [Landing(1_000, 38), Landing(500, 22)] * 10).probability > 0.2


@pytest.mark.parametrize("alike", [0.0, 0.01])
def test_without_a_change_the_alarm_is_false_at_most_about_as_often_as_is_stated(alike: float) -> None:
    generator, share = np.random.default_rng(3), 0.01

    def draw() -> Landing:
        lines, both = int(generator.integers(100, 3_000)), 1 / alike - 1 if alike else 0
        own = generator.beta(share * both, (1 - share) * both) if alike else share
        return Landing(lines, int(generator.binomial(lines, own)))

    alarms = sum(jump(draw(), [draw() for _ in range(60)]).probability < 0.005 for _ in range(600))
    assert alarms / 600 < 0.02
