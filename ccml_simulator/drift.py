"""What changes in the simulated world, and from which day on. Before that day not one byte differs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias, get_args

from ccml.errors import InputError

DriftKind: TypeAlias = Literal["wording", "commands", "habits", "broken_tool", "slower_machine"]

DRIFT_KINDS: tuple[DriftKind, ...] = get_args(DriftKind)


@dataclass(frozen=True)
class Drift:
    """`wording`: new synonyms; `commands`: new tools take over; `habits`: people swap styles, editors and goals;
    `broken_tool`: one program fails nearly always; `slower_machine`: every machine is hotter and 2.5 times slower.

    Raises:
        InputError: a kind that does not exist, or none.
    """

    kinds: tuple[DriftKind, ...]
    day: date
    broken_program: str = "docker"

    def __post_init__(self) -> None:
        unknown = sorted(set(self.kinds) - set(DRIFT_KINDS))
        if unknown or not self.kinds:
            named = ", ".join(unknown) or "nothing"
            raise InputError(f"The drift names {named}; expected one or more of {', '.join(DRIFT_KINDS)}.")

    def active(self, kind: DriftKind, on: date) -> bool:
        return kind in self.kinds and on >= self.day


REPLACED_COMMANDS: tuple[tuple[str, str], ...] = (
    ("sudo apt install ", "sudo dnf install "),
    ("sudo apt update && sudo apt upgrade", "sudo dnf upgrade"),
    ("apt list --upgradable", "dnf check-update"),
    ("pip install -r requirements.txt", "uv sync"),
    ("pip install -e .", "uv sync --all-extras"),
    ("pip install ", "uv add "),
    ("pip list --outdated", "uv tree --outdated"),
    ("uv build", "hatch build"),
    ("npm run ", "pnpm run "),
    ("npm test", "pnpm test"),
    ("npm ci", "pnpm install --frozen-lockfile"),
    ("npm install", "pnpm add"),
    ("npm start", "pnpm start"),
    ("npm outdated", "pnpm outdated"),
    ("docker compose ", "podman-compose "),
    ("docker ", "podman "),
    ("git checkout -b ", "jj new -m "),
    ("git status", "jj status"),
    ("git diff", "jj diff"),
    ("git commit -am ", "jj commit -m "),
    ("git commit -m ", "jj commit -m "),
    ("git log ", "jj log "),
    ("git push", "jj git push"),
)
"""From the day on which the drift `commands` sets in, a line that begins with the left is typed as the right."""


def renamed(line: str) -> str:
    """The line as it is typed after the tools have changed."""
    for before, after in REPLACED_COMMANDS:
        if line.startswith(before):
            return after + line[len(before) :]
    return line
