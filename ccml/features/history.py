"""The session so far as numbers: a fitted vocabulary of commands with outcomes. Numpy only: the server imports it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ccml.errors import IntegrityError

PAD, UNKNOWN = "<pad>", "<unknown>"
PROGRAM = "program:"
"""Prefix of the entries that stand for any rarer command line of a program."""

OUTCOME_UNKNOWN, OUTCOME_OK, OUTCOME_FAILED = 0, 1, 2


def outcome_code(succeeded: bool | None) -> int:
    """0 unknown (also padding), 1 ok, 2 failed."""
    if succeeded is None:
        return OUTCOME_UNKNOWN
    return OUTCOME_OK if succeeded else OUTCOME_FAILED


@dataclass(frozen=True)
class HistoryVocabulary:
    """Tokens by id: padding (0), unknown (1), then frequent templates, then programs."""

    tokens: tuple[str, ...]

    @classmethod
    def fit(cls, commands: Iterable[tuple[str, str]], min_count: int) -> HistoryVocabulary:
        """
        Args:
            commands: (template, program) of each TRAINING command, with repetitions.
            min_count: a template, or a program, seen less often gets no id of its own.
        """
        templates: Counter[str] = Counter()
        programs: Counter[str] = Counter()
        for template, program in commands:
            templates[template] += 1
            programs[program] += 1
        kept = [t for t, n in sorted(templates.items(), key=_most_frequent_first) if n >= min_count and t]
        kept += [PROGRAM + p for p, n in sorted(programs.items(), key=_most_frequent_first) if n >= min_count and p]
        return cls(tuple(dict.fromkeys((PAD, UNKNOWN, *kept))))

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {token: number for number, token in enumerate(self.tokens)}

    def id_of(self, template: str, program: str) -> int:
        """The template's id, else the program's, else unknown."""
        exact = self._ids.get(template)
        return exact if exact is not None else self._ids.get(PROGRAM + program, 1)

    def encode(
        self, commands: Sequence[tuple[str, str]], outcomes: Sequence[bool | None], length: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The newest `length` commands, right-aligned (newest last): ids (K,) and outcome codes (K,)."""
        templates, programs = [template for template, _ in commands], [program for _, program in commands]
        ids, codes = self.encode_rows([templates], [programs], [[outcome_code(o) for o in outcomes]], length)
        return ids[0], codes[0]

    def encode_rows(
        self,
        templates: Iterable[Sequence[str]],
        programs: Iterable[Sequence[str]],
        outcomes: Iterable[Sequence[int]],
        length: int,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Columns `history_templates`, `history_programs`, `history_outcomes` → ids (N, K), outcome codes (N, K)."""
        rows = list(zip(templates, programs, outcomes, strict=True))
        ids = np.zeros((len(rows), length), np.int64)
        codes = np.zeros((len(rows), length), np.int64)
        for row, (row_templates, row_programs, row_outcomes) in enumerate(rows):
            count = len(row_templates)
            if not count == len(row_programs) == len(row_outcomes):
                raise ValueError(
                    f"row {row}: {count} templates, {len(row_programs)} programs, {len(row_outcomes)} outcomes"
                )
            for back in range(1, min(count, length) + 1):
                ids[row, length - back] = self.id_of(row_templates[count - back], row_programs[count - back])
                codes[row, length - back] = row_outcomes[count - back]
        return ids, codes

    def to_json(self) -> dict[str, Any]:
        return {"tokens": list(self.tokens)}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> HistoryVocabulary:
        """
        Raises:
            IntegrityError: padding and unknown are not where every encoder puts them, or a token occurs twice.
        """
        tokens = tuple(stored["tokens"])
        if tokens[:2] != (PAD, UNKNOWN) or len(set(tokens)) != len(tokens):
            raise IntegrityError(
                "The stored history vocabulary does not begin with padding and unknown, or repeats a token."
            )
        return cls(tokens)


def _most_frequent_first(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]
