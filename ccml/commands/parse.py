"""A command line as the models get it: program, sub-command, flags, typed arguments, and the line's template.

    sudo tar -xzf logs.tar.gz -C /tmp  → program tar, template `sudo tar -xzf <path> -C <path>`
    git commit -m "fix"                → program git, sub-command commit, template `git commit -m <text>`
    find . -name '*.py' | head -20     → programs (find, head), template `find <path> -name <pattern> | head -<number>`

A template keeps programs, sub-commands, flags and operators, and replaces other words by their kind. Templates are the
labels of the command predictor, so what does not change the meaning (quoting, the number of files) must not change the
template.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ccml.commands.arguments import KINDS, Argument, flag_of, is_assignment, kind_of, looks, placeholder
from ccml.commands.programs import (
    GIT_PATHS,
    NESTED_SUBCOMMANDS,
    OPERANDS,
    OPTION_VALUES,
    TASKS,
    WITH_SUBCOMMANDS,
    family,
)
from ccml.commands.syntax import Piece, Redirect, Word, syntax
from ccml.commands.wrappers import WRAPPERS, base_name, wrapped_at

__all__ = ["KINDS", "Argument", "Command", "family", "parse"]

_SUBCOMMAND: Final = re.compile(r"[A-Za-z][\w:.-]*")
_MODULE: Final = re.compile(r"[A-Za-z_][\w.]*")
_GRAMMAR: Final = frozenset({"{}", "\\;", "';'", "+", "!", "\\(", "\\)", "\\!", "(", ")", "-", "--", "]", ";"})
"""Words of `find` and `test` that combine other words; they are no arguments."""
_SHORT_CLUSTER: Final = re.compile(r"-[A-Za-z]{2,}")
_CLUSTERED: Final = frozenset("tar grep egrep curl ssh git ls sort cut head tail docker rsync ps sed".split())
_NUMBERS_MATTER: Final = frozenset(
    "kill pkill killall xargs ls comm zip gzip bzip2 xz zstd 7z ps sort find perl ping".split()
)
_MESSAGE_FLAGS: Final = frozenset({"-e", "--regexp", "-f", "--file"})


@dataclass(frozen=True, slots=True)
class Command:
    """`program`, `subcommand`, `flags` and `arguments` are those of the line's first command behind its wrappers and
    behind a leading `cd`; `template` and `programs` are of the whole line."""

    line: str
    program: str
    subcommand: str
    flags: tuple[str, ...]
    arguments: tuple[Argument, ...]
    template: str
    programs: tuple[str, ...]
    parsed: bool


@lru_cache(maxsize=16384)
def parse(line: str) -> Command:
    """The parsed line. Never raises: what cannot be parsed has `parsed=False`, its first word as program and a
    template of the program alone."""
    taken = syntax(line)
    if taken is None or not taken.whole or not taken.outline:
        first = _first_word(line)
        return Command(line, first, "", (), (), f"{first} <text>" if first else "", (first,) if first else (), False)
    views = [_View(command.words) for command in taken.commands if command.words]
    main = next((view for view in views if view.program not in ("cd", "")), views[0] if views else None)
    return Command(
        line=line,
        program=main.program if main else "",
        subcommand=main.subcommand if main else "",
        flags=tuple(main.flags) if main else (),
        arguments=tuple(main.arguments) if main else (),
        template=_template(taken.outline),
        programs=tuple(name for view in views for name in view.programs),
        parsed=True,
    )


def _first_word(line: str) -> str:
    for word in line[:400].split():
        name = word.rpartition("/")[2].strip("\"'`;|&(){}<>$\\")
        if name and name.isprintable() and name not in WRAPPERS and not is_assignment(name):
            return name[:64]
    return ""


class _View:
    """The words of one simple command; its program is the one behind the wrappers."""

    def __init__(self, words: Sequence[Word]) -> None:
        at = wrapped_at([word.text if word.static else "" for word in words])
        if at == len(words):
            at = 0  # a wrapper that wraps nothing is the program: `time`, `sudo -l`, `env`
        self.program = _program_name(words[at])
        self.programs = [self.program]
        self.subcommand = ""
        self.flags: list[str] = []
        self.arguments: list[Argument] = []
        self.shown = [_wrapper_word(word) for word in words[:at]] + [self.program]
        self._module = ""
        self._operands = 0
        self._read(list(words[at + 1 :]))

    def _read(self, words: list[Word]) -> None:
        expected: str | None = None
        while words:
            word = words.pop(0)
            text = word.text
            is_flag = len(text) > 1 and text.startswith("-") and word.static and not re.search(r"\s", text)
            if expected is not None and not (is_flag and expected not in ("number", "text")):
                self._argument(
                    "literal" if expected == "literal" and word.static else _value_kind(word, expected), text
                )
                if self.program.startswith("python") and self.flags[-1:] == ["-m"] and _MODULE.fullmatch(text):
                    self._module = self.subcommand = text.partition(".")[0]
                expected = None
            elif is_flag and text in ("-exec", "-execdir", "-ok", "-okdir") and self.program in ("find", "fd"):
                self.flags.append(text)
                self.shown.append(text)
                self._wrapped(words)
                return
            elif is_flag:
                expected = self._flag(text)
            elif self._is_subcommand(word):
                self.subcommand = f"{self.subcommand} {text}".strip()
                self.shown.append(text)
            elif word.source in _GRAMMAR:
                self.shown.append(word.source)
            else:
                expected = None
                self._argument(kind_of(word, self._conventional(word)), text)
                self._operands += 1

    def _flag(self, text: str) -> str | None:
        """Adds an option and returns the kind of its value, the next word; None where the next word is no value."""
        flag, kind, value = flag_of(text, numbers_matter=self.program in _NUMBERS_MATTER)
        options = OPTION_VALUES.get(self._module or self.program, {})
        self.flags.append(flag.removesuffix("="))
        if kind is not None:
            known = options.get(self.flags[-1], kind)
            kind = known if known in ("path", "pattern", "text", "name") and not looks(value) else kind
            self.arguments.append(Argument(kind, value))
            self.shown.append(f"{flag}{placeholder(kind, value)}")
            return None
        self.shown.append(flag)
        expected = options.get(flag) or OPTION_VALUES["*"].get(flag)
        if expected is None and self.program in _CLUSTERED and _SHORT_CLUSTER.fullmatch(flag):
            expected = options.get(f"-{flag[-1]}")  # `tar -xzf FILE`: the last of a cluster takes the value
        return expected

    def _is_subcommand(self, word: Word) -> bool:
        if self.program not in WITH_SUBCOMMANDS or not word.static or word.quoted or self._operands:
            return False
        if not _SUBCOMMAND.fullmatch(word.text):
            return False
        return not self.subcommand or (
            self.subcommand in NESTED_SUBCOMMANDS and self.program not in ("npm", "yarn", "pnpm", "bun")
        )

    def _conventional(self, word: Word) -> str:
        """The kind that the program expects at this place."""
        operands = OPERANDS.get(self._module or self.program, OPERANDS.get(self.program, ()))
        if self.program == "git":
            return "path" if self.subcommand in GIT_PATHS else "name"
        if self.program == "make" or (
            self.subcommand in ("run", "run-script") and self.program in ("npm", "yarn", "pnpm", "bun")
        ):
            return "literal" if word.text in TASKS and not self._operands else "name"
        if self.program in ("set", "setg") and not re.fullmatch(r"[A-Za-z_]{2,30}", word.text):
            return ""
        if self.program == "use":
            return "path"
        at = self._operands
        if operands[:1] in (("pattern",), ("text",)) and len(operands) > 1 and _MESSAGE_FLAGS & set(self.flags):
            at += 1  # an option gave the pattern, so the first plain word is a file
        return operands[min(at, len(operands) - 1)] if operands else ""

    def _wrapped(self, words: list[Word]) -> None:
        """The command that `find -exec` runs, up to its `\\;` or `+`."""
        end = next((i for i, word in enumerate(words) if word.text in (";", "+")), len(words))
        if end:
            inner = _View(words[:end])
            self.shown += inner.shown
            self.programs += inner.programs
        self._read(words[end:])

    def _argument(self, kind: str, text: str) -> None:
        self.arguments.append(Argument(kind, text))
        self.shown.append(placeholder(kind, text))


def _value_kind(word: Word, expected: str) -> str:
    if expected == "literal":
        return looks(word.text) or "text"
    shown = looks(word.text) if word.text.startswith("<") else None
    return shown or expected


def _program_name(word: Word) -> str:
    if not word.static:
        return "<path>" if "/" in word.source else "<text>"
    if word.text.startswith(("./", "../")):
        return "<path>"
    name = base_name(word.text)
    return name if name and name.isprintable() and " " not in name and len(name) <= 64 else "<text>"


def _wrapper_word(word: Word) -> str:
    text = word.text
    if base_name(text) in WRAPPERS:
        return base_name(text)
    if text.startswith("-") and len(text) > 1:
        flag, kind, value = flag_of(text, numbers_matter=True)
        return f"{flag}{placeholder(kind, value)}" if kind else flag
    if is_assignment(text):
        return placeholder("assignment", text)
    return f"<{looks(text) or 'name'}>"


def _template(outline: Sequence[Piece]) -> str:
    shown: list[str] = []
    for piece in outline:
        part = _render(piece)
        if part == ";" and (not shown or shown[-1] in (";", "&", "do", "then", "else", "{", "(")):
            continue
        shown.append(part)
    while shown and shown[-1] == ";":
        shown.pop()
    return _join(shown)


def _render(piece: Piece) -> str:
    if isinstance(piece, str):
        return piece
    if isinstance(piece, Redirect):
        return _redirect(piece)
    if isinstance(piece, Word):
        return placeholder(kind_of(piece, ""), piece.text)
    shown = [placeholder("assignment", word.text) for word in piece.assignments]
    if piece.words:
        shown += _View(piece.words).shown
    # A here-document goes first, wherever it was written: it is the command's input.
    redirects = sorted(piece.redirects, key=lambda redirect: not _is_heredoc(redirect))
    return _join(shown + [_redirect(redirect) for redirect in redirects])


def _is_heredoc(redirect: Redirect) -> bool:
    return redirect.operator.startswith("<<") and not redirect.operator.startswith("<<<")


def _redirect(redirect: Redirect) -> str:
    operator, target = redirect.operator, redirect.target
    if _is_heredoc(redirect):
        return "<heredoc>"
    if target is None:
        return operator
    if operator.endswith("<<<"):
        return "<<< <text>"
    if operator.endswith("&") and (target.text.isdigit() or target.text == "-"):
        return f"{operator}{target.text}"
    return f"{operator}/dev/null" if target.text == "/dev/null" else f"{operator} <path>"


def _join(words: Sequence[str]) -> str:
    """Words with single blanks; three or more of one kind in a row become one with `...`."""
    shown: list[str] = []
    for word in words:
        if word and shown and word.startswith("<") and word.endswith(">"):
            if shown[-1] == f"{word}...":
                continue
            if len(shown) > 1 and shown[-1] == shown[-2] == word:
                shown[-2:] = [f"{word}..."]
                continue
        if word:
            shown.append(word)
    return " ".join(shown)
