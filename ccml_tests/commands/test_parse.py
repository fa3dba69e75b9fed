"""Commands are taken apart as the shell would, and lines that mean the same give one template."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ccml.commands.parse
import ccml.commands.syntax
from ccml.commands.parse import KINDS, family, parse
from ccml.commands.programs import FAMILIES
from ccml_tests.commands.risky_lines import dangerous, harmless, mutations
from ccml_tests.cost import cost_ratio


@pytest.mark.parametrize(
    ("line", "template"),
    [
        ('git commit -m "fix the parser"', "git commit -m <text>"),
        ("find . -name '*.py' -type f | head -20", "find <path> -name <pattern> -type f | head -<number>"),
        ("sudo tar -xzf logs.tar.gz -C /tmp", "sudo tar -xzf <path> -C <path>"),
        ("rm a.txt b.txt c.txt d.txt", "rm <path>..."),
        ("cp a.txt b.txt", "cp <path> <path>"),
        ("ls -la > out.txt 2>&1", "ls -la > <path> 2>&1"),
        ("make 2>/dev/null", "make 2>/dev/null"),
        ("grep -rn TODO src | wc -l", "grep -rn <pattern> <path> | wc -l"),
        ("grep -e TODO src", "grep -e <pattern> <path>"),
        ("head -n5 a.txt", "head -n<number> <path>"),
        ("kill -9 4242", "kill -9 <number>"),
        ("FOO=bar X=1 python app.py", "FOO=<text> X=<text> python <path>"),
        ("python -m pytest tests/test_a.py -k 'a or b'", "python -m pytest <path> -k <pattern>"),
        ("npm run build", "npm run build"),
        ("npm run my-own-task", "npm run <name>"),
        ("docker compose up -d", "docker compose up -d"),
        ("docker logs web", "docker logs <name>"),
        ("cd src && pytest -x; echo done", "cd <path> && pytest -x ; echo <text>"),
        ("cat > a.py <<'EOF'\nprint(1)\nEOF\npython a.py", "cat <heredoc> > <path> ; python <path>"),
        ("cat <<EOF | sort\nb\na\nEOF", "cat <heredoc> | sort"),
        ("for f in *.txt; do wc -l $f; done", "for x in <path> ; do wc -l <path> ; done"),
        ("find . -type f -exec chmod 644 {} \\;", "find <path> -type f -exec chmod <number> {} \\;"),
        ("find . 2>/dev/null -print", "find <path> -print 2>/dev/null"),
        ("curl -X POST -d '{}' https://api.example.test/x", "curl -X POST -d <text> <url>"),
        ("ssh -p 2222 deploy@10.0.0.7", "ssh -p <number> <host>"),
        ("/usr/bin/ls -l", "ls -l"),
        ("./run.sh --fast", "<path> --fast"),
        ("chmod +x run.sh", "chmod +x <path>"),
        ("chmod 755 run.sh", "chmod <number> <path>"),
        ("mysql -uroot -p<secret:password> shop", "mysql -uroot -p<text> <text>"),
        ("cat /home/<user>/notes.md", "cat <path>"),
        ("Read src/app.py", "Read <path>"),
        ("set RHOSTS 10.0.0.5", "set RHOSTS <host>"),
    ],
)
def test_a_template_keeps_what_is_meant_and_omits_what_holds_for_the_moment(line: str, template: str) -> None:
    command = parse(line)
    assert command.parsed
    assert command.template == template


def test_a_line_is_split_into_program_subcommand_flags_and_arguments() -> None:
    command = parse("sudo -u ada git -C /srv/app commit --amend -m 'two words' src/app.py")
    assert (command.program, command.subcommand) == ("git", "commit")
    assert command.flags == ("-C", "--amend", "-m")
    assert [(a.kind, a.text) for a in command.arguments] == [
        ("path", "/srv/app"),
        ("text", "two words"),
        ("name", "src/app.py"),
    ]


def test_the_program_is_the_wrapped_one_and_all_programs_are_listed() -> None:
    assert parse("nohup nice -n 5 timeout 10 make -j4 &").program == "make"
    assert parse("cd src && ls | xargs grep x").programs == ("cd", "ls", "grep")
    assert parse("cd src && ls").program == "ls"
    assert parse("find . -exec rm {} \\;").programs == ("find", "rm")
    assert parse("echo $(date)").programs == ("echo", "date")
    assert parse("sudo -l").program == "sudo"


@pytest.mark.parametrize(
    ("line", "program", "subcommand", "template"),
    [
        ("git commit -m \"$(cat <<'EOF'\na title\n\nand (more)\nEOF\n)\"", "git", "commit", "git commit -m <text>"),
        ("gh pr list --label \"$(cat b.md)\"", "gh", "pr list", "gh pr list --label <text>"),
        ("docker stop $(docker ps -q)", "docker", "stop", "docker stop <name>"),
        ("vim $(git diff --name-only)", "vim", "", "vim <path>"),
        ("comm -12 <(sort a) <(sort b)", "comm", "", "comm -12 <path> <path>"),
        ("echo \"it is $(date)\"", "echo", "", "echo <text>"),
        ("A=$(id -u) make test", "make", "", "A=<text> make test"),
        ("x=$(cat f); wc -l $x", "wc", "", "x=<text> ; wc -l <path>"),
        ("export EDITOR=vim", "export", "", "export EDITOR=<text>"),
        ("declare -r A=1", "declare", "", "declare -r A=<text>"),
        ("unset A", "unset", "", "unset <name>"),
        ("git log --author='A B' --since='2 days ago'", "git", "log", "git log --author=<text> --since=<text>"),
        ("git log --format='%h %an'", "git", "log", "git log --format=<text>"),
        ("git commit -m\"two words\"", "git", "commit", "git commit -m<text>"),
        ("curl -H 'A: b' -d '{\"a b\": 1}' https://x.test/y", "curl", "", "curl -H <text> -d <text> <url>"),
        ("aws --profile work s3 ls s3://b", "aws", "s3 ls", "aws --profile <name> s3 ls <url>"),
        ("kubectl -n shop get pods", "kubectl", "get", "kubectl -n <name> get <name>"),
        ("docker --context far ps -a", "docker", "ps", "docker --context <name> ps -a"),
        ("git -c a.b=1 switch -c new", "git", "switch", "git -c a.b=<text> switch -c <name>"),
        ("gcloud compute instances list", "gcloud", "compute instances list", "gcloud compute instances list"),
        ("ssh web1 'df -h'", "ssh", "", "ssh <host> <text>"),
        ("ssh web1 df -h /srv", "ssh", "", "ssh <host> df -h <path>"),
        ("python3 -m http.server 8000", "python3", "http", "python3 -m http.server <number>"),
        ("cd src && git status", "git", "status", "cd <path> && git status"),
    ],
)  # fmt: skip
def test_the_program_is_that_of_the_words_which_are_the_command(
    line: str, program: str, subcommand: str, template: str
) -> None:
    command = parse(line)
    assert (command.program, command.subcommand, command.template) == (program, subcommand, template)


def test_a_templates_placeholders_have_their_arguments_in_order() -> None:
    command = parse("cp a.txt 'b c.txt' d.txt /tmp > log.txt; head -n5 x.md")
    assert command.template == "cp <path>... > <path> ; head -n<number> <path>"
    assert [[argument.text for argument in slot] for slot in command.slots] == [
        ["a.txt", "'b c.txt'", "d.txt", "/tmp"], ["log.txt"], ["-n5"], ["x.md"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "same",
    [("ls  -la", "ls -la"), ("rm 'a b'", "rm a.txt"), ('echo "x"', "echo 'y'"), ("cat a.txt; ls", "cat b.txt\nls")],
)
def test_lines_that_differ_only_in_the_moment_share_a_template(same: tuple[str, str]) -> None:
    assert parse(same[0]).template == parse(same[1]).template


@pytest.mark.parametrize(
    "line", ["", "   ", "ls (", "echo 'open", "x" * 20_000, "ls \0 a", "&& ls", "| |", "`", "$(", "<<"]
)
def test_what_cannot_be_parsed_says_so(line: str) -> None:
    command = parse(line)
    assert not command.parsed
    assert command.subcommand == ""


def test_the_first_word_is_kept_of_what_cannot_be_parsed() -> None:
    assert parse("sudo grep 'open").program == "grep"
    assert parse("ls " + "a" * 20_000).template == "ls <text>"


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=60) | st.text(alphabet="ab -'\"\\$(){}<>|&;`\n!*=#[]~", max_size=40))
def test_any_text_is_parsed_without_an_exception(text: str) -> None:
    command = parse(text)
    assert isinstance(command.template, str)
    assert all(argument.kind in KINDS for argument in command.arguments)
    assert family(command.program) in FAMILIES


def test_a_deeply_nested_line_is_not_a_deep_recursion() -> None:
    for opening, closing in (("(", ")"), ("$(", ")"), ("{ ", "; }"), ("! ", "")):
        assert isinstance(parse(opening * 400 + "ls" + closing * 400).template, str)


@pytest.mark.parametrize("line", harmless() + [line for line in dangerous() if parse(line).parsed])
def test_a_template_is_its_own_template(line: str) -> None:
    template = parse(line).template
    assert parse(template).template == template


def test_families_are_the_documented_ones() -> None:
    assert family("ls") == "files"
    assert family("/usr/bin/git") == "git"
    assert family("pytest") == "python"
    assert family("no-such-program") == "other"
    assert family("") == "other"


def test_a_line_costs_a_few_times_what_splitting_it_into_words_does() -> None:
    def parse_anew(line: str) -> None:
        for module in (ccml.commands.parse, ccml.commands.syntax):
            module._remembered.cache_clear()
        parse(line)

    assert cost_ratio(parse_anew, shlex.split, harmless()) < 5


def test_no_disguise_makes_parsing_fail() -> None:
    for line in dangerous()[::5]:
        for _, disguised in mutations(line):
            assert isinstance(parse(disguised).template, str)


def test_real_agent_commands_parse(shared_data: Path) -> None:
    steps = shared_data / "agent_sessions" / "mini_swe_agent" / "steps.jsonl"
    lines = [json.loads(row)["command"] for row in steps.read_text().splitlines()]
    commands = [parse(line) for line in lines]
    assert len(commands) > 6000
    assert sum(command.parsed for command in commands) / len(commands) > 0.99


def test_real_commands_of_people_parse(shared_data: Path) -> None:
    files = sorted((shared_data / "shell_history" / "muni").rglob("*.json*"))
    lines = [json.loads(row)["cmd"] for path in files for row in path.read_text().splitlines() if '"cmd"' in row]
    commands = [parse(line) for line in lines]
    assert len(commands) > 9000
    assert sum(command.parsed for command in commands) / len(commands) > 0.99


def test_no_character_ends_the_process() -> None:
    """In a process of its own: what this guards against is no exception that a test could catch."""
    wide = ["{\U0001f600", "echo {\U00031860..\U00031869}", "{\u1100", "x{\ud800", "{\U000f3fff;}"]
    script = f"from ccml.commands.parse import parse; print([parse(line).program for line in {wide!r}])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ended by signal {-done.returncode} {done.stderr}"
    assert "'echo'" in done.stdout


@pytest.mark.parametrize("text", ["données.txt", "日本語.txt", "\U0001f600.txt", "naïve\U0001f680é本"])
def test_words_in_any_script_stay_as_they_were_written(text: str) -> None:
    parsed = parse(f"cat {text} 'plain words' | wc -l")
    assert parsed.template == "cat <path> <path> | wc -l"
    assert [argument.text for argument in parsed.arguments][:2] == [text, "plain words"]
