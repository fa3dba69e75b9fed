"""Keyed pseudonyms for users and machines: the same name always gives the same pseudonym, and only with the key can
the name of a pseudonym be found.

The key is stored beside the lake, never in it (`load_or_create_key`). Once the key is deleted, no stored row can be
assigned to a person any more.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import tempfile
from pathlib import Path
from typing import Final, Literal, TypeAlias

from ccml.errors import IntegrityError

Subject: TypeAlias = Literal["user", "host", "identifier"]

KEY_BYTES: Final = 32
_PREFIX: Final[dict[Subject, str]] = {"user": "u", "host": "h", "identifier": "i"}
_REMEMBERED: Final = 20_000
"""Names, of which one has at most 200 characters: a log can hold millions."""
_PSEUDONYM: Final = re.compile(r"[uhi]-[0-9a-f]{12}")


class Pseudonyms:
    """`of("user", "ada")` → `u-` and twelve hex digits of HMAC-SHA256 under the key.

    A pseudonym is returned unchanged, because the server writes pseudonyms into the log that the next landing reads.
    An empty name stays empty.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise IntegrityError(f"A pseudonym key has {KEY_BYTES} bytes; this one has {len(key)}.")
        self._key = key
        self._known: dict[tuple[Subject, str], str] = {}

    def of(self, subject: Subject, name: str) -> str:
        if not name or _PSEUDONYM.fullmatch(name):
            return name
        known = self._known.get((subject, name))
        if known is None:
            digest = hmac.new(self._key, f"{subject}\0{name}".encode("utf-8", "surrogatepass"), hashlib.sha256)
            known = f"{_PREFIX[subject]}-{digest.hexdigest()[:12]}"
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[subject, name] = known
        return known


def load_or_create_key(path: Path) -> bytes:
    """The key at `path`, drawn on first use. Readable by its owner alone.

    Two processes that start together must get the same key, or one user would have two pseudonyms. So the key is
    written to a file of its own, which takes the name `path` only if nothing has it; the second process reads the key
    of the first.

    Raises:
        IntegrityError: the file is not a key of ours, or others may read it.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # made with mode 0600
        draft = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink()
    mode = path.stat().st_mode & 0o777
    if os.name == "posix" and mode & 0o077:
        raise IntegrityError(f"{path}: others can read this pseudonym key (mode {mode:o}); run `chmod 600 {path}`.")
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise IntegrityError(f"{path}: expected a pseudonym key of {KEY_BYTES} bytes, found {len(key)}.")
    return key
