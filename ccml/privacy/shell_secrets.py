"""Secrets that are recognised by their command: `mysql -phunter2`, `sshpass -p hunter2 …`, `echo hunter2 | sudo -S`.

A password on a command line has no shape of its own, so a line is cut into words, and a table states for each program
which of its words are secret (`OPTIONS`). This is a tokenizer, not a parser: it has to be fast, and to work on lines
that are cut off, quoted inside another shell's words, or not written for a shell.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from ccml.privacy.secret_names import is_literal, is_secret_value, looks_random, strength_of

OPTIONS: Final[dict[str, str]] = {
    "mysql mysqldump mysqladmin mysqlimport mysqlshow mysqlcheck mysqlbinlog mysqlpump mysql_upgrade mysqlslap mycli "
    "mariadb mariadb-dump mariadb-admin mariadb-import mariadb-check mariadb-show mariadb-backup xtrabackup": "-p*",
    "sshpass twine mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat mongotop cqlsh "
    "beeline snowsql "
    "hydra medusa evil-winrm ncftp ncftpput ncftpget useradd usermod psexec psexec.exe rabbitmqadmin hdbsql "
    "steghide airdecap-ng": "-p",
    "curl": "-u: -U: --user: --proxy-user: --pass --proxy-pass --oauth2-bearer --tlspassword",
    "http https xh xhs": "-a: --auth:",
    "docker|login podman|login buildah|login nerdctl|login helm|login oras|login cf|login cf|auth az|login oc|login "
    "ibmcloud|login bx|login": "-p",
    "skopeo buildah podman": "--creds: --src-creds: --dest-creds:",
    "redis-cli redis-benchmark valkey-cli": "-a --pass",
    "sqlcmd bcp osql mosquitto_pub mosquitto_sub ipmitool zip zipcloak unzip zipinfo": "-P",
    "sqlplus sqlldr expdp impdp rman": "@1/",
    "isql": "@3",
    "influx": "-password!",
    "7z 7za 7zr 7zz": "-p*",
    "rar unrar": "-p* -hp*",
    "openssl": "-k! -K! -pass! -passin! -passout! -password! pass:*",
    "ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami ldapcompare ldapmodrdn ldapexop": "-w",
    "ldappasswd": "-w -s -a",
    "smbclient rpcclient smbget smbcacls winexe pth-winexe": "-U% --user%",
    "crackmapexec cme netexec nxc smbmap bloodhound-python": "-p -H",
    "xfreerdp wlfreerdp xfreerdp3 wmic schtasks cmdkey": "/p:* /pass:* /password:* /rp+ /p+",
    "rdesktop": "-p",
    "plink plink.exe pscp pscp.exe psftp": "-pw",
    "snmpwalk snmpget snmpset snmpbulkwalk": "-A -X",
    "ssh-keygen": "-N -P",
    "lftp": "-u,",
    "rabbitmqctl|add_user rabbitmqctl|change_password rabbitmqctl|authenticate_user wpa_passphrase": "@2",
    "vault|login ngrok|authtoken ngrok|add-authtoken rclone|obscure bw|unlock": "@1",
    "nmcli": "password+",
    "iwconfig": "key+",
    "aws|set": "aws_secret_access_key+ aws_session_token+",
    "mc|set mc|add": "@4",
    "keytool jarsigner apksigner": "-storepass -keypass -srcstorepass -deststorepass -srckeypass -destkeypass pass:*",
    "security": "-w",
    "doctl|init flyctl fly gitlab-runner": "-t -r",
    "pdftk": "input_pw+ user_pw+ owner_pw+",
    "pdftotext pdfinfo pdftoppm pdfimages": "-upw -opw",
    "qpdf": "--encrypt+",
    "rclone|create rclone|update rclone|password": "pass+ password+ secret_access_key+ token+",
    "x11vnc": "-passwd",
    "swaks sendemail": "-ap -xp",
    "db2": "using+",
    "net": "-U%",
}
"""Program, or `program|sub-command` → the words that are secret:

`-p`   the word after it, or what is attached to it (`-pX`, `--pass=X`)
`-p*`  only what is attached: `mysql -p shop` names a data base
`-u:`  its value is `user:password`; what follows the colon (or `%`, `,`, `/`)
`-k!`  the word after it only: `openssl -key` is another option
`word+` the word after the bare `word`
`@2`   the second word that is no option
"""

_READS_PASSWORD: Final = re.compile(
    r"\bsudo\b.*\s-\w*S|\bpasswd\b.*--stdin|\bchpasswd\b|--[\w-]*(?:pass\w*|token|secret|key)-(?:on-"
    r"|from-)?(?:stdin|fd)|--with-token|"
    r"\bcryptsetup\b|\bkinit\b"
    r"|\bsmbpasswd\b.*\s-\w*s|\bpass\s+insert\b|--passphrase-fd|\bvault\s+login\s+-|-pass(?:in|out)?\s+stdin|\bsu\s"
    r"|\bsecret\s+create\b|\bsecrets?\s+(?:set|put|add)\b|\bvncpasswd\b|\baskpass\b"
)
"""Commands that read a secret from standard input: a text that is piped into them is a secret."""

_WORD: Final = re.compile(
    r"(?P<word>(?:<(?:secret:[a-z0-9-]+|email|user)>|[^\s'\"\\|;&<>()`]++|'[^']*+'?|\"(?:[^\"\\]|\\.)*+\"?|\\.)++)"
    r"|(?P<end>\|\|?|&&?|;|\n|\(|\)|`)|(?P<here><<<)|[<>]",
    re.DOTALL,
)
_ASSIGNMENT: Final = re.compile(r"(?<![\w.])([A-Za-z_][\w.-]*+)\+?=(?!=)")
_NEXT_ASSIGNMENT: Final = re.compile(r"[,&;][A-Za-z_][\w.-]*+=")
_OPTION: Final = re.compile(r"--?([A-Za-z][\w.-]+)")
_NAME: Final = re.compile(r"[A-Za-z][\w-]{2,60}")
_KEY_VALUE: Final = re.compile(r"[a-z]+=")
_DEPTH = 2
_LONGEST_VALUE = 1024
"""Characters of a value that are examined: a word of 10,000 `x=` has 10,000 assignments, each to the word's end."""


class Span(NamedTuple):
    start: int
    end: int
    kind: str


class _Word(NamedTuple):
    text: str
    start: int
    """Where `text` begins in the whole line, quotes left out."""
    quote: str


def _compile(table: dict[str, str]) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    rules: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for programs, options in table.items():
        for program in programs.split():
            name, _, sub = program.partition("|")
            rules.setdefault(name, []).append((sub, tuple(options.split())))
    return rules


_RULES: Final = _compile(OPTIONS)
_HINT: Final = re.compile(
    r"(?<![\w-])(?:"
    + "|".join(
        sorted(
            map(re.escape, [*_RULES, "htpasswd", "echo", "printf", "sudo", "-u", "--user", "--auth", "--creds"]),
            key=len,
            reverse=True,
        )
    )
    + r")(?![\w-])"
)


def mentions_program(text: str) -> bool:
    """Whether any program of the table occurs; asked first, because cutting a text into words takes longer."""
    return _HINT.search(text) is not None


def shell_secrets(text: str, *, offset: int = 0, depth: int = 0) -> list[Span]:
    """The secret parts of a command line, as spans of `text` shifted by `offset`, in no order, perhaps overlapping."""
    spans: list[Span] = []
    segment: list[_Word] = []
    previous: list[_Word] = []
    began = 0
    here = False
    for match in _WORD.finditer(text):
        if match.lastgroup == "word":
            word = _unquote(match.group(), match.start() + offset)
            if here:
                if _READS_PASSWORD.search(text[began : match.start()]) and is_literal(word.text, quote=word.quote):
                    spans.append(Span(word.start, word.start + len(word.text), "password"))
                here = False
            segment.append(word)
            if word.quote and depth < _DEPTH and " " in word.text:
                spans += shell_secrets(word.text, offset=word.start, depth=depth + 1)
        elif match.lastgroup == "here":
            here = True
        elif match.lastgroup == "end":
            spans += _segment_secrets(segment)
            piped = match.group() == "|"
            if previous and _READS_PASSWORD.search(text[began : match.start()][:400]):
                spans += _echoed(previous)
            previous = segment if piped else []
            segment, began = [], match.end()
    spans += _segment_secrets(segment)
    if previous and _READS_PASSWORD.search(text[began:][:400]):
        spans += _echoed(previous)
    return spans


def _unquote(raw: str, start: int) -> _Word:
    if len(raw) >= 2 and raw[0] in "'\"" and raw[-1] == raw[0] and raw.count(raw[0]) == 2:
        return _Word(raw[1:-1], start + 1, raw[0])
    return _Word(raw, start, "")


def _segment_secrets(words: list[_Word]) -> list[Span]:
    spans: list[Span] = []
    seen: set[str] = set()
    for i, word in enumerate(words):
        name = word.text.rpartition("/")[2].rpartition("=")[2].lower()
        if name in _RULES and name not in seen:
            seen.add(name)
            rest = words[i + 1 :]
            for sub, options in _RULES[name]:
                if not sub or any(w.text == sub for w in rest[:6]):
                    after = next((k + 1 for k, w in enumerate(rest) if w.text == sub), 0) if sub else 0
                    for option in options:
                        spans += _option_secrets(option, rest[after:])
        elif name == "htpasswd" and name not in seen:
            seen.add(name)
            rest = words[i + 1 :]
            positional = [w for w in rest if not w.text.startswith("-")]
            if positional and any(re.fullmatch(r"-\w*b\w*", w.text) for w in rest):
                spans += _secret(positional[-1], 0)
        spans += _named_secret(word, words[i + 1] if i + 1 < len(words) else None)
    return spans


def _option_secrets(option: str, words: list[_Word]) -> list[Span]:
    """What one entry of `OPTIONS` finds among the words behind its program."""
    form = option[-1] if option[-1] in "*:%,+!" else ""
    flag = option.rstrip(form) if form else option
    if form == "*":
        flag = option[:-1]
        return [s for w in words if w.text.startswith(flag) for s in _secret(w, len(flag))]
    if option.startswith("@"):
        number, separator = int(option[1]), option[2:]
        positional = [w for w in words if not w.text.startswith("-")]
        if len(positional) < number:
            return []
        word = positional[number - 1]
        if not separator:
            return _secret(word, 0)
        user, found, rest = word.text.partition(separator)
        password = rest.split("@")[0]
        return _secret(word, len(user) + 1, len(password)) if found and user else []
    spans: list[Span] = []
    separator = form if form in ("%", ",", ":") else ""
    for i, word in enumerate(words):
        if word.text == flag:
            if i + 1 < len(words) and (word.quote or not words[i + 1].text.startswith("-")):
                spans += _valued(words[i + 1], 0, separator)
        elif form not in ("+", "!") and word.text.startswith(flag):
            if flag.startswith("--") and word.text[len(flag) : len(flag) + 1] == "=":
                spans += _valued(word, len(flag) + 1, separator)
            elif len(flag) == 2 and flag[0] == "-" and flag[1] != "-":
                spans += _valued(word, 2, separator)
    return spans


def _valued(word: _Word, at: int, separator: str) -> list[Span]:
    if not separator:
        return _secret(word, at)
    user, found, _ = word.text[at:].lstrip("'\"").partition(separator)
    lead = len(word.text[at:]) - len(word.text[at:].lstrip("'\""))
    return _secret(word, at + lead + len(user) + 1) if found else []


def _named_secret(word: _Word, following: _Word | None) -> list[Span]:
    """`NAME=value`, `--name=value` and `--name value` of any program, recognised by the name."""
    for match in _ASSIGNMENT.finditer(word.text):
        value, quote = _strip(word.text[match.end() : match.end() + _LONGEST_VALUE])
        if is_secret_value(match.group(1), value, quote=quote or word.quote, on_command_line=True):
            behind = _NEXT_ASSIGNMENT.search(word.text, match.end())
            return _secret(word, match.end(), behind.start() - match.end() if behind else None)
    if following is None or following.text.startswith("-"):
        return []
    option = _OPTION.fullmatch(word.text)
    if option:
        name, value = option.group(1), following.text
        if is_secret_value(name, value, quote=following.quote, on_command_line=True) and not _KEY_VALUE.match(value):
            return _secret(following, 0)
        user, colon, password = value.partition(":")
        if name in ("u", "user", "auth", "creds") and colon and user and looks_random(password, at_least=6, bits=0):
            return _secret(following, len(user) + 1)
        return []
    # `set-initial-password hunter2`, `setx CLIENT_SECRET 8fJ…`: without dashes, only a value that is no word counts.
    if _NAME.fullmatch(word.text) and word.text not in ("pass", "passwd"):
        strength = strength_of(word.text)
        if strength == "password" and looks_random(following.text, at_least=6, bits=0):
            return _secret(following, 0)
        if strength == "token" and looks_random(following.text, at_least=16) and following.text.isalnum():
            return _secret(following, 0)
    return []


def _echoed(words: list[_Word]) -> list[Span]:
    """The words that an `echo` or `printf` at the head of a pipe writes into a command that reads a password."""
    if not words or words[0].text.rpartition("/")[2] not in ("echo", "printf"):
        return []
    spans: list[Span] = []
    for word in words[1:]:
        if word.text.startswith("-") or word.text in ("%s", "%s\\n"):
            continue
        user, colon, _ = word.text.partition(":")
        spans += _secret(word, len(user) + 1 if colon and user.isidentifier() else 0)
    return spans


def _strip(value: str) -> tuple[str, str]:
    if len(value) >= 2 and value[0] in "'\"" and value[-1] == value[0]:
        return value[1:-1], value[0]
    return value, ""


def _secret(word: _Word, at: int, length: int | None = None) -> list[Span]:
    """The span from `at` in the word, without its quotes; none where no literal value is there."""
    text = word.text[at:] if length is None else word.text[at : at + length]
    value, quote = _strip(text)
    if not is_literal(value, quote=quote or word.quote):
        return []
    start = word.start + at + (1 if quote else 0)
    return [Span(start, start + len(value), "password")]
