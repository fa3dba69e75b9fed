"""A command is the request's own only if the request names all that the command works on."""

from __future__ import annotations

import pytest

from ccml.commands.stated import states_arguments


@pytest.mark.parametrize(
    ("request_", "command"),
    [
        ("list the files", "ls -la"),
        ("what has changed here?", "git status"),
        ("show budget.csv", "cat budget.csv"),
        ("how many lines has a.txt?", "wc -l a.txt"),
        ("count the lines of 'my notes.txt'.", "wc -l 'my notes.txt'"),
        ("find the '*.py' files", "find . -name '*.py'"),
        ("the last 20 lines of app.log", "tail -n 20 app.log"),
        ("grep TODO in src/app.py and count", "grep -n TODO src/app.py | wc -l"),
    ],
)
def test_a_command_without_a_foreign_argument_is_the_requests(request_: str, command: str) -> None:
    assert states_arguments(request_, command)


@pytest.mark.parametrize(
    ("request_", "command"),
    [
        ("show budget.csv", "cat install-notes.txt"),
        ("show src/app.py", "cat app.py"),
        ("show app.py", "cat src/app.py"),
        ("show the end of app.log", "tail -n 20 app.log"),
        ("show a.txt", "cat a.txt b.txt"),
        ("show the notes", "cat <path>"),
        ("show a", "cat 'open"),
        ("show budget.csv.old", "cat budget.csv/old"),
        ("which python is it", "git log --author=ada"),
        ("", "cat a.txt"),
    ],
)
def test_one_argument_that_the_request_does_not_name_is_enough_against_it(request_: str, command: str) -> None:
    assert not states_arguments(request_, command)
