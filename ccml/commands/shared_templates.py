"""Templates that may be shown to everybody. A template has placeholders for arguments and keeps programs, options and
sub-commands, and of these some are one person's own: `make release-acme`, `acme-deploy <path>`, `git acme-sync`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ccml.commands.programs import FAMILY
from ccml.privacy.shared_words import shared_of

_NOBODYS: Final = re.compile(r"<[a-z:-]+>(?:\.\.\.)?|[^\w]+|\d{1,2}[<>&\d]*|-[A-Za-z]{1,3}\d?")
"""Placeholders, operators, redirections and short options."""


def shared_templates(templates: Sequence[str], users: Sequence[str]) -> frozenset[str]:
    """Of the templates of everybody's commands those whose every word is known to all: several users have it, or it is
    a program of the tables, a short option or a placeholder."""
    shared = shared_of((template.split() for template in templates), users)
    return frozenset(
        template
        for template in set(templates)
        if all(word in shared or word in FAMILY or _NOBODYS.fullmatch(word) for word in template.split())
    )
