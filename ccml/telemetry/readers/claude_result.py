"""What a tool result of a Claude Code session says became of the call: it ran, or why it never did.

The client answers a call that it does not run in the same form as one that failed: a `tool_result` with `is_error`.
Only the text tells them apart, and a version words it differently from the last. A command that ran and failed begins
with `Exit code 2` or with its own output, never with one of these sentences.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from ccml.telemetry.readers.claude_text import element

Fate: TypeAlias = Literal["ran", "rejected", "refused", "cancelled", "unknown"]
"""`rejected`: a person, a rule, a hook or the safety classifier said no. `refused`: the client could not run it, for
the input was wrong or nobody approved. `cancelled`: another call failed first. `unknown`: the result was lost."""

_PREFIX = re.compile(r"\s*(?:Error:\s*)?(?:<(?P<wrapper>tool_use_error|error)>\s*)?(?:Error:\s*)?")
_REJECTED = re.compile(
    r"The user (?:doesn't|does not|didn't) want to|User (?:rejected|denied|declined|chose to stay in plan mode)"
    r"|(?:The )?(?:tool use|request|command|action) (?:was|has been) (?:rejected|denied)"
    r"|\[Request interrupted by user"
    r"|Permission to use \S[\s\S]{0,40000}? (?:has been|was) denied"
    r"|Permission for (?:this|the) \w+(?: \w+)? (?:has been|was) denied"
    r"|(?:Permission|Action|Tool(?: use| call)?|Command) (?:denied|blocked|rejected) by "
    r"|Denied by |Blocked by (?:a |the )?(?:\w+ )?(?:hook|rule|policy|classifier)"
    r"|(?:Hook )?(?:PreToolUse|PermissionRequest)\b(?::\S+)?[^\n]{0,200}?\b(?:hook|error|denied|blocked|stopped)\b"
    r"|(?:Execution|Tool) (?:stopped|blocked|denied|prevented) by (?:a |the )?(?:PreToolUse|PermissionRequest)"
    r"|Auto mode could not evaluate this action"
)
_CANCELLED = re.compile(
    r"Cancell?ed: |Sibling tool call|Streaming fallback|(?:Parallel|Sibling) tool call[^\n]{0,200}(?:errored|failed)"
    r"|(?:Tool|The) (?:use|call|tool call) was (?:cancell?ed|aborted|discarded) before"
)
_REFUSED = re.compile(
    r"Claude (?:requested permissions?|wants) to |This (?:\w+ )?(?:command|tool|operation) (?:requires|needs) approval"
    r"|[^\n]{0,300}\bwas blocked\. For security"
    r"|[^\n]{0,300}\bauto mode cannot determine the safety"
    r"|Tool permission (?:request|stream) |Blocked: |InputValidationError|No such tool available|Unknown tool"
    r"|(?:Tool|The) \S+ is not (?:available|allowed|enabled)"
)
_LOST = re.compile(r"\[Tool result missing|\[Tool use interrupted")
_EXIT_CODE = re.compile(r"\A(?:Error: )?Exit code (-?\d{1,9})\b")

_BACKGROUND = re.compile(
    r"\ACommand running in background with ID: (\w+)|\bwas (?:manually )?moved to the background[^\n]{0,40}ID: (\w+)"
)
_ENDED = frozenset({"completed", "failed", "killed", "stopped", "cancelled", "canceled"})


def fate(result: str, *, is_error: bool, details: object) -> Fate:
    """
    Args:
        details: `toolUseResult` of the record.
    """
    if "User rejected tool use" in (details, result.strip()):
        return "rejected"
    if not is_error:
        return "ran"
    found = _PREFIX.match(result)
    start = found.end() if found else 0
    if _REJECTED.match(result, start):
        return "rejected"
    if _CANCELLED.match(result, start):
        return "cancelled"
    if _LOST.match(result, start):
        return "unknown"
    # The client wraps what it says itself; what a tool says stands bare.
    wrapped = found is not None and found["wrapper"] == "tool_use_error"
    return "refused" if wrapped or _REFUSED.match(result, start) else "ran"


def exit_status(result: str) -> int | None:
    found = _EXIT_CODE.match(result)
    return int(found[1]) if found else None


def background_id(result: str, details: object) -> str | None:
    """The task that a call was sent to the background as; None where the result is the call's own."""
    if isinstance(details, dict):
        if isinstance(details.get("backgroundTaskId"), str):
            return str(details["backgroundTaskId"])
        if details.get("isAsync") is True or details.get("status") == "async_launched":
            return str(details.get("agentId") or details.get("taskId") or "")
    found = _BACKGROUND.search(result[:2_000])
    return (found[1] or found[2]) if found else None


@dataclass(frozen=True)
class TaskEnd:
    """The end of a background task, as the client notifies of it."""

    task: str
    call: str
    """Id of the call that started it; empty in older versions."""
    time: datetime
    failed: bool | None
    """None where somebody stopped it."""
    exit_status: int | None
    summary: str


def task_ends(text: str, time: datetime) -> list[TaskEnd]:
    """The ends that the notifications in a text tell of; a notification of progress has none."""
    ends: list[TaskEnd] = []
    for notification in text.split("<task-notification>")[1:]:
        status = element(notification, "status").lower()
        if status not in _ENDED:
            continue
        summary = element(notification, "summary")
        code = re.search(r"\bexit(?:ed with)? (?:code|status):? (-?\d{1,9})\b", summary)
        failed = None if status not in ("completed", "failed") else status == "failed"
        if code is not None and failed is not None:
            failed = int(code[1]) != 0
        ends.append(
            TaskEnd(
                element(notification, "task-id"),
                element(notification, "tool-use-id"),
                time,
                failed,
                int(code[1]) if code else None,
                summary,
            )
        )
    return ends
