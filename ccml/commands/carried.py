"""The commands among the words of a command: behind `sudo`, `docker exec`, `find -exec`, in a makefile's recipes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ccml.commands.words import Call
from ccml.commands.wrappers import CARRIERS, TEXT_CARRIERS, WRAPPERS, Wrapper, command_at

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


def commands_inside(run: Run) -> list[tuple[int, bool]]:
    """Where commands begin among the words of a command, and whether they run many times."""
    words, program = run.words, run.program
    if program in ("find", "gfind", "fd", "fdfind"):
        return [(place + 1, True) for place, word in enumerate(words) if word in _RUNS_ON_EACH][:8]
    name, wrapper = _wrapper(run)
    if wrapper is None or (program == "command" and run.has("-v", "-V")):
        return []
    at = command_at(words, len(name.split()) + _skipped(run, name), wrapper, program)
    if "--" in words and name in CARRIERS:
        at = max(at, words.index("--") + 1) if wrapper.operands else words.index("--") + 1
    if at >= len(words) or words[at] == ":::":
        return []
    return [(at, program in ("xargs", "gxargs", "parallel", "watch", "entr"))]


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
