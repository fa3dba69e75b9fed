"""The kind of each word of a command: a path, a number, a host, a pattern, …"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ccml.commands.tree import Word

KINDS: Final = ("path", "number", "url", "text", "pattern", "host", "name", "assignment", "literal")
"""A `literal` is one of few fixed choices; a template keeps it as it is (`find -type f`)."""


@dataclass(frozen=True, slots=True)
class Argument:
    kind: str
    """One of `KINDS`."""
    text: str


_SPECIAL: Final = re.compile(
    r"<(path|number|url|text|pattern|host|name|heredoc|email|user|secret:[a-z0-9-]+)>(?:\.\.\.)?"
)
_NUMBER: Final = re.compile(r"[+-]?\d+(?:\.\d+)?[kKmMgGtTsdhw%cbBi]{0,3}")
_RANGE: Final = re.compile(r"\d+[-,:][\d,:-]*")
_URL: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{1,20}://\S+|git@[\w.-]+:\S+")
_HOST: Final = re.compile(r"(?:[\w.-]+@)?(?:\d{1,3}(?:\.\d{1,3}){3}(?:/\d+)?|localhost)(?::\d+)?")
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_][\w.-]*)\+?=(.*)", re.DOTALL)
_PATH: Final = re.compile(r".*/.*|\.{1,2}|~.*|.*\.[A-Za-z][A-Za-z0-9]{0,6}|[A-Z]:\\.*", re.DOTALL)
_PATTERN: Final = re.compile(r".*[*?\[\]^$|\\].*", re.DOTALL)
_MODE: Final = re.compile(r"[ugoa]*[+=-][rwxXst]*(?:,[ugoa]*[+=-][rwxXst]*)*")
_LITERAL: Final = re.compile(r"[A-Za-z_%+-][\w:.,=%+-]{0,39}")
_PLAIN_FLAG: Final = re.compile(r"--?[A-Za-z][A-Za-z0-9_-]*|--|-")
_NUMBER_FLAG: Final = re.compile(r"(-[A-Za-z]?)\d+")
_VALUED_FLAG: Final = re.compile(r"(--?[A-Za-z?@#.][A-Za-z0-9_-]*?)(=?)([^A-Za-z0-9_-].*|(?<==).*)", re.DOTALL)


def looks(text: str) -> str | None:
    """The kind that a word shows by itself; None where it could be anything."""
    special = _SPECIAL.fullmatch(text)
    if special:
        name = special.group(1)
        if name.startswith("secret"):
            return "text"
        return {"email": "host", "user": "name"}.get(name, name)
    if _NUMBER.fullmatch(text) or _RANGE.fullmatch(text):
        return "number"
    if _URL.fullmatch(text):
        return "url"
    if _HOST.fullmatch(text):
        return "host"
    return None


def kind_of(word: Word, conventional: str) -> str:
    """The kind of a plain word, from its looks and from what its program expects there (`""`: nothing known)."""
    text = word.text
    shown = looks(text)
    if _SPECIAL.fullmatch(text):
        return shown or "text"
    if conventional == "literal":
        return "literal" if word.static and _LITERAL.fullmatch(text) else shown or "text"
    if conventional == "mode":
        return "literal" if _MODE.fullmatch(text) else "number" if text[:1].isdigit() else "name"
    if shown in ("url", "host") and conventional != "pattern":
        return shown
    if conventional in ("", "name", "assignment") and _ASSIGNMENT.fullmatch(text):
        return "assignment"
    if conventional == "path" and "\n" in text:
        return "text"
    if conventional and conventional != "assignment":
        return conventional
    if shown is not None:
        return shown
    if word.quoted and (not text or re.search(r"\s", text)):
        return "text"
    if _PATH.fullmatch(text) and " " not in text:
        return "path"
    return "pattern" if word.quoted and _PATTERN.fullmatch(text) else "text"


def placeholder(kind: str, text: str) -> str:
    """What a template shows for an argument."""
    if kind == "literal":
        return text
    if kind == "assignment":
        name = text.partition("=")[0].removesuffix("+")
        return f"{name}=<text>" if re.fullmatch(r"[A-Za-z_][\w.-]{0,40}", name) else "<text>"
    many = text.endswith(">...") and _SPECIAL.fullmatch(text)
    return f"<{kind}>..." if many else f"<{kind}>"


def flag_of(text: str, *, numbers_matter: bool = False) -> tuple[str, str | None, str]:
    """The parts of an option: the flag, the kind of the value attached to it (None without one), the value.

    `-20` → (`-`, number, 20), `-n5` → (`-n`, number, 5), `--sort=size` → (`--sort=`, text, size). `numbers_matter` is
    for programs whose numbers are choices: `kill -9`, `xargs -0`.
    """
    number = _NUMBER_FLAG.fullmatch(text)
    if number and not numbers_matter:
        return number.group(1), "number", text[len(number.group(1)) :]
    if number or _PLAIN_FLAG.fullmatch(text):
        return text, None, ""
    special = re.fullmatch(r"(-[A-Za-z]?)<number>", text)
    if special:
        return special.group(1), "number", text[len(special.group(1)) :]
    valued = _VALUED_FLAG.fullmatch(text)
    if valued:
        value = valued.group(3).strip("'\"")
        shown = looks(value) or ("path" if _PATH.fullmatch(value) and " " not in value else "text")
        return valued.group(1) + valued.group(2), shown, valued.group(3)
    return "-", "text", text[1:]


def is_assignment(text: str) -> bool:
    return _ASSIGNMENT.fullmatch(text) is not None
