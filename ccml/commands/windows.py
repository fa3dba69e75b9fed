"""Commands of PowerShell and of Windows' `cmd`: their words, and what among them destroys or exposes something."""

from __future__ import annotations

import re
from typing import Final

from ccml.commands.words import Words, name_of

_CMDLET: Final = re.compile(
    r"(?:^|[\s;|({&'\"])(?:Add|Clear|Compress|Copy|Disable|Dismount|Enable|Format|Get|Grant|Import|Initialize|Install|Invoke|"
    r"Move|New|Out|Remove|Rename|Reset|Restart|Restore|Resize|Revoke|Select|Set|Start|Stop|Suspend|Test|Uninstall|"
    r"Unregister|Update|Where|Write|ForEach)-[A-Z]\w+|(?:^|[\s;|({&])i(?:ex|wr|rm)\b|\[System\.|\[IO\.",
    re.IGNORECASE,
)
_NO_POSIX: Final = re.compile(
    # The call operator, a block for each, names of PowerShell's own, a drive, the variable of a `for` of `cmd`.
    r"^\s{0,9}&\s{0,9}['\"({$\w]|^\s{0,9}\$\w{1,40}\s{1,9}=|\{\s{0,9}[A-Za-z]{2,20}-[A-Z]\w|"
    r"\|\s{0,9}(?:rm|ri|del|rd|rmdir|erase)\s{0,9}(?:-\w{1,20}\s{0,9}){0,5}$|[|;]\s{0,9}[%?]\s{0,9}\{|"
    r"\$(?:_|true|false|null)\b|(?:^|[\s=:'\"])[A-Z]:\\|^for\s.{0,60}%%?[A-Z]\b",
    re.IGNORECASE,
)
_TOKEN: Final = re.compile(r"'([^']*)'|\"([^\"]*)\"|[^\s;|(){}&'\"]+|[;|(){}&\n]")
_LONGEST: Final = 16_384
_SIGNS: Final = frozenset(";|(){}&\n")
_ASSIGNED: Final = re.compile(r"\$(\w{1,40})\s{0,9}=\s{0,9}(?:'([^'\n]{0,200})'|\"([^\"$\n]{0,200})\")")

_KEPT: Final = frozenset("variable module job pssession event typedata psbreakpoint alias pssnapin psdrive "
                         "jobtrigger eventsubscriber".split())  # fmt: skip
"""What `Remove-` takes only out of the running session."""
_REMOVERS: Final = frozenset("remove-item ri rm rmdir rd del erase".split())
_DESTROYS: Final = re.compile(
    r"(?:clear-(?:content|item|disk|eventlog|recyclebin|history|itemproperty)|format-volume|initialize-disk|"
    r"remove-\w+|uninstall-\w+|reset-\w+|unregister-\w+|stop-computer|restart-computer|delete-\w+|"
    r"disable-computerrestore)"
)
_EMPTY: Final = frozenset({"", "''", '""', "$null"})
_PUTS_INTO_FILES: Final = frozenset({"set-content", "out-file"})
_RUNS_TEXT: Final = frozenset({"iex", "invoke-expression"})
_FETCHES: Final = re.compile(
    r"(?i)\b(?:iwr|irm|curl|wget|invoke-webrequest|invoke-restmethod)\b|downloadstring|downloadfile|start-bitstransfer"
)
_RUNS_FETCHED: Final = re.compile(r"(?i)\b(?:iex|invoke-expression)\b|\[scriptblock\]::create")
_METHODS: Final = re.compile(
    r"(?i)\[(?:system\.)?io\.(?:file|directory)\]::delete|\.delete\(|::delete\(|\.removeall\(|-delete\b|"
    r"::writeall(?:text|lines|bytes)\([^,)]{1,200},\s{0,9}(?:''|\"\"|\$null|\[string\]::empty|@\(\))"
)
_OPENS: Final = re.compile(
    r"(?i)set-executionpolicy\s{1,9}(?:-\w{1,20}\s{1,9})?\S{0,20}(?:bypass|unrestricted)|-disablerealtimemonitoring\s+\$?(?:true|1)|"
    r"everyone:\(?(?:oi\)\(ci\))?f|allprofiles\s+state\s+off|-enabled\s+false"
)
_SAYS: Final = frozenset("add-content set-content out-file write-host write-output write-warning echo".split())
"""What they are given is text."""
_QUOTED: Final = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")
_HIDDEN: Final = re.compile(r"(?i)frombase64string")
_RUN_QUOTED: Final = re.compile(r"(?i)[\"']([^\"'\n]{3,300})[\"']\s{0,9}\|\s{0,9}(?:iex|invoke-expression)\b")
_EMPTIES: Final = re.compile(
    r"(?i)(?:^|[;&|]\s{0,9})(?:(?:type|copy)\s{1,9}nul\s{0,9}>|break\s{0,9}>)|"
    r"(?:''|\"\"|\$null)\s{0,9}(?:>\s|\|\s{0,9}(?:out-file|set-content)\b)"
)
_EXEMPT: Final = frozenset({"-whatif", "/?", "-?"})
_EXEMPT_OF: Final = {"shutdown": frozenset({"/a"}), "robocopy": frozenset({"/l"})}

_LAUNCHERS: Final = frozenset("start start-process saps runas psexec wmic iex invoke-expression".split())
_SHELLS: Final = frozenset({"cmd", "powershell", "pwsh"})
_REQUESTS: Final = frozenset("invoke-webrequest invoke-restmethod iwr irm".split())
_WITH_ENDING: Final = re.compile(r"\.(?:exe|com|cmd|bat)$")

# `cmd` commands: the words one of which must be there, or "*" where the command alone is enough.
_CMD: Final[dict[str, str]] = {
    "del": "/s /q /f /p *.* * \\*", "erase": "/s /q /f *.* *", "rd": "/s /q", "rmdir": "/s /q",
    "format": "*any", "diskpart": "*any", "vssadmin": "delete resize", "wbadmin": "delete",
    "bcdedit": "/set /delete /deletevalue", "reg": "delete", "cipher": "/w", "sc": "delete", "schtasks": "/delete",
    "net": "/delete", "netsh": "reset delete off", "robocopy": "/mir /purge", "fsutil": "setzerodata delete",
    "wevtutil": "cl clear-log", "shutdown": "/s /r /p", "wsl": "--unregister", "deltree": "*any",
    "dism": "/remove-package",
    "bootrec": "/fixmbr", "manage-bde": "-off -forcerecovery", "sdelete": "*any", "takeown": "/r",
    "pnputil": "/delete-driver",
}  # fmt: skip
_STARTS_WITH: Final = ("/w:", "/fs:")


def looks_like_powershell(line: str) -> bool:
    return _CMDLET.search(line) is not None


def is_for_windows(line: str) -> bool:
    """Does the line hold what no shell of another system has? A script that it writes into a file does not count."""
    return "<<" not in line and _NO_POSIX.search(line) is not None


def only_says(words: Words) -> bool:
    """`-WhatIf`, `/?`, `shutdown /a`: nothing is done, or something is called off."""
    return not _says_only(name_of(words).lower()).isdisjoint(word.lower() for word in words[1:])


def _says_only(name: str) -> frozenset[str]:
    return _EXEMPT | _EXEMPT_OF.get(name, frozenset())


def commands(text: str) -> list[Words]:
    """The commands of a PowerShell or `cmd` text, divided at every sign that may end one. Brackets do too, so each
    script block is a command of its own."""
    for name, value in [(name, first or second) for name, first, second in _ASSIGNED.findall(text)][:20]:
        text = re.sub(rf"(?i)\${name}\b(?!\s{{0,9}}=)", lambda _: value, text)  # noqa: B023 - called at once
    found: list[Words] = []
    words: list[str] = []
    for token in _TOKEN.finditer(text[:_LONGEST]):
        word = token.group()
        if word in _SIGNS:
            found.append(tuple(words))
            words = []
        else:
            words.append(token.group(1) or token.group(2) or word.lstrip("@") or word)
    bare = (_without_leading(each) for each in (*found, tuple(words)))
    return [each for each in bare if each][:300]


def _without_leading(words: Words) -> Words:
    """`do rd /s x` → `rd /s x`."""
    return words[1:] if words[:1] in (("do",), ("else",), ("call",), ("@",)) else words


def destroys_text(text: str) -> str | None:
    """The reason why a PowerShell text is dangerous, by what no single command of it shows."""
    first = commands(text[:200])
    if first and first[0][0].lower() in _SAYS:
        text = _QUOTED.sub("''", text)
    if _RUNS_FETCHED.search(text) and _FETCHES.search(text):
        return "remote_code"
    if _RUNS_FETCHED.search(text) and _HIDDEN.search(text):
        return "runs_hidden_code"
    if _EMPTIES.search(text):
        return "truncates"
    for quoted in _RUN_QUOTED.findall(text)[:20]:
        reason = next(filter(None, map(destroys, commands(quoted))), None)
        if reason is not None:
            return reason
    if _METHODS.search(text):
        return "removes_recursively"
    return "opens_permissions" if _OPENS.search(text) else None


def destroys(words: Words, *, piped: bool = False) -> str | None:
    """The reason why a Windows command is dangerous; None where none is known."""
    name = _WITH_ENDING.sub("", name_of(words).lower())
    rest = [word.lower() for word in words[1:]]
    if only_says(words):
        return None
    if name == "wmic" and {"delete", "uninstall"} & set(rest):
        return "destroys"
    if name in _LAUNCHERS:
        return next(filter(None, map(destroys, _started(words))), None)
    if name in _REQUESTS and "-method" in rest and "delete" in rest:
        return "destroys_resources"
    if name == "taskkill" and "/f" in rest:
        return "kills_everything"
    if name in ("powershell", "pwsh") and any(word in ("-c", "-command") for word in rest):
        at = next(place for place, word in enumerate(rest, 1) if word in ("-c", "-command"))
        inner = commands(" ".join(words[at + 1 :]))
        return next(filter(None, map(destroys, inner)), None)
    if name in ("cmd", "forfiles") and any(word.startswith("/c") for word in rest):
        at = next(place for place, word in enumerate(rest, 1) if word.startswith("/c"))
        inner = commands(" ".join(words[at + 1 :]))
        return next(filter(None, (destroys(each, piped=piped or name == "forfiles") for each in inner)), None)
    if name in _PUTS_INTO_FILES and _EMPTY & set(rest):
        return "truncates"
    if name == "new-item" and "-force" in rest and "file" in rest:
        return "truncates"
    if piped and name in ("stop-process", "spps") and "-force" in rest:
        return "kills_everything"
    if name in ("del", "erase") and any("*" in word or word.startswith("%") for word in rest):
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
    needs = _CMD.get(name)
    if needs is None:
        return None
    if needs == "*any":
        return "destroys" if name != "format" or any(re.fullmatch(r"[a-z]:", word) for word in rest) else None
    if set(needs.split()) & set(rest) or any(word.startswith(_STARTS_WITH) for word in rest if name != "format"):
        return "destroys"
    return None


def _started(words: Words) -> list[Words]:
    """What `start`, `runas` or `Invoke-Expression` starts: a shell among its words, or a text."""
    found = [words[at:] for at in range(1, len(words)) if name_of(words[at : at + 1]).lower() in _SHELLS]
    for text in (word for word in words[1:] if " " in word):
        for each in commands(text):
            bare = each[1:] if each[0].lower() in ("-command", "-c", "/c") else each
            found += [bare] if bare else []
    return found


def _is_windows(rest: list[str]) -> bool:
    """`rm` and `rmdir` exist on both sides; their Windows options do not."""
    return any(word.startswith(("/", "-recurse", "-force", "-fo", "-rec")) and len(word) < 9 for word in rest)
