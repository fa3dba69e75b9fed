"""Secrets that are recognised by their command: `mysql -phunter2`, `sshpass -p hunter2 …`, `echo hunter2 | sudo -S`.

A password on a command line has no shape of its own, so a line is cut into words, and tables (`shell_tables`) state for
each program which of its words are secret. This is a tokenizer, not a parser: it has to be fast, and to work on lines
that are cut off, quoted inside another shell's words, or not written for a shell.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Final, NamedTuple

from ccml.privacy.secret_names import is_literal
from ccml.privacy.shell_options import PROGRAMS, USER_OPTIONS, Word, command_secrets, program_name, secret_span
from ccml.privacy.shell_tables import FILES_OF_SECRETS, READS_PASSWORD, STDIN_OPTION, WRAPPERS, WRITERS
from ccml.privacy.work import Span, Work

_TOKEN: Final = re.compile(
    r"(?:[ \t\r\f\v]|\\\r?\n)++"
    r"|(?:<(?:secret:[a-z0-9-]++|email|user)>|[^\s'\"\\|;&<>()`]++|'[^']*+'?|\"(?:[^\"\\]|\\.)*+\"?|\\[^\n])++"
    r"|<<<|<<-?|\|&|\|\|?|&&?|.",
    re.DOTALL,
)
_MENTIONED: Final = re.compile(r"[a-z0-9_+-]+(?:\.py|\.com|\.sh)?")
_DEPTH: Final = 3
_READS: Final = {
    program: re.compile(pattern) if pattern else None
    for programs, pattern in READS_PASSWORD.items()
    for program in programs.lower().split()
}
_STDIN: Final = re.compile(STDIN_OPTION)
_SECRET_FILE: Final = re.compile(FILES_OF_SECRETS)
_SECRET_WORD: Final = re.compile(r"(?i)pass|secret|token|key|cred|pw\b")
_ENDS: Final = frozenset({"|", "|&", "||", "&&", "&", ";", "\n", "(", ")", "`"})
HINTS: Final = frozenset({*PROGRAMS, *WRITERS, *_READS, *USER_OPTIONS})
"""A text without any of these as a word, or one of `PARTS_OF_HINTS` in it, is not cut into words."""
PARTS_OF_HINTS: Final = ("stdin", "-fd")


def mentions_program(lower: str) -> bool:
    """Whether any program of the tables occurs; asked first, because cutting a text into words takes longer."""
    return not HINTS.isdisjoint(_MENTIONED.findall(lower)) or any(part in lower for part in PARTS_OF_HINTS)


class _Command(NamedTuple):
    words: list[Word]
    here: list[Word]
    """Its here-strings."""
    documents: list[Word]
    """The words that end its here-documents."""
    targets: list[Word]
    """The files that its output goes to."""


class _Open(NamedTuple):
    """What stands around a parenthesis."""

    command: _Command
    piped: list[_Command]
    is_input: bool
    is_group: bool
    members: list[_Command]


def _command() -> _Command:
    return _Command([], [], [], [])


def shell_secrets(text: str, work: Work, *, offset: int = 0, depth: int = 0) -> list[Span]:
    """The secret parts of a command line, as spans of `text` shifted by `offset`, in no order, perhaps overlapping."""
    tokens = _TOKEN.findall(text)
    work.spend(len(tokens) // 8)
    spans: list[Span] = []
    command, piped, members = _command(), [], []  # type: tuple[_Command, list[_Command], list[_Command]]
    opened: list[_Open] = []
    goes_to: list[Word] | None = None
    last = ""
    for piece, end in zip(tokens, accumulate(map(len, tokens)), strict=True):
        first = piece[0]
        if first in " \t\r\f\v" or (first == "\\" and piece[1:2] in ("\n", "\r")):
            continue
        if piece in _ENDS:
            goes_to = None
            if piece == "(":
                work.spend(1)
                opened.append(_Open(command, piped, last == "<", not command.words and last != "<", members))
                command, piped, members = _command(), [], []
                last = piece
                continue
            spans += _finished(command, piped, text, offset, work)
            members.append(command)
            if piece == ")" and opened:
                around = opened.pop()
                if around.is_input and any(_SECRET_WORD.search(word.text) for word in around.command.words):
                    spans += [span for member in members for span in _written(member)]
                inside = members
                command, piped, members = around.command, around.piped, around.members
                if around.is_group:
                    piped, command = [*piped, *inside], _command()
            elif piece in ("|", "|&"):
                piped.append(command)
                if command.words and command.words[0].text == "}":
                    piped += members
                command = _command()
            else:
                command, piped = _command(), []
        elif piece in ("<<<", "<<", "<<-"):
            goes_to = command.here if piece == "<<<" else command.documents
        elif piece in ("<", ">"):
            goes_to = command.targets if piece == ">" else None
        else:
            word = _unquoted(piece, end - len(piece) + offset)
            if goes_to is not None:
                goes_to.append(word)
                goes_to = None
            else:
                command.words.append(word)
            if depth < _DEPTH and ("'" in piece or '"' in piece):
                spans += _inside(piece, end - len(piece) + offset, work, depth)
        last = piece
    spans += _finished(command, piped, text, offset, work)
    for around in opened:
        spans += _finished(around.command, around.piped, text, offset, work)
    return spans


def _unquoted(raw: str, start: int) -> Word:
    if len(raw) >= 2 and raw[0] in "'\"" and raw[-1] == raw[0] and raw.count(raw[0]) == 2:
        return Word(raw[1:-1], start + 1, raw[0])
    if raw[:2] in ("$'", '$"') and raw[-1] == raw[1] and len(raw) > 3:
        return Word(raw[2:-1], start + 2, raw[1])
    return Word(raw, start, "")


def _inside(raw: str, start: int, work: Work, depth: int) -> list[Span]:
    """Secrets of the command line that a quoted word holds, as `bash -c '…'` and `--command="…"` do."""
    at = min(place for place in (raw.find("'"), raw.find('"')) if place >= 0)
    inner = raw[at + 1 : -1] if raw[-1] == raw[at] and len(raw) > at + 1 else raw[at + 1 :]
    if not any(c.isspace() for c in inner) or not mentions_program(inner.lower()):
        return []
    return shell_secrets(inner, work, offset=start + at + 1, depth=depth + 1)


def _finished(command: _Command, piped: list[_Command], text: str, offset: int, work: Work) -> list[Span]:
    if not command.words:
        return []
    spans = command_secrets(command.words, work)
    if (piped or command.here or command.documents) and _reads_password(command.words):
        work.spend(len(piped))
        for source in piped:
            spans += _written(source)
        for word in command.here:
            spans += _typed(word, command.words)
        for word in command.documents:
            spans += _document(word, text, offset, work)
    if command.targets and any(_SECRET_FILE.search(word.text) for word in command.targets):
        spans += [span for span in _written(command) if " " not in text[span.start - offset : span.end - offset]]
    if any(program_name(word.text) in ("redis-cli", "valkey-cli") for word in command.words):
        spans += [span for word in command.targets for span in secret_span(word, 0)]  # `ACL SETUSER ada >hunter2`
    return spans


def _reads_password(words: list[Word]) -> bool:
    heads = 0
    for place, word in enumerate(words[:12]):
        name = program_name(word.text)
        if name in _READS:
            pattern = _READS[name]
            if pattern is None or any(pattern.fullmatch(after.text) for after in words[place + 1 :]):
                return True
        if word.text == "--":
            heads = 0  # a command of its own begins
            continue
        if name not in WRAPPERS and not word.text.startswith("-") and "=" not in word.text:
            heads += 1
            if heads > (3 if words[0].text in WRAPPERS else 1):
                break
    return any(_STDIN.fullmatch(word.text) for word in words)


def _written(command: _Command) -> list[Span]:
    """The words that an `echo`, `printf` or `yes` writes."""
    words = command.words
    while words and (words[0].text in WRAPPERS or words[0].text.startswith("-")):
        words = words[1:]
    if not words:
        return [span for word in command.here for span in _typed(word, [])]
    if program_name(words[0].text) not in WRITERS:
        if words[-1].quote and (len(words) == 1 or (len(words) == 3 and words[1].text == "=")):
            return _typed(words[-1], [])  # PowerShell: `$p = "hunter2" | ConvertTo-SecureString`
        return [span for word in command.here for span in _typed(word, [])]
    spans: list[Span] = []
    given = [word for word in words[1:] if not (word.text.startswith("-") and word.text[1:].isalpha())]
    for place, word in enumerate(given):
        if place == 0 and "%s" in word.text and len(given) > 1:
            continue
        spans += _typed(word, words)
    return spans


def _typed(word: Word, words: list[Word]) -> list[Span]:
    r"""What of a word is the password: all of it, or what follows `user:`; a `\n` at the end is none of it."""
    value = word.text.removesuffix("\\n").removesuffix("\\r")
    user, colon, rest = value.partition(":")
    at = len(user) + 1 if colon and user.isidentifier() and len(user) < 16 and "//" not in rest else 0
    if value.isascii() and value.isalpha() and value.lower() in ("y", "n", "yes", "no"):
        return []
    return secret_span(word, at, len(value) - at)


def _document(word: Word, text: str, offset: int, work: Work) -> list[Span]:
    """Every line of a here-document."""
    work.spend(30)
    begin = text.find("\n", word.start - offset)
    if begin < 0:
        return []
    end = re.compile(rf"\n[ \t]*{re.escape(word.text)}[ \t]*(?:\n|\Z)").search(text, begin)
    spans: list[Span] = []
    at = begin + 1
    for line in text[begin + 1 : end.start() if end else len(text)].split("\n"):
        work.spend(1)
        value = line.strip()
        if value and is_literal(value) and not value.startswith("<secret:"):
            start = at + line.index(value) + offset
            user, colon, _ = value.partition(":")
            lead = len(user) + 1 if colon and user.isidentifier() else 0
            spans.append(Span(start + lead, start + len(value), "password"))
        at += len(line) + 1
    return spans
