"""Statements of a shell line: pipelines, simple commands, redirections and here-documents, by recursive descent.

Each method reads one construct that begins at `at` and moves behind it. `grammar` adds loops, conditions and the like.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import Final

from ccml.commands.scanner import PLACEHOLDER, Scanner
from ccml.commands.tree import Group, Member, Piece, Pipeline, Redirect, Script, SimpleCommand, Word

_REDIRECT: Final = re.compile(r"(\d{1,4}|\{\w{1,40}\})?(&>>|&>|<<<|<<-|<<|<>|<&|>>|>&|>\||<(?!\()|>(?!\())")
_ASSIGNED: Final = re.compile(r"[A-Za-z_]\w*(?:\[[^\]]*\])?\+?=")
_OPERATOR: Final = re.compile(r"&&|\|\||\|&|\||;;&|;;|;&|;|&|\n")
_SEPARATORS: Final = frozenset({";", "\n", "&"})
ENDS_OF_CASE: Final = frozenset({";;", ";&", ";;&"})
_RESERVED: Final = re.compile(
    r"(?:if|then|elif|else|fi|for|select|while|until|do|done|case|esac|in|function|coproc|\{|\}|\[\[)"
    r"(?=[ \t\n;&|()<>]|$)"
)


class Statements(Scanner):
    """What a script consists of; `member` reads one command, and `function` the body of one, in the grammar."""

    def __init__(self, text: str, depth: int = 0, pieces: list[int] | None = None) -> None:
        super().__init__(text, depth, pieces)
        self.outline: list[Piece] = []
        self.commands: list[SimpleCommand] = []
        self._heredocs: list[tuple[str, bool, bool, list[Redirect], int]] = []

    def statements(self, closing: str) -> Script:
        """What a substitution runs. It is no part of the outline: a template shows the word that holds it."""
        outline, self.outline = self.outline, []
        script = Script([])
        self.script(script, closing)
        if not self.text.startswith(closing, self.at):
            self.fail()
        self.outline = outline
        return script

    def inside(self, text: str) -> Script:
        inner = type(self)(text, self.depth, self.pieces)
        script = Script([])
        try:
            inner.script(script, "")
            if inner.at != len(text):
                self.fail()
        finally:
            self.commands += inner.commands
            self.constructs |= inner.constructs
        return script

    def script(self, script: Script, closing: str, words: frozenset[str] = frozenset()) -> str:
        """Pipelines up to the character `closing`, one of the reserved `words`, or the end of the text; the word."""
        while True:
            self.gap()
            if self.at >= len(self.text) or (closing and self.text.startswith(closing, self.at)):
                return ""
            reserved = self.reserved(words)
            if reserved:
                return reserved
            if words and self.text.startswith(";;", self.at):
                return ""
            self.and_or(script)
            sign = self.operator()
            if sign in ENDS_OF_CASE:
                continue
            if sign == "":
                if self.at >= len(self.text) or (closing and self.text.startswith(closing, self.at)):
                    return ""
                # `if (true) then`: only behind a group does a reserved word need no sign before it.
                reserved = self.reserved(words) if isinstance(script.pipelines[-1].members[-1], Group) else ""
                return reserved or self.fail()
            if sign not in _SEPARATORS:
                self.fail()
            self.take(sign)
            script.pipelines[-1].signs.append(sign)
            if sign == "&":
                self.constructs.add("background")
            self.outline.append("&" if sign == "&" else ";")

    def and_or(self, script: Script) -> None:
        while True:
            self.pipeline(script)
            sign = self.operator()
            if sign not in ("&&", "||"):
                return
            self.take(sign)
            self.outline.append(sign)
            self.gap()

    def pipeline(self, script: Script) -> None:
        members: list[Member] = []
        script.pipelines.append(Pipeline(members, []))
        while self.text.startswith("!", self.at) and self.text[self.at + 1 : self.at + 2] in (" ", "\t"):
            self.constructs.add("negation")
            self.outline.append("!")
            self.at += 1
            self.blank()
        while True:
            self.member(members)
            sign = self.operator()
            if sign not in ("|", "|&"):
                return
            self.take(sign)
            self.outline.append(sign)
            self.gap()

    # --- one command -------------------------------------------------------------------------------------------------

    @abstractmethod
    def member(self, members: list[Member]) -> None:
        """One command of a pipeline, simple or compound."""

    @abstractmethod
    def function(self, words: list[Word], members: list[Member]) -> None:
        """`name () …`, behind the name."""

    def simple(self, members: list[Member]) -> None:
        words: list[Word] = []
        assignments: list[Word] = []
        redirects: list[Redirect] = []
        place = len(self.commands)
        reserved = SimpleCommand((), (), ())
        self.commands.append(reserved)
        piece = len(self.outline)
        try:
            while True:
                self.blank()
                if self.redirect(redirects):
                    continue
                word = self.word()
                if word is None:
                    break
                if not words and _ASSIGNED.match(word.source):
                    self.constructs.add("assignment")
                    assignments.append(word)
                else:
                    words.append(word)
                if len(words) == 1 and not assignments and not redirects and self.function_follows():
                    del self.commands[place]
                    self.function(words, members)
                    return
        finally:
            # Also of a line that cannot be read to its end, for the rules that say what it would destroy.
            if place < len(self.commands) and self.commands[place] is reserved:
                command = SimpleCommand(tuple(words), tuple(assignments), redirects)
                self.commands[place] = command
                self.outline.insert(piece, command)
                members.append(command)
        if not words and not assignments and not redirects:
            self.fail()

    def redirect(self, redirects: list[Redirect]) -> bool:
        found = _REDIRECT.match(self.text, self.at)
        if found is None or self.placeholder():
            return False
        self.count()
        self.at = found.end()
        self.blank()
        target = self.word()
        if target is None:
            self.fail()
        operator = found.group()
        redirects.append(Redirect(operator, target))
        if redirects[-1].is_heredoc:
            self.constructs.add("heredoc")
            entry = (target.text, target.quoted, operator.endswith("-"), redirects,
                     len(redirects) - 1)  # fmt: skip
            self._heredocs.append(entry)
        elif operator.endswith("<<<"):
            self.constructs.add("herestring")
        return True

    def redirects_behind(self) -> list[Redirect]:
        """The redirections of a group."""
        redirects: list[Redirect] = []
        self.blank()
        while self.redirect(redirects):
            self.blank()
        self.outline += redirects
        return redirects

    def read_heredocs(self) -> None:
        """The texts of the here-documents that the line just ended has begun."""
        pending, self._heredocs = self._heredocs, []
        for mark, quoted, tabs, redirects, place in pending:
            lines: list[str] = []
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                end = len(self.text) if end < 0 else end
                line = self.text[self.at : end]
                self.at = min(end + 1, len(self.text))
                if tabs:
                    line = line.lstrip("\t")
                if line == mark or (self.depth and line.rstrip(")\"' ") == mark and self._closes(line, end)):
                    break
                lines.append(line)
            body = "\n".join(lines)
            parts = () if quoted else self.expansions_of(body)
            if parts:
                self.constructs.add("expansion")
            redirects[place] = Redirect(redirects[place].operator, Word(body, body, not parts, quoted, parts))

    def _closes(self, line: str, end: int) -> bool:
        """`EOF)`: bash takes it for the here-document's end inside a substitution. Reading goes on behind the mark."""
        self.at = end - (len(line) - len(line.rstrip(")\"' ")))
        return True

    # --- signs and reserved words ------------------------------------------------------------------------------------

    def gap(self) -> None:
        """Skips blanks, comments and ends of lines."""
        while True:
            self.blank()
            if not self.text.startswith("\n", self.at):
                return
            self.take("\n")

    def operator(self) -> str:
        self.blank()
        sign = _OPERATOR.match(self.text, self.at)
        return sign.group() if sign is not None else ""

    def take(self, sign: str) -> None:
        self.count()
        self.at += len(sign)
        if sign == "\n" and self._heredocs:
            self.read_heredocs()

    def placeholder(self) -> bool:
        return self.text.startswith("<", self.at) and PLACEHOLDER.match(self.text, self.at) is not None

    def reserved(self, words: frozenset[str]) -> str:
        """The reserved word that stands here, taken; "" where none of `words` does."""
        found = _RESERVED.match(self.text, self.at)
        if found is None or found.group() not in words:
            return ""
        self.at = found.end()
        return found.group()

    def function_follows(self) -> bool:
        self.blank()
        return self.text.startswith("(", self.at)
