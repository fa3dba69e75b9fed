"""Programs that run another: `sudo`, `env`, `timeout 10`, `xargs -n 1`. A line's program is the one that they run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

WRAPPERS: Final[dict[str, frozenset[str]]] = {
    "sudo": frozenset("-u --user -g --group -h --host -p --prompt -C -r -t -U -D -R -T".split()),
    "doas": frozenset({"-u", "-C"}),
    "env": frozenset({"-u", "--unset", "-C", "--chdir"}),
    "time": frozenset({"-f", "-o", "--format", "--output"}),
    "nohup": frozenset(),
    "nice": frozenset({"-n", "--adjustment"}),
    "ionice": frozenset({"-c", "-n", "-p"}),
    "chrt": frozenset(),
    "taskset": frozenset({"-c"}),
    "timeout": frozenset({"-k", "-s", "--kill-after", "--signal"}),
    "stdbuf": frozenset({"-i", "-o", "-e"}),
    "xargs": frozenset("-I -n -P -L -d -s -a -E --max-args --max-procs --delimiter".split()),
    "parallel": frozenset({"-j", "--jobs", "-I", "-n"}),
    "watch": frozenset({"-n", "--interval"}),
    "exec": frozenset({"-a"}),
    "command": frozenset(),
    "builtin": frozenset(),
    "setsid": frozenset(),
    "caffeinate": frozenset({"-t", "-w"}),
    "proxychains": frozenset({"-f"}),
    "strace": frozenset({"-e", "-o", "-p", "-s"}),
    "unbuffer": frozenset(),
    "busybox": frozenset(),
    "chroot": frozenset(),
}
"""Wrapper → its options that take a value: the command begins after the value."""

_WITH_OPERAND: Final = frozenset({"timeout", "chrt", "taskset", "chroot"})
"""Their first plain word is no command: `timeout 10 ls`."""

_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)


def base_name(program: str) -> str:
    """`/usr/bin/rm` → `rm`; a leading backslash, which only turns an alias off, is removed too."""
    return program.rpartition("/")[2].lstrip("\\")


def wrapped_at(words: Sequence[str]) -> int:
    """Where the wrapped command begins; 0 without a wrapper, `len(words)` where a wrapper wraps nothing."""
    at = 0
    while at < len(words) and base_name(words[at]) in WRAPPERS:
        wrapper = base_name(words[at])
        operand = wrapper in _WITH_OPERAND
        at += 1
        while at < len(words):
            word = words[at]
            if word.startswith("-") and len(word) > 1:
                at += 2 if word in WRAPPERS[wrapper] else 1
            elif _ASSIGNMENT.fullmatch(word) and wrapper in ("env", "sudo", "doas"):
                at += 1
            elif operand:
                operand = False
                at += 1
            else:
                break
    return min(at, len(words))
