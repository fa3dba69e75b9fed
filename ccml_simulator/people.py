"""The simulated users: who they are, what they prefer, how they talk, and how their mood goes up and down.

Each user is drawn from a generator of their own, seeded with the simulation's seed and the user's number, so adding a
user changes nobody else.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

import numpy as np

from ccml_simulator.places import Place, make_place
from ccml_simulator.plans import GOALS, ROLES, TASKS, Goal
from ccml_simulator.tasks import Project, Style
from ccml_simulator.wording import NEW_SYNONYMS, SYNONYMS

_NAMES = (
    "ada",
    "ben",
    "chloe",
    "dmitri",
    "elena",
    "farid",
    "grace",
    "hugo",
    "ines",
    "jun",
    "kofi",
    "lena",
    "marco",
    "nadia",
    "oscar",
    "priya",
    "quentin",
    "rosa",
    "sven",
    "tara",
    "umar",
    "vera",
    "wei",
    "xenia",
    "yusuf",
    "zoe",
)

_ROLE_PLACES: dict[str, tuple[Project, ...]] = {
    "developer": ("python", "python", "node", "rust", "server"),
    "operator": ("server", "server", "python", "home"),
    "analyst": ("python", "home", "python", "server"),
    "writer": ("home", "home", "python"),
}


class Choices:
    """Weighted choice from a fixed list; one draw costs a bisection."""

    __slots__ = ("_cumulative", "_total", "items")

    def __init__(self, items: Sequence[str], weights: Sequence[float]) -> None:
        self.items = tuple(items)
        self._cumulative = tuple(accumulate(weights))
        self._total = self._cumulative[-1]

    def draw(self, rng: np.random.Generator) -> str:
        return self.items[min(bisect(self._cumulative, rng.random() * self._total), len(self.items) - 1)]


@dataclass(frozen=True)
class Idiolect:
    """How one user words things."""

    synonyms: dict[str, Choices]
    new_synonyms: dict[str, Choices]
    phrases: dict[str, Choices]
    """By task name."""
    polite: float
    """Probability of an opening or closing phrase."""
    vague: float
    """Probability of leaving it at "test it", where the intent has such phrases."""
    elliptical: float
    """Probability of "again" where a command is simply repeated."""
    typos: float
    """Probability that a word is mistyped."""
    capitals: float
    clauses: float
    """Probability of opening with what came before: "the tests are done, …"."""
    asides: float
    """Probability of mentioning something else that is not asked for: "… before i push it"."""


@dataclass(frozen=True)
class User:
    index: int
    name: str
    role: str
    host: str
    host_index: int
    platform: str
    style: Style
    habits: frozenset[str]
    """An editor, a packer, and "aliases" for those who have some."""
    expertise: float
    patience: float
    idiolect: Idiolect
    variant_taste: dict[str, float] = field(repr=False)
    """`<task>:<variant index>` → factor on the weight of that command line."""
    places: tuple[Place, ...]
    goals: tuple[Goal, ...]
    goal_weights: Choices
    steadiness: float
    activity: float
    wakes: float
    """Usual first hour at work, UTC."""

    def changed(self) -> User:
        """The same person after the drift `habits`: other style, editor and packer, goals liked in reverse order."""
        swaps = {"vim": "code", "nvim": "code", "nano": "nvim", "code": "vim", "tar": "zip", "zip": "tar"}
        names = self.goal_weights.items[::-1]
        return replace(
            self,
            style="classic" if self.style == "modern" else "modern",
            habits=frozenset(swaps.get(habit, habit) for habit in self.habits),
            goal_weights=Choices(names, [1.0 / (rank + 1) for rank in range(len(names))]),
            idiolect=replace(self.idiolect, vague=min(0.6, 2.0 * self.idiolect.vague)),
        )


def make_users(seed: int, count: int) -> list[User]:
    return [_make_user(seed, index) for index in range(count)]


def _make_user(seed: int, index: int) -> User:
    rng = np.random.default_rng([seed, index])
    name = _NAMES[index % len(_NAMES)] + (str(index // len(_NAMES) + 1) if index >= len(_NAMES) else "")
    role = ROLES[int(rng.choice(4, p=[0.42, 0.25, 0.18, 0.15]))]
    platform = "macos" if rng.random() < 0.3 else "linux"
    home = f"/Users/{name}" if platform == "macos" else f"/home/{name}"
    kinds = _ROLE_PLACES[role]
    kinds_here = [kinds[int(rng.integers(0, len(kinds)))] for _ in range(int(rng.integers(1, 4)))]
    places = tuple(make_place(kind, home, index + k, rng) for k, kind in enumerate(dict.fromkeys(kinds_here)))
    goals = tuple(g for g in GOALS if role in g.roles and any(p.kind in g.places for p in places))
    if not goals:
        goals = tuple(g for g in GOALS if any(p.kind in g.places for p in places))
    editors = ["vim", "nano", "code", "nvim"]
    style: Style = "modern" if rng.random() < 0.3 else "classic"
    habits = {
        editors[int(rng.choice(4, p=[0.05, 0.05, 0.6, 0.3] if style == "modern" else [0.6, 0.2, 0.15, 0.05]))],
        "tar" if rng.random() < 0.72 else "zip",
    }
    if rng.random() < 0.25:
        habits.add("aliases")
    return User(
        index=index,
        name=name,
        role=role,
        # Two users in five share one of the big machines; the rest have their own.
        host=f"shared-{index % 4}" if rng.random() < 0.4 else f"{name}-laptop",
        host_index=index,
        platform=platform,
        style=style,
        habits=frozenset(habits),
        expertise=float(rng.beta(2.2, 1.8)),
        patience=float(rng.beta(2.2, 2.0)),
        idiolect=_make_idiolect(rng),
        variant_taste={
            f"{task.name}:{k}": float(np.exp(rng.normal(0.0, 0.4)))
            for task in TASKS.values()
            for k in range(len(task.variants))
        },
        places=places,
        goals=goals,
        goal_weights=Choices([g.name for g in goals], [float(w) for w in rng.gamma(0.9, 1.0, len(goals)) + 0.05]),
        steadiness=float(rng.uniform(0.84, 0.96)),
        activity=float(np.exp(rng.normal(0.0, 0.45))),
        wakes=float(rng.normal(8.5, 1.5)),
    )


def _favourites(items: Sequence[str], rng: np.random.Generator, shape: float, zipf: float) -> Choices:
    """Common items first, bent by personal taste: the smaller `shape`, the fewer favourites a person has."""
    taste = rng.gamma(shape, 1.0, len(items)) + 0.002
    return Choices(items, [float(t) / (rank + 1) ** zipf for rank, t in enumerate(taste)])


def _make_idiolect(rng: np.random.Generator) -> Idiolect:
    return Idiolect(
        synonyms={name: _favourites(words, rng, 0.4, 0.5) for name, words in SYNONYMS.items()},
        new_synonyms={name: _favourites(words, rng, 0.8, 0.2) for name, words in NEW_SYNONYMS.items()},
        phrases={task.name: _favourites(task.phrases, rng, 0.45, 0.25) for task in TASKS.values()},
        polite=float(rng.beta(1.5, 3.0)),
        vague=float(rng.beta(2.0, 14.0)),
        elliptical=float(rng.uniform(0.15, 0.7)),
        typos=float(rng.beta(1.2, 30.0)),
        capitals=float(rng.choice([0.0, 0.1, 0.95])),
        clauses=float(rng.beta(1.5, 9.0)),
        asides=float(rng.beta(3.0, 3.8)),
    )
