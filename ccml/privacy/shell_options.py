"""The secret words of one command, found by the table of programs."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final, NamedTuple

from ccml.privacy.secret_names import is_literal, looks_random, strength_of
from ccml.privacy.shell_tables import NOT_SECRET_NAMES, OPTIONS
from ccml.privacy.work import Span, Work

USER_OPTIONS: Final = frozenset({"-u", "--user", "--auth", "--creds", "--basic-auth", "--userpass", "--credentials"})
"""Options whose value is often `user:password`, of any program."""
_POSITION: Final = re.compile(r"@(\d)(.*)")
_NOT_A_VALUE: Final = frozenset({"*", "-", "--", "''", '""', "?", "clear"})
_SUBCOMMAND_WITHIN = 8
_PER_STEP = 4
"""Words behind a program's name that count as one step."""


_TYPED: Final = re.compile(r"(?=.{0,40}[0-9])(?=.{0,40}[A-Za-z])(?!\d+[a-z]\b)[\w!@#$%^&*+?~-]{6,64}")
"""As people make up passwords; `-p 8080`, `-p 22` and `-p dir/x` are other things."""


_OTHER_MEANING: Final = frozenset(
    "sudo docker podman nerdctl ps pgrep pkill lsof mysql mysqldump mariadb cargo dotnet git make psql".split()
)
"""Programs that have `-u` and, with another meaning than password, `-p`."""


class Word(NamedTuple):
    text: str
    start: int
    """Where `text` begins in the whole line, quotes left out."""
    quote: str


class _Rule(NamedTuple):
    subs: tuple[str, ...]
    options: tuple[str, ...]
    takes: frozenset[str] | None


def _compile(table: dict[str, str]) -> dict[str, list[_Rule]]:
    rules: dict[str, list[_Rule]] = {}
    for programs, options in table.items():
        takes = [option.removeprefix("takes=") for option in options.split() if option.startswith("takes=")]
        wanted = tuple(option for option in options.split() if not option.startswith("takes="))
        for program in programs.split():
            name, *subs = program.split("|")
            rules.setdefault(name.lower(), []).append(
                _Rule(tuple(subs), wanted, frozenset(takes[0]) if takes else None)
            )
    return rules


PROGRAMS: Final = _compile(OPTIONS)


def program_name(word: str) -> str:
    r"""`/usr/bin/mysql`, `C:\x\mysql.exe`, `PGPASSWORD=x\mysql` → mysql."""
    if word.isalnum():
        return word.lower()
    for separator in "/\\=":
        word = word.rpartition(separator)[2]
    return word.strip("'\"").lower().removesuffix(".exe")


def command_secrets(words: list[Word], work: Work) -> list[Span]:
    """The secret words of a command, whichever program of the table stands in it (`docker exec db mysql -phunter2`)."""
    spans: list[Span] = []
    seen: set[str] = set()
    for place, word in enumerate(words):
        text = word.text
        if text[:1] == "-":
            option, equals, _ = text.partition("=")
            if option in USER_OPTIONS:
                value = (word, len(option) + 1) if equals else (words[place + 1], 0) if place + 1 < len(words) else None
                if value is not None:
                    user, colon, password = value[0].text[value[1] :].strip("'\"").partition(":")
                    if colon and user and looks_random(password, at_least=6, bits=0) and is_literal(password):
                        spans += _valued(*value, ":")
                    elif option == "--auth" and not colon and looks_random(user) and is_literal(user):
                        spans += secret_span(*value)
            elif text in ("-p", "-P") and _names_a_user(words, place) and place + 1 < len(words):
                given = words[place + 1]
                unknown = program_name(words[0].text) not in _OTHER_MEANING
                if _TYPED.fullmatch(given.text) or (unknown and given.text.isalpha() and len(given.text) > 5):
                    spans += secret_span(given, 0)
            continue
        name = program_name(text)
        if name not in PROGRAMS or name in seen or (place and "/" in text and "bin/" not in text):
            continue  # `find /home/john`: a path, not a program
        seen.add(name)
        rest = words[place + 1 :]
        for rule in PROGRAMS[name]:
            after = _behind_subcommands(rule.subs, rest)
            if after is None:
                continue
            work.spend(1 + len(rest) * len(rule.options) // _PER_STEP)
            for option in rule.options:
                spans += _option_secrets(option, rest[after:], rule.takes)
    return spans


def _names_a_user(words: list[Word], place: int) -> bool:
    """`-u ada -p …`, `-p … --user ada`, of any program."""
    around = (*words[max(0, place - 6) : place], *words[place + 2 : place + 4])
    return any(word.text in ("-u", "-U", "--user", "--username", "-user", "-username") for word in around)


def _behind_subcommands(subs: tuple[str, ...], words: list[Word]) -> int | None:
    at = 0
    for sub in subs:
        for place in range(at, min(len(words), at + _SUBCOMMAND_WITHIN)):
            if words[place].text.lower() == sub:
                at = place + 1
                break
        else:
            return None
    return at


def _option_secrets(option: str, words: list[Word], takes: frozenset[str] | None) -> list[Span]:
    """What one entry of `OPTIONS` finds among the words behind its program."""
    position = _POSITION.fullmatch(option)
    if position:
        return _positional(int(position[1]), position[2], words)
    if option == "last":
        return _last(words)
    if option == "share":
        return _behind_share(words)
    if option.endswith(">last"):
        letter = option[1:2] if option.startswith("-") else ""
        for place, word in enumerate(words):
            found = (
                re.fullmatch(rf"-[A-Za-z]*{letter}[A-Za-z]*", word.text) if letter else word.text.lower() == option[:-5]
            )
            if found:
                return _last(words[place + 1 :])
        return []
    if option.endswith(">sigil"):
        names = [word.text.lower() for word in words]
        if option[:-6] not in names:
            return []
        return [span for word in words if word.text.startswith(">") for span in secret_span(word, 1)]
    if option == "secret=*":
        return [span for word in words for span in _stored(word, 0)]
    if option.endswith("=*") and option.startswith("-"):
        flag = option[:-1]
        attached = [span for word in words if word.text.startswith(flag) for span in _stored(word, len(flag))]
        following = pairwise(words)
        return attached + [span for word, after in following if word.text == flag[:-1] for span in _stored(after, 0)]
    if option.endswith("*"):
        flag = option[:-1]
        if takes is not None and len(flag) == 2:
            begins = ((word, _in_group(word.text, flag[1], takes)) for word in words)
            return [s for word, at in begins if at is not None and at < len(word.text) for s in secret_span(word, at)]
        return [s for w in words if w.text.lower().startswith(flag) for s in secret_span(w, len(flag))]
    bare = re.fullmatch(r"(.+?)\+(\d?)", option)
    if bare:
        step = int(bare[2] or 1)
        places = [place + step for place, word in enumerate(words) if word.text.lower().strip("'\"") == bare[1].lower()]
        return [span for place in places if place < len(words) for span in secret_span(words[place], 0)]
    return _flagged(option, words, takes)


def _flagged(option: str, words: list[Word], takes: frozenset[str] | None) -> list[Span]:
    """`-p X`, `-pX`, `-vp X`, `--pass X`, `--pass=X`."""
    form = option[-1] if option[-1] in ":%,!" else ""
    flag = option.rstrip(form) if form else option
    separator = form if form in ("%", ",", ":") else ""
    letter = flag[1] if len(flag) == 2 and flag[0] == "-" else ""
    any_case = len(flag) > 2 and not flag.startswith("--")
    spans: list[Span] = []
    for place, word in enumerate(words):
        text = word.text
        if text[:1] not in "-/+" and text != flag:
            continue
        following = words[place + 1] if place + 1 < len(words) else None
        attached: int | None = None
        if text == flag or (any_case and text.lower() == flag.lower()):
            attached = len(text)
        elif form == "!":
            attached = len(flag) + 1 if len(flag) > 2 and text.startswith(f"{flag}=") else None
        elif letter:
            attached = _in_group(text, letter, takes)
        elif text.startswith((f"{flag}=", f"{flag}:")):
            attached = len(flag) + 1
        if attached is None:
            continue
        if attached < len(text):
            at = attached + (letter != "" and text[attached] == "=")
            spans += _valued(word, at, separator)
        elif following is not None and (word.quote or following.quote or not following.text.startswith("-")):
            spans += _valued(following, 0, separator)
    return spans


def _in_group(text: str, letter: str, takes: frozenset[str] | None) -> int | None:
    """Where the value of a short option begins in a word that perhaps groups several (`-suX`), or None."""
    if text[:1] != "-" or text[1:2] == "-":
        return None
    for place, character in enumerate(text[1:12], 1):
        if character == letter:
            grouped = place > 1 and takes is None
            return None if grouped and (len(text) > 5 or place + 1 < len(text)) else place + 1
        if not character.isalnum() or (takes is not None and character in takes):
            return None
    return None


def _positional(number: int, form: str, words: list[Word]) -> list[Span]:
    """The word in a place, options not counted."""
    marks = ("-", "/") if form == "nt" else ("-",)
    places = [word for word in words if word.quote or not word.text.startswith(marks)]
    if len(places) < number:
        return []
    word = places[number - 1]
    if form in ("/", ":"):
        user, found, rest = word.text.partition(form)
        end = rest.rfind("@") if form == ":" else rest.find("@")
        return secret_span(word, len(user) + 1, end if end >= 0 else len(rest)) if found and user else []
    if form == "?":
        return secret_span(word, 0) if looks_random(word.text, at_least=6, bits=0) and "://" not in word.text else []
    if form == "tok":
        return secret_span(word, 0) if any(_names_secret(name.text) for name in places[: number - 1]) else []
    return secret_span(word, 0)


def _names_secret(name: str) -> bool:
    r"""`user.password`, `pypi-token.pypi`, `http-basic.registry`, `//registry.test/:_authToken`."""
    parts = re.split(r"[.:/]", name)
    return any(strength_of(part) in ("password", "token") or part in ("http-basic", "bearer") for part in parts if part)


def _last(words: list[Word]) -> list[Span]:
    given = [word for word in words if word.quote or not word.text.startswith("-")]
    if not given or given[-1] is not words[-1]:
        return []
    before = words[-2].text if len(words) > 1 else ""
    return [] if before in ("-salt", "-in", "-s", "-S", "-m", "-R") else secret_span(words[-1], 0)


def _behind_share(words: list[Word]) -> list[Span]:
    shares = [place for place, word in enumerate(words) if word.text.startswith("\\\\")]
    if not shares:
        return []
    given = [word for word in words[shares[0] + 1 :] if word.quote or not word.text.startswith("/")]
    return secret_span(given[0], 0) if given else []


def _stored(word: Word, at: int) -> list[Span]:
    """The value of `name=value` in a store of secrets, whatever the name but for a few."""
    name, equals, _ = word.text[at:].strip("'\"").partition("=")
    if not equals or name.lower() in NOT_SECRET_NAMES or name.startswith("-"):
        return []
    lead = len(word.text[at:]) - len(word.text[at:].lstrip("'\""))
    return secret_span(word, at + lead + len(name) + 1)


def _valued(word: Word, at: int, separator: str) -> list[Span]:
    if not separator:
        return secret_span(word, at)
    given = word.text[at:]
    user, found, password = given.lstrip("'\"").partition(separator)
    if password.startswith("//"):
        return []  # the option has an address here
    lead = len(given) - len(given.lstrip("'\""))
    if found and not password.strip("'\"") and looks_random(user):
        return secret_span(word, at + lead, len(user))  # a key in the place of the user: `curl -u sk_live_…:`
    return secret_span(word, at + lead + len(user) + 1) if found else []


def secret_span(word: Word, at: int, length: int | None = None) -> list[Span]:
    """The span from `at` in the word, without its quotes; none where no literal value is there."""
    text = word.text[at:] if length is None else word.text[at : at + length]
    lead = 0
    quote = word.quote
    if len(text) >= 2 and text[0] in "'\"" and text[-1] == text[0]:
        text, lead, quote = text[1:-1], 1, text[0]
    elif word.quote == "" and text[-1:] in ("'", '"') and word.text[:1] == text[-1:]:
        text = text[:-1]
    if text in _NOT_A_VALUE or not is_literal(text, quote=quote):
        return []
    start = word.start + at + lead
    return [Span(start, start + len(text), "password")]
