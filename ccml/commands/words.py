"""The words of a command as the rules look at them: program, verbs, options."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

from ccml.commands.programs import GLOBAL_VALUES
from ccml.commands.wrappers import base_name

Words: TypeAlias = tuple[str, ...]

_CLUSTER: Final = re.compile(r"-[A-Za-z0-9]{2,12}")
_NO_VALUES: Final[dict[str, str]] = {}


def name_of(words: Words) -> str:
    """The program's name, without its folder and a Windows suffix."""
    return base_name(words[0]).removesuffix(".exe") if words else ""


@dataclass(frozen=True)
class Call:
    """One command that a line runs."""

    words: Words

    @cached_property
    def program(self) -> str:
        name = name_of(self.words)
        return name.partition("@")[0] or name  # `npx rimraf@5`

    @cached_property
    def verbs(self) -> Words:
        """The plain words behind the program and its global options: sub-commands first, then operands."""
        values = GLOBAL_VALUES.get(self.program, _NO_VALUES)
        plain: list[str] = []
        skip = False
        for place, word in enumerate(self.words[1:], 1):
            if skip:
                skip = False
            elif word == "--":
                return (*plain, *self.words[place + 1 :])
            elif word.startswith(("-", "+")) and len(word) > 1:
                skip = word in values
            else:
                plain.append(word)
                values = GLOBAL_VALUES.get(f"{self.program} {word}", _NO_VALUES) if len(plain) == 1 else _NO_VALUES
        return tuple(plain)

    @cached_property
    def options(self) -> frozenset[str]:
        """The options: without their values, clusters also letter by letter."""
        found: set[str] = set()
        for word in self.words[1:]:
            if word == "--":
                found.add(word)
                break
            if word.startswith("-") and len(word) > 1:
                name = word.partition("=")[0]
                found.add(name)
                if _CLUSTER.fullmatch(name):
                    found.update(f"-{letter}" for letter in name[1:])
        return frozenset(found)

    def has(self, *options: str) -> bool:
        return not self.options.isdisjoint(options)

    def has_any(self, options: Collection[str]) -> bool:
        """One of the options, or the beginning of a long one: most programs take `--forc` for `--force`."""
        if not self.options.isdisjoint(options):
            return True
        short = [option for option in self.options if option.startswith("--") and len(option) > 4]
        return any(long.startswith(option) for option in short for long in options)
