"""A command line parsed as the shell would: simple commands, their words, and the constructs around them.

tree-sitter-bash parses; this module reduces its tree to what templates (`parse`) and the risk rules (`risk`) need. It
runs nothing and raises nothing: a line that cannot be parsed has `whole=False`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

LONGEST_LINE: Final = 4096
"""Bytes. Longer lines are scripts pasted into a shell: their templates never repeat, and parsing them is slow."""

_PARSER: Final = Parser(Language(tree_sitter_bash.language()))

# `<secret:password>`, `<user>` and the placeholders of templates are words, not redirections. While
# the grammar reads the line, their angle brackets are replaced by two control characters of Latin-1 that no line uses.
_PLACEHOLDER: Final = re.compile(
    r"<(secret:[a-z0-9-]{1,40}|email|user|path|number|url|text|pattern|host|name|heredoc)>(\.\.\.)?"
)
_OPEN, _CLOSE = "\x81", "\x8d"
# The grammar's scanner calls C's `isdigit` on the character after a brace. It is defined for Latin-1 alone: `{` and an
# emoji end the process with a segmentation fault (tree-sitter-bash issue 337; remove this when a release contains its
# pull request 348). So each wider character is replaced by characters of Latin-1 of as many bytes.
_WIDER: Final = re.compile(r"[^\x00-\xff]")
_LETTERS: Final = {1: "?", 2: "é", 3: "éx", 4: "éé"}
_SIGNS: Final = {1: "?", 2: "¬", 3: "¬%", 4: "¬¬"}
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_GLOB: Final = re.compile(r"[*?\[{]|^~[^/]|^=")
_EXPANSIONS: Final = frozenset(
    {
        "simple_expansion",
        "expansion",
        "command_substitution",
        "process_substitution",
        "arithmetic_expansion",
        "brace_expression",
        "ansi_c_string",
        "translated_string",
        "extglob_pattern",
        "regex",
        "subscript",
        "array",
    }
)


_COMMANDS: Final = frozenset({"command", "declaration_command", "unset_command"})
_REDIRECTS: Final = frozenset({"file_redirect", "heredoc_redirect", "herestring_redirect"})
_STATEMENTS: Final = _COMMANDS | {
    "pipeline", "list", "redirected_statement", "subshell", "compound_statement", "for_statement", "while_statement",
    "if_statement", "case_statement", "test_command", "negated_command", "variable_assignment",
}  # fmt: skip
_DEEPEST: Final = 60


@dataclass(frozen=True, slots=True)
class Word:
    """`text` is what the program receives where `static` (quotes and escapes undone), else the source as written."""

    text: str
    source: str
    static: bool
    quoted: bool


@dataclass(frozen=True, slots=True)
class Redirect:
    operator: str
    target: Word | None


@dataclass(frozen=True, slots=True)
class SimpleCommand:
    words: tuple[Word, ...]
    assignments: tuple[Word, ...]
    redirects: tuple[Redirect, ...]


Piece: TypeAlias = str | SimpleCommand | Word | Redirect
"""Part of a line's outline: an operator or keyword, a simple command, a word by itself, a redirection."""


@dataclass(frozen=True, slots=True)
class Syntax:
    """`outline` is the line in order; `commands` are its simple commands including those inside substitutions;
    `constructs` are the tree's named node types; the risk rules recognise by them lines that hold no program."""

    outline: tuple[Piece, ...]
    commands: tuple[SimpleCommand, ...]
    constructs: frozenset[str]
    whole: bool


@lru_cache(maxsize=8192)
def syntax(line: str) -> Syntax | None:
    """The parsed line; None where it is empty, too long or holds a NUL."""
    shielded = _PLACEHOLDER.sub(lambda m: f"{_OPEN}{m.group(1)}{_CLOSE}{m.group(2) or ''}", line)
    source = shielded.encode("utf-8", "replace")
    if not source.strip() or len(source) > LONGEST_LINE or b"\0" in source:
        return None
    reading = _Reading(source)
    root = _PARSER.parse(_narrow(shielded)).root_node
    try:
        reading.visit(root)
    except RecursionError:
        return None
    return Syntax(
        tuple(reading.outline), tuple(reading.commands), frozenset(reading.constructs), whole=not root.has_error
    )


def _narrow(line: str) -> bytes:
    """The line for the scanner: as many bytes as in UTF-8, and no character beyond Latin-1."""

    def stand_in(wider: re.Match[str]) -> str:
        size = len(wider.group().encode("utf-8", "replace"))
        return (_LETTERS if wider.group().isalnum() else _SIGNS)[size]

    return _WIDER.sub(stand_in, line).encode("utf-8", "replace")


class _Reading:
    """One walk over one tree."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.outline: list[Piece] = []
        self.commands: list[SimpleCommand] = []
        self.constructs: set[str] = set()

    def text(self, node: Node) -> str:
        text = self.source[node.start_byte : node.end_byte].decode("utf-8", "replace")
        return text.replace(_OPEN, "<").replace(_CLOSE, ">")

    def visit(self, node: Node, depth: int = 0) -> None:
        """Statements: everything that may hold commands."""
        if depth > _DEEPEST:
            raise RecursionError
        kind = node.type
        if node.is_named:
            self.constructs.add(kind)
        if kind in _COMMANDS:
            self.outline.append(self.command(node))
        elif kind == "redirected_statement":
            self.redirected(node, depth)
        elif kind == "variable_name":
            self.outline.append("x")  # the name of a loop's variable does not change what the line does
        elif kind == "test_command":
            self.note(node)
            brackets = self.text(node)
            self.outline.append("[[ <text> ]]" if brackets.startswith("[[") else "[ <text> ]")
        elif kind in ("variable_assignment", "variable_assignments"):
            assignments = [node] if kind == "variable_assignment" else node.named_children
            self.note(node)
            command = SimpleCommand((), tuple(self.word(child) for child in assignments), ())
            self.commands.append(command)
            self.outline.append(command)
        elif kind in ("heredoc_body", "comment", "heredoc_start", "heredoc_end"):
            self.note(node)
        elif node.child_count == 0 or kind in (
            "word",
            "string",
            "raw_string",
            "concatenation",
            "number",
            "variable_name",
        ):
            if not node.is_named:
                operator = self.text(node).strip() or ";"
                self.outline.append(operator)
            else:
                self.outline.append(self.word(node))
        elif kind in _EXPANSIONS:
            self.outline.append(self.word(node))
        else:
            previous: Node | None = None
            for child in node.children:
                if kind == "program" and previous is not None and child.is_named and previous.is_named:
                    self.outline.append(";")
                if child.type == "comment":
                    self.constructs.add("comment")
                    continue
                self.visit(child, depth + 1)
                previous = child

    def command(self, node: Node, redirects: Sequence[Redirect] = (), more: Sequence[Word] = ()) -> SimpleCommand:
        """Adds the redirections of the statement around it, so that the risk rules see them with the command."""
        words: list[Word] = []
        assignments: list[Word] = []
        found: list[Redirect] = []
        for child in node.children:
            kind = child.type
            if kind == "command_name":
                self.constructs.add("command_name")
                words.append(self.word(child.children[0] if child.child_count else child))
            elif kind == "variable_assignment" and not words:
                assignments.append(self.word(child))
            elif kind in _REDIRECTS:
                redirect, extra, _ = self.redirect(child)
                found.append(redirect)
                words += extra
            else:
                words.append(self.word(child))
        command = SimpleCommand((*words, *more), tuple(assignments), (*found, *redirects))
        self.commands.append(command)
        return command

    def redirected(self, node: Node, depth: int) -> None:
        body = node.child_by_field_name("body")
        redirects: list[Redirect] = []
        words: list[Word] = []
        trailing: list[Node] = []
        for child in node.children:
            if child.type in _REDIRECTS:
                redirect, extra, rest = self.redirect(child)
                redirects.append(redirect)
                words += extra
                for part in rest:
                    if part.type in _REDIRECTS:
                        inner, extra, _ = self.redirect(part)
                        redirects.append(inner)
                        words += extra
                    else:
                        trailing.append(part)
        self.attach(body, redirects, words, depth)
        for part in trailing:
            self.visit(part, depth + 1)

    def attach(self, body: Node | None, redirects: list[Redirect], words: list[Word], depth: int) -> None:
        """Adds a statement's redirections to its last command, as the shell does. The grammar adds those of
        `a && b > f` to the whole list."""
        if depth > _DEEPEST:
            raise RecursionError
        if body is not None and body.type in _COMMANDS:
            self.constructs.add(body.type)
            self.outline.append(self.command(body, redirects, words))
        elif body is not None and body.type in ("list", "pipeline") and body.child_count:
            self.constructs.add(body.type)
            for child in body.children[:-1]:
                self.visit(child, depth + 1)
            self.attach(body.children[-1], redirects, words, depth + 1)
        else:
            if body is not None:
                self.visit(body, depth + 1)
            self.outline += redirects
            self.commands.append(SimpleCommand(tuple(words), (), tuple(redirects)))

    def redirect(self, node: Node) -> tuple[Redirect, list[Word], list[Node]]:
        """The redirection; words that the grammar takes for further targets although the shell reads arguments
        (`2>/dev/null -delete`); and what follows a here-document on its line."""
        self.constructs.add(node.type)
        operator, target = "", None
        words: list[Word] = []
        trailing: list[Node] = []
        for child in node.children:
            kind = child.type
            if kind in ("heredoc_start", "heredoc_end"):
                continue
            if kind == "heredoc_body":
                self.note(child)
            elif kind == "file_descriptor" or (not child.is_named and not operator.endswith(("<", ">", "<<-"))):
                operator += self.text(child)
            elif not child.is_named or kind in _STATEMENTS or (kind in _REDIRECTS and node.type == "heredoc_redirect"):
                trailing.append(child)
            elif target is None and node.type != "heredoc_redirect":
                target = self.word(child)
            else:
                words.append(self.word(child))
        return Redirect(operator, target), words, trailing

    def note(self, node: Node) -> None:
        """Records the constructs and commands inside words: a substitution can hold a command."""
        stack = [node]
        while stack:
            inner = stack.pop()
            if not inner.is_named:
                continue
            self.constructs.add(inner.type)
            if inner.type == "command":
                outline, self.outline = self.outline, []
                self.visit(inner)
                self.outline = outline
            else:
                stack += inner.children

    def word(self, node: Node) -> Word:
        source = self.text(node)
        kind = node.type
        if kind == "word" or kind == "number":
            self.constructs.add(kind)
            if "\\" in source:
                return Word(_ESCAPED.sub(r"\1", source).replace("\n", ""), source, not _GLOB.search(source), False)
            return Word(source, source, node.child_count == 0 and not _GLOB.search(source), False)
        self.note(node)
        if kind == "raw_string":
            return Word(source[1:-1], source, True, True)
        if kind == "string":
            static = all(not c.is_named or c.type == "string_content" for c in node.children)
            return Word(source[1:-1].replace('\\"', '"') if static else source, source, static, True)
        if kind == "concatenation":
            parts = [self.word(child) for child in node.children]
            static = all(part.static for part in parts) and not _GLOB.search(
                "".join(p.source for p in parts if not p.quoted)
            )
            return Word(
                "".join(p.text for p in parts) if static else source, source, static, any(p.quoted for p in parts)
            )
        return Word(source, source, False, False)
