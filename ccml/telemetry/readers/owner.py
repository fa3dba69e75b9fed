"""The owner of a file and the platform of its machine, as far as a path shows them."""

from __future__ import annotations

import os
import re
from pathlib import Path

UNKNOWN_OWNER = "local"

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
