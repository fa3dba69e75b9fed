"""What is never emitted, whatever was asked: remote code into a shell, disk devices, `rm` of `/`, fork bombs.

That nothing harmful counts as `safe` does not depend on these rules (see `risk`). Four of them look at the raw line,
for lines that cannot be parsed.
"""

from __future__ import annotations

import re
from typing import Final

from ccml.commands.inner import (
    INTERPRETERS,
    SHELLS,
    Words,
    commands_of,
    inner_script,
    name_of,
    removes_what_it_finds,
    unwrapped,
)
from ccml.commands.syntax import SimpleCommand, Syntax, syntax
from ccml.commands.wrappers import base_name

_DEEPEST: Final = 3
_FETCHERS: Final = frozenset("curl wget fetch aria2c http xh nc ncat netcat lynx ftp".split())
_DECODERS: Final = frozenset("base64 base32 xxd openssl uudecode".split())
_EVALUATORS: Final = SHELLS | {"source", ".", "eval"}
_WRITERS: Final = frozenset("dd tee shred wipe truncate wipefs badblocks blkdiscard sfdisk mkswap mke2fs".split())

_DISK: Final = re.compile(r"/dev/(?:sd|hd|vd|xvd|nvme|mmcblk|disk|rdisk|mapper/|md|loop|mem|kmem|port)\w*.*")
_ROOT: Final = re.compile(
    r"(?:/|~|\$\{?HOME\}?|\"\$\{?HOME\}?\")(?:/|/\*|/\.|/\.\*|\*)*$|//+.*|/\./.*"
    r"|/(?:home|root|etc|usr|var|bin|boot|lib|lib64|sbin|opt|Users|System)/?\*?$|[A-Za-z]:[\\/]?\*?$"
)
# A function that pipes into itself in the background, or an endless loop that starts something each time.
_FORK_BOMB: Final = re.compile(
    r"([\w:.]{1,30}+)\s{0,4}\(\s{0,4}\)\s{0,4}\{[^}]{0,60}?(?<![\w:.])\1\s{0,4}[|&][^}]{0,60}&[^}]{0,20}\}"
    r"|%0\s{0,4}\|\s{0,4}%0|\$0\s{0,4}\|\s{0,4}\$0\s{0,4}&"
    r"|while\s{1,4}(?:true|:)\s{0,4};\s{0,4}do\s[^;&]{1,80}&\s{0,4};?\s{0,4}done"
)
_REVERSE_SHELL: Final = re.compile(
    r"/dev/(?:tcp|udp)/|\b(?:nc|ncat|netcat)\b[^|;&]{0,200}\s-\w*[ec]\w*\s+\S*(?:sh|cmd)\b"
    r"|socket\.socket.{0,400}(?:dup2|subprocess|pty\.spawn)|socat\b.{0,200}\bexec:",
    re.IGNORECASE | re.DOTALL,
)
_FETCH_TO_SHELL: Final = re.compile(
    r"\b(?:curl|wget)\b[^\n|]{0,1000}\|\s{0,4}(?:sudo\s{1,4}(?:-\w{1,20}\s{1,4}){0,4})?(?:\S{0,40}/)?(?:ba|z|da"
    r"|k|a|fi)?sh\b"
)
_CREDENTIALS_SENT: Final = re.compile(
    r"(?:/etc/shadow|\.ssh/id_|\.aws/credentials|\.netrc)[^\n|]{0,200}\|\s{0,4}(?:curl|nc|ncat|wget|mail)\b"
)


def refusal_of(line: str, taken: Syntax | None, depth: int = 0) -> str | None:
    """The rule by which the line is never emitted; None where none applies."""
    for rule, pattern in (
        ("fork_bomb", _FORK_BOMB),
        ("reverse_shell", _REVERSE_SHELL),
        ("remote_code", _FETCH_TO_SHELL),
        ("credentials_sent", _CREDENTIALS_SENT),
    ):
        if pattern.search(line):
            return rule
    if taken is None:
        return None
    in_root = False
    for words, command in commands_of(taken):
        if any(
            ">" in r.operator and r.target is not None and _DISK.fullmatch(r.target.text) for r in command.redirects
        ):
            return "disk_device"
        if _writes_disk(words):
            return "disk_device"
        if _removes_root(words, in_root):
            return "removes_root"
        if name_of(words) in INTERPRETERS | _EVALUATORS and any(_FETCHED_INSIDE.search(word) for word in words[1:]):
            return "remote_code"
        if name_of(words) == "cd":
            in_root = len(words) == 1 or words[1] in ("/", "~", "$HOME", '"$HOME"')
        script = inner_script(words)
        if script is not None and depth < _DEEPEST:
            refusal = refusal_of(script, syntax(script), depth + 1)
            if refusal is not None:
                return refusal
    return "remote_code" if _flows_into_shell(taken) else None


_FETCHED_INSIDE: Final = re.compile(r"(?:\$\(|`|<\().*(?:curl|wget|base64)", re.DOTALL)


def _writes_disk(words: Words) -> bool:
    program = name_of(words)
    if program == "dd":
        outputs = [word.removeprefix("of=") for word in words[1:] if word.startswith("of=")]
    elif program in _WRITERS or program.startswith("mkfs"):
        outputs = list(words[1:])
    elif program in ("cp", "mv", "pv"):
        outputs = list(words[-1:])
    else:
        return False
    return any(_DISK.fullmatch(word) for word in outputs)


def _removes_root(words: Words, in_root: bool) -> bool:
    program = name_of(words)
    operands = [word for word in words[1:] if not word.startswith("-")]
    if program in ("rm", "rmdir", "unlink", "shred"):
        if "--no-preserve-root" in words or any(_ROOT.fullmatch(word) for word in operands):
            return True
        return in_root and any(word in (".", "*", "./*", "./", ".*") for word in operands)
    if program == "find" and removes_what_it_finds(words):
        return "-name" not in words and any(_ROOT.fullmatch(word) for word in operands[:1])
    if program in ("chmod", "chown"):
        return any(re.match(r"-\w*R", word) for word in words) and any(_ROOT.fullmatch(word) for word in operands[1:])
    return program == "mv" and any(_ROOT.fullmatch(word) for word in operands[:-1])


def _flows_into_shell(taken: Syntax) -> bool:
    """Does something fetched or decoded flow through a pipe into an interpreter that runs what it reads?"""
    flows = piped = False
    for piece in taken.outline:
        if isinstance(piece, str):
            piped = piece in ("|", "|&")
            flows = flows and piped
        elif isinstance(piece, SimpleCommand):
            words = unwrapped(piece)
            if piped and flows and _runs_its_input(words, piece):
                return True
            flows = flows or name_of(words) in _FETCHERS | _DECODERS
    return False


def _runs_its_input(words: Words, command: SimpleCommand) -> bool:
    program = name_of(words)
    if any(base_name(word.text) == "xargs" for word in command.words[:4]) and program in INTERPRETERS:
        return True
    if program in _EVALUATORS:
        return True
    if program not in INTERPRETERS:
        return False
    # `| python -m json.tool` and `| python script.py` read data, `| python` and `| python -` read a program.
    return not any(word.startswith(("-c", "-m", "-e", "-n", "-p")) or not word.startswith("-") for word in words[1:])
