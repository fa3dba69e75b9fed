"""From a task to the command line this user would type: here, now, on this machine, after what happened before."""

from __future__ import annotations

import re
import string
from bisect import bisect
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np

from ccml_simulator.machines import MachineState
from ccml_simulator.people import User
from ccml_simulator.places import Place
from ccml_simulator.requests import slots_of
from ccml_simulator.tasks import Condition, Task, Variant

_SLOT = re.compile(r"\{(\w+)\}")
_QUOTED = {"pattern", "message", "glob"}
_FREE_SLOTS = {"n", "folder", "message", "archive", "branch", "word", "new_word", "other", "target_folder"}
"""Slots a line may have although the request did not name them."""
_LETTERS = string.ascii_letters + string.digits


@dataclass
class Recollection:
    """What earlier turns of the session left behind and later commands depend on."""

    file: str | None = None
    staged: bool = False
    branch: str | None = None
    failed: bool = False
    """The last test run failed."""
    line: str = ""
    slots: dict[str, str] = field(default_factory=dict)

    def holds(self, condition: Condition, state: MachineState) -> bool:
        return {
            "memory": state.memory_percent > 75.0,
            "cpu": state.cpu_percent > 70.0,
            "disk": state.disk_percent > 82.0,
            "failed": self.failed,
            "staged": self.staged,
            "branch": self.branch is not None,
        }[condition]

    def after(self, task: Task, line: str, slots: dict[str, str], succeeded: bool) -> None:
        self.line, self.slots = line, slots
        self.file = slots.get("file", self.file)
        if task.name == "git_add":
            self.staged = succeeded
        elif task.name in ("git_commit", "git_undo"):
            self.staged = False
        elif task.name == "git_branch" and succeeded:
            self.branch = slots["branch"]
        elif task.name == "git_push" and succeeded:
            self.branch = None
        if task.name in ("test_all", "test_one"):
            self.failed = not succeeded


def choose_variant(
    task: Task,
    named: set[str] | None,
    user: User,
    place: Place,
    recollection: Recollection,
    state: MachineState,
    rng: np.random.Generator,
) -> Variant:
    """A command line that fits the place, machine and moment, by the user's style and taste.

    `named`: the slots the request names, None for a vague one. A line without what was named, or with what was not, is
    seldom what was meant.
    """
    weights = []
    for k, variant in enumerate(task.variants):
        weight = _weight(variant, place, user, recollection, state) * user.variant_taste[f"{task.name}:{k}"]
        if named is not None:
            used = {"archive" if slot == "zip" else slot for slot in slots_of(variant.line)}
            weight *= 0.1 ** len(named - used) * 0.25 ** len(used - named - _FREE_SLOTS)
        weights.append(weight**2)
    cumulative = list(accumulate(weights))
    return task.variants[min(bisect(cumulative, rng.random() * cumulative[-1]), len(weights) - 1)]


def _weight(variant: Variant, place: Place, user: User, recollection: Recollection, state: MachineState) -> float:
    if variant.project and place.kind not in variant.project:
        return 0.0
    if variant.platform and variant.platform != user.platform:
        return 0.0
    if variant.when and not recollection.holds(variant.when, state):
        return 0.0
    weight = variant.weight
    if variant.style and variant.style != user.style:
        weight *= 0.05
    if variant.habit and variant.habit not in user.habits:
        weight *= 0.0 if variant.habit == "aliases" else 0.05
    return weight


def choose_slots(
    phrase: str, line: str, place: Place, recollection: Recollection, rng: np.random.Generator
) -> dict[str, str]:
    """A value for every slot of the phrase and the line; the file just worked on is likelier than another."""
    slots: dict[str, str] = {}
    for name in (*slots_of(phrase), *slots_of(line)):
        if name in slots:
            continue
        if name == "file" and recollection.file in place.things["file"] and rng.random() < 0.5:
            slots[name] = str(recollection.file)
        elif name == "branch" and recollection.branch is not None:
            slots[name] = recollection.branch
        elif name == "zip":
            slots[name] = ""
        else:
            things = place.things[name]
            slots[name] = things[int(rng.integers(0, len(things)))]
    if "zip" in slots:
        archive = slots.setdefault("archive", "backup.tar.gz")
        slots["zip"] = archive.removesuffix(".tar.gz") + ".zip"
    if slots.get("file") is not None and slots.get("other") == slots["file"]:
        others = [name for name in place.things["file"] if name != slots["file"]]
        slots["other"] = others[int(rng.integers(0, len(others)))]
    return slots


def fill(line: str, slots: dict[str, str]) -> str:
    """The command line with its slots written as a shell needs them."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        text = slots[name]
        return f'"{text}"' if name in _QUOTED and not (name == "pattern" and text.isidentifier()) else text

    return _SLOT.sub(value, line)


def with_secret(line: str, user: User, rng: np.random.Generator) -> str:
    """The line as careless people type it, with a made-up credential or address in it.

    Every secret is assembled here from random characters: well-formed enough for a scanner, valid nowhere.
    """

    def token(length: int) -> str:
        return "".join(_LETTERS[i] for i in rng.integers(0, len(_LETTERS), length))

    kind = int(rng.integers(1, 5))
    if line.split(" ", 1)[0] in ("curl", "http", "wget"):
        return f'{line} -H "Authorization: Bearer {"gh" + "p_"}{token(36)}"'
    if kind == 1:
        return f"export AWS_SECRET_ACCESS_KEY={token(40)}"
    if kind == 2:
        return f"git clone https://{user.name}:{'gl' + 'pat-'}{token(20)}@git.example.com/{user.name}/private.git"
    if kind == 3:
        return f"mysql -u {user.name} --password={token(14)} -e 'show tables'"
    return f'git config --global user.email "{user.name}@example.com"'
