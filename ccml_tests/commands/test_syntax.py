"""Lines are read as a shell reads them, in a time that is linear in the line whatever it holds."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccml.commands.parse import parse
from ccml.commands.risk import assess
from ccml.commands.syntax import LONGEST_LINE, syntax
from ccml.commands.tree import Group, SimpleCommand

UNITS = (
    "a ", "$(", "`", "2>&1 `", "\\`", "$((", "((", "${", "${x:-", '"', '"$(', "'", "<<E ", "<<E\n", "cat <<E\n$(",
    "[[ ", "case x in ", "if ", "for x in ", "{ ", "f() ", "f(){ ", ";", ";;", "&", "|", "! ",
    "time ", "coproc ", "a=(", "@(",
    "<(", ">(", "<<<", "> ", "1>", "#", " #", "\n", "\\\n", "\\", "$'", '$"', "{a,b}", "*", "-x ", "--a=b ",
    "-m'a b' ",
    "<path>", "=", "a=b ", "-exec ", "find . -exec ", "sudo ", "git ", "E\n", "E)\n", "`a\n", "done ", "do ", "esac ",
    ")", "))", "]]", "}", "/", ".a", "~", "%", "é", "\U0001f600", "rm ", "sh -c '", "eval ", "echo ", "x=$x$x; ",
    "| sh ",    "xargs ", "ssh h ", "env A=b ", "docker exec c ", "sed s/a/b/ ", "psql -c 'drop",
    "mcp__a__b ", "{", "[", '"a": ',
)  # fmt: skip
LONGEST = 262_144
SECONDS = 0.05


def _seconds(call: Callable[[str], object], line: str) -> float:
    """Processor time, the better of two where the first is long: another process may have taken the caches."""
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        call(line)
        best = min(best, time.process_time() - began)
        if best < SECONDS / 2:
            break
    return best


def _worst(units: int, seed: int) -> list[tuple[float, str, tuple[str, ...]]]:
    """Lines of repeated pieces, at the longest that is read and at 256 KiB; the time of the slowest."""
    drawn = random.Random(seed)
    pieces = [(unit,) for unit in UNITS]
    pieces += [tuple(drawn.choice(UNITS) for _ in range(drawn.randint(2, 5))) for _ in range(units)]
    found = []
    for piece in pieces:
        text = "".join(piece)
        for size in (LONGEST_LINE, LONGEST):
            line = (text * (size // len(text) + 1))[:size]
            found += [(_seconds(parse, line), "parse", piece), (_seconds(assess, line), "assess", piece)]
    return sorted(found, reverse=True)


def test_no_line_of_repeated_pieces_takes_longer_than_fifty_milliseconds() -> None:
    assess("true")  # the first call loads what the rest need
    assert [found for found in _worst(40, seed=1) if found[0] > SECONDS] == []


@pytest.mark.slow
def test_no_line_of_a_long_search_for_the_worst_takes_longer_than_fifty_milliseconds() -> None:
    assert [found for found in _worst(4000, seed=2) if found[0] > SECONDS] == []


@pytest.mark.parametrize("unit", ["2>&1 `", "$(", "<<E\n$(", '"$(', "x=$x$x; ", "find . -exec ", "((", "${x:-"])
def test_the_time_grows_no_faster_than_the_line(unit: str) -> None:
    """Doubling a line at most doubles its time, with room for the clock's: an exponential reading fails at once."""
    sizes = (1024, 2048, 4096, 8192, 16_384)
    times = [_seconds(syntax, (unit * size)[:size]) for size in sizes]
    assert all(later < 4 * max(earlier, 0.002) for earlier, later in pairwise(times)), times


def test_a_request_of_a_few_hundred_characters_cannot_stop_the_server() -> None:
    line = "2>&1 `" * 86
    assert len(line) < 519
    assert _seconds(parse, line) < SECONDS
    assert _seconds(assess, line) < SECONDS


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(UNITS), max_size=40).map("".join))
def test_any_mixture_of_the_grammars_pieces_is_read_without_an_exception(line: str) -> None:
    taken = syntax(line)
    assert taken is None or isinstance(taken.whole, bool)


def _words(line: str) -> list[list[str]]:
    taken = syntax(line)
    assert taken is not None
    assert taken.whole, line
    return [[word.text for word in command.words] for command in taken.commands]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a 'b c' \"d e\" f\\ g", [["a", "b c", "d e", "f g"]]),
        ('echo "a\\"b" \'c"d\'', [["echo", 'a"b', 'c"d']]),
        ("a && b || c; d & e", [["a"], ["b"], ["c"], ["d"], ["e"]]),
        ("a | b |& c", [["a"], ["b"], ["c"]]),
        ("echo $(date) `id`", [["echo", "$(date)", "`id`"], ["date"], ["id"]]),
        ("diff <(sort a) <(sort b)", [["diff", "<(sort a)", "<(sort b)"], ["sort", "a"], ["sort", "b"]]),
        ("cat <<'EOF' > f; echo done\nhello\nEOF", [["cat"], ["echo", "done"]]),
        ("cat <<-EOF\n\tx\n\tEOF\nls", [["cat"], ["ls"]]),
        ("find . 2>/dev/null -delete", [["find", ".", "-delete"]]),
        ("echo ${x:+a|b}", [["echo", "${x:+a|b}"]]),
        ("echo $((1 + (2 * 3)))", [["echo", "$((1 + (2 * 3)))"]]),
        ("for f in a b; do echo $f; done", [["echo", "$f"]]),
        ("while read l; do echo x; done < f", [["read", "l"], ["echo", "x"]]),
        ("if [ -f a ]; then b; elif c; then d; else e; fi", [["[", "-f", "a", "]"], ["b"], ["c"], ["d"], ["e"]]),
        ('case "$1" in a|b) x;; (c) y ;; esac', [["x"], ["y"]]),
        ("f() { a; }; function g { b; }; f", [["a"], ["b"], ["f"]]),
        ("[[ $a =~ ^(x|y)$ && -f z ]] && b", [["b"]]),
        ("(a; b) > f", [["a"], ["b"]]),
        ("a=(1 2 3); b", [[], ["b"]]),
        ("echo a#b # c", [["echo", "a#b"]]),
        ("echo a\\\nb", [["echo", "ab"]]),
        ("time ( a; b )", [["a"], ["b"]]),
        ("ls !(a|b)", [["ls", "!(a|b)"]]),
    ],
)
def test_lines_are_divided_as_the_shell_divides_them(line: str, words: list[list[str]]) -> None:
    assert _words(line) == words


@pytest.mark.parametrize(
    "line",
    ["a &&", "| a", "a | | b", "(a", "a)", "{ a", "if a; then b", "done", "case x in", "$(", "`", "'", '"', "<<",
     "a (b)", "for x in a; b; done", "f( {", "> ", "${x", "$((1", "a=(1", "[[ a", "find . ( -name x )"],
)  # fmt: skip
def test_what_the_shell_would_not_run_is_not_whole(line: str) -> None:
    taken = syntax(line)
    assert taken is not None
    assert not taken.whole


def test_a_pipeline_and_its_here_document_stay_together() -> None:
    taken = syntax("cat <<EOF | sh\nrm $x\nEOF")
    assert taken is not None
    (pipeline,) = taken.script.pipelines
    cat, sh = pipeline.members
    assert isinstance(cat, SimpleCommand)
    assert isinstance(sh, SimpleCommand)
    assert [redirect.target.text for redirect in cat.redirects if redirect.target] == ["rm $x"]
    assert [word.text for word in sh.words] == ["sh"]


def test_of_a_line_that_breaks_off_what_came_before_is_kept() -> None:
    taken = syntax("rm -rf build; echo 'open")
    assert taken is not None
    assert not taken.whole
    assert [word.text for word in taken.commands[0].words] == ["rm", "-rf", "build"]


def test_a_loop_is_one_member_with_its_body() -> None:
    taken = syntax("for f in *; do rm $f; done")
    assert taken is not None
    (loop,) = taken.script.pipelines[0].members
    assert isinstance(loop, Group)
    assert loop.kind == "for"
    assert len(loop.scripts) == 1
