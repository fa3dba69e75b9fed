"""The texts in a Claude Code record: what a person typed, what the client or another agent put in, a call as a line."""

from __future__ import annotations

import re
import shlex
from typing import Any

import msgspec

LONGEST_TEXT = 32_768
SHELLS = frozenset({"Bash", "PowerShell"})
"""Tools whose `command` is a line for a shell. A call of another tool is its name and its arguments."""

# The client adds these elements to what the person typed. Nobody typed their contents.
_WRAPPER = re.compile(
    r"<(task-notification|system-reminder|ide_opened_file|ide_selection|ide_diagnostics|local-command-caveat|"
    r"local-command-stdout|local-command-stderr|command-message|bash-stdout|bash-stderr|user-memory-input|"
    r"teammate-message|agent-message|cross-session-message|peer-message|channel|user-prompt-submit-hook|"
    r"new-diagnostics)(?:\s[^<>]*)?>"
)
_FROM_AGENT = re.compile(r"<(teammate-message|agent-message)(?:\s[^<>]*)?>")
# Texts of the client that stand as a message of the user, in versions or cases without the flag that says so.
_CLIENT_TEXT = re.compile(
    r"This session is being continued from a previous conversation|Continue from where you left off\.|"
    r"[A-Za-z]{3,30} hook (?:feedback|blocking error|stopped)|\[SYSTEM NOTIFICATION|Caveat: The messages below|"
    r"Another (?:Claude )?(?:session|agent) sent (?:you )?a message|"
    r"Your task is to create a detailed summary of (?:the|this|our) (?:\w+ )?(?:portion of the )?conversation|"
    # The client adds to a notification where its output lies, behind the element.
    r"Base directory for this skill:|<local-command-|<task-notification>"
)
_MAIN_INPUTS = (
    *("file_path", "notebook_path", "pattern", "query", "url", "skill", "command", "subagent_type"),
    *("task_id", "bash_id", "shell_id", "path", "filename"),
)


def plain_text(content: object) -> str:
    """The text blocks of a message's or a tool result's content; images and other blocks are left out."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = [block.get("text") for block in content if isinstance(block, dict) and block.get("type") == "text"]
    return "\n".join(text for text in texts if isinstance(text, str))


def element(text: str, name: str) -> str:
    """What stands in the first element of this name, else nothing. Searched once from left to right."""
    _, opened, rest = text.partition(f"<{name}>")
    inside, closed, _ = rest.partition(f"</{name}>")
    return inside.strip() if opened and closed else ""


def human_request(text: str) -> str:
    """What the person asked: wrappers removed, `/command arguments` for a slash command; empty if nothing remains."""
    name = element(text, "command-name")
    if name:
        return f"{name} {element(text, 'command-args')}".strip()[:LONGEST_TEXT]
    if _CLIENT_TEXT.match(text.lstrip()):
        return ""
    typed = _without_wrappers(text).strip()
    return "" if _CLIENT_TEXT.match(typed) else typed[:LONGEST_TEXT]


def delegated_request(text: str) -> str:
    """What a sub-agent was asked: by the call that started it, or by the agent that leads it."""
    from_agent = _FROM_AGENT.match(text.lstrip())
    if from_agent is None:
        return human_request(text)
    return text.lstrip()[from_agent.end() :].partition(f"</{from_agent[1]}>")[0].strip()[:LONGEST_TEXT]


def _without_wrappers(text: str) -> str:
    """Without the elements of the client. One that is not closed is the client's only where the text begins with it:
    else somebody wrote about it. Every closing mark is looked for once, so the time is linear in the text."""
    kept: list[str] = []
    unclosed: set[str] = set()
    place = 0
    while (opened := _WRAPPER.search(text, place)) is not None:
        name = opened[1]
        end = -1 if name in unclosed else text.find(f"</{name}>", opened.end())
        if end < 0 and not any(map(str.strip, kept)) and not text[place : opened.start()].strip():
            return ""
        if end < 0:
            unclosed.add(name)
            kept.append(text[place : opened.end()])
            place = opened.end()
        else:
            kept.append(text[place : opened.start()])
            place = end + len(name) + 3
    return "".join([*kept, text[place:]])


def is_typed_by_person(record: dict[str, Any]) -> bool:
    """Does the record, or the attachment, not say that its text came from elsewhere?"""
    origin = record.get("origin")
    kind = origin.get("kind") if isinstance(origin, dict) else origin
    if isinstance(kind, str):
        return kind == "human"
    flagged = any(record.get(flag) for flag in ("isMeta", "isCompactSummary", "isVisibleInTranscriptOnly"))
    return not flagged and record.get("promptSource") != "system"


def typed_command(text: str) -> str | None:
    """The shell line a person ran with `!`, if this text is one."""
    return element(text, "bash-input")[:LONGEST_TEXT] or None


def is_local_command(text: str) -> bool:
    """Is this the note that precedes a command which the client answers itself, such as `/plugin`?"""
    return text.startswith(("<local-command-caveat>", "Caveat: The messages below were generated by the user"))


def is_interruption(text: str) -> bool:
    return text.strip().startswith("[Request interrupted by user")


def command_line(tool: str, given: dict[str, Any]) -> str:
    """The line of a shell's call, and a line like `Read src/main.py` for every other tool.

    A tool of a server (`mcp__db__query`) has arguments of its own, so all of them stand in the line, with their names:
    what it destroys is in them, whatever they are called.
    """
    if tool in SHELLS:
        command = given.get("command")
        return command[:LONGEST_TEXT] if isinstance(command, str) else ""
    if tool.startswith("mcp__"):
        words = [f"{name}={shlex.quote(_argument(value))}" for name, value in given.items()]
        return " ".join([tool, *words])[:LONGEST_TEXT]
    words = [given[key] for key in _MAIN_INPUTS if isinstance(given.get(key), str) and given[key]]
    return shlex.join([tool, *words[:2]])[:LONGEST_TEXT]


def _argument(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
