"""Logs of several people in several formats, one of whom put a mark into everything that they wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAME = "zqvogelsang"
MARKS = [NAME, "Zqkiesel", "zqhafen-box"]
"""The person's name, the mark in each of their texts, and their machine."""
OTHERS = [f"reader{number}" for number in range(4)]
DAYS = 3


def event(kind: str, number: int, user: str, **fields: Any) -> dict[str, Any]:
    time = f"2026-01-0{1 + number % DAYS}T10:{number % 60:02}:00Z"
    found = {"kind": kind, "event_id": f"{kind}-{user}-{number}", "time": time, "user_id": user}
    found |= {"session_id": f"session-{user}-{number % DAYS}", **fields}
    if kind in ("execution", "error", "feedback"):
        found.setdefault("interaction_id", f"interaction-{user}-{number}")
    return found


def events(user: str, mark: str, turns: int = 12) -> Iterator[dict[str, Any]]:
    """Events of the five kinds over three days, with the mark in every text."""
    for number in range(turns):
        host = f"{mark}-box" if mark == "zqhafen" else f"{user}-box"
        word = "Zqkiesel" if mark == "zqhafen" else mark
        yield event("interaction", number, user, request=f"list the {word} files", command=f"ls -la {word}/notes",
                    directory=f"/srv/{word}", host=host)  # fmt: skip
        yield event("execution", number, user, exit_status=1)
        yield event("error", number, user, message=f"{word}: no such file", recovery_command=f"mkdir {word}")
        yield event("feedback", number, user, rating=2, corrected_command=f"ls {word}")
        yield event("system_state", number, user, host=host, active_application=f"vim {word}.txt")


def refused(user: str, word: str) -> Iterator[bytes]:
    """Lines that are refused, whose owner stands in them."""
    yield line(event("interaction", 20, user, request=word, colour=1))
    yield line(event("interaction", 21, user, action=word))
    yield line(event("interaction", 22, user, request=word))[:-9]
    yield line(event("interaction", 0, user, request=f"{word}, said twice"))
    yield line(event("interaction", 23, user, request=word)).decode().encode("utf-16-le")


def line(found: dict[str, Any]) -> bytes:
    return json.dumps(found).encode()


def write_logs(landing: Path, outside: Path) -> None:
    """Into the landing zone: a log of all of them, one that is named after the person, their history of a shell and
    their sessions. Outside of the home: one more log of theirs."""
    landing.mkdir(parents=True)
    outside.mkdir(parents=True)
    shared = [line(one) for user in OTHERS for one in events(user, user)]
    shared += [bad for user in OTHERS for bad in refused(user, user)]
    own = [line(one) for one in events(NAME, "zqhafen")] + [*refused(NAME, "Zqkiesel")]
    mixed = [each for pair in zip(own, shared, strict=False) for each in pair] + shared[len(own) :]
    (landing / "everyone.jsonl").write_bytes(b"\n".join(mixed) + b"\n")
    (landing / f"{NAME}.jsonl").write_bytes(line(event("interaction", 50, NAME, request="Zqkiesel")) + b"\nbroken\n")
    folder = landing / f"-home-{NAME}-app"
    folder.mkdir()
    (folder / "session.jsonl").write_bytes(b"\n".join(map(line, _session())) + b"\n")
    (outside / "later.jsonl").write_bytes(line(event("interaction", 51, NAME, request="Zqkiesel again")) + b"\n")


def _session() -> Iterator[dict[str, Any]]:
    call = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "cat Zqkiesel.txt"}}
    records = [
        {"type": "user", "message": {"role": "user", "content": "show me the Zqkiesel"}},
        {"type": "assistant", "message": {"role": "assistant", "id": "m1", "content": [call]}},
    ]
    for place, record in enumerate(records):
        yield {"sessionId": "0f0f0f0f-0000-4000-8000-000000000000", "cwd": f"/home/{NAME}/app", "version": "2.0.0",
               "uuid": f"u{place}", "parentUuid": f"u{place - 1}" if place else None,
               "timestamp": f"2026-01-02T09:00:0{place}.000Z", **record}  # fmt: skip
