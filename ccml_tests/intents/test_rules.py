"""Labels by rule: documented, over the one label set, and silent where nothing shows."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccml.commands.parse import parse
from ccml.commands.risk import assess
from ccml.intents.rules import INTENTS, RULE_PATTERNS, commands_for_intent, intent_from_command, intent_from_request
from ccml.intents.tables import COMMAND_RULES


@pytest.mark.parametrize(
    ("line", "intent"),
    [
        ("find . -name '*.py'", "find_files"),
        ("grep -rn TODO src", "search_text"),
        ("cat README.md | head", "inspect_file"),
        ("sed -n '1,5p' a.txt", "inspect_file"),
        ("sed -i s/a/b/ a.txt", "edit_file"),
        ("cat > a.py <<EOF\nx\nEOF", "edit_file"),
        ("echo x >> notes.txt", "edit_file"),
        ("vim a.py", "edit_file"),
        ("cp a b", "move_or_copy"),
        ("rm -r build", "delete"),
        ("df -h", "disk_usage"),
        ("uptime", "system_status"),
        ("ps aux | grep nginx", "processes"),
        ("sudo kill -9 42", "processes"),
        ("ping -c 3 host", "network"),
        ("pip install numpy", "packages"),
        ("npm install", "packages"),
        ("cd app && git status", "version_control"),
        ("cd app && python -m pytest -x | tail -5", "run_tests"),
        ("npm run test", "run_tests"),
        ("make test", "run_tests"),
        ("cargo build --release", "build"),
        ("make", "build"),
        ("python app.py", "run_program"),
        ("./run.sh", "run_program"),
        ("tar -czf a.tgz b", "archive"),
        ("chmod +x run.sh", "permissions"),
        ("docker ps", "containers"),
        ("sudo systemctl restart nginx", "services"),
        ("man tar", "help"),
        ("git commit --help", "help"),
    ],
)
def test_a_command_shows_what_was_wanted(line: str, intent: str) -> None:
    assert intent_from_command(parse(line)) == intent


@pytest.mark.parametrize("line", ["", "cd src", "echo hello", "no-such-program x", "clear"])
def test_a_command_that_shows_nothing_gets_no_label(line: str) -> None:
    assert intent_from_command(parse(line)) is None


@pytest.mark.parametrize(
    ("request_text", "intent"),
    [
        ("find the big log files named access.log", "find_files"),
        ("where is parse_line defined?", "search_text"),
        ("show me the readme", "inspect_file"),
        ("replace foo by bar in config.py", "edit_file"),
        ("copy the report to my desktop", "move_or_copy"),
        ("get rid of the old build", "delete"),
        ("which folders are filling up", "disk_usage"),
        ("how is the memory doing", "system_status"),
        ("kill the stuck job", "processes"),
        ("is example.com reachable", "network"),
        ("install numpy please", "packages"),
        ("what have I changed since the last commit", "version_control"),
        ("run the unit tests", "run_tests"),
        ("compile it", "build"),
        ("start the script", "run_program"),
        ("unpack logs.tgz", "archive"),
        ("make deploy.sh executable", "permissions"),
        ("which containers are up", "containers"),
        ("restart the web service", "services"),
        ("how do I use rsync", "help"),
        ("ls -la", "inspect_file"),
    ],
)
def test_a_request_shows_what_is_wanted(request_text: str, intent: str) -> None:
    assert intent_from_request(request_text) == intent


@pytest.mark.parametrize("request_text", ["", "tell me a joke", "thanks!", "what should I cook tonight"])
def test_a_request_that_shows_nothing_gets_no_intent(request_text: str) -> None:
    assert intent_from_request(request_text) is None


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_any_text_gets_an_intent_of_the_set_or_none(text: str) -> None:
    assert intent_from_request(text) in (*INTENTS, None)
    assert intent_from_command(parse(text)) in (*INTENTS, None)


def test_the_tables_speak_of_every_intent_and_of_no_other() -> None:
    assert {intent for intent, _, _ in COMMAND_RULES} == set(INTENTS)
    assert {intent for intent, _ in RULE_PATTERNS} == set(INTENTS)
    assert len(INTENTS) == len(set(INTENTS)) == 20


@pytest.mark.parametrize("intent", INTENTS)
def test_the_rule_based_system_proposes_only_what_may_be_offered(intent: str) -> None:
    proposals = commands_for_intent(intent)
    assert proposals
    assert all(parse(line).parsed for line in proposals)
    assert all(assess(line).level in ("safe", "ask") for line in proposals)


def test_the_first_proposal_is_what_its_own_rule_would_label_so() -> None:
    unlike = {
        i: commands_for_intent(i)[0] for i in INTENTS if intent_from_command(parse(commands_for_intent(i)[0])) != i
    }
    assert set(unlike) <= {"permissions"}, unlike  # permissions are looked at with `ls -l`


def test_an_unknown_intent_has_no_proposals() -> None:
    assert commands_for_intent("out_of_scope") == ()


def test_a_server_can_use_the_rules_without_the_packages_of_the_platform() -> None:
    code = (
        "import sys, ccml.intents.rules, ccml.commands.risk\n"
        "heavy = {'detect_secrets', 'requests', 'pandas', 'torch', 'numpy', 'dagster'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
