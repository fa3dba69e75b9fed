"""Whose lines are suggested to whom, and what is made of a template and the session's own values."""

import random

import pytest

from ccml.privacy.shared_words import SHARED_BY
from ccml.suggestions.candidates import Candidates, gather
from ccml.suggestions.memory import Knowledge, Running
from ccml.suggestions.turns import UNITS, Session, Unit
from ccml_tests.suggestions.sessions import session

MOST = 64


def _gather(running: Running, user: str, unit: Unit = "line") -> Candidates:
    return gather(unit, running, user, MOST)


def _running(sessions: list[Session], lines: list[str]) -> Running:
    running = Running(Knowledge(sessions))
    for turn in session(lines).turns:
        running.take(turn)
    return running


def test_a_line_of_one_user_is_suggested_to_that_user_alone() -> None:
    sessions = [session(["cd app", "deploy --to secret-host.example"], "ada", number) for number in range(50)]
    running = _running(sessions, ["cd app"])
    assert "deploy --to secret-host.example" in _gather(running, "ada").tokens
    assert "deploy --to secret-host.example" not in _gather(running, "eve").tokens


def test_a_line_that_enough_users_ran_is_suggested_to_all() -> None:
    sessions = [session(["cd app", "make test"], f"user {number}", number) for number in range(SHARED_BY)]
    assert "make test" in _gather(_running(sessions, ["cd app"]), "eve").tokens
    assert "make test" not in _gather(_running(sessions[1:], ["cd app"]), "eve").tokens


@pytest.mark.parametrize("unit", UNITS)
def test_no_word_of_another_user_reaches_anybody_whatever_the_logs(unit: Unit) -> None:
    """A thousand suggestions from random sessions in which each user has programs, options and values of their own."""
    draw = random.Random(7)
    programs = [
        "cat",
        "ssh",
        "git clone",
        "pip install",
        "rm",
        "curl -o",
        "docker run",
        "vim",
        "own-{}-tool run",
        "make",
    ]
    arguments = ["own-{}-{}", "/srv/own-{}-{}", "--own-{}-option=1 x{}", "own-{}-{}=1 data.csv", "10.0.0.{1}"]

    def line(user: str) -> str:
        return f"{draw.choice(programs).format(user)} {draw.choice(arguments).format(user, draw.randrange(9))}"

    users = [f"user{number}" for number in range(8)]
    sessions = [
        session([line(user) for _ in range(12)], user, number)
        for number, user in enumerate(draw.choice(users) for _ in range(120))
    ]
    knowledge = Knowledge(sessions)
    for asked in sessions[:90]:
        running = Running(knowledge)
        for turn in asked.turns:
            shown = _gather(running, asked.user, unit).tokens
            assert not [token for token in shown if "own-" in token.replace(f"own-{asked.user}-", "")]
            running.take(turn)


def test_a_template_that_others_use_is_filled_with_the_session_s_own_values() -> None:
    sessions = [
        session([f"nmap -v 10.0.{number}.7", f"ssh root@10.0.{number}.7"], f"user {number}", number)
        for number in range(9)
    ]
    running = _running(sessions, ["ping -c 1 192.168.1.20", "nmap -v 192.168.1.20"])
    candidates = _gather(running, "eve")
    assert "ssh 192.168.1.20" in candidates.tokens
    assert "ssh 192.168.1.20" in candidates.filled


def test_there_are_no_more_candidates_than_are_ranked_and_each_is_there_once() -> None:
    lines = [f"echo {number}" for number in range(3 * MOST)]
    candidates = _gather(_running([session(lines, "ada", number) for number in range(3)], lines), "ada")
    assert len(candidates.tokens) == MOST == len(set(candidates.tokens))
    assert list(candidates.prior) == sorted(candidates.prior, reverse=True)


def test_without_any_knowledge_and_before_the_first_command_there_is_nothing_to_suggest() -> None:
    assert _gather(Running(Knowledge([])), "ada").tokens == []
