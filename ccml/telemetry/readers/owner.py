"""The owner of a file or a line, and the platform of a machine, as far as they show."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

UNKNOWN_OWNER = "local"

_STATED = re.compile(rb'"user_id"\s{0,8}:\s{0,8}("(?:[^"\\\x00-\x1f]|\\["\\/bfnrtu]){1,1200}+")')

_HOME = re.compile(r"\A(?:/home/|/Users/|[A-Za-z]:[\\/]Users[\\/])([^\\/]+)")


def home_owner(*paths: str) -> str:
    """The owner of the first home directory among the paths, else `UNKNOWN_OWNER`."""
    for path in paths:
        if path == "/root" or path.startswith("/root/"):
            return "root"
        found = _HOME.match(path)
        if found:
            return found[1][:100]
    return UNKNOWN_OWNER


def stated_owner(raw: bytes) -> str:
    """The `user_id` of a line that holds an event in the platform's own form, damaged as it may be; else nothing."""
    if b"\0" in raw:
        raw = raw.replace(b"\0", b"")  # UTF-16
    found = _STATED.search(raw) if b'"user_id"' in raw else None
    try:
        return str(json.loads(found[1])) if found else ""
    except ValueError:
        return ""


def platform_of(directory: str) -> str:
    if directory.startswith(("/Users/", "/private/", "/Applications/")):
        return "macos"
    if re.match(r"[A-Za-z]:[\\/]", directory):
        return "windows"
    if directory.startswith(("/home/", "/root", "/usr/", "/srv/", "/opt/")):
        return "linux"
    return ""


def path_text(path: Path) -> str:
    """The whole path as text that can be stored."""
    return storable(str(path.absolute()))


def storable(path: str) -> str:
    """A name on a disk need not be UTF-8; what is stored is."""
    return os.fsencode(path).decode("utf-8", errors="replace")
