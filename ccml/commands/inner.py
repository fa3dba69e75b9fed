"""Commands inside commands: behind wrappers, in `sh -c '…'`, in `find -exec`, in `ssh host '…'`."""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from ccml.commands.syntax import SimpleCommand, Syntax
from ccml.commands.wrappers import base_name, wrapped_at

Words: TypeAlias = tuple[str, ...]

SHELLS: Final = frozenset("sh bash zsh dash ksh fish ash csh tcsh".split())
INTERPRETERS: Final = SHELLS | frozenset(
    "python python2 python3 perl ruby node php lua osascript pwsh powershell".split()
)


def unwrapped(command: SimpleCommand) -> Words:
    """The words of the command that runs in the end: `sudo -u x nice rm y` → `rm y`."""
    words = tuple(word.text for word in command.words)
    return words[wrapped_at(words) :]


def name_of(words: Words) -> str:
    return base_name(words[0]) if words else ""


def commands_of(taken: Syntax) -> list[tuple[Words, SimpleCommand]]:
    return [(unwrapped(command), command) for command in taken.commands]


def inner_script(words: Words) -> str | None:
    """The script that a command hands to a shell, or the command that it runs on each thing it finds; None where it
    does neither."""
    program = name_of(words)
    if program in SHELLS | {"su", "script"}:
        return next((words[i + 1] for i in range(1, len(words) - 1) if re.fullmatch(r"-\w*c", words[i])), None)
    if program == "eval":
        return " ".join(words[1:])
    if program == "ssh" and len(words) > 2:
        return words[-1] if " " in words[-1] else None
    if program in ("find", "fd"):
        return next((" ".join(run) for run in run_on_found(words)), None)
    return None


def run_on_found(words: Words) -> list[Words]:
    """The commands of a `find`'s `-exec`, `-execdir` and `-ok`."""
    starts = [i for i, word in enumerate(words) if word.startswith(("-exec", "-ok", "-x"))]
    return [
        tuple(word for word in words[i + 1 :] if word not in (";", "+", "{}")) for i in starts if i + 1 < len(words)
    ]


def removes_what_it_finds(words: Words) -> bool:
    if "-delete" in words:
        return True
    for run in run_on_found(words):
        run = run[wrapped_at(run) :]
        if name_of(run) in ("rm", "shred", "unlink", "dd", "truncate"):
            return True
        if name_of(run) in SHELLS and any(re.search(r"\brm\b", word) for word in run):
            return True
    return False
