"""Sessions for the tests of suggestions, made of command lines by the code that reads real ones."""

from collections.abc import Sequence

from ccml.suggestions.turns import Session, Turn, words_of


def session(lines: Sequence[str], user: str = "ada", number: int = 0, directory: str = "/home") -> Session:
    turns = tuple(
        Turn(words_of(line), "", directory, "host", 5.0 if at else 0.0, False) for at, line in enumerate(lines)
    )
    return Session(f"{user}-{number}", user, float(number), turns)
