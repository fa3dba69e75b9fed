"""Records of a Claude Code session as the client writes them, a second after each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SECOND = iter(range(40_000))


def record(kind: str, content: Any, **fields: Any) -> dict[str, Any]:
    """A record as the client writes it, a second after the one before."""
    second = next(SECOND)
    return {
        "type": kind,
        "uuid": f"uuid-{second}",
        "parentUuid": None,
        "isSidechain": False,
        "sessionId": "session-1",
        "cwd": "/home/ada/shop",
        "timestamp": f"2026-01-05T{9 + second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.000Z",
        "message": {"role": kind, "content": content},
        **fields,
    }


def reported(text: str, **fields: Any) -> dict[str, Any]:
    return record("user", [{"type": "text", "text": text}], **fields)


def called(call_id: str, command: str, tool: str = "Bash", **fields: Any) -> dict[str, Any]:
    given_ = {"command": command} if tool == "Bash" else {"file_path": command}
    return record("assistant", [{"type": "tool_use", "id": call_id, "name": tool, "input": given_}], **fields)


def answered(call_id: str, output: str = "", is_error: bool = False, **fields: Any) -> dict[str, Any]:
    result = {"type": "tool_result", "tool_use_id": call_id, "content": output, "is_error": is_error}
    return record("user", [result], **fields)


def write(path: Path, *records: dict[str, Any] | str) -> Path:
    lines = [found if isinstance(found, str) else json.dumps(found) for found in records]
    path.write_text("\n".join(lines) + "\n")
    return path
