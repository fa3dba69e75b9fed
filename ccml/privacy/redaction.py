"""Takes secrets, e-mail addresses and the names of home directories out of text before anything is stored.

    mysql -uroot -phunter2 shop          → mysql -uroot -p<secret:password> shop
    cat /home/ada/notes                  → cat /home/<user>/notes
    git clone https://x:ghp_…@github.com → git clone https://x:<secret:url-password>@github.com

A secret is found by its shape (`token_shapes`), by the command that takes it (`shell_secrets`), or by the name that it
is assigned to (`named_values`). Redacting a redacted text changes nothing. No text takes longer than a bound: of a
long one the beginning is kept, and one that is full of suspicious places is replaced as a whole.
"""

from __future__ import annotations

import re
from typing import Final

from ccml.privacy.named_values import named_secrets
from ccml.privacy.secret_names import NAME_WORDS
from ccml.privacy.shell_secrets import mentions_program, shell_secrets
from ccml.privacy.token_shapes import shape_secrets
from ccml.privacy.work import Span, TooDenseError, Work

LONGEST_TEXT: Final = 32_768
"""Characters that are examined and kept: the longest text that an event may have."""
UNEXAMINED: Final = "<secret:unexamined>"
_PASSES: Final = 5

# With the look-behind each run of letters is tried once, not once per letter.
_EMAIL: Final = re.compile(
    r"(?<![A-Za-z0-9._%+-])(?!git@)[A-Za-z0-9._%+-]{1,64}+@[A-Za-z0-9-]{1,63}+(?:\.[A-Za-z0-9-]{1,63}+){0,8}"
    r"\.(?!(?:service|socket|timer|target|mount|png|jpe?g|svg|gif|webp|js|css|ts|tgz|gz"
    r"|zip)\b)[A-Za-z]{2,24}(?![A-Za-z0-9])"
)
_HOME: Final = re.compile(
    r"(?P<lead>(?<![A-Za-z0-9_])/(?:home|Users|export/home|usr/home|(?:mnt/)?[a-z]/Users)/)(?P<name>[^/\s'\"<>"
    r"|;&:()*?$\\{}\[\],`]+)"
)
_WINDOWS_HOME: Final = re.compile(
    r"(?P<lead>[A-Za-z]:(?:\\{1,4}|/)(?:Users|Documents and Settings)(?:\\{1,4}|/))"
    r"(?P<name>[^\\/:*?\"<>|\r\n'%$]{1,64}(?=[\\/])|[^\\/:*?\"<>|\s'%$]+)"
)
_DASHED_HOME: Final = re.compile(
    r"(?P<lead>(?:(?<=[/\\\s'\"=])|^)-(?:Users|home)-)(?P<name>[A-Za-z0-9_.]+)(?=-|/|\\|\s|$|['\"])"
)
HOME_WORDS: Final = ("home", "users", "documents and")
"""A text without them names no home directory."""
_SHARED_HOMES: Final = frozenset({"shared", "public", "default", "all users", "linuxbrew", "guest", "runner", "$user"})


def redact(text: str) -> str:
    """`text` without secrets (`<secret:KIND>`), e-mail addresses (`<email>`) and home directory names (`<user>`).

    At most `LONGEST_TEXT` characters: what stands behind them is not examined, and so not returned.
    """
    text = text[:LONGEST_TEXT]
    work = Work()
    try:
        for _ in range(_PASSES):
            redacted = _redact_once(text, work)[:LONGEST_TEXT]
            if redacted == text:
                return text
            # A replaced secret can make its neighbour recognisable, so this is repeated until nothing changes.
            text = redacted
    except TooDenseError:
        pass
    return UNEXAMINED


def _redact_once(text: str, work: Work) -> str:
    if len(text) < 4:
        return text
    lower = _lowered(text)
    spans = shape_secrets(text, lower, work)
    if NAME_WORDS.search(lower):
        spans += named_secrets(text, lower, work)
    if mentions_program(lower):
        spans += shell_secrets(text, work)
    if spans:
        text = _replace(text, spans)
    if "@" in text:
        text = _EMAIL.sub("<email>", text)
    if any(word in lower for word in HOME_WORDS):
        for pattern in (_HOME, _WINDOWS_HOME, _DASHED_HOME):
            text = pattern.sub(_without_user, text)
    return text


def _lowered(text: str) -> str:
    """Lower-cased, with every character in its place: a few capital letters have two lower-case ones."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _replace(text: str, spans: list[Span]) -> str:
    """Overlapping spans become one, named after the one that begins first (the longest of those)."""
    pieces: list[str] = []
    done = 0
    for start, end, kind in sorted(spans, key=lambda span: (span.start, -span.end)):
        if start < done:
            if end > done:
                done = end
            continue
        if text.startswith("<secret:", start):
            continue
        pieces += (text[done:start], f"<secret:{kind}>")
        done = end
    return "".join(pieces) + text[done:]


def _without_user(match: re.Match[str]) -> str:
    name = match.group("name")
    return match.group() if name.lower() in _SHARED_HOMES else f"{match.group('lead')}<user>"
