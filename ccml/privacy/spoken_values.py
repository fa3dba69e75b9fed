"""Secrets in plain speech: "the password for the server is hunter2", "use pw hunter2", `CREATE USER a PASSWORD 'x'`.

No sign stands between the name and its value here, so the value itself and the words around it decide.
"""

from __future__ import annotations

import re
from typing import Final

from ccml.privacy.secret_names import Strength, is_literal, looks_random
from ccml.privacy.work import Span

_IN_A_SENTENCE: Final = re.compile(
    r"[\"'`]?(?:\s{1,3}(?!(?:is|was|=|ist|lautet|es|era|est|è|é|são|jest|это|—|–|-)\s)[\w.@'-]{1,40}+){0,6}?"
    r"(?:\s{0,2}[:=]|,?\s{1,3}it(?:['’]s|\sis)|\s{1,3}(?:is|was|ist|lautet|lautete|war|es|era|est|è|é|são|jest|olarak|είναι|היא|(?:should|must|will|would|shall|has\sto)\sbe|это|—|–|->|=>)"
    r"(?:\s{1,3}(?:now|still|just|set\s{1,2}to|jetzt|ahora))?:?)\s{1,4}"
    r"(?P<q>[\"'`“«]?)(?P<secret>[^\s\"'`“”«»<>]{3,200}+)(?P<after>[\"'`”»]?)"
)
_OF_SPEECH: Final = frozenset(
    "passwort kennwort contraseña wachtwoord пароль hasło lösenord şifre heslo salasana".split()
)
"""No program text has a field of this name with a type behind its colon."""
_FOLLOWS: Final = re.compile(
    r"[\"']?\s{1,4}(?P<q>[\"'`“«]?)(?P<secret>[^\s\"'`“”«»<>|;&()]{3,200}+)(?P<after>[\"'`”»]?)"
)
_DATABASE: Final = re.compile(r"(?i)\b(?:with|encrypted|login|user|role|identified|alter|create|set|use|using|my)\b")
_OF_A_USER: Final = re.compile(r"(?i)\b(?:user|login|my|username|admin|root)\b")
_SETS: Final = re.compile(r"(?:^|\s)(?:set|put|write|config|configure|defaults|setx|secret|kv)(?:\s|$)")
_TECHNICAL: Final = re.compile(
    r"(?i)(?:v?\d[\d.]*|\d+\w{0,3}|(?:sha|md|base|utf|oauth|ipv|argon|pbkdf|scrypt|bcrypt|http|tls|ssl|aes|rsa|des|ed|blake|"
    r"es|hs|rs|ps|vol|page|part|step|test|phase|option|line|case|issue|log|win|x|p|h|v|s|web|k8s?|python|py|id_)"
    r"[-_]?\d{1,5}(?:[._-]?\d+){0,3}[a-z]?|[\w-]+\.(?:py|js|ts|md|txt|ya?ml|json|toml|sh|go|rs|java|c|h|cfg|ini|conf|html?|log|sql|key|pem))"
)
ABOUT_IT: Final = frozenset(
    "reset resets policy policies length field fields file files hash hashes hashing manager prompt form page store "
    "reuse rotation strength generator hint check checks validation column input box change changes protection screen "
    "expiry refresh count limit budget id ids type name server service endpoint auth authentication authorization "
    "based bucket stream usage was were as that which who".split()
)
_NO_SECRET_SAID: Final = re.compile(
    r"(?i)(?:wrong|right|incorrect|correct|required|missing|empty|not|too|invalid|valid|expired|null|none|blank|unset|"
    r"unknown|same|different|here|there|safe|secure|insecure|unsafe|weak|strong|short|long|plain|okay|fine|good|"
    r"bad|new|old|public|secret|random|default|mandatory|needed|broken|gone|still|never|always|only|also|being|what|"
    r"where|used|kept|sent|read|part|one|the|this|that|your|mine|ours|yours|hidden|shown|leet|abgelaufen|vergessen|verloren|gesperrt|geheim|ungültig|expiré|oublié|expirou|вводится|истёк|"
    r"[a-zà-ÿ]+(?:ad[oa]|ari[oa]|ori[oa]|ut[oa]|lich|iert|oire|dig|igt)|falsch|richtig|leer|"
    r"ungültig|incorrecta|incorrecto|inválida|requerida|incorrect|requis|vide|faux|errata|obrigatória|"
    r"found|lost|known|shown|given|taken|chosen|built|made|done|held|left|met|seen|written|sought|"
    r"неверный|неправильный|обязателен|пустой|[a-z]+(?:ed|ing|able|ible|ive|ly|ous|ful|less|ant|ent))"
)


def said_secret(text: str, name: str, strength: Strength, end: int) -> Span | None:
    """ "the password for the server is hunter2" """
    said = _IN_A_SENTENCE.match(text, end, end + 400) if strength != "weak" else None
    if said is None:
        return None
    between = text[end : said.start("secret")].lower().split()
    if between and between[0].strip(":=\"'`") in ABOUT_IT:
        return None
    value, quoted = said["secret"], bool(said["q"] and said["after"])
    start = said.start("secret")
    value = value if quoted else value.rstrip(".,;:?)")
    if (
        not is_literal(value)
        or "://" in value
        or value.startswith(("/", "~/", "$", "-"))
        or _TECHNICAL.fullmatch(value)
    ):
        return None
    if strength == "token":
        certain = looks_random(value, at_least=12) and value.replace("-", "").replace("_", "").isalnum()
    elif quoted or _looks_typed(value):
        certain = True
    elif value.isdigit():
        certain = len(value) >= 4 and len(between) <= 3
    else:
        certain = (
            value.isalpha() and len(value) >= 5 and "=" not in between
            and (":" not in "".join(between) or name in _OF_SPEECH)
            and not _NO_SECRET_SAID.fullmatch(value) and _ends_clause(text, start + len(value))
        )  # fmt: skip
    return Span(start, start + len(value), "password") if certain else None


def following_secret(text: str, line: str, name: str, strength: Strength, end: int) -> Span | None:
    """ "use pw hunter2", `set-initial-password hunter2`, `CREATE USER a PASSWORD 'x'`: only the value decides."""
    found = _FOLLOWS.match(text, end)
    if found is None:
        return None
    value, quoted = found["secret"], bool(found["q"] and found["after"])
    value = value if quoted else value.rstrip(".,;:?)")
    span = Span(found.start("secret"), found.start("secret") + len(value), "password")
    if (
        not is_literal(value)
        or "://" in value
        or value.startswith(("/", "~", "$", "-", "@"))
        or _TECHNICAL.fullmatch(value)
    ):
        return None
    if strength == "password":
        if name == "pass" and not _OF_A_USER.search(line):
            return None  # "pass x86 to it": the verb
        if quoted and found["q"] in "'\"" and text[end : end + 1].isspace() and _DATABASE.search(line):
            return span
        sets = _SETS.search(line)
        return span if _looks_typed(value) and (looks_random(value, at_least=6, bits=0) or sets) else None
    if strength == "token":
        is_set = _SETS.search(line) is not None and is_typed(value)
        return span if is_set or (looks_random(value, at_least=16) and value.isalnum()) else None
    return span if name == "key" and len(value) in (44, 48, 64) and looks_random(value, at_least=44) else None


def is_typed(value: str) -> bool:
    return _looks_typed(value) and not _TECHNICAL.fullmatch(value) and not value.startswith("test")


def _looks_typed(value: str) -> bool:
    """As people make up passwords: letters with digits, or signs that stand in no word; no path, call or option."""
    if len(value) < 5 or any(c in value for c in "/\\(){}=,") or value.startswith(("--", "$")):
        return False
    signs = any(c in "!@#$%^&*+~?" for c in value)
    return (any(c.isdigit() for c in value) and any(c.isalpha() for c in value)) or (
        signs and any(c.isalpha() for c in value)
    )


def _ends_clause(text: str, end: int) -> bool:
    return (
        re.compile(r"[.!\"']?(?:\s*\Z|\n|\s*[,;.]|\s+(?:and|for|but|so|then|und|y|et|e|и)\s)").match(text, end)
        is not None
    )
