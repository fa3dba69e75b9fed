"""When two command lines are the same line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccml.commands.normal import normal_form

SAME = [
    ('ls -l -a "docs"', "ls  -a -l docs"),
    ("git commit -m 'two words'", 'git commit -m "two words"'),
    ("echo 'a b' | sort -r -n ;", "echo 'a b' | sort -n -r"),
    ("rm -r -f build", "rm -f -r build"),
    ("ls > 'out file' 2>&1", 'ls >"out file" 2>&1'),
]
OTHER = [
    ("grep -e x -n f", "grep -e n -x f"),
    ("head -n 5 a -q", "head -n a 5 -q"),
    ("find . -name a -type f", "find . -type f -name a"),
    ("find . -delete -name x", "find . -name x -delete"),
    ("rm -r -- -f", "rm -f -- -r"),
    ("mytool -a -b x", "mytool -b -a x"),
    ('echo "$HOME"', "echo '$HOME'"),
    ("cp a b", "cp b a"),
    ("ls *.py", "ls '*.py'"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_blanks_quotes_and_the_order_of_options_make_no_other_line(one: str, other: str) -> None:
    assert normal_form(one) == normal_form(other)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_what_may_do_something_else_is_another_line(one: str, other: str) -> None:
    assert normal_form(one) != normal_form(other)


@pytest.mark.parametrize("line", ["for i in 1 2; do echo $i; done", "cat <<EOF\na\nEOF", "echo 'open", ""])
def test_a_line_with_more_than_plain_words_stays_as_it_is_written(line: str) -> None:
    assert normal_form(f" {line}\n") == line


_WORDS = st.sampled_from(["ls", "-l", "-a", "'a b'", '"c"', "docs", "|", "&&", ";", "--", ">", "$X", "*.py", "-n", "5"])


@given(st.lists(_WORDS, min_size=1, max_size=8).map(" ".join) | st.text(max_size=40))
def test_the_normal_form_of_a_normal_form_is_itself(line: str) -> None:
    assert normal_form(normal_form(line)) == normal_form(line)
