"""What a shell line consists of: words, redirections, simple commands, and the pipelines and groups around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a word. `text` is literal text with its quoting undone, or an expansion as written; `name` is that of
    a variable, `script` what a substitution runs."""

    kind: Literal["text", "variable", "command", "expansion"]
    text: str
    quoted: bool
    script: Script | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """`text` is the word with its quotes and escapes undone and its expansions as written. Where `static`, it is what
    the program receives."""

    text: str
    source: str
    static: bool
    quoted: bool
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Redirect:
    """`target` is a here-document's text where the operator begins one."""

    operator: str
    target: Word | None

    @property
    def is_heredoc(self) -> bool:
        return "<<" in self.operator and "<<<" not in self.operator


@dataclass(frozen=True, slots=True)
class SimpleCommand:
    words: tuple[Word, ...]
    assignments: tuple[Word, ...]
    redirects: Sequence[Redirect]


@dataclass(frozen=True, slots=True)
class Group:
    """A loop, a condition, a subshell, a function: whatever holds scripts. `words` are what a loop runs over, a `case`
    looks at, or a function's name."""

    kind: str
    words: Sequence[Word]
    scripts: list[Script]
    redirects: list[Redirect]


Member: TypeAlias = SimpleCommand | Group


@dataclass(frozen=True, slots=True)
class Pipeline:
    members: list[Member]
    signs: list[str]
    """What ends it, where it is more than the end of a line."""

    @property
    def background(self) -> bool:
        return "&" in self.signs


@dataclass(frozen=True, slots=True)
class Script:
    pipelines: list[Pipeline]


Piece: TypeAlias = str | SimpleCommand | Word | Redirect
"""Part of a line's outline: an operator or keyword, a simple command, a word by itself, a redirection."""


@dataclass(frozen=True, slots=True)
class Syntax:
    """`outline` is the line in order, for its template; `commands` are its simple commands in order, those inside
    substitutions after the command that holds them; `constructs` names what is more than plain words joined by
    operators. Where the line is not `whole`, everything is as far as it could be read.

    The lists are filled while the line is read, and nobody changes them afterwards."""

    outline: Sequence[Piece]
    commands: Sequence[SimpleCommand]
    script: Script
    constructs: frozenset[str]
    whole: bool
