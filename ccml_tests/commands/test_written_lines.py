"""Two lists of lines, written from manuals with the right answer beside each before any was rated.

`written_first.txt` was rated once, and what it showed was mended by kinds; then `written_second.txt` was written, rated
and mended in the same way. Of the lines that destroy 8.6 % of the first and 7.6 % of the second list were not
recognised when they were first rated, of the harmless ones 2.8 % and 3.3 % were held up. A tab parts the answer from
the line, `⏎` stands for the end of a line.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ccml.commands.parse import parse
from ccml.commands.risk import Level, assess

_LINES = Path(__file__).parent / "lines"
_RIGHT: dict[str, tuple[Level, ...]] = {
    "confirm": ("danger", "refused"),
    "plain": ("safe", "ask"),
    "acts": ("ask", "danger", "refused"),
}


def written(name: str) -> list[tuple[str, str, str]]:
    """Kind, answer and line."""
    rows = []
    kind = ""
    for row in (_LINES / f"written_{name}.txt").read_text().splitlines():
        if row.startswith("## "):
            kind = row[3:]
        else:
            answer, _, line = row.partition("\t")
            rows.append((kind, answer, line.replace("⏎", "\n")))
    return rows


FIRST, SECOND = written("first"), written("second")


def test_the_lists_have_at_least_a_hundred_lines_of_each_kind() -> None:
    for rows in (FIRST, SECOND):
        for kind in {kind for kind, _, _ in rows}:
            assert len({line for each, _, line in rows if each == kind}) >= 100, kind


@pytest.mark.parametrize("rows", [FIRST, SECOND], ids=["first", "second"])
def test_of_written_lines_that_destroy_hardly_one_is_missed(rows: list[tuple[str, str, str]]) -> None:
    destroying = [line for _, answer, line in rows if answer == "confirm"]
    missed = [line for line in destroying if assess(line).level not in _RIGHT["confirm"]]
    assert len(missed) <= 0.01 * len(destroying), missed


@pytest.mark.parametrize("rows", [FIRST, SECOND], ids=["first", "second"])
def test_of_written_lines_without_harm_hardly_one_is_held_up(rows: list[tuple[str, str, str]]) -> None:
    harmless = [line for _, answer, line in rows if answer == "plain"]
    held_up = [line for line in harmless if assess(line).level not in _RIGHT["plain"]]
    assert len(held_up) <= 0.01 * len(harmless), held_up


@pytest.mark.parametrize("rows", [FIRST, SECOND], ids=["first", "second"])
def test_no_written_line_that_acts_or_shows_a_secret_is_safe(rows: list[tuple[str, str, str]]) -> None:
    assert [line for _, answer, line in rows if answer != "plain" and assess(line).level == "safe"] == []


def test_the_program_of_written_lines_is_that_of_the_words_which_are_the_command() -> None:
    wrong = []
    for row in (_LINES / "programs.txt").read_text().splitlines():
        program, subcommand, line = row.split("|", 2)
        command = parse(line.replace("⏎", "\n"))
        first = command.subcommand.partition(" ")[0]
        if not command.parsed or (command.program, first) != (program, subcommand):
            wrong.append((line, command.program, first))
    assert wrong == []


@pytest.mark.parametrize(
    ("line", "template"),
    [
        ("docker logs -f web", "docker logs -f <name>"),
        ("docker rm -f web", "docker rm -f <name>"),
        ("docker compose -f a.yml logs -f web", "docker compose -f <path> logs -f <name>"),
        ("kubectl logs -f web-0 -n shop", "kubectl logs -f <name> -n <name>"),
        ("git clone --depth 1 https://x.test/a", "git clone --depth <number> <url>"),
        ("aws s3 ls --profile work --output json", "aws s3 ls --profile <name> --output json"),
        ("[ -f a.txt ] && echo yes", "[ <text> ] && echo <text>"),
        ("xargs -I{} echo 'a {}'", "xargs -I<text> echo <text>"),
        ("screen -S work -d -m top", "screen -S <name> -d -m <name>"),
    ],
)
def test_an_options_value_is_what_the_sub_command_takes(line: str, template: str) -> None:
    assert parse(line).template == template
