"""Shares over all real command lines: parsed, rendered back from the template, each level of risk. They are printed."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

import pytest

from ccml.commands.parse import Command, parse
from ccml.commands.risk import LEVELS, assess
from ccml.commands.syntax import syntax
from ccml.commands.tree import SimpleCommand
from ccml.commands.wrappers import base_name
from ccml_tests.commands.real_lines import real_lines

_PLACEHOLDER = re.compile(r"<(?:path|number|url|text|pattern|host|name|heredoc)>")


def rendered(command: Command) -> str:
    """The template with its arguments put back."""
    slots = iter(command.slots)
    shown: list[str] = []
    bodies: list[str] = []
    for token in command.template.split(" "):
        if not _PLACEHOLDER.search(token):
            shown.append(token)
        elif token == "<heredoc>":
            mark = f"END_{len(bodies)}"
            shown.append(f"<<'{mark}'")
            bodies.append(f"{next(slots)[0].text}\n{mark}")
        else:
            shown += [argument.text for argument in next(slots)]
    assert next(slots, None) is None
    return "\n".join([" ".join(shown), *bodies])


def means(line: str) -> list[tuple[object, ...]] | None:
    """What a line runs, but for the folder of a program and the order of redirections."""
    taken = syntax(line)
    if taken is None or not taken.whole:
        return None
    found: list[tuple[object, ...]] = []
    for piece in taken.outline:
        if isinstance(piece, SimpleCommand):
            words = [base_name(word.text) if at == 0 else word.text for at, word in enumerate(piece.words)]
            redirects = sorted(
                (r.operator.removesuffix("-"), r.target.text if r.target else "") for r in piece.redirects
            )
            found.append((tuple(words), tuple(word.text for word in piece.assignments), tuple(redirects)))
        elif isinstance(piece, str) and piece != ";":
            found.append((piece,))
    return found


@pytest.mark.parametrize(
    "line",
    [
        "git commit -m 'two words' && git push",
        "sudo -u ada tar -xzf 'a b.tar.gz' -C /tmp",
        "A=1 B='x y' python -m http.server 8000 > out.txt 2>&1",
        "git log --author='A B' --since=yesterday -n5 -- src",
        "cat <<'EOF' > a.py; python a.py\nprint('x y')\nEOF",
        "find . -name '*.py' -exec grep -n 'a b' {} \\; | head -20",
        "rm a.txt 'b c.txt' d.txt e.txt",
        "docker rm $(docker ps -aq)",
        'for x in a b; do wc -l "$x"; done',
        "[ -f 'a b' ] && [[ -n $x ]] && ssh -p 22 web1 df -h",
    ],
)
def test_a_template_and_its_arguments_give_the_command_again(line: str) -> None:
    assert means(rendered(parse(line))) == means(line)


@pytest.mark.slow
def test_nearly_every_real_line_is_parsed_and_comes_back_from_its_template(shared_data: Path) -> None:
    for name, lines in real_lines(shared_data).items():
        commands = [parse(line) for line in lines]
        parsed = [command for command in commands if command.parsed]
        back = [command for command in parsed if means(rendered(command)) == means(command.line)]
        shares = f"parsed {len(parsed) / len(lines):.2%}, back {len(back) / len(parsed):.2%}"
        sys.stdout.write(f"{name}: {len(lines)} lines, {shares}\n")
        assert len(parsed) >= 0.98 * len(lines)
        assert len(back) >= 0.95 * len(parsed)


@pytest.mark.slow
def test_of_real_lines_few_are_held_up(shared_data: Path) -> None:
    for name, lines in real_lines(shared_data).items():
        levels = Counter(assess(line).level for line in lines)
        shares = ", ".join(f"{level} {levels[level] / len(lines):.1%}" for level in LEVELS)
        sys.stdout.write(f"{name}: {len(lines)} lines, {shares}\n")
        assert levels["danger"] + levels["refused"] <= 0.1 * len(lines)
