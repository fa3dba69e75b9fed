"""The session so far as ids: fitted once, the newest last."""

from __future__ import annotations

import pytest

from ccml.errors import IntegrityError
from ccml.features.history import HistoryVocabulary

COMMANDS = [("ls -la", "ls")] * 3 + [("git status", "git")] * 2 + [("git log", "git"), ("vim <path>", "vim")]


def vocabulary() -> HistoryVocabulary:
    return HistoryVocabulary.fit(COMMANDS, min_count=2)


def test_frequent_templates_have_ids_and_then_programs():
    assert vocabulary().tokens == ("<pad>", "<unknown>", "ls -la", "git status", "program:git", "program:ls")


def test_a_rare_template_is_known_by_its_program_and_a_rare_program_not_at_all():
    fitted = vocabulary()
    assert fitted.id_of("git log", "git") == fitted.tokens.index("program:git")
    assert fitted.id_of("vim <path>", "vim") == 1


def test_the_newest_commands_stand_at_the_right_with_their_outcomes():
    ids, outcomes = vocabulary().encode(
        [("vim x", "vim"), ("ls -la", "ls"), ("git status", "git")], [True, None, False], 2
    )
    assert ids.tolist() == [2, 3]
    assert outcomes.tolist() == [0, 2]


def test_a_short_history_is_padded_at_the_left():
    ids, outcomes = vocabulary().encode([("ls -la", "ls")], [True], 3)
    assert ids.tolist() == [0, 0, 2]
    assert outcomes.tolist() == [0, 0, 1]


def test_no_history_is_padding_only():
    ids, outcomes = vocabulary().encode([], [], 2)
    assert ids.tolist() == outcomes.tolist() == [0, 0]


def test_commands_without_their_outcomes_are_refused():
    with pytest.raises(ValueError, match="1 templates"):
        vocabulary().encode([("ls -la", "ls")], [], 2)


def test_it_comes_back_from_json_and_refuses_a_foreign_list():
    assert HistoryVocabulary.from_json(vocabulary().to_json()) == vocabulary()
    for tokens in (["ls"], ["<pad>", "<unknown>", "ls", "ls"]):
        with pytest.raises(IntegrityError):
            HistoryVocabulary.from_json({"tokens": tokens})


def test_the_order_of_the_training_commands_does_not_matter():
    assert HistoryVocabulary.fit(reversed(COMMANDS), min_count=1) == HistoryVocabulary.fit(COMMANDS, min_count=1)
