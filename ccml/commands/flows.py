"""What comes out of a command and flows into the next, as far as the line shows it: `echo x`, `base64 -d`, `curl`."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from ccml.commands.secret_files import is_secret_path
from ccml.commands.words import Words, name_of

_FETCHERS: Final = frozenset("curl wget fetch aria2c http https xh nc ncat netcat lynx ftp".split())
_DECODERS: Final = frozenset("base64 base32 xxd openssl uudecode basenc gpg".split())
_CHANGERS: Final = frozenset("rev tr sed gunzip zcat xxd".split())
_PASSES_ON: Final = frozenset("cat tee head tail sort uniq nl pv".split())
_GENERATES: Final = frozenset("awk gawk mawk sed perl python python3 ruby node jq".split())
"""Programs that may write a script from a list; of its words the line shows those in quotes."""
_REMOVAL_WORD: Final = re.compile(r"(?:^|[^\w-])(?:rm|rmdir|shred|unlink|mkfs|dropdb|truncate)\s")
_ESCAPES: Final = re.compile(r"\\(n|t|r|x[0-9a-fA-F]{2}|0?[0-7]{3}|\\)")


@dataclass(frozen=True, slots=True)
class Flow:
    """What comes out of a command, as far as the line shows it."""

    texts: tuple[str, ...] = ()
    fetched: bool = False
    decoded: bool = False
    changed: bool = False
    secret: bool = False

    def __or__(self, other: Flow) -> Flow:
        return Flow(
            (*self.texts, *other.texts)[:20],
            self.fetched or other.fetched,
            self.decoded or other.decoded,
            self.changed or other.changed,
            self.secret or other.secret,
        )


NOTHING: Final = Flow()


def with_input(words: Words, flow: Flow) -> Words:
    """The words behind `xargs` with those that it reads."""
    if not flow.texts:
        return words
    text = " ".join(flow.texts).strip()
    if any("{}" in word for word in words):
        return tuple(word.replace("{}", text) for word in words)
    return (*words, text) if words[-1] == "-c" else (*words, *text.split()[:40])


def output(words: Words, flow: Flow) -> Flow:
    """What a command writes, as far as its words show it. What was fetched stays fetched behind any filter."""
    program, rest = name_of(words), words[1:]
    secret = (
        flow.secret or words in (("env",), ("printenv",), ("history",)) or any(is_secret_path(word) for word in rest)
    )
    passed = Flow((), flow.fetched, flow.decoded, flow.changed, secret)
    if program == "echo":
        text = " ".join(word for word in rest if word not in ("-n", "-e", "-E", "-ne", "-en"))
        return Flow((_unescaped(text),))
    if program == "printf":
        return Flow((_formatted(rest),)) if rest else Flow(("",))
    if program in ("true", ":") or (program == "type" and rest in (("nul",), ("NUL",))):
        return Flow(("",))
    if program in ("which", "command", "type") and rest and not rest[-1].startswith("-"):
        return Flow((rest[-1],)) if program == "which" or rest[0] in ("-v", "-p", "-P") else NOTHING
    if program in _FETCHERS:
        return Flow((), True, flow.decoded)
    operands = [word for word in rest if not word.startswith("-")]
    if program in _GENERATES and any(_REMOVAL_WORD.search(word) for word in rest):
        return Flow((), flow.fetched, flow.decoded, True, secret)
    if program in ("head", "tail") and rest[:2] in (("-c", "0"), ("-n", "0")):
        return Flow(("",))
    if program in _DECODERS:
        return Flow(tuple(filter(None, map(_decoded, flow.texts))), flow.fetched, True)
    if program == "rev":
        return Flow(tuple(text[::-1] for text in flow.texts), flow.fetched, flow.decoded, True)
    if program in _CHANGERS:
        return Flow((), flow.fetched, flow.decoded, bool(flow.texts), secret)
    if program in _PASSES_ON and operands == ["/dev/null"]:
        return Flow(("",))
    if program in _PASSES_ON and (not operands or program == "tee"):
        return flow
    return passed


def sends_secret(word: str) -> bool:
    """`-d @~/.ssh/id_rsa`, `-F key=@id_rsa`, `--post-file=.env`."""
    _, sign, path = word.partition("@")
    if word.startswith("--post-file="):
        sign, path = "@", word.partition("=")[2]
    return bool(sign) and is_secret_path(path)


def sends_secret_file(program: str, words: Words) -> bool:
    """`scp id_rsa host:`, `curl -T .env url`."""
    if program in ("scp", "rsync", "rclone", "sftp"):
        remote = any(":" in word and not word.startswith("-") for word in words[-1:])
        return remote and any(is_secret_path(word) for word in words[1:-1] if not word.endswith((".pem", ".key")))
    uploads = {"-T", "--upload-file"} & set(words)
    return program == "curl" and bool(uploads) and any(is_secret_path(word) for word in words[1:])


def _unescaped(text: str) -> str:
    def undone(escape: re.Match[str]) -> str:
        body = escape.group(1)
        if body[0] == "x":
            return chr(int(body[1:], 16))
        return {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}.get(body) or chr(int(body, 8) & 255)

    return _ESCAPES.sub(undone, text) if "\\" in text else text


def _formatted(words: Words) -> str:
    """`printf`'s words, each `%s` replaced in order."""
    words = words[1:] if words[0] == "--" else words
    form, values = _unescaped(words[0]), list(words[1:])
    pieces = re.split(r"%[-0-9.]{0,8}[sbdqxc]", form)
    if len(pieces) == 1:
        return form
    text = ""
    while True:
        for piece in pieces[:-1]:
            text += piece + (values.pop(0) if values else "")
        text += pieces[-1]
        if not values or len(text) > 4096:
            return text


def _decoded(text: str) -> str:
    compact = "".join(text.split())
    try:
        raw = bytes.fromhex(compact)
    except ValueError:
        try:
            raw = base64.b64decode(compact, validate=True)
        except (binascii.Error, ValueError):
            return ""
    return raw.decode("utf-8", "replace")
