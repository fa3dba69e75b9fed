"""Which names are given to secrets (`DB_PASSWORD`, `--api-key`, `clientSecret`, `contraseña`), and which values cannot
be one."""

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

_FOREIGN: Final = (
    "passwort kennwort losungswort contraseña contrasena clave motdepasse senha palavrapasse parola wachtwoord "
    "lösenord losenord passord lösenordet passordet adgangskoden mdp adgangskode salasana "
    "hasło haslo heslo jelszó jelszo şifre sifre şifrem parolă lozinka "
    "geslo пароль пароля паролем парол кодовоеслово κωδικός סיסמה סיסמא הסיסמה הסיסמא "
    "sandi katasandi mậtkhẩu matkhau kunci"
).split()
"""`password` in other languages that write words apart."""
UNSPACED: Final = (
    "密码",
    "密碼",
    "口令",
    "パスワード",
    "暗証番号",
    "비밀번호",
    "암호",
    "รหัสผ่าน",
    "पासवर्ड",
    "كلمة المرور",
    "كلمة السر",
)
"""`password` in languages that do not write words apart, or have two words for it."""
_TWO_WORDS: Final = ("mot de passe", "palavra-passe", "palavra passe", "mật khẩu", "kata sandi", "parola d'ordine",
                     "pass phrase", "pass code", "clave de acceso", "код доступа")  # fmt: skip
NAME_PARTS: Final = (
    "pass", "pwd", "secret", "token", "key", "auth", "cred", "psk", "cookie", "session", "sid", "pin",
    "pw", "jwt", "bearer", "signature", "salt", "otp", "токен", "секрет", "ключ", "schlüssel", "geheim",
    *_FOREIGN, *UNSPACED, *_TWO_WORDS,
)  # fmt: skip
NAME_WORDS: Final = re.compile("|".join(sorted(map(re.escape, NAME_PARTS), key=len, reverse=True)))
"""A name of a secret has one of these in it. Searched in lower-cased text."""

_PART: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+(?:[^\W\d_])*")
_PASSWORD: Final = frozenset(
    "password passwd passphrase passcode passwords pass pwd pw psk userpass userpassword userpwd dbpass dbpassword "
    "rootpassword adminpass adminpassword smbpass httppassword storepass keypass mysqlpassword pgpassword "
    "authpass requirepass masterauth pswd pword passw psswd".split()
)
_TOKEN: Final = frozenset(
    "secret token apikey authtoken accesstoken secretkey authkey accesskey clientsecret apitoken токен geheim".split()
)
_WEAK: Final = frozenset(
    "key auth credential credentials cred creds authorization cookie session sid jwt bearer signature sessionid sessid "
    "phpsessid jsessionid "
    "ключ секрет schlüssel".split()
)
_KEY_OF: Final = frozenset(
    "api access auth private encryption account signing master license service shared deploy registration session "
    "client secret storage consumer subscription admin integration app application write".split()
)
# Names that contain such a word and mean something else: a file, a count, a limit, a special token of a tokenizer.
_OF_A_MODEL: Final = frozenset("max min num count pad eos bos unk sep cls mask public pub".split())
_ASKS: Final = frozenset("ask prompt no has show hide allow require".split())
_NO_PASSWORD: Final = ("bypass", "compass", "encompass", "trespass", "surpass", "overpass", "underpass", "oldpwd")
_ENDS_AS_PASSWORD: Final = ("password", "passwd", "passphrase", "passwort", "kennwort", "pass", "pwd", "rootpw", "dbpw")

_VARIABLE: Final = re.compile(r"\$\{?\w++[^}]*+\}?|\$[\w?@*#!$-]|%\w++%?|\$\(.*+|`.*+|\{\{.*+|\$\{\{.*+", re.DOTALL)
_PLACEHOLDER: Final = re.compile(
    r"(?:<.*>|\[.*\]|\{.*\}|[*xX.•_-]{3,}|\.{3}|x+|%[sdr]|"
    r"(?:your|my|the|some|change|enter|insert)[-_ ]?(?:[a-z]{1,20}[-_ ]){0,4}"
    r"(?:password|passwd|token|secret|key|pass|me)(?:[-_ ]here)?|redacted|changeme)/?",
    re.IGNORECASE | re.DOTALL,
)
_TRIVIAL: Final = frozenset(
    "none null nil true false yes no on off undefined str string int bool float bytes any object optional required "
    "prompt ask stdin file env password passwd pass pwd token secret key pw self value 0 1 2 - * . / \\ | & + ? "
    "! plain plaintext".split()
)
_CODE: Final = re.compile(
    r"\A(?:[\w.]++\(|[\w.]{0,64}\bself\.\w|[A-Za-z_]\w*+\[|lambda\b)|\.\*|\.\+|\[\^?\w-|\\[wSsd(]|\(\?"
)
_DOTTED: Final = re.compile(r"[A-Za-z_]\w*(?:\??\.[A-Za-z_]\w*)+")
_DIGIT: Final = re.compile(r"\d")
_LETTER: Final = re.compile(r"[^\W\d_]")
LONGEST_VALUE: Final = 1024
"""Characters of a value that are examined."""


@lru_cache(maxsize=8192)
def strength_of(name: str) -> Strength | None:
    """How certain the name makes it that its value is a secret; None where it does not suggest one."""
    lower = name[-96:].lower()
    if lower.replace(" ", "").replace("-", "") in _FOREIGN or lower in UNSPACED or lower in _TWO_WORDS:
        return "password"
    parts = [part.lower() for part in _PART.findall(name[-96:])]
    if not parts:
        return None
    last, before = parts[-1], parts[-2] if len(parts) > 1 else ""
    if last.isdigit() and before:
        last, before = before, parts[-3] if len(parts) > 2 else ""
    joined = before + last
    if _OF_A_MODEL & set(parts[:-1]) or (parts[0] in _ASKS and len(parts) > 1):
        return None
    if last.endswith(_NO_PASSWORD):
        return None
    if last in _PASSWORD or joined in _PASSWORD or last in _FOREIGN or last.endswith(_ENDS_AS_PASSWORD):
        return "password"
    if (
        last in _TOKEN
        or joined in _TOKEN
        or (last == "key" and before in _KEY_OF)
        or last.endswith(("secret", "apikey", "token"))
    ):
        return "token"
    if last == "key" and {"secret", "private", "token", "password"} & set(parts[:-1]):
        return "token"
    if last in ("base64", "b64", "base", "value", "plaintext", "raw", "literal", "hex", "data") and before:
        return strength_of("_".join(parts[:-1]))
    if last in _WEAK:
        return "weak"
    return None


def looks_random(value: str, *, at_least: int = 8, bits: float = 2.5) -> bool:
    """Long enough, of letters and digits, and with at least `bits` of Shannon entropy a character."""
    value = value[:LONGEST_VALUE]
    if len(value) < at_least or not _DIGIT.search(value) or not _LETTER.search(value):
        return False
    if bits <= 0:
        return True
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
    value = value[:LONGEST_VALUE]
    if quote != "'" and _VARIABLE.fullmatch(value):
        return False
    return not _PLACEHOLDER.fullmatch(value)


def is_code(value: str) -> bool:
    """A call, a pattern or an attribute (`form.password`), as program text has it in the place of a value."""
    value = value[:LONGEST_VALUE]
    if _CODE.search(value):
        return True
    if not _DOTTED.fullmatch(value):
        return False
    parts = re.split(r"\??\.", value)
    return not any(c.isdigit() for c in value) or any(strength_of(part) for part in parts if len(part) < 40)


def is_secret_value(name: str, value: str, *, quote: str = "", on_command_line: bool = False) -> bool:
    """Is the value in `name = value` a secret?

    `on_command_line` says that the assignment is a word of a command line (`PGPASSWORD=hunter2 psql`), where the value
    is certainly a literal; elsewhere it may be program text (`password = form.password`).
    """
    strength = strength_of(name)
    value = value[:LONGEST_VALUE]
    if strength is None or not is_literal(value, quote=quote) or value.lower() in _TRIVIAL:
        return False
    is_path = value.startswith(("/", "./", "../", "~/", "file:", "@")) or "://" in value
    if is_path and not looks_random(value, at_least=24, bits=4.2):
        return False
    if name.lower().endswith("pwd") and any(c in value for c in " /\\"):
        return False  # the working directory, in a variable or an alias named after it
    if strength == "password":
        if on_command_line or quote:
            return not is_code(value) or (looks_random(value) and not _DOTTED.fullmatch(value))
        return not is_code(value) and (looks_random(value, at_least=6, bits=2.0) or not value.isidentifier())
    if is_code(value):
        return False
    if strength == "token":
        if on_command_line and name.isupper():
            return len(value) > 3 and not value.isdigit()
        return looks_random(value, at_least=8) or (
            bool(quote or on_command_line) and len(value) >= 16 and " " not in value
        )
    if on_command_line and name.isupper() and last_is_auth(name):
        return looks_random(value)
    if on_command_line and name.lower().endswith("key") and len(_PART.findall(name)) <= 2:
        return len(value) >= 10 and looks_random(value) and value.lower() != value != value.upper()
    return looks_random(value, at_least=20, bits=3.3)


def last_is_auth(name: str) -> bool:
    """`REDISCLI_AUTH`: a variable for the program behind it."""
    return name.endswith(("_AUTH", "_CREDENTIALS", "_CREDS"))
