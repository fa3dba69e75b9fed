"""What a task is: an intent, the ways to ask for it, and the command lines that do it.

In a phrase `{file}` is a slot and `<find>` a set of synonyms (`wording.SYNONYMS`). In a command line `{file}` is the
same slot as the phrase's, so what was asked for is what runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Style: TypeAlias = Literal["classic", "modern"]
Project: TypeAlias = Literal["python", "node", "rust", "server", "home"]
Condition: TypeAlias = Literal["memory", "cpu", "disk", "failed", "staged", "branch"]
"""Scarce memory, a hot CPU, a nearly full disk; the last test run failed; something is staged; a branch is new."""

Cost: TypeAlias = Literal["light", "medium", "heavy"]


@dataclass(frozen=True)
class Variant:
    """One command line that does the task. A tag left empty fits everybody and everywhere."""

    line: str
    weight: float = 1.0
    style: Style | None = None
    project: tuple[Project, ...] = ()
    platform: str = ""
    habit: str = ""
    """Value one of the user's habits must have: an editor, a packer, or "aliases"."""
    when: Condition | None = None


@dataclass(frozen=True)
class Task:
    name: str
    intent: str
    phrases: tuple[str, ...]
    variants: tuple[Variant, ...]
    cost: Cost = "light"
    reliability: float = 0.95
    """Probability that the right command, run by a calm expert on an idle machine, succeeds."""
    vague: bool = True
    """Whether the intent's vague phrases ("have a look at the repo") may stand for this task."""

    @property
    def orders(self) -> tuple[str, ...]:
        """The phrases that order something, and so can stand after "before i"."""
        return tuple(phrase for phrase in self.phrases if phrase.startswith("<") and not phrase.startswith("<where>"))
