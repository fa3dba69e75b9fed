"""The kind of failure that an error text reports."""

from __future__ import annotations

import re

_CATEGORIES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (category, re.compile(pattern, re.IGNORECASE))
    for category, pattern in (
        ("timeout", r"timed? ?out\b|deadline exceeded"),
        (
            "permission",
            r"permission denied|operation not permitted|EACCES|EPERM|requested permissions|not authori[sz]ed",
        ),
        (
            "network",
            r"could not resolve|connection (?:refused|reset)|network is unreachable|ECONN|ENOTFOUND|no route to host",
        ),
        (
            "not_found",
            r"no such file|command not found|cannot access|does not exist|doesn't exist|ENOENT|not found|unknown skill|"
            r"no module named|no task found",
        ),
        ("syntax", r"syntax ?error|unexpected token|parse error|unexpected EOF"),
        (
            "usage",
            r"InputValidationError|invalid option|unrecognized (?:option|argument)|^usage:|has not been read yet",
        ),
    )
)


def error_category(message: str) -> str:
    """`timeout`, `permission`, `network`, `not_found`, `syntax`, `usage` or `unknown`, by the first rule that applies.

    Only the first and the last 2,000 characters are searched: programs name the failure there, and the rest is their
    output.
    """
    looked_at = excerpt(message, 4_000)
    return next((category for category, pattern in _CATEGORIES if pattern.search(looked_at)), "unknown")


def excerpt(message: str, longest: int = 8_000) -> str:
    """Beginning and end of a long output. What is between them, megabytes of a test run, does not name the failure."""
    message = message.strip()
    half = longest // 2 - 2
    return message if len(message) <= longest else f"{message[:half]}\n…\n{message[-half:]}"
