"""Every command line of the real data that the founders put beside the project, where that is there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_OPTION = re.compile(r"\{\{\[(-[^|\]]+)\|[^\]]+\]\}\}")
_SLOT = re.compile(r"\{\{([^{}]*)\}\}")


def real_lines(shared_data: Path) -> dict[str, list[str]]:
    """Each different line once, by where it comes from."""
    sources = {
        "mini_swe_agent": _field(shared_data / "agent_sessions" / "mini_swe_agent" / "steps.jsonl", "command"),
        "claude_code": _tool_lines(shared_data / "agent_sessions" / "claude_code"),
        "muni": (
            line
            for path in sorted((shared_data / "shell_history" / "muni").rglob("*.json*"))
            for line in _field(path, "cmd")
        ),
        "nl2bash": _field(shared_data / "request_to_command" / "nl2bash" / "train.jsonl", "command"),
        "tldr": map(_filled, _field(shared_data / "request_to_command" / "tldr" / "tldr_en.jsonl", "command")),
        "thefuck": _field(shared_data / "error_recovery" / "thefuck" / "cases.jsonl", "command"),
    }
    return {name: [line for line in dict.fromkeys(lines) if line.strip()] for name, lines in sources.items()}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(errors="replace").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue  # a file may begin with comment lines
        if isinstance(row, dict):
            yield row


def _field(path: Path, name: str) -> Iterator[str]:
    yield from (row[name] for row in _rows(path) if isinstance(row.get(name), str))


def _tool_lines(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*.jsonl")):
        for row in _rows(path):
            message = row.get("message")
            content = message.get("content") if isinstance(message, dict) else None
            for block in content if isinstance(content, list) else ():
                if isinstance(block, dict) and block.get("name") == "Bash" and isinstance(block.get("input"), dict):
                    command = block["input"].get("command")
                    if isinstance(command, str):
                        yield command


def _filled(line: str) -> str:
    """A page's example with its slots filled in, as somebody would type it: `{{path/to/file}}` → `path/to/file`."""
    return _SLOT.sub(lambda slot: re.sub(r"[^\w./:@-]+", "_", slot[1].split("|")[0]) or "x", _OPTION.sub(r"\1", line))
