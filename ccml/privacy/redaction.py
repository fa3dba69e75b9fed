"""Takes secrets, e-mail addresses and the names of home directories out of text before anything is stored.

    mysql -uroot -phunter2 shop          → mysql -uroot -p<secret:password> shop
    cat /home/ada/notes                  → cat /home/<user>/notes
    git clone https://x:ghp_…@github.com → git clone https://x:<secret:url-password>@github.com

A secret is found by its shape (`known_secrets`), by the command that takes it (`shell_secrets`), or by the name that it
is assigned to (`secret_names`). Redacting a redacted text changes nothing.
"""

from __future__ import annotations

import re
from typing import Final

from ccml.privacy.known_secrets import SHAPES
from ccml.privacy.secret_names import NAME_TRIGGERS, is_literal, is_secret_value, looks_drawn
from ccml.privacy.shell_secrets import Span, mentions_program, shell_secrets

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
_SHARED_HOMES: Final = frozenset({"shared", "public", "default", "all users", "linuxbrew", "guest", "runner", "$user"})

_HEADER: Final = re.compile(
    r"(?i)\b(?P<name>(?:proxy-)?authorization|[\w-]{0,40}(?:token|api-?key|apikey|secret|auth|auth-key)|cookie)"
    r"(?:\\?[\"'])?\s{0,3}:\s{0,3}(?:\\?[\"'])?(?:(?P<scheme>bearer|basic|token|digest|apikey|negotiate|key"
    r"|oauth)\s{1,3})?"
    r"(?P<secret>(?!(?:bearer|basic|token|digest|apikey|negotiate|key"
    r"|oauth)\s)[^\s'\"\\<>,;)}\]][^\s'\"\\<>,)}\]]{2,2000}+)"
)
_ASSIGNED: Final = re.compile(
    r"(?<![\w.<-])(?P<name>[A-Za-z_][\w.-]*+)(?P<closed>\\?[\"'])?\]?\s{0,4}(?P<sign>=>|:=|=(?!=)|:(?![:/=]))\s{0,4}"
    # The value is matched by a look-ahead: in `note: password=x` the value of `note` is itself an assignment.
    r"(?=(?P<quote>\\?[\"'])(?P<quoted>[^\"'\\\n]{1,2048}+)|(?P<bare>[^\s'\"`|;&)\]}>,\\][^\s'\"`|;&)\]},\\]{0,1024}+))"
)
# A long run of letters and digits by itself: a token without a name (`cargo login 8fJ2…`).
_LONG_RUN: Final = re.compile(r"(?<![A-Za-z0-9/+_.=@%\\-])[A-Za-z0-9]{20,200}+(?![A-Za-z0-9/+_.@%-])")
_SET: Final = re.compile(
    r"(?im)^\s{0,8}(?:set|setg|unsetg)\s{1,4}(?P<name>[\w:]{2,40})\s{1,4}(?P<secret>\S{1,200})\s*$"
)


def redact(text: str) -> str:
    """`text` without secrets (`<secret:KIND>`), e-mail addresses (`<email>`) and home directory names (`<user>`)."""
    for _ in range(8):
        redacted = _redact_once(text)
        if redacted == text:
            return text
        # A replaced secret can make its neighbour recognisable, so this is repeated until nothing changes.
        text = redacted
    return text


def _redact_once(text: str) -> str:
    if len(text) < 4:
        return text
    lower = text.lower()
    spans: list[Span] = []
    for shape in SHAPES:
        for trigger in shape.triggers:
            if trigger in lower:
                for match in shape.pattern.finditer(text):
                    if "secret" not in shape.pattern.groupindex:
                        _add(spans, match, 0, shape.kind)
                    elif is_literal(match.group("secret")):
                        _add(spans, match, "secret", shape.kind)
                break
    for match in _LONG_RUN.finditer(text):
        if looks_drawn(match.group()):
            _add(spans, match, 0, "token")
    named = False
    for trigger in NAME_TRIGGERS:
        if trigger in lower:
            named = True
            spans += _named(text)
            break
    if named or mentions_program(lower):
        spans += shell_secrets(text)
    if spans:
        text = _replace(text, spans)
    if "@" in text:
        text = _EMAIL.sub("<email>", text)
    if "home" in lower or "users" in lower or "documents and" in lower:
        for pattern in (_HOME, _WINDOWS_HOME, _DASHED_HOME):
            text = pattern.sub(_without_user, text)
    return text


def _named(text: str) -> list[Span]:
    spans: list[Span] = []
    for match in _HEADER.finditer(text):
        name, scheme, value = match.group("name").lower(), match.group("scheme"), match.group("secret")
        certain = scheme is not None or "authorization" in name or "-token" in name or "-key" in name or "-auth" in name
        if certain and is_literal(value) and len(value) > 3:
            _add(spans, match, "secret", "authorization" if "auth" in name else "token")
        elif name == "cookie" and "=" in value:
            _add(spans, match, "secret", "cookie")
    quotes = {"'": 0, '"': 0}
    counted = 0
    for match in _ASSIGNED.finditer(text):
        for mark in quotes:
            quotes[mark] += text.count(mark, counted, match.start())
        counted = match.start()
        group = "quoted" if match.group("quoted") else "bare"
        quote = (match.group("quote") or "")[-1:]
        if quote and quotes[quote] % 2 and not match.group("closed"):
            continue  # `read -p "Password: " name`: the quote ends a string that began before the name
        if group == "bare" and match.group("name").lower() in ("pass", "auth", "key") and match.group("sign") == ":":
            continue  # a report (`PASS: test_login`), not a setting
        if is_secret_value(match.group("name"), match.group(group), quote=quote):
            _add(spans, match, group, "password")
    for match in _SET.finditer(text):
        if is_secret_value(match.group("name"), match.group("secret"), on_command_line=True):
            _add(spans, match, "secret", "password")
    return spans


def _add(spans: list[Span], match: re.Match[str], group: str | int, kind: str) -> None:
    if not match.group(group).startswith("<secret:"):
        spans.append(Span(*match.span(group), kind))


def _replace(text: str, spans: list[Span]) -> str:
    """Overlapping spans become one, named after the one that begins first (the longest of those)."""
    pieces: list[str] = []
    done = 0
    for start, end, kind in sorted(spans, key=lambda span: (span.start, -span.end)):
        if start < done:
            if end > done:
                done = end
            continue
        pieces += (text[done:start], f"<secret:{kind}>")
        done = end
    return "".join(pieces) + text[done:]


def _without_user(match: re.Match[str]) -> str:
    name = match.group("name")
    return match.group() if name.lower() in _SHARED_HOMES else f"{match.group('lead')}<user>"
