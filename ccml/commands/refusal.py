"""What is never emitted, whatever was asked: remote code into a shell, disk devices, `rm` of `/`, fork bombs.

That nothing harmful counts as `safe` does not depend on these rules (see `risk`).
"""

from __future__ import annotations

import re
from typing import Final

from ccml.commands import code, windows
from ccml.commands.carried import Run
from ccml.commands.handed import SHELLS
from ccml.commands.reading import Reading

_WRITERS: Final = frozenset("dd tee shred wipe truncate wipefs badblocks blkdiscard sfdisk mkswap mke2fs".split())
_WRITES_WITH: Final = {"wipefs": ("-a", "--all", "-o", "--offset"), "badblocks": ("-w", "-n")}
"""Without one of these options they only read the disk."""
_DISK: Final = re.compile(r"/dev/(?:sd|hd|vd|xvd|nvme|mmcblk|disk|rdisk|mapper/|md|loop|mem|kmem|port)\w*.*")
_ROOT: Final = re.compile(
    r"(?:/|~|\$\{?HOME\}?)(?:/|/\*|/\.|/\.\*|\*)?/{0,3}|//+.*|/\./.*"
    r"|/(?:home|root|etc|usr|var|bin|boot|lib|lib64|sbin|opt|Users|System)/?\*?|[A-Za-z]:[\\/]?\*?"
)
_REMOVERS: Final = frozenset("rm rmdir unlink shred srm rimraf del rd remove-item ri".split())
_SOCKET: Final = re.compile(r"/dev/(?:tcp|udp)/.+")


def refusal_of(reading: Reading, line: str, *, whole: bool) -> str | None:
    """The rule by which the line is never emitted; None where none applies."""
    if reading.refusals:
        return reading.refusals[0]
    in_root = False
    for run in reading.runs:
        reason = _reason(run, in_root)
        if reason is not None:
            return reason
        if run.program == "cd":
            in_root = run.words[1:] in ((), ("/",), ("~",), ("$HOME",), ("${HOME}",))
    for each in reading.codes:
        reason = code.refuses(each)
        if reason is not None:
            return reason
    powershell = windows.is_for_windows(line) or (not whole and windows.looks_like_powershell(line))
    if powershell and windows.destroys_text(line) == "remote_code":
        return "remote_code"
    return None


def _reason(run: Run, in_root: bool) -> str | None:
    if any(">" in operator and _DISK.fullmatch(target) for operator, target in run.redirects) or _writes_disk(run):
        return "disk_device"
    if _opens_connection(run):
        return "reverse_shell"
    return "removes_root" if _removes_root(run, in_root) else None


def _writes_disk(run: Run) -> bool:
    if run.program == "dd":
        outputs = [word.removeprefix("of=") for word in run.words[1:] if word.startswith("of=")]
    elif run.program in _WRITERS or run.program.startswith("mkfs"):
        if run.has("-n", "--no-act", "-l", "--list", "-d", "--dump") and run.program in ("wipefs", "sfdisk"):
            return False
        if run.program in _WRITES_WITH and not run.has(*_WRITES_WITH[run.program]):
            return False
        outputs = list(run.words[1:])
    elif run.program in ("cp", "mv", "pv"):
        outputs = list(run.words[-1:])
    else:
        return False
    return any(_DISK.fullmatch(word) for word in outputs)


def _opens_connection(run: Run) -> bool:
    """A shell whose input and output are another machine's."""
    connected = any(_SOCKET.fullmatch(target) for _, target in run.redirects)
    if connected and (run.program in SHELLS or run.program == "exec" or not run.words):
        return run.program != "exec" or len(run.words) >= 1
    if run.program in ("nc", "ncat", "netcat"):
        return run.has("-e", "-c", "--exec", "--sh-exec") and any(
            re.search(r"(?:sh|cmd(?:\.exe)?)$", w) for w in run.words
        )
    return run.program == "socat" and any(re.match(r"(?i)(?:exec|system):", word) for word in run.words)


def _removes_root(run: Run, in_root: bool) -> bool:
    program = run.program.lower()
    operands = [word for word in run.words[1:] if not word.startswith("-")]
    if program in _REMOVERS:
        if "--no-preserve-root" in run.words or any(_ROOT.fullmatch(word) for word in operands):
            return True
        return in_root and any(word in (".", "*", "./*", "./", ".*") for word in operands)
    if program == "find" and ("-delete" in run.words or _removes_what_it_finds(run)):
        return "-name" not in run.words and any(_ROOT.fullmatch(word) for word in operands[:1])
    if program in ("chmod", "chown"):
        return run.has("-R", "--recursive") and any(_ROOT.fullmatch(word) for word in operands[1:])
    return program == "mv" and any(_ROOT.fullmatch(word) for word in operands[:-1])


def _removes_what_it_finds(run: Run) -> bool:
    starts = [place + 1 for place, word in enumerate(run.words) if word.startswith(("-exec", "-ok"))]
    return any(run.words[place : place + 1] in (("rm",), ("shred",), ("unlink",)) for place in starts)
