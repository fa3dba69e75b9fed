"""What may be kept of a line that could not be read, and of the reason why: no word that somebody wrote.

Redaction knows secrets in text. In a line that is broken, cut off, in another encoding or escaped, it cannot see them.
"""

from __future__ import annotations

import re
from typing import Final

from ccml.telemetry.events import KINDS

_LONGEST: Final = 200
_EXAMINED: Final = 2_000
_KNOWN: Final = frozenset(
    [str(kind.__struct_config__.tag) for kind in KINDS.values()]
    + [field for kind in KINDS.values() for field in kind.__struct_fields__]
    + "kind type message content role timestamp sessionId uuid cmd when paths true false null".split()
)
"""Words that a line of a log has because of its format; they say nothing about who wrote it."""
_RUN: Final = re.compile(r"[^\s{}\[\]:,\"']+|\s+")
_REPEATED: Final = re.compile(r"([a9]) (?:[a9] )*[a9]")


def line_shape(raw: bytes) -> str:
    """`{"kind": "feedback", "note": "pw is hunter2"}` → `{"kind": "feedback", "a": "a…a"}`, at most 200 characters.

    Words of the formats stay. Everything else is `a`, or `9` if it has digits only, whatever its length.
    """
    text = raw[:_EXAMINED].decode("utf-8", errors="replace")
    return _REPEATED.sub(r"\1…a", _RUN.sub(_masked, text))[:_LONGEST]


def _masked(run: re.Match[str]) -> str:
    found = run.group()
    if found.isspace():
        return " "
    return found if found in _KNOWN else "9" if found.isdigit() else "a"


_PLACE: Final = r"(?P<place> - at `\$[^`\s]{0,200}`)?"
_QUOTED_VALUE: Final = re.compile(rf"(?P<before>Invalid (?:enum )?value) .*?{_PLACE}", re.DOTALL)
_UNKNOWN_FIELD: Final = re.compile(rf"(?P<before>.*unknown field) `(?P<name>.*?)`{_PLACE}", re.DOTALL)
_FIELD_NAME: Final = re.compile(r"[a-z]{1,20}(?:_[a-z]{1,20}){0,3}|[a-z]{1,20}(?:[A-Z][a-z]{1,20}){1,3}")


def reason_of(message: str) -> str:
    """A decoder's message without what it quotes of the line: a value, or a name that no declaration would have."""
    value = _QUOTED_VALUE.fullmatch(message)
    if value:
        return f"{value['before']}{value['place'] or ''}"
    field = _UNKNOWN_FIELD.fullmatch(message)
    if field and not _FIELD_NAME.fullmatch(field["name"]):
        return f"{field['before']} `…`{field['place'] or ''}"
    return message
