"""Commands of PowerShell and of Windows' `cmd`: their words, and what among them destroys or exposes something."""

from __future__ import annotations

import re
from typing import Final

from ccml.commands.words import Words, name_of

_CMDLET: Final = re.compile(
    r"(?:^|[\s;|({&])(?:Add|Clear|Compress|Copy|Disable|Dismount|Enable|Format|Get|Grant|Import|Initialize|Install|Invoke|"
    r"Move|New|Out|Remove|Rename|Reset|Restart|Restore|Resize|Revoke|Select|Set|Start|Stop|Suspend|Test|Uninstall|"
    r"Unregister|Update|Where|Write|ForEach)-[A-Z]\w+|(?:^|[\s;|({&])i(?:ex|wr|rm)\b|\[System\.|\[IO\.",
    re.IGNORECASE,
)
_TOKEN: Final = re.compile(r"'([^']*)'|\"([^\"]*)\"|[^\s;|(){}&'\"]+|[;|(){}&\n]")
_SIGNS: Final = frozenset(";|(){}&\n")

_KEPT: Final = frozenset("variable module job pssession event typedata psbreakpoint alias pssnapin psdrive "
                         "jobtrigger eventsubscriber".split())  # fmt: skip
"""What `Remove-` takes only out of the running session."""
_REMOVERS: Final = frozenset("remove-item ri rm rmdir rd del erase".split())
_DESTROYS: Final = re.compile(
    r"(?:clear-(?:content|item|disk|eventlog|recyclebin|history|itemproperty)|format-volume|initialize-disk|"
    r"remove-\w+|uninstall-\w+|reset-\w+|unregister-\w+|stop-computer|restart-computer|delete-\w+)"
)
_RUNS_TEXT: Final = frozenset({"iex", "invoke-expression"})
_FETCHES: Final = re.compile(
    r"(?i)\b(?:iwr|irm|curl|wget|invoke-webrequest|invoke-restmethod)\b|downloadstring|downloadfile|start-bitstransfer"
)
_RUNS_FETCHED: Final = re.compile(r"(?i)\b(?:iex|invoke-expression)\b")
_METHODS: Final = re.compile(
    r"(?i)\[(?:system\.)?io\.(?:file|directory)\]::delete|\.delete\(|::delete\(|\.removeall\(|-delete\b"
)
_OPENS: Final = re.compile(
    r"(?i)set-executionpolicy\s+\S*(?:bypass|unrestricted)|-disablerealtimemonitoring\s+\$?(?:true|1)|"
    r"everyone:\(?(?:oi\)\(ci\))?f|allprofiles\s+state\s+off|-enabled\s+false"
)
_EXEMPT: Final = frozenset({"-whatif", "/?", "-?"})

# `cmd` commands: the words one of which must be there, or "*" where the command alone is enough.
_CMD: Final[dict[str, str]] = {
    "del": "/s /q /f /p *.* * \\*", "erase": "/s /q /f *.* *", "rd": "/s /q", "rmdir": "/s /q",
    "format": "*any", "diskpart": "*any", "vssadmin": "delete resize", "wbadmin": "delete", "wmic": "delete",
    "bcdedit": "/set /delete /deletevalue", "reg": "delete", "cipher": "/w", "sc": "delete", "schtasks": "/delete",
    "net": "/delete", "netsh": "reset delete off", "robocopy": "/mir /purge", "fsutil": "setzerodata delete",
    "wevtutil": "cl clear-log", "shutdown": "/s /r /p", "wsl": "--unregister", "deltree": "*any",
    "dism": "/remove-package",
    "bootrec": "/fixmbr", "manage-bde": "-off -forcerecovery", "sdelete": "*any",
}  # fmt: skip
_STARTS_WITH: Final = ("/w:", "/fs:")


def looks_like_powershell(line: str) -> bool:
    return _CMDLET.search(line) is not None


def commands(text: str) -> list[Words]:
    """The commands of a PowerShell or `cmd` text, divided at every sign that may end one. Brackets do too, so each
    script block is a command of its own."""
    found: list[Words] = []
    words: list[str] = []
    for token in _TOKEN.finditer(text):
        word = token.group()
        if word in _SIGNS:
            found.append(tuple(words))
            words = []
        else:
            words.append(token.group(1) or token.group(2) or word)
    bare = (_without_leading(each) for each in (*found, tuple(words)))
    return [each for each in bare if each][:300]


def _without_leading(words: Words) -> Words:
    """`do rd /s x` → `rd /s x`."""
    return words[1:] if words[:1] in (("do",), ("else",), ("call",), ("@",)) else words


def destroys_text(text: str) -> str | None:
    """The reason why a PowerShell text is dangerous, by what no single command of it shows."""
    if _RUNS_FETCHED.search(text) and _FETCHES.search(text):
        return "remote_code"
    if _METHODS.search(text):
        return "removes_recursively"
    return "opens_permissions" if _OPENS.search(text) else None


def destroys(words: Words, *, piped: bool = False) -> str | None:
    """The reason why a Windows command is dangerous; None where none is known."""
    name = name_of(words).lower()
    rest = [word.lower() for word in words[1:]]
    if _EXEMPT & set(rest):
        return None
    if name in ("del", "erase") and any("*" in word for word in rest):
        return "removes_recursively"
    if name in _REMOVERS and (piped or name == "remove-item" or _is_windows(rest)):
        wide = piped or any(word.startswith(("-r", "-fo", "/s", "/q", "/f")) or "*" in word for word in rest)
        drive = rest[:1] and rest[0].startswith(("env:", "variable:", "alias:", "function:"))
        return "removes_recursively" if wide and not drive else None
    if name.startswith("remove-") and name.removeprefix("remove-") in _KEPT:
        return None
    if _DESTROYS.fullmatch(name):
        return "destroys"
    if name in ("powershell", "pwsh") and any(word.startswith(("-e", "/e")) and "x" not in word[:3] for word in rest):
        return "runs_hidden_code"  # `-EncodedCommand`
    if name == "start-process":
        inner = (each for word in words[1:] if " " in word for each in commands(word.removeprefix("/c ")))
        return next(filter(None, map(destroys, inner)), None)
    needs = _CMD.get(name)
    if needs is None:
        return None
    if needs == "*any":
        return "destroys" if name != "format" or any(re.fullmatch(r"[a-z]:", word) for word in rest) else None
    if set(needs.split()) & set(rest) or any(word.startswith(_STARTS_WITH) for word in rest if name != "format"):
        return "destroys"
    return None


def _is_windows(rest: list[str]) -> bool:
    """`rm` and `rmdir` exist on both sides; their Windows options do not."""
    return any(word.startswith(("/", "-recurse", "-force", "-fo", "-rec")) and len(word) < 9 for word in rest)
