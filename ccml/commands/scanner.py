"""The words of a shell line: quotes, escapes and expansions, read once from left to right.

Nothing is read twice and nothing is guessed and taken back, so the time is linear in the line. What looks ahead looks
ahead by a fixed number of characters; nesting and the number of pieces are bounded.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Final, NoReturn

from ccml.commands.tree import Part, Script, Word

DEEPEST: Final = 40
"""Levels of nesting. A person's line has three; each level takes a few frames of Python's stack."""
MOST_PIECES: Final = 1000
"""Words, parts of words and operators of one line: a bound on the time, about ten milliseconds."""

# `<secret:password>`, `<user>` and the placeholders of templates are words, not redirections.
PLACEHOLDER: Final = re.compile(
    r"<(secret:[a-z0-9-]{1,40}|email|user|path|number|url|text|pattern|host|name|heredoc)>(\.\.\.)?"
)
_RUN: Final = re.compile(r"[^ \t\n|&;<>()$`\\\"']+")
_PLAIN: Final = re.compile(r"[\w./:,@%+-][\w./:,@%+=-]*(?=[ \t\n;|&)]|$)")
_QUOTED_RUN: Final = re.compile(r"[^\"\\$`]+")
_NAME: Final = re.compile(r"[A-Za-z_]\w*|[0-9@*#?$!-]")
_GLOB: Final = re.compile(r"[*?\[]|\{(?!\})")
_TILDE_OR_EQUALS: Final = re.compile(r"~[^/]|=")
_SIGN: Final = re.compile(r"[;&|`$()<>!\\]")
_STOP_IN_BRACES: Final = re.compile(r"[}\\$`\"']")
_STOP_IN_ARITHMETIC: Final = re.compile(r"[()\\$`\"']")
_STOP_IN_BACKTICKS: Final = re.compile(r"[`\\]")
_STOP_IN_ANSI: Final = re.compile(r"['\\]")
_ANSI: Final = re.compile(r"\\(x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8}|[0-7]{1,3}|.)", re.DOTALL)
_ANSI_LETTERS: Final = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v"}


class UnreadableError(Exception):
    """The line is no shell line, or is nested or divided beyond the bounds."""


class Scanner(ABC):
    """Reads words from `text`; a statement inside a substitution is read by `statements`, which the grammar adds."""

    def __init__(self, text: str, depth: int = 0, pieces: list[int] | None = None) -> None:
        self.text = text
        self.at = 0
        self.depth = depth
        self.pieces = pieces if pieces is not None else [0]
        self.constructs: set[str] = set()
        self.heredocs_around = 0

    @abstractmethod
    def statements(self, closing: str) -> Script:
        """From here to `closing`."""

    @abstractmethod
    def inside(self, text: str) -> Script:
        """The statements of a text of its own, such as that between two backticks."""

    def fail(self) -> NoReturn:
        raise UnreadableError

    def count(self) -> None:
        self.pieces[0] += 1
        if self.pieces[0] > MOST_PIECES:
            self.fail()

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            self.fail()

    def blank(self) -> None:
        """Skips blanks, continued lines and a comment."""
        text, at = self.text, self.at
        size = len(text)
        while at < size:
            letter = text[at]
            if letter == " " or letter == "\t":
                at += 1
            elif letter == "\\" and text.startswith("\\\n", at):
                at += 2
            elif letter == "#":
                end = text.find("\n", at)
                end = size if end < 0 else end
                # An interactive zsh takes `#` for a word, and reads what follows as any other words.
                self.constructs.add("sign_in_comment" if _SIGN.search(text, at, end) else "comment")
                at = end
            else:
                break
        self.at = at

    def word(self) -> Word | None:
        """The word that begins here; None where none does."""
        self.count()
        begin = self.at
        parts: list[Part] = []
        glob = False
        text, size = self.text, len(self.text)
        plain = _PLAIN.match(text, begin)
        if plain is not None:  # nine words of ten
            self.at = plain.end()
            return Word(plain.group(), plain.group(), True, False)
        while self.at < size:
            run = _RUN.match(text, self.at)
            if run is not None:
                literal = run.group()
                glob = glob or bool(_GLOB.search(literal)) or (not parts and bool(_TILDE_OR_EQUALS.match(literal)))
                parts.append(Part("text", literal, False))
                self.at = run.end()
                if self.at < size and text[self.at] == "(" and literal[-1] in "?*+@!" and self.at - begin > 0:
                    parts.append(self._extended_glob())
                continue
            letter = text[self.at]
            if letter in " \t\n|&;)":
                break
            if letter == "(":
                if parts and parts[-1].kind == "text" and parts[-1].text.endswith("=") and not parts[-1].quoted:
                    parts.append(self._array())
                    continue
                break
            if letter in "<>":
                placeholder = PLACEHOLDER.match(text, self.at) if letter == "<" else None
                if placeholder is not None:
                    parts.append(Part("text", placeholder.group(), False))
                    self.at = placeholder.end()
                    continue
                if text.startswith("(", self.at + 1):
                    parts.append(self._substitution(2, "process"))
                    continue
                break
            self._piece(letter, parts)
        if self.at == begin:
            return None
        return _word(text[begin : self.at], parts, glob)

    def _piece(self, letter: str, parts: list[Part]) -> None:
        """One quoted or expanded piece of a word."""
        self.count()
        text = self.text
        if letter == "\\":
            if self.at + 1 >= len(text):
                self.fail()
            escaped = text[self.at + 1]
            if escaped != "\n":
                parts.append(Part("text", escaped, True))
            self.at += 2
        elif letter == "'":
            end = text.find("'", self.at + 1)
            if end < 0:
                self.fail()
            parts.append(Part("text", text[self.at + 1 : end], True))
            self.at = end + 1
        elif letter == '"':
            self._double_quoted(parts)
        elif letter == "`":
            parts.append(self._backticks(quoted=False))
        else:
            parts.append(self._dollar(quoted=False))

    def _double_quoted(self, parts: list[Part]) -> None:
        self.at += 1
        text = self.text
        parts.append(Part("text", "", True))
        while self.at < len(text):
            run = _QUOTED_RUN.match(text, self.at)
            if run is not None:
                parts.append(Part("text", run.group(), True))
                self.at = run.end()
                continue
            self.count()
            letter = text[self.at]
            if letter == '"':
                self.at += 1
                return
            if letter == "\\":
                escaped = text[self.at + 1 : self.at + 2]
                if escaped != "\n":
                    parts.append(Part("text", escaped if escaped in '$`"\\' else f"\\{escaped}", True))
                self.at += 2
            elif letter == "`":
                parts.append(self._backticks(quoted=True))
            else:
                parts.append(self._dollar(quoted=True))
        self.fail()

    def _dollar(self, *, quoted: bool) -> Part:
        text, begin = self.text, self.at
        if text.startswith("$((", begin):
            self.at += 1
            self.arithmetic()
            self.constructs.add("arithmetic")
            return Part("expansion", text[begin : self.at], quoted)
        if text.startswith("$(", begin):
            return self._substitution(2, "substitution", quoted=quoted)
        if text.startswith("${", begin):
            return self._braces(quoted=quoted)
        if not quoted and text.startswith("$'", begin):
            return self._ansi()
        if not quoted and text.startswith('$"', begin):
            self.at += 1
            self.constructs.add("translated")
            parts: list[Part] = []
            self._double_quoted(parts)
            return Part("expansion", "".join(part.text for part in parts), True)
        name = _NAME.match(text, begin + 1)
        if name is None:
            self.at += 1
            return Part("text", "$", quoted)
        self.at = name.end()
        self.constructs.add("expansion")
        return Part("variable", text[begin : self.at], quoted, name=name.group())

    def _substitution(self, opening: int, kind: str, *, quoted: bool = False) -> Part:
        """`$(…)`, `<(…)`, `>(…)`."""
        begin = self.at
        self.constructs.add(kind)
        self.at += opening
        self.deeper()
        script = self.statements(")")
        self.at += 1
        self.depth -= 1
        return Part("command", self.text[begin : self.at], quoted, script)

    def _backticks(self, *, quoted: bool) -> Part:
        """What stands between backticks is read as a text of its own, in which the backslashes are undone once."""
        text, begin = self.text, self.at
        self.constructs.add("substitution")
        at = begin + 1
        undone: list[str] = []
        while True:
            stop = _STOP_IN_BACKTICKS.search(text, at)
            if stop is None:
                self.fail()
            self.count()
            undone.append(text[at : stop.start()])
            at = stop.end()
            if stop.group() == "`":
                break
            escaped = text[at : at + 1]
            undone.append(escaped if escaped in "`\\$" or (quoted and escaped == '"') else f"\\{escaped}")
            at += 1
        self.at = at
        self.deeper()
        script = self.inside("".join(undone))
        self.depth -= 1
        return Part("command", text[begin:at], quoted, script)

    def _braces(self, *, quoted: bool) -> Part:
        """`${name}`, and the forms with operators, whose words may hold quotes and further expansions."""
        text, begin = self.text, self.at
        self.constructs.add("expansion")
        self.at += 2
        self.deeper()
        plain = True
        while True:
            letter = self._next_stop(_STOP_IN_BRACES)
            if letter == "}":
                break
            plain = False
            if quoted and letter == "'":
                self.at += 1
            else:
                self._piece(letter, [])
        name = text[begin + 2 : self.at]
        self.at += 1
        self.depth -= 1
        if plain and _NAME.fullmatch(name) is not None:
            return Part("variable", text[begin : self.at], quoted, name=name)
        return Part("expansion", text[begin : self.at], quoted)

    def _ansi(self) -> Part:
        """`$'…'`, with its escapes undone."""
        text, begin = self.text, self.at
        self.constructs.add("ansi")
        at = begin + 2
        while True:
            stop = _STOP_IN_ANSI.search(text, at)
            if stop is None:
                self.fail()
            self.count()
            at = stop.end()
            if stop.group() == "'":
                break
            at += 1
        self.at = at
        return Part("expansion", _ANSI.sub(_ansi_letter, text[begin + 2 : at - 1]), True)

    def arithmetic(self) -> None:
        """From `((` behind its `))`."""
        self.at += 2
        self.deeper()
        level = 2
        while level:
            letter = self._next_stop(_STOP_IN_ARITHMETIC)
            if letter == "(":
                level += 1
                self.at += 1
            elif letter == ")":
                if level == 2 and not self.text.startswith("))", self.at):
                    self.fail()  # two subshells that begin together; no line of a person was seen to hold them
                level -= 2 if level == 2 else 1
                self.at += 2 if level == 0 else 1
            else:
                self._piece(letter, [])
        self.depth -= 1

    def _next_stop(self, stops: re.Pattern[str]) -> str:
        """Goes to the next of the signs, which is returned and not taken."""
        stop = stops.search(self.text, self.at)
        if stop is None:
            self.fail()
        self.count()
        self.at = stop.start()
        return stop.group()

    def _extended_glob(self) -> Part:
        begin = self.at
        self.constructs.add("extended_glob")
        self.at += 1
        level = 1
        while level:
            letter = self._next_stop(_STOP_IN_ARITHMETIC)
            if letter in "()":
                level += 1 if letter == "(" else -1
                self.at += 1
            else:
                self._piece(letter, [])
        return Part("expansion", self.text[begin : self.at], False)

    def _array(self) -> Part:
        begin = self.at
        self.constructs.add("array")
        self.at += 1
        self.deeper()
        while True:
            self.blank()
            if self.text.startswith("\n", self.at):
                self.at += 1
            elif self.text.startswith(")", self.at):
                break
            elif self.word() is None:
                self.fail()
        self.at += 1
        self.depth -= 1
        return Part("expansion", self.text[begin : self.at], False)

    def expansions_of(self, body: str) -> tuple[Part, ...]:
        """What a here-document's text expands, read as if it stood in double quotes. A lone backtick is a failure."""
        self.heredocs_around += 1
        if self.heredocs_around > 2:
            self.fail()
        outer, self.text = self.text, body
        place, self.at = self.at, 0
        parts: list[Part] = []
        while True:
            stop = _STOP_IN_HEREDOC.search(body, self.at)
            if stop is None:
                break
            self.count()
            self.at = stop.start()
            if stop.group() == "\\":
                self.at += 2
            elif stop.group() == "`":
                parts.append(self._backticks(quoted=True))
            else:
                parts.append(self._dollar(quoted=True))
        self.text, self.at = outer, place
        self.heredocs_around -= 1
        return tuple(parts)


_STOP_IN_HEREDOC: Final = re.compile(r"[\\$`]")


def _word(source: str, parts: list[Part], glob: bool) -> Word:
    static = (not glob or source == "[") and all(part.kind == "text" for part in parts)
    quoted = any(part.quoted for part in parts)
    if len(parts) == 1 and parts[0].kind == "text":
        return Word(parts[0].text, source, static, quoted, tuple(parts))
    return Word("".join(part.text for part in parts), source, static, quoted, tuple(parts))


def _ansi_letter(escape: re.Match[str]) -> str:
    body = escape.group(1)
    if body[0] in "xuU" and len(body) > 1:
        code = int(body[1:], 16)
    elif body.isdigit():
        code = int(body, 8)
    else:
        return _ANSI_LETTERS.get(body, body)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "?"
