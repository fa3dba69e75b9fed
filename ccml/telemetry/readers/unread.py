"""Logs that are recognised and not read: those of other programs, which are named, and what lies beside sessions.

Whoever points the platform at such a file learns whose it is and what to do. Read as the platform's own form, each of
its lines would be refused for a field that it never had.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from ccml.telemetry.readers.record import Sample

_PROSE = frozenset({".md", ".txt", ".rst"})
_CODEX_TYPES = frozenset({"session_meta", "response_item", "event_msg", "turn_context", "compacted"})
_CODEX_ITEMS = frozenset({"message", "function_call", "function_call_output", "reasoning", "local_shell_call"})
_AIDER_INPUT = re.compile(rb"\A\s*# \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\r?\n\+")
_TCSH = re.compile(rb"\A#\+\d{9,11}\r?\n")
_COPILOT_TYPE = re.compile(r"(?:session|user|assistant|tool)\.[a-z_.]+")


class Unread(NamedTuple):
    """A program whose logs are recognised. `fits` looks at the beginning of a file."""

    program: str
    fits: Callable[[Sample], bool]


def unread_program(sample: Sample) -> str | None:
    """Whose log it is that no reader reads."""
    return next((known.program for known in _UNREAD if known.fits(sample)), None)


def lies_beside_sessions(sample: Sample) -> bool:
    """Is it what Claude Code keeps beside its sessions: outputs of tools, memory, the prompts typed, a task's journal?

    None of it is an event of its own. A tool's output can be anybody's log, printed.
    """
    path = sample.path
    if path.suffix in _PROSE and ("memory" in path.parts or "plans" in path.parts):
        return True
    if path.parent.name == "tool-results" and path.suffix != ".jsonl":
        return True
    if path.suffix != ".jsonl" or not sample.objects:
        return False
    journal = all({"type", "key"} <= found.keys() and "message" not in found for found in sample.objects)
    return journal or all({"display", "timestamp"} <= found.keys() for found in sample.objects)


def _codex(sample: Sample) -> bool:
    named = sample.path.name.startswith("rollout-") and sample.path.suffix == ".jsonl"
    return any(
        (found.get("type") in _CODEX_TYPES and isinstance(found.get("payload"), dict))
        or (named and (found.get("type") in _CODEX_ITEMS or "record_type" in found))
        for found in sample.objects
    )


def _openhands(sample: Sample) -> bool:
    if any(isinstance(found.get("history"), list) and "instance_id" in found for found in sample.objects):
        return True
    if any("source" in found and bool({"action", "observation"} & found.keys()) for found in sample.objects):
        return True
    is_list = sample.head.lstrip().startswith(b"[")
    return is_list and b'"source"' in sample.head and (b'"action"' in sample.head or b'"observation"' in sample.head)


def _swe_agent(sample: Sample) -> bool:
    return sample.path.suffix == ".traj" or (
        b'"trajectory"' in sample.head and b'"observation"' in sample.head and b'"action"' in sample.head
    )


def _aider(sample: Sample) -> bool:
    return sample.head.lstrip().startswith(b"# aider chat started at") or _AIDER_INPUT.match(sample.head) is not None


def _gemini(sample: Sample) -> bool:
    head = sample.head
    return (b'"projectHash"' in head and b'"sessionId"' in head) or (b'"gemini"' in head and b'"toolCalls"' in head)


def _copilot(sample: Sample) -> bool:
    return any(
        isinstance(found.get("data"), dict) and _COPILOT_TYPE.fullmatch(str(found.get("type")))
        for found in sample.objects
    )


def _cline(sample: Sample) -> bool:
    return sample.path.name in ("api_conversation_history.json", "ui_messages.json")


def _opencode(sample: Sample) -> bool:
    return any({"sessionID", "messageID"} <= found.keys() for found in sample.objects)


def is_other_message(message: object) -> bool:
    """Has a message the form of Gemini's interface, which its forks keep in another program's envelope?"""
    return isinstance(message, dict) and "parts" in message and "content" not in message


def _qwen(sample: Sample) -> bool:
    return any(is_other_message(found.get("message")) for found in sample.objects)


def _goose(sample: Sample) -> bool:
    return any({"working_dir", "message_count"} <= found.keys() for found in sample.objects)


def _xonsh(sample: Sample) -> bool:
    return b'"cmds"' in sample.head and (b'"ts"' in sample.head or b'"locs"' in sample.head)


_UNREAD = (
    Unread("Codex", _codex),
    Unread("Gemini CLI", _gemini),
    Unread("SWE-agent", _swe_agent),
    Unread("OpenHands", _openhands),
    Unread("aider", _aider),
    Unread("Copilot CLI", _copilot),
    Unread("Cline", _cline),
    Unread("opencode", _opencode),
    Unread("Qwen Code", _qwen),
    Unread("goose", _goose),
    Unread("xonsh", _xonsh),
    Unread("PowerShell (PSReadLine)", lambda sample: sample.path.name.endswith("_history.txt")),
    Unread("tcsh", lambda sample: _TCSH.match(sample.head) is not None),
    Unread("a SQLite database, as atuin and nushell keep", lambda sample: sample.head.startswith(b"SQLite format 3\0")),
)
