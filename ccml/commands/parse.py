"""A command line as the models see it: program, sub-command, flags, typed arguments, and the line's template.

    sudo tar -xzf logs.tar.gz -C /tmp  → program tar, template `sudo tar -xzf <path> -C <path>`
    git commit -m "fix"                → program git, sub-command commit, template `git commit -m <text>`
    find . -name '*.py' | head -20     → programs (find, head), template `find <path> -name <pattern> | head -<number>`

A template keeps what a person would have to know (programs, sub-commands, flags, operators) and replaces what only the
moment tells by its kind. Templates are the labels of the command predictor, so what does not change the meaning
(quoting, how many files were named) must not change them; a template is its own template.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ccml.commands.programs import (
    GIT_PATHS,
    OPERANDS,
    OPTION_VALUES,
    WITH_SUBCOMMANDS,
    WRAPPER_WITH_OPERAND,
    WRAPPERS,
    family,
)
from ccml.commands.syntax import Redirect, SimpleCommand, Word, syntax

__all__ = ["Argument", "Command", "family", "parse"]

KINDS: Final = ("path", "number", "url", "text", "pattern", "host", "name", "assignment")


@dataclass(frozen=True, slots=True)
class Argument:
    kind: str
    """One of `KINDS`."""
    text: str


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


_SPECIAL: Final = re.compile(r"(?:<(path|number|url|text|pattern|host|name|email|user|secret:[a-z0-9-]+)>)(?:\.\.\.)?")
_NUMBER: Final = re.compile(r"[+-]?\d+(?:\.\d+)?[kKmMgGtTsdhw%cbBi]{0,3}")
_RANGE: Final = re.compile(r"\d+(?:[-,:]\d*)+")
_URL: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{1,20}://\S+|git@[\w.-]+:\S+")
_HOST: Final = re.compile(r"(?:[\w.-]+@)?(?:\d{1,3}(?:\.\d{1,3}){3}(?:/\d+)?|localhost)(?::\d+)?")
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_][\w.-]*)\+?=(.*)", re.DOTALL)
_PATH: Final = re.compile(r".*/.*|\.{1,2}|~.*|.*\.[A-Za-z][A-Za-z0-9]{0,6}|[A-Z]:\\.*", re.DOTALL)
_PLAIN_FLAG: Final = re.compile(r"(--?[A-Za-z][A-Za-z0-9_-]*|--|-)$")
_NUMBER_FLAG: Final = re.compile(r"(-[A-Za-z]?)\d+$")
_CUT_FLAG: Final = re.compile(r"(--?[A-Za-z?@#.][A-Za-z0-9_-]*?)(=|(?=[^A-Za-z0-9_-]))(.*)$", re.DOTALL)
_PATTERN: Final = re.compile(r".*[*?\[\]^$|\\].*", re.DOTALL)
_SUBCOMMAND: Final = re.compile(r"[A-Za-z][\w:.-]*")


@lru_cache(maxsize=16384)
def parse(line: str) -> Command:
    """The line taken apart. Never raises: what cannot be parsed has `parsed=False`, its first word as program and a
    template of the program alone."""
    taken = syntax(line)
    if taken is None or not taken.whole or not taken.outline:
        first = _first_word(line)
        return Command(line, first, "", (), (), f"{first} <text>" if first else "", (first,) if first else (), False)
    views = [_View(command) for command in taken.commands if command.words]
    main = next((view for view in views if view.program not in ("cd", "")), views[0] if views else None)
    return Command(
        line=line,
        program=main.program if main else "",
        subcommand=main.subcommand if main else "",
        flags=main.flags if main else (),
        arguments=main.arguments if main else (),
        template=_join([_render(piece) for piece in taken.outline]),
        programs=tuple(view.program for view in views if view.program),
        parsed=True,
    )


def _first_word(line: str) -> str:
    for word in line[:400].split():
        name = word.rpartition("/")[2].strip("\"'`;|&(){}<>$\\")
        if name and name.isprintable() and name not in WRAPPERS and not _ASSIGNMENT.fullmatch(name):
            return name[:64]
    return ""


class _View:
    """One simple command seen through its wrappers."""

    def __init__(self, command: SimpleCommand) -> None:
        words = command.words
        start = _behind_wrappers(words)
        self.prefix = words[:start]
        self.program = _program_name(words[start]) if start < len(words) else ""
        self.subcommand = ""
        self.flags: tuple[str, ...] = ()
        self.arguments: tuple[Argument, ...] = ()
        self.shown: list[str] = []
        if start < len(words):
            self._read(words[start + 1 :])
        elif words:
            # A wrapper alone is the program: `time`, `sudo -l`, `env`.
            self.prefix, self.program = (), _program_name(words[0])
            self._read(words[1:])

    def _read(self, words: tuple[Word, ...]) -> None:
        options = OPTION_VALUES.get(_family_name(self.program), {})
        operands = OPERANDS.get(self.program, ())
        flags: list[str] = []
        arguments: list[Argument] = []
        expected: str | None = None
        has_subcommands = self.program in WITH_SUBCOMMANDS
        explicit_pattern = False
        seen = 0
        for word in words:
            text = word.text
            if expected is not None and not (
                text.startswith("-") and len(text) > 1 and not word.quoted and expected not in ("number", "text")
            ):
                arguments.append(Argument(expected, text))
                self.shown.append(_placeholder(expected, text))
                expected = None
                continue
            expected = None
            if text.startswith("-") and len(text) > 1 and word.static and not word.quoted | (" " in text):
                flag, kind, value = _flag(text)
                flags.append(flag + ("=" if kind and "=" in text and flag.startswith("--") else ""))
                self.shown.append(f"{flag}{'=' if '=' in text[: len(flag) + 1] else ''}<{kind}>" if kind else flag)
                if kind:
                    arguments.append(Argument(kind, value))
                else:
                    expected = options.get(flag) or OPTION_VALUES["*"].get(flag)
                    if (
                        expected is None
                        and len(flag) > 2
                        and flag[1] != "-"
                        and self.program in ("tar", "grep", "curl", "ssh", "git")
                    ):
                        expected = options.get("-" + flag[-1])
                if flag in ("-e", "--regexp", "-f") and self.program in ("grep", "sed", "rg", "awk"):
                    explicit_pattern = True
                continue
            if (
                has_subcommands
                and not self.subcommand
                and word.static
                and not word.quoted
                and _SUBCOMMAND.fullmatch(text)
            ):
                self.subcommand = text
                self.shown.append(text)
                continue
            position = seen + (1 if explicit_pattern and operands[:1] in (("pattern",), ("text",)) else 0)
            conventional = operands[min(position, len(operands) - 1)] if operands else ""
            if self.program == "git":
                conventional = "path" if self.subcommand in GIT_PATHS else "name"
            kind = _kind(word, conventional)
            seen += 1
            arguments.append(Argument(kind, text))
            self.shown.append(_operator_word(word) or _placeholder(kind, text))
        self.flags, self.arguments = tuple(flags), tuple(arguments)

    def render(self) -> str:
        shown = [_wrapper_word(word) for word in self.prefix] + [self.program, *self.shown]
        return _join(shown)


def _behind_wrappers(words: tuple[Word, ...]) -> int:
    """Where the wrapped program stands; `len(words)` where the wrapper wraps nothing."""
    i = 0
    while i < len(words) and words[i].text in WRAPPERS and words[i].static:
        wrapper = words[i].text
        i += 1
        operand = wrapper in WRAPPER_WITH_OPERAND
        while i < len(words):
            text = words[i].text
            if text.startswith("-") and len(text) > 1:
                i += 2 if text in WRAPPERS[wrapper] else 1
            elif wrapper in ("env", "sudo", "doas") and _ASSIGNMENT.fullmatch(text):
                i += 1
            elif operand:
                operand = False
                i += 1
            else:
                break
    return min(i, len(words))


def _program_name(word: Word) -> str:
    if not word.static:
        return "<path>" if "/" in word.source else "<text>"
    name = word.text
    if name.startswith(("./", "../")) or not name.strip():
        return "<path>" if name.strip() else "<text>"
    if "/" in name:
        name = name.rpartition("/")[2] or "<path>"
    return (
        name if _SPECIAL.fullmatch(name) or (name.isprintable() and " " not in name and len(name) <= 64) else "<text>"
    )


def _family_name(program: str) -> str:
    """Programs that take their options alike."""
    return {
        "egrep": "grep",
        "fgrep": "grep",
        "gawk": "awk",
        "mawk": "awk",
        "python3": "python",
        "sh": "bash",
        "podman": "docker",
    }.get(program, program)


def _flag(text: str) -> tuple[str, str | None, str]:
    """Flag, kind of the value attached to it (None without one), the value."""
    match = _NUMBER_FLAG.match(text)
    if match:
        return match.group(1), "number", text[len(match.group(1)) :]
    if _PLAIN_FLAG.match(text):
        return text, None, ""
    match = _CUT_FLAG.match(text)
    if match:
        value = match.group(3)
        return match.group(1), _looks(value.strip("'\"")) or "text", value
    match = re.match(r"(-)(<number>)$", text)
    if match:
        return "-", "number", ""
    return "-", "text", text[1:]


def _looks(text: str) -> str | None:
    """The kind that a word shows by itself."""
    special = _SPECIAL.fullmatch(text)
    if special:
        name = special.group(1)
        return (
            "host" if name == "email" else "text" if name.startswith("secret") else "name" if name == "user" else name
        )
    if _NUMBER.fullmatch(text) or _RANGE.fullmatch(text):
        return "number"
    if _URL.fullmatch(text):
        return "url"
    if _HOST.fullmatch(text):
        return "host"
    return None


def _kind(word: Word, conventional: str) -> str:
    text = word.text
    looks = _looks(text)
    if looks in ("url", "host") and conventional != "pattern":
        return looks
    if looks is not None and _SPECIAL.fullmatch(text):
        return looks
    if _ASSIGNMENT.fullmatch(text) and conventional in ("", "name") and not text.startswith("<"):
        return "assignment"
    if conventional:
        if conventional == "path" and word.quoted and not _PATH.fullmatch(text) and (" " in text or "\n" in text):
            return "text"
        return conventional
    if looks is not None:
        return looks
    if word.quoted and (" " in text or not text):
        return "text"
    if _PATH.fullmatch(text) and " " not in text:
        return "path"
    if word.quoted and _PATTERN.fullmatch(text):
        return "pattern"
    return "text"


def _placeholder(kind: str, text: str) -> str:
    if kind == "assignment":
        name = text.partition("=")[0]
        return f"{name}=<text>" if re.fullmatch(r"[A-Za-z_][\w.-]{0,40}", name) else "<text>"
    return f"<{kind}>..." if text.endswith(">...") and _SPECIAL.fullmatch(text) else f"<{kind}>"


def _operator_word(word: Word) -> str | None:
    """Words of `find` and `test` that join others are grammar, not arguments."""
    return word.source if word.source in ("{}", "\\;", "';'", "+", "!", "\\(", "\\)", "\\!", "-", "--", "]") else None


def _wrapper_word(word: Word) -> str:
    text = word.text
    if text in WRAPPERS:
        return text
    if text.startswith("-") and len(text) > 1:
        flag, kind, _ = _flag(text)
        return f"{flag}<{kind}>" if kind else flag
    match = _ASSIGNMENT.fullmatch(text)
    if match:
        return _placeholder("assignment", text)
    return f"<{_looks(text) or 'name'}>"


def _render(piece: str | SimpleCommand | Word | Redirect) -> str:
    if isinstance(piece, str):
        return piece
    if isinstance(piece, Redirect):
        return _redirect(piece)
    if isinstance(piece, Word):
        return f"<{_kind(piece, '')}>"
    shown = [_placeholder("assignment", word.text) for word in piece.assignments]
    if piece.words:
        shown.append(_View(piece).render())
    return _join(shown + [_redirect(redirect) for redirect in piece.redirects])


def _redirect(redirect: Redirect) -> str:
    operator, target = redirect.operator, redirect.target
    if operator.startswith("<<") and not operator.startswith("<<<"):
        return "<heredoc>"
    if target is None:
        return operator
    if operator.endswith("<<<"):
        return "<<< <text>"
    if operator.endswith("&") and (target.text.isdigit() or target.text == "-"):
        return f"{operator}{target.text}"
    if target.text == "/dev/null":
        return f"{operator}/dev/null"
    return f"{operator} <path>"


def _join(words: list[str]) -> str:
    """Words with single blanks; three or more of one kind in a row say only that there are many."""
    shown: list[str] = []
    for word in words:
        if not word:
            continue
        if shown and word.startswith("<") and word.endswith(">"):
            if shown[-1] == f"{word}...":
                continue
            if len(shown) > 1 and shown[-1] == shown[-2] == word:
                shown[-2:] = [f"{word}..."]
                continue
        shown.append(word)
    return " ".join(shown)
