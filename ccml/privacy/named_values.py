"""Secrets that are recognised by the name in front of them: `password=hunter2`, `"api_key": "…"`, `--token …`,
`Authorization: Bearer …`, `<password>…</password>`, "the password for the server is hunter2", `пароль: hunter2`.

The text is searched for the words that such names contain, and each is looked at once, with the characters around it.
"""

from __future__ import annotations

import re
from typing import Final

from ccml.privacy.secret_names import (
    NAME_WORDS,
    UNSPACED,
    Strength,
    is_literal,
    is_secret_value,
    looks_random,
    strength_of,
)
from ccml.privacy.spoken_values import ABOUT_IT, following_secret, is_typed, said_secret
from ccml.privacy.work import Span, Work

_LEFT: Final = re.compile(r"[\w.-]{0,80}+")
"""Matched on the reversed text: how far a name reaches to the left."""
_RIGHT: Final = re.compile(r"[\w.-]{0,64}+")
_SIGN: Final = re.compile(
    r"(?P<closed>\\{0,3}[\"'`]?\]?)(?P<gap>\s{0,4})(?P<sign>=>|:=|==?=?|：|:(?![:/])|(?<=\w)>)(?P<space>\s{0,8})"
    r"(?P<quote>\\{0,3}[\"'])?"
)
_QUOTED: Final = {
    '"': re.compile(r'(?:[^"\\\n]|\\.)*+'),
    "'": re.compile(r"[^'\n]*+"),
    '\\"': re.compile(r'[^"\\\n]*+'),
    "\\'": re.compile(r"[^'\\\n]*+"),
}
_WORD: Final = re.compile(r"(?:[^\s'\"`|;&<>()\\]|\\[^\w\s])++")
"""A value as a shell or a query string has it."""
_DATA: Final = re.compile(r"(?:[^\s'\"`|;&)\]},\\]|\\[^\w\s])++")
"""A value as a settings file or program text has it."""
_PER_STEP: Final = 32
"""Characters of a value that count as one step."""
_NEXT_ASSIGNMENT: Final = re.compile(r"[,;][A-Za-z_][\w.-]*+=")
_PAGES: Final = re.compile(r"page|next|prev|cursor|continu|sync")
"""In the name of a parameter: the token is a place in a list."""
_KEY_VALUE: Final = re.compile(r"[a-z]+=")

_HEADER: Final = re.compile(
    r"(?i)(?:(?P<scheme>bearer|basic|token|digest|apikey|negotiate|key|oauth)\s{1,3})?"
    r"(?P<secret>(?!(?:bearer|basic|token|digest|apikey|negotiate|key|oauth)\s)[^\s'\"\\<>,;)}\]][^\s'\"\\<>,)}\]]{2,2000}+)"
)
_COOKIE: Final = re.compile(r"[^\s'\"\\<>,)}\]][^'\"\\<>\n)}\]]{2,2000}+")
_VALUE_ATTRIBUTE: Final = re.compile(r"['\"]\s{1,4}value\s{0,2}=\s{0,2}(?P<q>['\"])(?P<secret>[^'\"<\n]{1,1024}+)")
_DECLARED: Final = re.compile(r"[&\w<>\[\]|?.' ]{1,40}?=\s{0,3}(?P<q>[\"'])(?P<secret>[^\"'\n]{1,1024}+)")
"""`password: str = "…"`: a type stands between the name and its value."""
_SETTER: Final = re.compile(r"(?i)(?:set|put)\w{0,30}\(\s{0,3}['\"]\Z")
_SECOND_ARGUMENT: Final = re.compile(r"['\"]\s{0,3},\s{0,3}(?P<q>['\"])(?P<secret>[^'\"\n]{1,1024}+)")
"""`setenv("DB_PASSWORD", "…")`"""
_ELEMENT: Final = re.compile(r"[^<\n]{1,1024}+")
_OPTION_VALUE: Final = re.compile(
    r"['\"]?\s{1,8}(?:(?P<q>['\"])(?P<quoted>(?:(?!(?P=q))[^\n]){1,1024}+)(?P=q)|(?P<bare>[^\s'\"`|;&<>()-][^\s'\"`|;&<>()]{0,1024}+))"
)
_ASKS_A_COMMAND: Final = re.compile(r"(?i)pass[\w-]*(?:command|cmd|eval)$")
_PRINTS: Final = re.compile(
    r"[\"']?[\s=:]{1,3}[\"']?(?:echo|printf)\s{1,3}(?:-\w{1,3}\s{1,3})?[\"']?(?P<secret>[^\s'\"\\]{1,200}+)"
)
_SET: Final = re.compile(r"(?i)\s{0,8}(?:[\w ()/]{0,40}> )?(?:set|setg|unsetg)\s{1,4}")
_SET_LINE: Final = re.compile(r"\s{1,4}(?P<secret>[^\s'\"]{1,200}+)\s*?(?:\n|\Z)")
_AS_IT: Final = re.compile(
    r"(?i)\b(?:use|using|take|set|try|enter|type|choose|put|with|used|chose|picked|made|has|is|got|given|gave)\s{1,3}(?P<q>[\"'`]?)(?P<secret>[^\s\"'`]{5,200}+)"
    r"(?P=q)(?:\s{1,3}(?:as|for)|,?\s{1,3}(?:that|which|it)(?:'s|\s(?:is|was)))\s{1,3}(?:[\w'-]{1,20}\s{1,3}){0,3}\Z"
)
""" "use hunter2 as the root password" """
_BEFORE_IT: Final = (" as ", " for ", "that ", "which ", " it ", "'s ")
_LOCK_NAMES: Final = re.compile(r"(?:wlan|wifi|wi-fi|wpa\d?|netzwerk)[-_]?(?:key|schlüssel)")
_LOCKS: Final = re.compile(
    r"(?i)(?:wi-?fi|wlan|wpa\d?|wireless|hotspot|router|bitlocker|filevault|luks|recovery|unlock|decryption)"
    r"[\s'_-]{1,3}(?:network\s|access\s)?\Z"
)
"""In front of `key`: one that people type. Elsewhere a key is also a field of a table, or a file."""
_VERBS_OF_OTHERS: Final = {
    name: re.compile(rf"\s{{1,3}}(?:[\w.-]{{1,20}}+\s){{0,3}}?{verb}\s{{1,3}}[\"']?(?P<secret>[^\s\"']{{4,200}}+)")
    for name, verb in (
        ("ключ", r"(?:от|к|для)\s\S{1,30}"),
        ("hasło", "to"), ("haslo", "to"), ("salasana", "on"), ("пароль", r"(?:от|к|для)\s\S{1,30}"),
        ("lösenord", "är"), ("lösenordet", "är"), ("passord", "er"), ("passordet", "er"),
        ("adgangskode", "er"), ("adgangskoden", "er"), ("heslo", "je"), ("lozinka", "je"),
        ("geslo", "je"), ("parola", "este"), ("mật khẩu", "là"), ("kata sandi", "adalah"), ("wachtwoord", "is"),
    )
}  # fmt: skip
_NUMBER_IN_A_SENTENCE: Final = re.compile(
    r"(?:\s{1,3}(?:for|of|to|from|für|de|del|du|per)(?:\s{1,3}[\w'-]{1,20}){1,3})?"
    r"(?:\s{1,3}(?:is|ist|lautet|es|est|è)|:)\s{1,3}(?P<secret>\d{4,8})(?!\d)"
)
_OF_PASSWD: Final = re.compile(r"(?:\s{1,3}-[\w-]{1,20}){0,3}\s{1,3}[\w.$-]{1,64}+\s*(?:[;|&)\n]|\Z)")
_COMMANDED: Final = re.compile(r"(?:.{0,80}[;|&(]\s*)?(?:(?:sudo|doas|exec|command)\s{1,3}(?:-\w\s{1,3}){0,2})?")
_NEXT_WORD: Final = re.compile(r"[ -]([A-Za-z]{2,20})")
_FROM: Final = re.compile(
    r"\s{1,3}(?:from|von|de|da)\s{1,3}[\"']?(?P<secret>[^\s\"']{5,200}+)[\"']?\s{1,3}(?:to|auf|a|à)\s"
)
_SET_TO: Final = re.compile(
    r"(?:\s{1,3}(?:from|von|de|da)\s{1,3}\S{1,220}+)?\s{1,3}(?:to|auf|a|à)\s{1,3}(?P<q>[\"']?)(?P<secret>[^\s\"']{5,200}+)"
)
_UNSPACED_VERB: Final = re.compile(
    r"\s{0,3}(?:は|是|为|為|：|是：|は：|는|은|가|이|:|：|=|है|هي|هو)\s{0,3}[\"'「]?(?P<secret>[!-~]{4,200}+)"
)
_CHANGES: Final = re.compile(r"(?i)\b(?:set|change|reset|update|make|setze|ändere|cambia|change)\b")


def named_secrets(text: str, lower: str, work: Work) -> list[Span]:
    """Values whose name says that they are secret. `lower` is the lower-cased text, of the same length."""
    spans: list[Span] = []
    reverse = ""
    done = 0
    quotes = {"'": 0, '"': 0}
    counted = 0
    for hit in NAME_WORDS.finditer(lower):
        if hit.start() < done:
            continue
        work.spend(4)
        reverse = reverse or text[::-1]
        left = _LEFT.match(reverse, len(text) - hit.start())
        right = _RIGHT.match(text, hit.end())
        assert left is not None
        assert right is not None
        start, done = max(hit.start() - len(left.group()), done), right.end()
        if hit.group() in UNSPACED:
            start, done = hit.span()
        while done > hit.end() and text[done - 1] in ".-":
            done -= 1
        if text.startswith("<secret:", start - 8):
            continue
        name = text[start:done]
        bare = name.lstrip(".-")
        strength = strength_of(bare)
        if strength == "weak" and _opens_a_lock(bare.lower(), text, start):
            strength = "password"
        if strength is None and not _is_number_name(bare):
            prints = _PRINTS.match(text, done) if _ASKS_A_COMMAND.search(bare) else None
            if prints and is_literal(prints["secret"]):
                spans.append(Span(*prints.span("secret"), "password"))
            continue
        sign = _SIGN.match(text, done)
        if sign is None:
            work.spend(2)
            found = _unsigned(text, start, done, name, bare, strength)
        else:
            for mark in quotes:
                quotes[mark] += text.count(mark, counted, start)
            counted = start
            quote = (sign["quote"] or "")[-1:]
            if quote and quotes[quote] % 2 and not sign["closed"]:
                continue  # `read -p "Password: " name`: the quote ends a string that began before the name
            found = _signed(text, start, name, bare, strength, sign, work)
        if found is not None and not text.startswith("<secret:", found.start):
            spans.append(found)
            done = max(done, found.end)
    return spans


def _opens_a_lock(name: str, text: str, start: int) -> bool:
    if name == "key":
        return _LOCKS.search(text, max(0, start - 24), start) is not None
    return _LOCK_NAMES.fullmatch(name) is not None


def _is_number_name(name: str) -> bool:
    return re.split(r"[_.-]", name.lower())[-1] in ("pin", "otp", "totp", "cvv")


def _is_number(value: str) -> bool:
    return value.isdigit() and 4 <= len(value) <= 8


def _signed(
    text: str, start: int, name: str, bare: str, strength: Strength | None, sign: re.Match[str], work: Work
) -> Span | None:
    """`name = value` in its many spellings."""
    at, quote, mark, space = sign.end(), sign["quote"], sign["sign"], sign["space"]
    before = text[start - 1 : start]
    if mark == ">":
        element = _ELEMENT.match(text, at - len(space)) if before in ("<", ":") else None
        return _if_secret(bare, element, 0, quote='"') if element else None
    if before == "<":
        return None
    lower = bare.lower()
    if lower in ("cookie", "set-cookie"):
        cookie = _COOKIE.match(text, at)
        return Span(*cookie.span(), "cookie") if cookie and "=" in cookie.group() else None
    if "authorization" in lower or lower.endswith(("-token", "-key", "-auth", "-secret", "apikey", "api-key")):
        header = _HEADER.match(text, at)
        work.spend(len(header.group()) // _PER_STEP if header else 0)
        certain = header and (header["scheme"] or (mark == ":" and not name.startswith("-")))
        if header and certain and is_literal(header["secret"]) and len(header["secret"]) > 3:
            return Span(*header.span("secret"), "authorization" if "auth" in lower else "token")
    if quote:
        quoted = _QUOTED[quote if len(quote) == 1 else f"\\{quote[-1]}"].match(text, at)
        work.spend(len(quoted.group()) // _PER_STEP if quoted else 0)
        return _if_secret(bare, quoted, 0, quote=quote[-1], command=not space) if quoted else None
    adjacent = not space and not sign["gap"] and not sign["closed"] and mark in ("=", ":=")
    declared = _DECLARED.match(text, at) if mark == ":" else None
    if declared:
        return _if_secret(bare, declared, "secret", quote=declared["q"])
    value = (_WORD if adjacent else _DATA).match(text, at)
    if value is None:
        return None
    work.spend(len(value.group()) // _PER_STEP)
    if mark == "==" or (
        mark == ":" and lower in ("pass", "auth", "key") and (bare.isupper() or not is_typed(value.group()))
    ):
        return None  # a comparison; a report (`PASS: test_login`), not a setting
    if mark == "=" and space and not sign["gap"] and not looks_random(value.group(), at_least=6, bits=0):
        return None  # `password= query`: the value is empty
    end = value.end()
    if adjacent:
        behind = _NEXT_ASSIGNMENT.search(text, at, end)
        end = behind.start() if behind else end
        while end > at and text[end - 1] in ",}]":
            end -= 1
    found = text[at:end]
    if strength is None:
        return Span(at, end, "password") if _is_number(found) else None
    if adjacent and before in ("?", "&") and strength == "token" and not _PAGES.search(lower):
        # Of a link the parameter is what opens it, however it looks.
        return Span(at, end, "token") if len(found) > 3 and is_literal(found) and not _is_trivial(found) else None
    if is_secret_value(bare, found, on_command_line=adjacent or before == "/"):
        return Span(at, end, "password")
    if strength == "password" and _is_number(found):
        return Span(at, end, "password")
    return said_secret(text, bare.lower(), strength, sign.start()) if mark in (":", "：") and space else None


def _if_secret(name: str, found: re.Match[str], group: int | str, *, quote: str, command: bool = False) -> Span | None:
    value = found.group(group)
    if is_secret_value(name, value, quote=quote, on_command_line=command) or (
        _is_number_name(name) and _is_number(value)
    ):
        return Span(*found.span(group), "password")
    return None


def _unsigned(text: str, start: int, end: int, name: str, bare: str, strength: Strength | None) -> Span | None:
    """A name and then, behind a blank, perhaps its value."""
    lower = bare.lower()
    if name.startswith("-"):
        value = _OPTION_VALUE.match(text, end)
        if value is None:
            return None
        group = "quoted" if value["q"] else "bare"
        found = value[group]
        if strength is None:
            return Span(*value.span(group), "password") if _is_number(found) else None
        if is_secret_value(bare, found, quote=value["q"] or "", on_command_line=True) and not _KEY_VALUE.match(found):
            return Span(*value.span(group), "password")
        return None
    if strength is None:
        number = _NUMBER_IN_A_SENTENCE.match(text, end)
        return Span(*number.span("secret"), "password") if number else None
    pair = _SECOND_ARGUMENT.match(text, end) if _SETTER.search(text, max(0, start - 40), start) else None
    if pair:
        return _if_secret(bare, pair, "secret", quote=pair["q"])
    attribute = _VALUE_ATTRIBUTE.match(text, end)
    if attribute:
        return _if_secret(bare, attribute, 0, quote='"') and Span(*attribute.span("secret"), "password")
    spoken = _VERBS_OF_OTHERS[lower].match(text, end) if lower in _VERBS_OF_OTHERS else None
    if spoken and is_literal(spoken["secret"].rstrip(".,;")) and (strength != "weak" or is_typed(spoken["secret"])):
        return Span(spoken.start("secret"), spoken.start("secret") + len(spoken["secret"].rstrip(".,;")), "password")
    if not lower.isascii():
        spoken = _UNSPACED_VERB.match(text, end)
        if spoken and is_literal(spoken["secret"]):
            return Span(*spoken.span("secret"), "password")
    line = text[max(0, start - 80) : start].rpartition("\n")[2]
    if _SET.fullmatch(line):
        value = _SET_LINE.match(text, end)
        if value and is_secret_value(bare, value["secret"], on_command_line=True):
            return Span(*value.span("secret"), "password")
    about = _NEXT_WORD.match(text, end)
    if about is not None and about[1].lower() in ABOUT_IT:
        pass
    elif strength == "password" and any(word in line for word in _BEFORE_IT):
        named = _AS_IT.search(text, start - len(line), start)
        said = named["secret"].rstrip(",.;") if named else ""
        if named and is_typed(said) and is_literal(said):
            return Span(named.start("secret"), named.start("secret") + len(said), "password")
    if bare == "passwd" and _OF_PASSWD.match(text, end) and _COMMANDED.fullmatch(line):
        return None  # `sudo passwd ada2` names a user
    was = _FROM.match(text, end) if strength == "password" and _CHANGES.search(line) else None
    if was and is_typed(was["secret"]) and is_literal(was["secret"]):
        return Span(*was.span("secret"), "password")
    changed = _SET_TO.match(text, end) if strength == "password" and _CHANGES.search(line) else None
    if changed:
        new = changed["secret"].rstrip(".,;:?)")
        if is_typed(new) and is_literal(new):
            return Span(changed.start("secret"), changed.start("secret") + len(new), "password")
    return said_secret(text, lower, strength, end) or following_secret(text, line, lower, strength, end)


def _is_trivial(value: str) -> bool:
    return value.lower() in ("none", "null", "true", "false", "undefined", "test", "token", "string", "value")
