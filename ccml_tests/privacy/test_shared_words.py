from __future__ import annotations

from ccml.privacy.shared_words import shared_words


def test_only_words_of_several_people_are_shown() -> None:
    texts = ["delete budget.csv now", "delete notes.txt", 'Delete "Kens-List"', "copy it to kens-box"]
    assert shared_words(texts, ["ada", "ken", "eve", "ken"]) == ["delete … …", "delete …", "Delete …", "… … … …"]


def test_a_word_that_one_person_repeats_stays_their_own() -> None:
    assert shared_words(["open taxes"] * 9 + ["open", "open"], ["ada"] * 9 + ["ken", "eve"])[0] == "open …"


def test_one_person_alone_reads_their_own_words() -> None:
    assert shared_words(["open taxes.pdf"], ["ada"]) == ["open taxes.pdf"]
    assert shared_words([], []) == []
