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
from typing import Final, TypeAlias

from ccml.commands.arguments import KINDS, Argument, flag_of, is_assignment, kind_of, looks, placeholder
from ccml.commands.programs import (
    GIT_PATHS,
    GLOBAL_ANYWHERE,
    GLOBAL_VALUES,
    OPERANDS,
    OPTION_VALUES,
    SUBCOMMAND_VALUES,
    TASKS,
    WITH_SUBCOMMANDS,
    deepest_subcommand,
    family,
)
from ccml.commands.syntax import LONGEST_KEPT, syntax
from ccml.commands.tree import Piece, Redirect, Word
from ccml.commands.wrappers import WRAPPERS, base_name, wrapped_at

__all__ = ["KINDS", "Argument", "Command", "family", "parse"]

_SUBCOMMAND: Final = re.compile(r"[A-Za-z][\w:.-]*")
_NAMED_VALUE: Final = re.compile(r"--?[A-Za-z][\w-]*=")
_PREPARES: Final = frozenset({"cd", "", "source", ".", "export", "set", "true", ":"})
"""What a line does before its command: `cd src && source env && pytest` is pytest."""
_BLANK: Final = re.compile(r"\s")
_MODULE: Final = re.compile(r"[A-Za-z_][\w.]*")
_GRAMMAR: Final = frozenset({"{}", "\\;", "';'", "+", "!", "\\(", "\\)", "\\!", "(", ")", "-", "--", "]", ";"})
"""Words of `find` and `test` that combine other words; they are no arguments."""
_SHORT_CLUSTER: Final = re.compile(r"-[A-Za-z]{2,}")
_CLUSTERED: Final = frozenset("tar grep egrep curl ssh git ls sort cut head tail docker rsync ps sed".split())
_NUMBERS_MATTER: Final = frozenset(
    "kill pkill killall xargs ls comm zip gzip bzip2 xz zstd 7z ps sort find perl ping".split()
)
_RUNS_ON_EACH: Final = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
_DEEPEST: Final = 4
"""Commands inside commands, as `find -exec ssh host ls`."""
_MESSAGE_FLAGS: Final = frozenset({"-e", "--regexp", "-f", "--file"})


@dataclass(frozen=True, slots=True)
class Command:
    """`program`, `subcommand`, `flags` and `arguments` are those of the line's first command behind its wrappers and
    behind what only prepares it (`cd`, `source`, `export`); `template` and `programs` are of the whole line.

    `slots` are the arguments behind the template's placeholders, in order; `<path>...` stands for several.
    """

    line: str
    program: str
    subcommand: str
    flags: tuple[str, ...]
    arguments: tuple[Argument, ...]
    template: str
    slots: tuple[tuple[Argument, ...], ...]
    programs: tuple[str, ...]
    parsed: bool


def parse(line: str) -> Command:
    """The parsed line. Never raises: what cannot be parsed has `parsed=False`, its first word as program and a
    template of the program alone."""
    return _remembered(line) if len(line) <= LONGEST_KEPT else _parse(line)


def _parse(line: str) -> Command:
    taken = syntax(line)
    if taken is None or not taken.whole or not taken.outline:
        first = _first_word(line)
        return Command(
            line, first, "", (), (), f"{first} <text>" if first else "", (), (first,) if first else (), False
        )
    views = {id(command): _View(command.words) for command in taken.commands if command.words}
    # What a substitution runs is no part of the outline, so it is the program only where nothing else is.
    outer = [views[id(piece)] for piece in taken.outline if id(piece) in views]
    any_view = next(iter(outer or [*views.values()]), None)
    main = next((view for view in outer if view.program not in _PREPARES), None)
    main = main or next((view for view in outer if view.program not in ("cd", "")), any_view)
    template, slots = _template(taken.outline, views)
    return Command(
        line=line,
        program=main.program if main else "",
        subcommand=main.subcommand if main else "",
        flags=tuple(main.flags) if main else (),
        arguments=tuple(main.arguments) if main else (),
        template=template,
        slots=slots,
        programs=tuple(name for view in views.values() for name in view.programs),
        parsed=True,
    )


_remembered = lru_cache(maxsize=16384)(_parse)


def _first_word(line: str) -> str:
    for word in line[:400].split():
        name = word.rpartition("/")[2].strip("\"'`;|&(){}<>$\\")
        if name and name.isprintable() and name not in WRAPPERS and not is_assignment(name):
            return name[:64]
    return ""


_Shown: TypeAlias = tuple[str, Argument | None]
"""A word of a template, and the argument behind it where it is a placeholder."""


class _View:
    """The words of one simple command; its program is the one behind the wrappers."""

    def __init__(self, words: Sequence[Word], depth: int = 0) -> None:
        at = wrapped_at([word.text if word.static else "" for word in words])
        if at == len(words):
            at = 0  # a wrapper that wraps nothing is the program: `time`, `sudo -l`, `env`
        self.program = _program_name(words[at])
        self.programs = [self.program]
        self.subcommand = ""
        self.flags: list[str] = []
        self.arguments: list[Argument] = []
        self.shown: list[_Shown] = [_wrapper_word(word) for word in words[:at]]
        self.shown.append((self.program, Argument("path", words[at].source) if self.program[:1] == "<" else None))
        self._module = ""
        self._depth = depth
        self._operands = 0
        self._words = words
        self._at = at + 1
        self._read(len(words))

    def _read(self, end: int) -> None:
        expected: str | None = None
        while self._at < end:
            word = self._words[self._at]
            self._at += 1
            text = word.text
            is_flag = len(text) > 1 and text.startswith("-") and (word.static or bool(_NAMED_VALUE.match(text)))
            if is_flag and _BLANK.search(text) and not _NAMED_VALUE.match(text):
                is_flag = self._attached_text(word)
                if is_flag:
                    continue
            if expected is not None and not (is_flag and expected not in ("number", "text")):
                self._argument(
                    "literal" if expected == "literal" and word.static else _value_kind(word, expected), word
                )
                if self.program.startswith("python") and self.flags[-1:] == ["-m"] and _MODULE.fullmatch(text):
                    self._module, self.subcommand = text, text.partition(".")[0]
                expected = None
            elif is_flag and text in _RUNS_ON_EACH and self.program in ("find", "fd") and self._depth < _DEEPEST:
                self.flags.append(text)
                self.shown.append((text, None))
                self._wrapped(end)
            elif is_flag:
                expected = self._flag(word)
            elif self._is_subcommand(word):
                self.subcommand = f"{self.subcommand} {text}".strip()
                self.shown.append((text, None))
            elif word.source in _GRAMMAR:
                self.shown.append((word.source, None))
            elif self.program == "ssh" and self._operands == 1 and self._depth < _DEEPEST and self._remote():
                return
            else:
                expected = None
                self._argument(kind_of(word, self._conventional(word)), word)
                self._operands += 1

    def _flag(self, word: Word) -> str | None:
        """Adds an option and returns the kind of its value, the next word; None where the next word is no value."""
        flag, kind, value = flag_of(word.text, numbers_matter=self.program in _NUMBERS_MATTER)
        options = self._options()
        self.flags.append(flag.removesuffix("="))
        if kind is not None:
            known = options.get(self.flags[-1], kind)
            kind = known if known in ("path", "pattern", "text", "name") and not looks(value) else kind
            argument = Argument(kind, value)
            self.arguments.append(argument)
            self.shown.append((f"{flag}{placeholder(kind, value)}", Argument(kind, word.source)))
            return None
        self.shown.append((flag, None))
        expected = options.get(flag) or OPTION_VALUES["*"].get(flag)
        if expected is None and self.program in _CLUSTERED and _SHORT_CLUSTER.fullmatch(flag):
            expected = options.get(f"-{flag[-1]}")  # `tar -xzf FILE`: the last of a cluster takes the value
        return expected

    def _options(self) -> dict[str, str]:
        """The values of options: before the sub-command those of the program itself (`git -c a=b commit -c HEAD`)."""
        if not self.subcommand and self.program in GLOBAL_VALUES:
            return GLOBAL_VALUES[self.program]
        usual = OPTION_VALUES.get(self._module or self.program, {})
        anywhere = GLOBAL_VALUES.get(self.program, {}) if self.program in GLOBAL_ANYWHERE else {}
        own = SUBCOMMAND_VALUES.get(f"{self.program} {self.subcommand}", {})
        return anywhere | usual | own if anywhere or own else usual

    def _attached_text(self, word: Word) -> bool:
        """`-m"two words"`: an option and its value in one word."""
        flag = word.text[:2]
        if not word.quoted or self._options().get(flag) is None:
            return False
        kind = self._options()[flag]
        self.flags.append(flag)
        self.arguments.append(Argument(kind, word.text[2:]))
        self.shown.append((f"{flag}<{kind}>", Argument(kind, word.source)))
        return True

    def _is_subcommand(self, word: Word) -> bool:
        if self.program not in WITH_SUBCOMMANDS or not word.static or word.quoted or self._operands:
            return False
        if not _SUBCOMMAND.fullmatch(word.text):
            return False
        path = self.subcommand.split()
        return len(path) < deepest_subcommand(self.program, path)

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

    def _wrapped(self, end: int) -> None:
        """The command that `find -exec` runs, up to its `\\;` or `+`."""
        begin = self._at
        while self._at < end and self._words[self._at].text not in (";", "+"):
            self._at += 1
        if self._at > begin:
            self._include(self._words[begin : self._at])

    def _remote(self) -> bool:
        """`ssh host df -h`: the words behind the host are a command."""
        remote = self._words[self._at - 1 :]
        if not remote[0].static or remote[0].quoted or not _SUBCOMMAND.fullmatch(base_name(remote[0].text)):
            return False
        self._include(remote)
        return True

    def _include(self, words: Sequence[Word]) -> None:
        inner = _View(words, self._depth + 1)
        self.shown += inner.shown
        self.programs += inner.programs

    def _argument(self, kind: str, word: Word) -> None:
        self.arguments.append(Argument(kind, word.text))
        self.shown.append((placeholder(kind, word.text), Argument(kind, word.source) if kind != "literal" else None))


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


def _wrapper_word(word: Word) -> _Shown:
    text = word.text
    if base_name(text) in WRAPPERS:
        return base_name(text), None
    if text.startswith("-") and len(text) > 1:
        flag, kind, value = flag_of(text, numbers_matter=True)
        return (f"{flag}{placeholder(kind, value)}", Argument(kind, word.source)) if kind else (flag, None)
    if is_assignment(text):
        return placeholder("assignment", text), Argument("assignment", word.source)
    kind = looks(text) or "name"
    return f"<{kind}>", Argument(kind, word.source)


def _template(outline: Sequence[Piece], views: dict[int, _View]) -> tuple[str, tuple[tuple[Argument, ...], ...]]:
    shown: list[_Shown] = []
    for piece in outline:
        part = _render(piece, views)
        if part == [(";", None)] and (not shown or shown[-1][0] in (";", "&", "do", "then", "else", "{", "(")):
            continue
        shown += part
    while shown and shown[-1][0] == ";":
        shown.pop()
    return _join(shown)


def _render(piece: Piece, views: dict[int, _View]) -> list[_Shown]:
    if isinstance(piece, str):
        return [(piece, None)]
    if isinstance(piece, Redirect):
        return [_redirect(piece)]
    if isinstance(piece, Word):
        kind = kind_of(piece, "")
        return [(placeholder(kind, piece.text), Argument(kind, piece.source))]
    shown: list[_Shown] = [
        (placeholder("assignment", word.text), Argument("assignment", word.source)) for word in piece.assignments
    ]
    if piece.words:
        view = views[id(piece)]
        # The tests of a file or a number differ in their operators alone, and there are too many of those.
        inside = Argument("text", " ".join(word.source for word in piece.words[1:-1]))
        shown += [("[", None), ("<text>", inside), ("]", None)] if view.program == "[" else view.shown
    # A here-document goes first, wherever it was written: it is the command's input.
    return shown + [
        _redirect(redirect) for redirect in sorted(piece.redirects, key=lambda redirect: not redirect.is_heredoc)
    ]


def _redirect(redirect: Redirect) -> _Shown:
    operator, target = redirect.operator, redirect.target
    if target is None:
        return operator, None
    if redirect.is_heredoc:
        return "<heredoc>", Argument("text", target.text)
    if operator.endswith("<<<"):
        return "<<< <text>", Argument("text", target.source)
    if operator.endswith("&") and (target.text.isdigit() or target.text == "-"):
        return f"{operator}{target.text}", None
    if target.text == "/dev/null":
        return f"{operator}/dev/null", None
    return f"{operator} <path>", Argument("path", target.source)


def _join(words: Sequence[_Shown]) -> tuple[str, tuple[tuple[Argument, ...], ...]]:
    """Words with single blanks; three or more of one kind in a row become one with `...`."""
    shown: list[str] = []
    slots: list[tuple[Argument, ...]] = []
    for word, argument in words:
        behind = () if argument is None else (argument,)
        if word and shown and word.startswith("<") and word.endswith(">"):
            if shown[-1] == f"{word}...":
                slots[-1] += behind
                continue
            if len(shown) > 1 and shown[-1] == shown[-2] == word:
                shown[-2:] = [f"{word}..."]
                slots[-2:] = [slots[-2] + slots[-1] + behind]
                continue
        if word:
            shown.append(word)
            if behind:
                slots.append(behind)
    return " ".join(shown), tuple(slots)
