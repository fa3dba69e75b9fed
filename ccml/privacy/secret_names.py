"""Which names are given to secrets (`DB_PASSWORD`, `--api-key`, `clientSecret`), and which values cannot be one."""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache
from itertools import pairwise
from typing import Final, Literal, TypeAlias

Strength: TypeAlias = Literal["password", "token", "weak"]
"""How certain the name makes it that a value is secret. `password`: any value is. `token`: a value that looks generated
rather than typed. `weak`: only a long random one."""

NAME_TRIGGERS: Final = (
    "pass",
    "pwd",
    "secret",
    "token",
    "key",
    "auth",
    "cred",
    "psk",
    "pin=",
    "sid=",
    "cookie",
    "session",
)
"""A text without any of these has no secret name in it; searching for them takes a microsecond."""

_PART: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PASSWORD: Final = frozenset(
    "password passwd passphrase passcode passwords pass pwd pw psk userpass userpassword userpwd dbpass dbpassword "
    "rootpassword adminpass adminpassword smbpass httppassword storepass keypass mysqlpassword pgpassword "
    "authpass".split()
)
_TOKEN: Final = frozenset("secret token apikey authtoken accesstoken secretkey authkey accesskey clientsecret".split())
_WEAK: Final = frozenset(
    "key auth credential credentials cred creds authorization cookie session sid jwt bearer".split()
)
_KEY_OF: Final = frozenset(
    "api access auth private encryption account signing master license service shared deploy registration session "
    "client secret storage consumer subscription admin integration app application write".split()
)
# Names that contain such a word and mean something else: a file, a count, a limit, a special token of a tokenizer.
_ABOUT: Final = frozenset(
    "file path dir directory url uri name names id ids type len length max min num count limit limits stdin env "
    "fd from "
    "policy expiry expires ttl age hash algorithm format size sizes style prefix suffix pad eos bos unk sep cls mask "
    "public pub pattern regex field column table store manager provider helper class index ref version source mode "
    "command cmd prompt endpoint host header usage timeout rotation days budget per tokens keys hint list print min "
    "sock socket scope scopes method methods keyring getpass bypass compass word words server".split()
)

_VARIABLE: Final = re.compile(r"\$\{?\w+[^}]*\}?|\$[\w?@*#!$-]|%\w+%?|\$\(.*|`.*|\{\{.*|\$\{\{.*", re.DOTALL)
_PLACEHOLDER: Final = re.compile(
    r"(?:<.*>|\[.*\]|\{.*\}|[*xX.•_-]{3,}|\.{3}|x+|%[sdr]|"
    r"(?:your|my|the|some)[-_ ]?(?:[a-z]+[-_ ]?)*(?:password|passwd|token|secret|key|pass)(?:[-_ ]here)?|redacted)/?",
    re.IGNORECASE | re.DOTALL,
)
_TRIVIAL: Final = frozenset(
    "none null nil true false yes no on off undefined str string int bool float bytes any object optional required "
    "prompt ask stdin file env password passwd pass pwd token secret key pw self value 0 1 2 - * . / \\ | & + ? "
    "!".split()
)
_CODE: Final = re.compile(
    r"[\w.]+\(.*|[\w.]*\bself\.\w+.*|\w+(?:\.\w+)+|.*(?:\.\*|\.\+|\[\^?\w-|\\w|\\S|\\s|\\d|\\\(|\(\?).*"
    r"|[A-Za-z_]\w*\[.*|lambda\b.*",
    re.DOTALL,
)


@lru_cache(maxsize=4096)
def strength_of(name: str) -> Strength | None:
    """How certain the name makes it that its value is a secret; None where it does not suggest one."""
    parts = [part.lower() for part in _PART.findall(name[-96:])]
    if not parts:
        return None
    last, before = parts[-1], parts[-2] if len(parts) > 1 else ""
    if last.isdigit() and before:
        last, before = before, parts[-3] if len(parts) > 2 else ""
    joined = before + last
    if (
        _ABOUT
        & set(parts[:-1])
        & {"max", "min", "num", "count", "pad", "eos", "bos", "unk", "sep", "cls", "mask", "public", "pub"}
    ):
        return None
    if last in _PASSWORD or joined in _PASSWORD or last.endswith(("password", "passwd", "passphrase", "passwort")):
        return "password"
    if (
        last in _TOKEN
        or joined in _TOKEN
        or (last == "key" and before in _KEY_OF)
        or last.endswith(("secret", "apikey", "token"))
    ):
        return "token"
    if last in ("key", "id") and {"secret", "private", "token", "password"} & set(parts[:-1]) and last == "key":
        return "token"
    if last in ("base64", "b64", "base", "value", "plaintext", "raw", "literal", "hex", "data") and before:
        return strength_of("_".join(parts[:-1]))
    if last in _WEAK:
        return "weak"
    return None


def looks_random(value: str, *, at_least: int = 8, bits: float = 2.5) -> bool:
    """Long enough, of letters and digits, and with at least `bits` of Shannon entropy a character."""
    if len(value) < at_least or not any(c.isdigit() for c in value) or not any(c.isalpha() for c in value):
        return False
    total = len(value)
    return -sum(n / total * math.log2(n / total) for n in Counter(value).values()) >= bits


def looks_drawn(run: str) -> bool:
    """Letters of both cases and digits, mixed as a generator mixes them; a digest in hex or a CamelCase name is not."""
    digits = sum(c.isdigit() for c in run)
    if digits < 3 or run.lower() == run or run.upper() == run:
        return False
    kinds = ["0" if c.isdigit() else "A" if c.isupper() else "a" for c in run]
    return sum(a != b for a, b in pairwise(kinds)) >= len(run) * 0.4


def is_literal(value: str, *, quote: str = "") -> bool:
    """False for what is in the place of a value: a variable, a substitution, a placeholder, or an empty text."""
    if value in ("", "$") or value.startswith(("<secret:", "{{", "$(", "`")):
        return False
    if quote != "'" and _VARIABLE.fullmatch(value):
        return False
    return not _PLACEHOLDER.fullmatch(value)


def is_secret_value(name: str, value: str, *, quote: str = "", on_command_line: bool = False) -> bool:
    """Is the value in `name = value` a secret?

    `on_command_line` says that the assignment is a word of a command line (`PGPASSWORD=hunter2 psql`), where the value
    is certainly a literal; elsewhere it may be program text (`password = form.password`).
    """
    strength = strength_of(name)
    if strength is None or not is_literal(value, quote=quote) or value.lower() in _TRIVIAL:
        return False
    is_path = value.startswith(("/", "./", "../", "~/", "file:", "@")) or "://" in value
    if is_path and not looks_random(value, at_least=24, bits=4.2):
        return False
    if name.lower().endswith("pwd") and any(c in value for c in " /\\"):
        return False  # the working directory, in a variable or an alias named after it
    if strength == "password":
        if on_command_line or quote:
            return not _CODE.fullmatch(value) or looks_random(value)
        return not _CODE.fullmatch(value) and (looks_random(value, at_least=6, bits=2.0) or not value.isidentifier())
    if _CODE.fullmatch(value):
        return False
    if strength == "token":
        if on_command_line and name.isupper():
            return len(value) > 3 and not value.isdigit()
        return looks_random(value, at_least=8) or (
            bool(quote or on_command_line) and len(value) >= 16 and " " not in value
        )
    return looks_random(value, at_least=20, bits=3.3)
