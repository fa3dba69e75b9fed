"""The commands among the words of a command: behind `sudo`, `docker exec`, `find -exec`, in a makefile's recipes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ccml.commands.programs import FAMILY, WITH_SUBCOMMANDS
from ccml.commands.words import Call
from ccml.commands.wrappers import CARRIERS, TEXT_CARRIERS, WRAPPERS, Wrapper, base_name, command_at

_UNMISTAKABLE: Final = frozenset("rm shred mkfs wipefs dropdb unlink".split())
"""Programs whose name behind a program that no table knows is hardly anything else."""
_RUNS_THINGS: Final = frozenset("ssh run exec shell sh command console cmd exec-env exec-file spawn start".split())
"""Sub-commands behind which stands what a shell reads."""
_RUNS_ON_EACH: Final = frozenset("-exec -execdir -ok -okdir -x -X --exec --exec-batch".split())


@dataclass(frozen=True)
class Run(Call):
    """`many`: it runs once for each of many things (a loop, `xargs`, `find -exec`). `output` is what it is known to
    write."""

    redirects: tuple[tuple[str, str], ...] = ()
    many: bool = False
    output: str | None = None
    reads: tuple[str, ...] = ()
    """Names of files that commands before it in the pipeline may read."""


def commands_inside(run: Run) -> list[tuple[int, int, bool]]:
    """Where commands begin and end among the words of a command, and whether they run many times."""
    words, program = run.words, run.program
    if program in ("find", "gfind", "fd", "fdfind"):
        starts = [place + 1 for place, word in enumerate(words) if word in _RUNS_ON_EACH][:8]
        return [(at, _end_of_each(words, at), True) for at in starts]
    if program == "parallel" and run.has("--dry-run", "--dryrun"):
        return []
    name, wrapper = _wrapper(run)
    if program == "command" and run.has("-v", "-V"):
        return []
    if wrapper is None:
        at = _behind_dashes(run) or _unmistakable(run)
        return [(at, len(words), False)] if 0 < at < len(words) else []
    at = command_at(words, len(name.split()) + _skipped(run, name), wrapper, program)
    if at < len(words) and words[at].startswith("-") and wrapper.operands:
        at -= 1  # an option stood for the operand: `podman exec --latest rm`
    if "--" in words and name in CARRIERS:
        at = max(at, words.index("--") + 1) if wrapper.operands else words.index("--") + 1
    if at >= len(words) or words[at] == ":::":
        return []
    return [(at, len(words), program in ("xargs", "gxargs", "parallel", "watch", "entr"))]


def _behind_dashes(run: Run) -> int:
    """Where the command begins that stands behind `--`, where a sub-command runs things; 0 where none does."""
    words = run.words
    known = run.program in WITH_SUBCOMMANDS and run.program not in ("gcloud", "vagrant")
    before = words[1 : words.index("--")] if "--" in words else ()
    if known or _RUNS_THINGS.isdisjoint(before):
        return 0
    at = words.index("--") + 1
    while at < len(words) and words[at].startswith("-"):
        at += 1
    return at


def _unmistakable(run: Run) -> int:
    """Where a removal begins among the words of a program that no table knows; 0 where none does."""
    known = run.program in FAMILY or run.program in WITH_SUBCOMMANDS
    if known and FAMILY.get(run.program) != "containers":
        return 0
    words = run.words[:20]
    first = 2 if known else 1
    places = (place for place in range(first, len(words) - 1) if base_name(words[place]) in _UNMISTAKABLE)
    return next((place for place in places if words[place + 1].startswith(("-", "/", "~"))), 0)


def _end_of_each(words: tuple[str, ...], at: int) -> int:
    """The command that `find -exec` runs ends at `;` or `+`."""
    return next((place for place in range(at, len(words)) if words[place] in (";", "+")), len(words))


def _wrapper(run: Run) -> tuple[str, Wrapper | None]:
    if run.program in WRAPPERS:
        return run.program, WRAPPERS[run.program]
    for count in (2, 1, 0):
        name = " ".join((run.program, *run.verbs[:count]))
        if name in CARRIERS:
            return name, CARRIERS[name]
    return "", None


def _skipped(run: Run, name: str) -> int:
    """How many words stand between the program and its sub-command: its global options and their values."""
    parts = name.split()
    if len(parts) == 1:
        return 0
    for place in range(1, min(len(run.words), 12)):
        if run.words[place] == parts[-1]:
            return place - len(parts) + 1
    return 0


def texts_inside(run: Run) -> list[str]:
    """What the command hands to a shell as one text: `ssh host df -h`, `eval "$x"`."""
    for count in (2, 1, 0):
        name = " ".join((run.program, *run.verbs[:count]))
        if name in TEXT_CARRIERS:
            at = command_at(run.words, count + 1 + _skipped(run, name), TEXT_CARRIERS[name])
            if at < len(run.words):
                return [" ".join(run.words[at:])] if run.program != "concurrently" else list(run.words[at:])
    if run.program == "parallel" and ":::" in run.words and not commands_inside(run):
        return list(run.words[run.words.index(":::") + 1 :])
    if run.program not in FAMILY and run.program not in WITH_SUBCOMMANDS and _RUNS_THINGS & set(run.verbs[:3]):
        return [word for word in run.words[2:] if " " in word][:8]
    return []


def recipes(text: str) -> list[str]:
    """The command lines of a makefile or a crontab."""
    lines = []
    for line in text.split("\n")[:200]:
        if line.startswith("\t"):
            lines.append(line.strip().lstrip("@-"))
        fields = line.split(None, 5)
        if len(fields) == 6 and set(fields[0]) <= set("0123456789*/,-"):
            lines.append(fields[5])
        elif line.startswith("@"):
            lines.append(line.partition(" ")[2])
    return lines
